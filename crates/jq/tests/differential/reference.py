"""What jq answers to expressions as template authors write them, and to every function of its manual.

    python3 reference.py DIRECTORY VECTORS

makes a virtual environment with jq in DIRECTORY unless there is one, generates pairs of an
expression and an input from a fixed seed, asks jq about each, and prints them: one JSON object per
line with `kind`, `jq`, `input` (an index), and `output` (JSON text), `empty` or `error`. The first
line is the list of inputs, as JSON texts.
"""

import json
import os
import random
import subprocess
import sys

JQ = "1.13.0"


def environment(directory):
    """Runs this script again where jq can be imported."""
    python = os.path.join(directory, "bin", "python")
    check = f"import importlib.metadata as m; assert m.version('jq') == '{JQ}'"
    ready = os.path.exists(python) and subprocess.run([python, "-c", check], stderr=subprocess.DEVNULL).returncode == 0
    if not ready:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"jq=={JQ}"], check=True, stdout=sys.stderr)
    os.execve(python, [python, *sys.argv], {"DIFFERENTIAL": "1", "PATH": os.environ.get("PATH", "")})


EVENT = {
    "inputs": {
        "name": "svc-api", "n": 10, "zero": 0, "f": 2.5, "neg": -7, "tags": ["a", None, "b", "c d"],
        "nested": {"x": {"y": 1, "z": [1, {"w": "deep"}]}, "k": None}, "list": [3, 1, 2, 3],
        "objs": [{"name": "k1", "value": "v1", "on": True}, {"name": "k2", "value": "v2", "on": False},
                 {"name": "k3", "value": None}],
        "kv": [{"key": "a", "value": 1}, {"key": "b", "value": None}], "s": "a,b,,c", "email": "Foo.Bar@Example.com",
        "text": "  Überraschung & <b>\"quotes\"</b> 'x' \u00e9\U0001f600 \n", "b64": "aGVsbG8", "b64p": "aGVsbG8=",
        "date": "2026-01-02T03:04:05Z", "millis": "2026-01-02T03:04:05.678Z", "ts": 1767323045, "tsf": 1767323045.75,
        "yes": True, "no": False, "null": None, "rows": [["a", 1], ["b", 2.5]], "num": "42", "empty": "",
        "json": "{\"a\":[1,2,{\"b\":null}]}", "version": "v1.20.3", "url": "https://example.com/a b?q=1&r=\u00e9",
        "a b": "spaced", "region": "eu-central-1", "replicas": 3,
    },
    "run": {"id": "r_1", "by": {"email": "a@b.c", "teams": ["x", "y"]}},
}
SPARSE = {"inputs": {"name": None, "tags": [], "nested": {}, "objs": [], "list": [], "s": "", "n": 0.5, "replicas": "3",
                     "email": "x", "date": "yesterday", "ts": None, "num": "4x", "kv": {}, "json": "[", "version": ""},
          "run": None}
# Numbers as they reach an expression: integers of 64 bits, else what tells a double.
NUMBERS = ('{"inputs": {"n": 1.0, "f": 1.25, "zero": -0.0, "neg": 100000.0, "big": 12345678901234567890, '
                '"list": [1.0, 2.0, 3], "nested": {"x": {"y": 1000.0}}, "num": "1.0", "replicas": 1e22, '
                '"name": "n", "tags": ["1.0"], "ts": 0, "s": "x", "objs": [{"name": "a", "value": 2.0}]}, "run": {"id": 7.0}}')
INPUTS = [json.dumps(EVENT), json.dumps(SPARSE), NUMBERS, "null", "[1, [2, {\"a\": 3}], \"x\", null, false]", "\"text\""]


