# The language's functions that are best said in the language. Others are natives.

def error(message): message | error;
def halt: _halt;
def halt_error: _halt;
def halt_error($code): _halt;
def input: error("break");
def inputs: empty;
def input_filename: null;
def input_line_number: error("Unknown input line number");
def have_decnum: true;
def have_literal_numbers: true;
def debug: .;
def debug(messages): (messages | debug | empty), .;
def stderr: .;

def map_values(f): .[] |= f;
def recurse: ..;
def recurse(f): def r: ., (f | r); r;
def recurse(f; condition): def r: ., (f | select(condition) | r); r;
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type | . == "array" or . == "object");
def scalars: select(type | . != "array" and . != "object");
def isfinite: type == "number" and (isinfinite | not);
def finites: select(isfinite);
def normals: select(isnormal);
def abs: if . < 0 then -. else . end;

def range($end): range(0; $end);
def while(condition; update): def r: if condition then ., (update | r) else empty end; r;
def until(condition; update): def r: if condition then . else update | r end; r;
def repeat(f): def r: f, r; r;
def range($start; $end; $step):
  if ($start | type) == "number" and ($end | type) == "number" and ($step | type) == "number"
  then _range($start; $end; $step)
  elif $step > 0 then $start | while(. < $end; . + $step)
  elif $step < 0 then $start | while(. > $end; . + $step)
  else empty end;
def _limit($count; f): limit($count; f);
def limit($count; f):
  if $count > 0 then _limit($count; f)
  elif $count == 0 then empty
  else error("limit doesn't support negative count") end;
def _skip($count; f): skip($count; f);
def skip($count; f):
  if $count > 0 then _skip($count; f)
  elif $count == 0 then f
  else error("skip doesn't support negative count") end;
def nth($place; f):
  if $place < 0 then error("nth doesn't support negative indices") else first(skip($place; f)) end;
def nth($place): .[$place];
def first: .[0];
def last: .[-1];
def isempty(f): first((f | false), true);
def all(f; condition): isempty(f | condition and empty);
def any(f; condition): isempty(f | condition or empty) | not;
def all(condition): all(.[]; condition);
def any(condition): any(.[]; condition);
def all: all(.[]; .);
def any: any(.[]; .);
def add(f): reduce f as $x (null; . + $x);
def IN(f): any(f == .; .);
def IN(source; f): any(source == f; .);

def del(f): delpaths([path(f)]);
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def pick(f): . as $whole | reduce path(f) as $path (null; setpath($path; $whole | getpath($path)));
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def from_entries:
  reduce .[] as $entry ({};
    . + ($entry | { (.key // .Key // .name // .Name): (if has("value") then .value else .Value end) }));
def with_entries(f): to_entries | map(f) | from_entries;
def flatten: _flatten(-1);
def flatten($depth):
  if $depth < 0 then error("flatten depth must not be negative") else _flatten($depth) end;
def transpose: [range(0; map(length) | max // 0) as $i | [.[][$i]]];
def combinations:
  if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $rest | [$x] + $rest end;
def combinations(count): . as $whole | [range(count) | $whole] | combinations;
def in(object): . as $key | object | has($key);
def inside(whole): . as $part | whole | contains($part);
def index($part): indices($part) | .[0];
def rindex($part): indices($part) | .[-1:][0];
def sort_by(f): _sort_by(map([f]));
def group_by(f): _group_by(map([f]));
def unique_by(f): _unique_by(map([f]));
def min_by(f): _min_by(map([f]));
def max_by(f): _max_by(map([f]));
def INDEX(source; key): reduce source as $row ({}; .[$row | key | tostring] = $row);
def INDEX(key): INDEX(.[]; key);
def JOIN($index; key): [.[] | [., $index[key]]];
def JOIN($index; source; key): source | [., $index[key]];
def JOIN($index; source; key; f): source | [., $index[key]] | f;
def tostream: path(def r: (.[]? | r), .; r) as $path
  | getpath($path)
  | reduce path(.[]?) as $last ([$path, .]; [$path + $last]);
def fromstream(f): { x: null, e: false } as $start
  | foreach f as $event ($start;
      if .e then $start else . end
      | if $event | length == 2
        then setpath(["e"]; $event[0] | length == 0) | setpath(["x"] + $event[0]; $event[1])
        else setpath(["e"]; $event[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(f): . as $depth | null | f | . as $event
  | if (.[0] | length) > $depth then setpath([0]; $event[0][$depth:]) else empty end;

def trimstr($text): ltrimstr($text) | rtrimstr($text);
def _pattern:
  if type == "string" then [., null]
  elif type == "array" and length > 1 then .[:2]
  elif type == "array" and length > 0 then [.[0], null]
  else error(type + " not a string or array") end;
def test($pattern; $flags): _test($pattern; $flags);
def test($pattern): ($pattern | _pattern) as [$re, $flags] | _test($re; $flags);
def match($pattern; $flags): _matches($pattern; $flags)[];
def match($pattern): ($pattern | _pattern) as [$re, $flags] | match($re; $flags);
def _named: reduce (.captures[] | select(.name != null) | { (.name): .string }) as $group ({}; . + $group);
def capture($pattern; $flags): match($pattern; $flags) | _named;
def capture($pattern): match($pattern) | _named;
def scan($pattern; $flags):
  match($pattern; "g" + $flags) | if .captures | length > 0 then [.captures[].string] else .string end;
def scan($pattern): scan($pattern; null);
def split($pattern; $flags): _parts($pattern; $flags + "g");
def splits($pattern; $flags): split($pattern; $flags)[];
def splits($pattern): splits($pattern; null);
def sub($pattern; f; $flags): _sub($pattern; $flags; f);
def sub($pattern; f): sub($pattern; f; "");
def gsub($pattern; f; $flags): sub($pattern; f; $flags + "g");
def gsub($pattern; f): sub($pattern; f; "g");

def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def todate: todateiso8601;
