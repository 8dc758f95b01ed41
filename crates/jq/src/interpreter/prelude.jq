# Definitions over jaq's, for what jq 1.8 has otherwise or has more of.

def halt: error("break");
def halt_error: error("break");
def halt_error($code): error("break");
def env: {};
def input: error("No more inputs");
def inputs: empty;
def input_filename: null;
def input_line_number: 0;
def have_decnum: true;
def have_literal_numbers: true;

# one term per element, so that fuel counts them
def range($from; $upto; $by):
  if $by > 0 then $from | while(. < $upto; . + $by)
  elif $by < 0 then $from | while(. > $upto; . + $by)
  else empty end;
def range($from; $upto): range($from; $upto; 1);
def range($upto): range(0; $upto; 1);

def tojson: _tojson;
def tostring: _tostring;
def @text: _tostring;
def @json: _tojson;

def _repeated($count):
  if $count < 0 then null
  elif $count < 1 then ""
  elif utf8bytelength * $count > 1e8 then error("Repeat string result too long")
  else . * ($count | floor) end;
def _multiply(l; r): r as $r | l as $l
  | if ($l | isstring) and ($r | isnumber) then $l | _repeated($r)
    elif ($l | isnumber) and ($r | isstring) then $r | _repeated($l)
    else $l * $r end;
def _divide(l; r): r as $r | l as $l
  | if ($r | isnumber) and $r == 0 and ($l | isnumber)
    then error("number (\($l | _tojson)) and number (\($r | _tojson)) cannot be divided because the divisor is zero")
    else $l / $r end;
def _modulo(l; r): r as $r | l as $l
  | if ($r | isnumber) and ($l | isnumber)
    then ($r | trunc) as $divisor
      | if $divisor == 0
        then error("number (\($l | _tojson)) and number (\($r | _tojson)) cannot be divided because the divisor is zero")
        else ($l | trunc) % $divisor end
    else $l % $r end;

def getpath($path): _getpath($path);
def setpath($path; $value): _setpath($path; $value);
def delpaths($paths): _delpaths($paths);
def del(f): delpaths([path(f)]);
def to_entries: [keys_unsorted[] as $key | {key: $key, value: .[$key]}];
def from_entries: reduce .[] as $entry ({};
  . + { (($entry | if type == "object" then
            (if .key != null or .key == false then .key
             elif has("k") and .k != null then .k
             elif .name != null then .name
             elif .Name != null then .Name
             elif .Key != null then .Key
             elif .K != null then .K
             else null end)
          else error("Cannot index \(type) with string (\"key\")") end)
         | if type == "string" then . else tojson end):
        ($entry | if has("value") then .value elif has("v") then .v elif has("Value") then .Value else .V end) });
def with_entries(f): to_entries | map(f) | from_entries;
def _assign(paths; $value): reduce path(paths) as $path (.; _setpath($path; $value));
def _modify(paths; f):
  reduce path(paths) as $path ([., []];
    . as [$value, $gone]
    | [$value | _getpath($path) | first(f)] as $new
    | if $new == [] then [$value, $gone + [$path]] else [($value | _setpath($path; $new[0])), $gone] end)
  | . as [$value, $gone] | $value | _delpaths($gone);
def _modify_default(paths; f): f as $x | _modify(paths; . // $x);
def _modify_add(paths; f): f as $x | _modify(paths; . + $x);
def _modify_subtract(paths; f): f as $x | _modify(paths; . - $x);
def _modify_multiply(paths; f): f as $x | _modify(paths; _multiply(.; $x));
def _modify_divide(paths; f): f as $x | _modify(paths; _divide(.; $x));
def _modify_modulo(paths; f): f as $x | _modify(paths; _modulo(.; $x));
def map_values(f): _modify(.[]; f);
def pick(f): . as $top | reduce path(f) as $path (null; _setpath($path; $top | _getpath($path)));
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def paths: path(..) | select(. != []);
def paths(f): path(..| select(f)) | select(. != []);

def join($separator): reduce .[] as $x (null;
    (if . == null then "" else . + $separator end)
    + (if $x == null then "" elif ($x | type) == "string" then $x
       elif ($x | type) == "boolean" or ($x | type) == "number" then ($x | _tojson)
       else error("\($x | type) (\($x | _tojson)) cannot be joined") end))
  // "";
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | _tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def ascii: [.] | implode;
def trimstr($x): ltrimstr($x) | rtrimstr($x);
def _limit($n; f): limit($n; f);
def limit($n; f): if $n < 0 then error("Invalid arguments: limit doesn't support negative count") else _limit($n; f) end;
def _skip($n; f): skip($n; f);
def skip($n; f): if $n < 0 then error("Invalid arguments: skip doesn't support negative count") else _skip($n; f) end;
def nth($n; f): if $n < 0 then error("Out of bounds negative array index") else first(skip($n; f)) end;
def _test(re; flags): test(re; flags);
def _match(re; flags): match(re; flags);
def _capture(re; flags): capture(re; flags);
def _scan(re; flags): scan(re; flags);
def _split(re; flags): split(re; flags);
def _pattern($re): if ($re | type) == "array" then $re[0] else $re end;
def _flags($re; $flags): (if ($re | type) == "array" then ($re[1] // "") else "" end) + ($flags // "");
def _subject: if type == "string" then . else error("\(type) (\(_tojson)) cannot be matched, as it is not a string") end;
def test($re; $flags): _subject | _test(_pattern($re); _flags($re; $flags));
def test($re): test($re; null);
def match($re; $flags): _subject | _match(_pattern($re); _flags($re; $flags));
def match($re): match($re; null);
def capture($re; $flags): _subject | _capture(_pattern($re); _flags($re; $flags));
def capture($re): capture($re; null);
def scan($re; $flags): _subject | _scan(_pattern($re); _flags($re; $flags));
def scan($re): scan($re; null);
def split($re; $flags): _subject | _split(_pattern($re); _flags($re; $flags));
def splits($re; $flags): split($re; $flags)[];
def splits($re): split($re; null)[];
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): { x: null, e: false } as $init
  | foreach f as $i ($init;
      if .e then $init else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream | . as $input
  | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;
def transpose: if type != "array" then error("Cannot iterate over \(type)")
  else (map(length) | max // 0) as $n | . as $in | [range($n) as $i | [$in[] | .[$i]]] end;
def @base64d: _base64d;
def @csv: if type != "array" then error("\(type) (\(_tojson)) cannot be csv-formatted, only an array can be") else
  [.[] | if type == "string" then "\"" + (split("\"") | join("\"\"")) + "\""
         elif type == "number" or type == "boolean" then _tojson
         elif . == null then ""
         else error("\(type) (\(_tojson)) is not valid in a csv row") end] | join(",") end;
def @tsv: if type != "array" then error("\(type) (\(_tojson)) cannot be tsv-formatted, only an array can be") else
  [.[] | if type == "string" then (split("\\") | join("\\\\")) | (split("\t") | join("\\t")) | (split("\n") | join("\\n")) | (split("\r") | join("\\r"))
         elif type == "number" or type == "boolean" then _tojson
         elif . == null then ""
         else error("\(type) (\(_tojson)) cannot be tsv-formatted") end] | join("\t") end;
def @sh: [if type == "array" then .[] else . end
  | if type == "string" then "'" + (split("'") | join("'\\''")) + "'"
    elif type == "array" or type == "object" then error("\(type) (\(_tojson)) can not be escaped for shell")
    else _tojson end] | join(" ");
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