class Author:
    """Writes expressions as the authors of templates do."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def scalar(self):
        return ".inputs." + self.one("name", "n", "zero", "f", "neg", "email", "s", "text", "yes", "no", "null", "num",
                                     "empty", "version", "region", "replicas", "missing", "date")

    def string(self):
        return self.one(".inputs.name", ".inputs.email", ".inputs.s", ".inputs.text", ".inputs.region", ".inputs.version",
                        ".run.id", ".inputs.url", ".inputs.empty", "\"a-b c\"", "(.inputs.n|tostring)")

    def number(self):
        return self.one(".inputs.n", ".inputs.zero", ".inputs.f", ".inputs.neg", ".inputs.replicas", "1", "2", "0.1", "-3",
                        "10", "1e3", "2.50", "100", ".inputs.ts", "(.inputs.list|length)", ".inputs.nested.x.y")

    def list(self):
        return self.one(".inputs.list", ".inputs.tags", ".inputs.objs", ".inputs.rows", ".inputs.kv", ".run.by.teams",
                        "[.inputs.name, .inputs.region]", "[1, 2, 3]", "[.inputs.list[] * 2]")

    def path(self):
        head = self.one(".inputs", ".run", ".inputs.nested", ".inputs.objs", ".inputs.list", ".inputs.nested.x", ".inputs.rows")
        steps = [self.one(".name", ".id", ".x", ".y", ".z", "[0]", "[1]", "[-1]", "[5]", "[\"name\"]", ".\"a b\"", "[\"a b\"]",
                          "[]", "[1:]", "[:2]", "[-2:]", ".by", ".teams", "?", ".email", ".value", "[1:][0]", ".[0]", "[\"x\"]?",
                          ".name?", "[0]?", "[]?", "[.inputs.zero]")
                 for _ in range(self.random.randrange(4))]
        whole = head + "".join(steps)
        return self.one(whole, whole, whole, f"{head} | .{''.join(steps)}".replace("..", ".").replace(".?", "."),
                        f"[{whole}]", f"({whole})?", f"getpath([\"inputs\", {self.one(chr(34) + 'name' + chr(34), '0', 'null')}])",
                        f"try {whole} catch .")

    def alternative(self):
        return self.one(
            f"{self.scalar()} // {self.one(self.string(), self.number(), 'null', 'false', 'empty')}",
            f"{self.scalar()} // {self.scalar()} // \"default\"",
            f"({self.path()}) // \"none\"",
            f"(.inputs.tags[0], .inputs.missing, {self.scalar()}) // \"none\"",
            f"[.inputs.tags[] // \"-\"]",
            f"{self.scalar()}? // {self.number()} + 1",
            f".inputs.{self.one('nested', 'missing', 'name')}.{self.one('x', 'q')}? // \"d\"",
            f".inputs.{self.one('new', 'name', 'null', 'no')} //= {self.number()} | .inputs | {self.one('.new', '.name', '.null', '.no')}",
            f"(first({self.list()}[] | select(. == {self.number()})) // \"nothing\")",
        )

    def condition(self):
        return self.one(
            f"{self.scalar()} {self.one('==', '!=')} {self.one(self.scalar(), self.number(), self.string(), 'null', 'true')}",
            f"{self.number()} {self.one('<', '<=', '>', '>=', '==')} {self.number()}",
            self.scalar(), f"({self.scalar()} | not)", f"{self.scalar()} and {self.scalar()}", f"{self.scalar()} or {self.scalar()}",
            f"({self.list()} | length) {self.one('>', '==')} {self.one('0', '3')}",
            f"({self.string()} | {self.one('startswith', 'endswith', 'contains', 'test')}(\"{self.one('a', 'svc', 'v1', '.com', '')}\"))",
            f"({self.list()} | {self.one('any', 'all')}({self.one('. == 1', '. != null', 'type == ' + chr(34) + 'number' + chr(34))}))",
            f"(.inputs | has(\"{self.one('name', 'missing')}\"))", f"({self.scalar()} | IN(\"svc-api\", 10, null))",
            f"{self.scalar()} == {self.scalar()} and {self.number()} > 1", f"({self.scalar()} | type) == \"string\"",
        )

    def conditional(self):
        then, otherwise = self.one(self.scalar(), self.string(), self.number(), "empty"), self.one(self.scalar(), "\"other\"", "null")
        return self.one(
            f"if {self.condition()} then {then} else {otherwise} end",
            f"if {self.condition()} then {then} elif {self.condition()} then {self.number()} else {otherwise} end",
            f"if {self.condition()} then {then} end",
            f"{self.condition()}",
            f"[{self.list()}[] | if {self.one('. == null', '. > 1', 'type == ' + chr(34) + 'string' + chr(34))} then \"y\" else . end]",
            f"{{big: (if {self.condition()} then \"yes\" else \"no\" end)}}",
            f"if {self.condition()} then {then} else error(\"bad: \\({self.scalar()})\") end",
            f"if ({self.scalar()}, {self.scalar()}) then 1 else 2 end",
        )

    def interpolation(self):
        parts = "".join(self.one("-", " ", "x: ", "\\n", "/", "", "\\\"", "é") + f"\\({self.value()})"
                        for _ in range(self.random.randrange(1, 4)))
        return self.one(f"\"{parts}\"", f"\"{parts}\"", f"{self.scalar()} | \"{parts}!\"", f"\"{parts}\" | length",
                        f"[{self.list()}[] | \"<\\(.)>\"]", f"{{(\"k-\\({self.string()})\"): \"\\({self.number()})\"}}")

    def value(self):
        return self.one(self.scalar(), self.scalar(), self.number(), self.path(), self.list(), f"{self.number()} / 2",
                        f"{self.string()} | ascii_upcase", "1.0", ".inputs.nested", f"{self.scalar()} // \"d\"")

    def arithmetic(self):
        op = lambda: self.one("+", "-", "*", "/", "%", "+", "*")
        return self.one(
            f"{self.number()} {op()} {self.number()}", f"{self.number()} {op()} {self.number()} {op()} {self.number()}",
            f"({self.number()} {op()} {self.number()}) {op()} {self.number()}", f"-{self.number()} {op()} {self.number()}",
            f"{self.scalar()} {op()} {self.scalar()}", f"{self.string()} {self.one('+', '*', '/')} {self.one(self.string(), '2', chr(34) + '-' + chr(34))}",
            f"{self.list()} {self.one('+', '-')} {self.list()}", f".inputs.nested {self.one('+', '*')} {{x: {{y: 2, q: 1}}, n: 1}}",
            f"({self.number()} {op()} {self.number()}) | {self.one('floor', 'ceil', 'round', 'sqrt', 'fabs', 'tostring', 'abs', 'trunc', 'tojson')}",
            f"{self.list()} | {self.one('add', 'length', 'add / length', 'min', 'max', 'map(. * 2)?', 'map(. + 1)')}",
            f".inputs.{self.one('n', 'f', 'new')} {self.one('+=', '-=', '*=', '/=', '|= . +')} {self.number()} | .inputs.{self.one('n', 'f', 'new')}",
            f"[{self.number()}, {self.number()}] | {self.one('add', 'max', 'min', 'sort', 'unique')}",
            f"{self.number()} | {self.one('. * 1.5 | round', 'pow(.; 2)', 'log2 | floor', '. / 3', 'tostring | length')}",
            f"[range({self.one('3', '0; 10; 4', '5; 0; -2', '.inputs.f')})]", f"[(1, 2) {op()} (10, 20)]",
        )

    def map_select(self):
        test = self.one(". != null", ". > 1", "type == \"string\"", ".name == \"k1\"?", ".on == true?", ".value != null?",
                        "tostring | test(\"a|1\")", ". == 3", "length > 1", ".name? != \"k2\"", "not")
        change = self.one(". * 2", "tostring", ".name", ".name?", "{(.name): .value}", "{name, value}?", "[.]", "length", "type",
                          "ascii_upcase?", ". // \"none\"", ".value |= (. // 0)", "tojson", ".[0]?", "{key: .name, value: .value}?")
        tail = self.one("", " | length", " | first", " | add", " | sort", " | unique", " | join(\"-\")?", " | reverse", " | .[0]", " | last",
                        " | group_by(.)", " | sort_by(.name)?", " | min", " | index(3)", " | flatten", " | any", " | map(type)", " | tojson",
                        " | unique_by(type)", " | .[1:]", " | to_entries", " | min_by(.name)?", " | max_by(.value)?", " | map(.) | .[:1]")
        return self.one(f"{self.list()} | map({change}){tail}", f"{self.list()} | map(select({test})){tail}",
                        f"[{self.list()}[] | select({test}) | {change}]{tail}", f"{self.list()} | map(select({test}) | {change}){tail}",
                        f"{self.list()}[] | select({test})", f"first({self.list()}[] | select({test})) // \"none\"",
                        f"[limit(2; {self.list()}[])] | map({change})", f"reduce {self.list()}[] as $i (0; . + ($i | length))",
                        f"reduce {self.list()}[] as $i ({{}}; . + {{\"\\($i)\": 1}})", f"{self.list()} as [$a, $b] | [$b, $a]",
                        f".inputs | map_values({change}) | .objs?", f".inputs.objs | INDEX(.name){self.one('', '.k1', ' | keys')}",
                        f"[foreach {self.list()}[] as $i (0; . + 1; [., $i])]", f"{self.list()} | del(.[0, 2]){tail}",
                        f"({self.list()}[] | select({test})) |= empty | .inputs | length", f"[.. | strings]{tail}", f"[paths(type == \"number\")]{tail}",
                        f".inputs | walk(if type == \"string\" then ascii_downcase else . end) | {self.one('.email', '.tags')}",
                        f"{self.list()} | group_by(type) | map({{t: (.[0] | type), n: length}})")

    def join(self):
        return self.one(f"{self.list()} | join(\"{self.one(',', ', ', '', '-', ' | ', '/')}\")",
                        f"{self.list()} | map(tostring) | join({self.one(chr(34) + ',' + chr(34), self.string(), 'null')})",
                        f"{self.list()} | map(select(. != null)) | join(\",\")", f"[{self.scalar()}, {self.scalar()}, {self.number()}] | join(\"-\")",
                        f"[.inputs.objs[].name] | join(\"{self.one(',', '+')}\")", f"{self.string()} | split(\",\") | map(ascii_upcase) | join(\";\")",
                        f".inputs.nested | to_entries | map(\"\\(.key)=\\(.value)\") | join(\"&\")", f"{self.scalar()} | join(\",\")")

    def entries(self):
        source = self.one(".inputs.nested", ".inputs", ".run", ".inputs.nested.x", ".run.by", "{b: 1, a: {c: null}}", ".inputs.kv", ".inputs.missing")
        return self.one(f"{source} | to_entries", f"{source} | to_entries | map(.key) | sort", f"{source} | with_entries(select(.value != null))",
                        f"{source} | with_entries(.key |= ascii_upcase)", f"{source} | with_entries(.value |= tostring)",
                        f"{source} | with_entries(.key |= \"p_\" + .)", f"{source} | to_entries | from_entries", ".inputs.kv | from_entries",
                        ".inputs.objs | from_entries", f".inputs.objs | map({{key: .name, value: .{self.one('value', 'on', 'q')}}}) | from_entries",
                        f"{source} | {self.one('keys', 'keys_unsorted', 'length', 'map_values(. // 0)', '[.[]]', 'add?', 'has(' + chr(34) + 'x' + chr(34) + ')')}",
                        f"{source} | del(.{self.one('x', 'k', 'by', 'a.c')})", f"{source} + {{new: {self.number()}}} | keys", f"{source} | to_entries[0]",
                        f"[{source} | to_entries[] | select(.key | test(\"{self.one('a', 'x', '^n')}\")) | .value]", f"{source} * {{x: {{y: 5}}}}",
                        f"{source} | {self.one('.a.b', '.x.new', '.list[2]', '.k')} = {self.number()}", f"{source} | pick({self.one('.x', '.name', '.a')})",
                        f"{source} | map(select(. != null))", f"[{source} | paths] | length", f"{source} | tostream", f"{source} | del(..|nulls)?")

    def split_sub_test(self):
        pattern = self.one("[aeiou]", "-", "\\\\d+", "^\\\\s+|\\\\s+$", "[^a-zA-Z0-9]+", "(?<x>[A-Z])", "v(?<maj>\\\\d+)\\\\.(?<min>\\\\d+)", "@.*", "\\\\.",
                           "a|b", "^svc", "api$", "(?i)EXAMPLE", "(.)(.)", "[[:space:]]", "\\\\w+", "(?=api)", "x*", "", "o{1,2}", "\\\\bb")
        flags = self.one("", "g", "i", "gi", "x", "n", "s")
        new = self.one("\"\"", "\"_\"", "\"<\\(.x // \"?\")>\"", "\"\\(.maj).\\(.min)\"", "(.x | ascii_downcase)?", "\"$1\"", "\"a\", \"b\"")
        text = self.string()
        if pattern in ("x*", "") and text in (".inputs.text", ".inputs.url"):
            text = ".inputs.name"
        return self.one(f"{text} | test(\"{pattern}\")", f"{text} | test(\"{pattern}\"; \"{flags}\")", f"{text} | sub(\"{pattern}\"; {new})",
                        f"{text} | gsub(\"{pattern}\"; {new})", f"[{text} | match(\"{pattern}\"; \"{flags}\")]", f"{text} | capture(\"{pattern}\")",
                        f"[{text} | scan(\"{pattern}\")]", f"{text} | split(\"{self.one(',', '-', '.', ' ', '', '@')}\")", f"{text} | [splits(\"{pattern}\")]",
                        f"{text} | split(\"{pattern}\"; {self.one('null', chr(34) + 'g' + chr(34))})", f"{text} | gsub(\"{pattern}\"; {new}; \"{flags}\")",
                        f"{text} | {self.one('ltrimstr', 'rtrimstr', 'trimstr', 'startswith', 'endswith', 'index', 'indices', 'rindex', 'split', 'contains')}(\"{self.one('a', 'svc', 'v', '.com', '-')}\")",
                        f"{text} | {self.one('ascii_upcase', 'ascii_downcase', 'length', 'utf8bytelength', 'trim', 'ltrim', 'rtrim', 'explode', 'explode | implode', 'tojson', '.[1:3]', '.[:-1]', '.[-3:]', 'tonumber')}",
                        f"{self.scalar()} | test(\"a\")", f"{self.scalar()} | split(\",\")", f"{self.scalar()} | {self.one('tonumber', 'tostring', 'length', 'ascii_upcase', 'trim')}",
                        f"{text} | split(\"{self.one('-', '.', ',')}\") | {self.one('.[0]', 'last', 'length', 'map(length)', 'join(' + chr(34) + '/' + chr(34) + ')', '.[1:]')}",
                        f"{text} | [match(\"{pattern}\"; \"g\").{self.one('offset', 'length', 'string', 'captures')}]",
                        f"{text} | gsub(\"\\\\s+\"; \"-\") | ascii_downcase | gsub(\"[^a-z0-9-]\"; \"\")")

    def dates(self):
        form = self.one("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y", "%H:%M:%S", "%A, %B %d, %Y", "%a %b %e", "%j", "%s", "%Y%m%d-%H%M%S", "%I:%M %p",
                        "%U %V %W %G %u %w", "%y", "%Z", "%z", "%D %T", "%F %R", "%c", "%C", "%e %k %l", "%%", "%-d.%-m.", "%h", "%Q")
        time = self.one("0", "1425599621", ".inputs.ts", ".inputs.tsf", "1e9", "-86400", "951782400", "1709164800", "4102444799", "1735603200", ".inputs.missing", "1.5")
        text = self.one(".inputs.date", "\"2015-03-05T23:51:47Z\"", "\"2024-02-29T00:00:00Z\"", ".inputs.millis", "\"2024-12-30\"", "\"10:20\"", "\"bad\"", "\"1999-12-31T23:59:59Z\"")
        read = self.one("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%T%Z")
        return self.one(f"{time} | todate", f"{time} | strftime(\"{form}\")", f"{time} | gmtime", f"{time} | gmtime | mktime", f"{time} | gmtime | strftime(\"{form}\")",
                        f"{text} | fromdate", f"{text} | strptime(\"{read}\")", f"{text} | strptime(\"{read}\") | mktime", f"{text} | strptime(\"{read}\") | strftime(\"{form}\")",
                        f"{text} | fromdate + 86400 | todate", f"({text} | fromdateiso8601) - {time}", f"{time} | todate | {self.one('.[0:10]', 'split(' + chr(34) + 'T' + chr(34) + ')', 'length')}",
                        f"{time} | floor | todateiso8601", f"{text} | sub(\"\\\\.\\\\d+Z$\"; \"Z\") | fromdate", f"[{time}, {time}] | map(gmtime | .[:3])", f"{time} | localtime | mktime",
                        f"{time} | strflocaltime(\"{form}\")", f"[{self.one('2024', '2023')}, {self.one('0', '1', '12')}, {self.one('1', '29', '31')}, 0, 0, 0, 0, 0] | {self.one('mktime', 'todate')}",
                        "now | type", "now > 1700000000")

    def json(self):
        text = json.dumps(self.one("1.0", "[1,2.50]", "{}", "true", "nan", "01", "+1", ".5", " 1 ", "[", "tru", "1 2", '{"a":1e5}'))
        value = self.one(self.scalar(), self.list(), ".inputs.nested", self.number(), "{b: 1, a: [null, \"é\\n\"]}", "[1.0, 1e2, 0.10]", ".", ".inputs", "nan", "\"\\u0000\\u007f\"")
        return self.one(f"{value} | tojson", f"{value} | tojson | fromjson", f"{value} | tostring", ".inputs.json | fromjson", f".inputs.json | fromjson | {self.one('.a', '.a[2]', 'keys')}",
                        f"{self.scalar()} | fromjson", f"{{payload: ({value} | tojson)}}", f"{value} | tojson | length", f"[{value} | tojson, tostring] | unique",
                        f"{{a: {value}, b: {self.scalar()}}}", f"[{value}, {self.number()}]", f"{text} | fromjson",
                        f"{value} | @json", f"@json \"x=\\({value})\"", f"{value} | [tojson | fromjson] | .[0]", f"{value} | tojson | tojson | fromjson")

    def formats(self):
        value = self.one(self.scalar(), self.list(), self.string(), self.number(), ".inputs.nested", "[1, \"a\\\"b\", null, true, 1.5]", "\"x&y=ä /?\"", ".inputs.rows[0]")
        form = self.one("text", "json", "csv", "tsv", "html", "uri", "sh", "base64", "base64d", "urid")
        return self.one(f"{value} | @{form}", f"{value} | @{form}", f"@{form} \"v=\\({value})\"", f"@{form} \"\\({value}) & \\({value})\"", ".inputs.rows[] | @csv",
                        f"{self.string()} | @base64 | @base64d", f"{self.string()} | @uri | @urid", f"\"https://h/?q=\\({self.string()} | @uri)\"",
                        f"@uri \"https://h/\\({self.string()})?n=\\({self.number()})\"", f"{self.one('.inputs.b64', '.inputs.b64p')} | @base64d", f"[{self.string()}, {self.number()}] | @{self.one('csv', 'tsv', 'sh')}",
                        f"{value} | format(\"{form}\")", f"[.inputs.objs[] | [.name, .value] | @{self.one('csv', 'tsv')}]")


KINDS = {
    "path": Author.path, "alternative": Author.alternative, "if": Author.conditional, "interpolation": Author.interpolation,
    "arithmetic": Author.arithmetic, "map_select": Author.map_select, "join": Author.join, "entries": Author.entries,
    "split_sub_test": Author.split_sub_test, "dates": Author.dates, "json": Author.json, "formats": Author.formats,
}

VALUES = ["null", "true", "false", "0", "1", "-2.5", "1.50", "1e17", "nan", "infinite", "\"\"", "\"abc\"", "\"añ😀 b\"", "\"42\"", "[]", "[3,1,2,1]", "[\"b\",\"a\",null]",
          "[[1,2],[3]]", "[{\"a\":2,\"b\":1},{\"a\":1}]", "{}", "{\"b\":2,\"a\":[1,{\"c\":null}]}"]

PLAIN = """length utf8bytelength not keys keys_unsorted values nulls booleans numbers strings arrays objects iterables scalars finites normals
    add any all flatten floor ceil round sqrt trunc fabs abs tostring tonumber toboolean type sort unique min max reverse explode implode
    ascii_downcase ascii_upcase ltrim rtrim trim tojson fromjson todate fromdate todateiso8601 fromdateiso8601 gmtime mktime to_entries from_entries
    paths tostream transpose first last combinations isinfinite isnan isnormal isfinite error recurse @text @json @csv @tsv @html @uri @urid @sh @base64
    @base64d log log2 log10 exp exp2 exp10 cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh significand logb gamma lgamma lgamma_r
    frexp modf rint nearbyint expm1 log1p localtime empty have_decnum have_literal_numbers .. .[] .[0] .a .[1:] .[]? .a? -. tojson|fromjson
    to_entries|from_entries getpath([]) input_line_number inputs input debug stderr
    input_filename j0 j1 y0 y1 erf erfc tgamma keys|length""".split()

WITH_ARGUMENTS = {
    "has": ["\"a\"", "0", "5", "-1", "null"], "in": ["{\"abc\":1}", "[1,2]"], "map": [".", ". + 1", "empty", "., ."], "map_values": [".", "empty", ". // 0", "1, 2"],
    "path": [".[0]", ".a", "..", ".a[1].c", "first(.[])", ".[1:]", "select(.a)", ".[-1]", "if . then .a else .b end", ".a // .b", "getpath([\"a\",1])"],
    "del": [".[0]", ".a", ".[0,2]", ".[1:]", ".[]", ".a.b", "..", ".[-1]"], "getpath": ["[\"a\",1,\"c\"]", "[0]", "[\"x\",\"y\"]", "\"a\"", "[0,0]"],
    "delpaths": ["[[0],[1]]", "[[\"a\",0]]", "[]", "1", "[[]]"], "pick": [".a", ".[1]", "first(.[])", ".a[1].c"], "select": [". == 1", "type == \"array\"", "., true", "empty"],
    "recurse": [".[]?", "if type == \"number\" and . < 3 then . + 1 else empty end"], "contains": ["\"b\"", "[1]", "{\"a\":[1]}", "null", "[\"a\"]", "1"], "inside": ["\"xabcx\"", "[1,2,3]", "[[1,2],[3],4]"],
    "startswith": ["\"a\"", "1"], "endswith": ["\"c\"", "\"\""], "ltrimstr": ["\"a\"", "1", "\"x\""], "rtrimstr": ["\"c\"", "null"], "trimstr": ["\"a\"", "\"c\""],
    "split": ["\"b\"", "\"\"", "1", "\", *\"; null"], "splits": ["\"b\"", "\" \""], "join": ["\",\"", "\"\"", "null", "1"], "test": ["\"B\"; \"i\"", "\"a\"", "[\"B\",\"i\"]", "\"[\"", "1"],
    "match": ["\"b\"", "\"(?<n>[a-z])(x)?\"; \"g\"", "[\"A\",\"gi\"]"], "capture": ["\"(?<x>.)(?<y>.)\"", "\"(?<x>z)?\""], "scan": ["\".\"", "\"(.)(.)?\"", "\"B\"; \"i\""],
    "sub": ["\"b\"; \"X\"", "\"(?<x>.)\"; \"<\\(.x)>\"", "\"b\"; 1", "\"z\"; \"y\"; \"g\""], "gsub": ["\"[abc]\"; \"-\"", "\"(?<x>.)\"; .x + .x", "\"\"; \"-\"", "\"A\"; \"b\"; \"i\""],
    "index": ["\"b\"", "1", "[1,2]"], "rindex": ["\"b\"", "1"], "indices": ["1", "\"b\"", "[1]", "\"\"", "[]"], "flatten": ["0", "1", "-1"], "range": ["3", "1; 4", "0; 1; 0.3", "5; 0; -2", "0; 3; 0", "2.5", "\"a\"; 2", "-1"],
    "sort_by": [".", "-.", ".a", ".a, .b", "length"], "group_by": [".", ".a", "length", "type"], "unique_by": [".", ".a", "length"], "min_by": [".", ".a", "-length"], "max_by": [".", ".a", "length"],
    "any": [". == 1", ".[]; . == 1"], "all": [". != null", ".[]; . == 1"], "limit": ["2; .[]", "0; 1", "-1; 1", "1; error(\"x\")"], "skip": ["1; .[]", "-1; 1", "0; 1, 2"], "first": [".[]", "empty", "range(5)"],
    "last": [".[]", "empty"], "nth": ["0", "1; .[]", "-1; 1", "5; 1", "-1"], "until": ["type != \"number\" or . > 50 or . < -50 or isnan; . * 2 + 1"], "while": ["type == \"number\" and . < 10 and (isnan | not); . + 3"], "isempty": ["empty", ".[]", "error(\"x\")"],
    "error": ["\"x\"", "null", "{a: 1}"], "add": [".[]", ".[]?.a", "empty"], "walk": ["if type == \"array\" then sort else . end", "if type == \"number\" then . + 1 else . end", "select(. != null)"],
    "with_entries": [".value |= tostring", "select(.key != \"a\")", ".key |= \"p\" + ."], "paths": ["type == \"number\"", "type == \"array\""], "IN": ["1, \"abc\"", ".[]; 1, 2"], "INDEX": [".a", ".[]; .b"],
    "fromstream": ["tostream", "1 | truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])"], "truncate_stream": ["[[0],1]; [[1,0],2]"], "bsearch": ["1", "2.5", "\"a\""], "combinations": ["2"], "ltrimstr(\"a\")|rtrimstr": ["\"c\""],
    "strftime": ["\"%Y-%m-%d\"", "1", "\"\""], "strptime": ["\"%Y\"", "\"%H\""], "strflocaltime": ["\"%Y %Z\""], "format": ["\"csv\"", "\"nope\"", "1"], "pow": [".; 2", "2; .", "0; 0"], "atan2": [".; 1"], "fmin": [".; 1"], "fmax": [".; 1"],
    "fmod": [".; 3", "5; 0"], "ldexp": [".; 3"], "scalb": [".; 2"], "scalbln": [".; 2"], "copysign": [".; -1"], "drem": [".; 3"], "hypot": [".; 4"], "fma": [".; 2; 1"], "nextafter": [".; 2"], "fdim": [".; 1"], "splits(\"b\")|tojson|split": ["\"a\""],
    "setpath": ["[\"a\"]; 1", "[0]; 1", "[]; 9", "[\"a\",\"b\"]; null", "[-1]; 0", "1; 1"], "to_entries|map": [".key"], "tostring|test": ["\"1\""], "debug": ["\"m\""], "getpath([0])?|select": ["."], "JOIN": ["{\"1\":\"x\"}; tostring", "{}; .[]; tostring"],
    "map(tostring)|join": ["\"-\""], "reduce .[]? as $x": [" 0; . + 1"], "foreach .[]? as $x": [" 0; . + 1; [$x, .]"], "ascii_downcase|ltrimstr": ["\"a\""],
}

MORE = [
    ".a += 1",
    ".a -= 1",
    ".a *= 2",
    ".a /= 2",
    ".a //= 5",
    ".a |= .",
    ".[0] = 9",
    ".[] += 1",
    ".a[1].c |= 3",
    ".a.b.c = 1",
    ".[1:] = [7]",
    ".[2:4] |= map(.)",
    ".. |= .",
    "(.a,.b) = 1",
    ". as [$x] | $x",
    ". as {a: $x} | $x",
    ". as [$x, {a: $y}] | $x",
    ".[] as [$a] ?// $a | $a",
    "$__loc__",
    "label $f | 1, break $f, 2",
    "try error catch .",
    "try error(\"x\") catch .",
    ". == .",
    ". < 1",
    ". <= \"b\"",
    ". != null",
    "[.[]?]",
    "{a: .}",
    "{\"x\": 1} + .",
    ". + .",
    ". - .",
    ". * 2",
    ". / 2",
    ". % 2",
    "\"\\\\(.)\"",
    "@json \"x\\\\(.)\"",
    "if . then 1 else 2 end",
    ". and true",
    ". or false",
    "(. // 1)",
    "[., 1]",
    "sort",
    ".[0]?",
    "[limit(3; repeat(1))]",
    "first(range(10))",
    "[range(0, 1; 3, 4)]",
    "ltrimstr(\"a\")",
    "def f(x): x * 2; f(.)",
    "def f($a; $b): [$a, $b]; f(.; 1)",
    "[.[]?]",
    "length",
    "tojson",
    "test(\"a\")",
]


# Where the answers are known to differ; each is listed in docs/jq-differences.md.
DIFFERENCES = [
    "1 | halt", "\"x\" | halt_error", "builtins | length", "get_search_list", "env | length", "$ENV | length",
    "path(. as $x | $x)", "path(.inputs.missing | null)", "path(reduce (\"inputs\", \"n\") as $k (.; .[$k]))",
    "[3] | (. as [$a] ?// $b | [$a, $b]) | if .[0] != null then error(\"e\") else . end", "try {([1]): 1} catch \"x\"",
    "0.1 == 0.10000000000000000001", "1e-400 == 0", "(0 * 1) | -.", "\"x\" * 20000000 | length", "[] | .[200000] = 1 | length",
    "reduce range(20000) as $i (0; [.]) | tojson | length", "\"añ\" | gsub(\"\"; \"-\")", "\"ab\" | [match(\"a|ab\"; \"l\").string]",
    "\"a\" * 30 | test(\"(a+)+$b\")", "\"ab\" | test(\"a{,2}c?\")", "\"ab\" | test(\"a**\")", "\"ab\" | test(\"\\\\X\")", "\"a\" | test(\"\\\\141\")",
    "\"ab\" | test(\"\\\\h\")", "\"ab\" | test(\"[[:foo:]]\")", "\"ab\" | test(\"[a-z&&[^b]]b\")",
    "1.5 | cbrt", "-2.5 | lgamma", "1.5 | tgamma", "-2.5 | j0", "1.5 | y0", "1.5 | j1",
]


def functions():
    """Every function of the manual, with own examples: some of the values for each."""
    random_values = random.Random("functions")
    for name in PLAIN:
        for value in random_values.sample(VALUES, 6):
            yield f"{value} | {name}"
    for name, arguments in WITH_ARGUMENTS.items():
        for argument in arguments:
            for value in random_values.sample(VALUES, 4):
                yield f"{value} | {name}({argument})"
    for expression in MORE:
        for value in random_values.sample(VALUES, 3):
            yield f"{value} | {expression}"


def pairs(vectors):
    for kind, write in KINDS.items():
        author = Author(kind)
        seen = set()
        for _ in range(10000):
            if len(seen) == 300:
                break
            expression = write(author)
            place = author.one(0, 0, 0, 0, 1, 2, 2, 3)
            if (expression, place) not in seen:
                seen.add((expression, place))
                yield kind, expression, place
    for expression in functions():
        yield "functions", expression, 3
    with open(vectors, encoding="utf-8") as file:
        recorded = json.load(file)
    INPUTS.append(json.dumps(recorded["input"]))
    for case in recorded["cases"]:
        yield "vectors", case["jq"], len(INPUTS) - 1
    for expression in DIFFERENCES:
        yield "differences", expression, 0


def answer(jq, expression, text):
    try:
        program = jq.compile(f"({expression}\n) | tojson")
        return {"output": program.input_text(text).first()}
    except StopIteration:
        return {"empty": True}
    except ValueError as error:
        return {"error": str(error)}


def main():
    directory, vectors = sys.argv[1:]
    if "DIFFERENTIAL" not in os.environ:
        environment(directory)
    import jq

    asked = list(pairs(vectors))
    print(json.dumps(INPUTS))
    for kind, expression, place in asked:
        print(json.dumps({"kind": kind, "jq": expression, "input": place, **answer(jq, expression, INPUTS[place])}))


main()
