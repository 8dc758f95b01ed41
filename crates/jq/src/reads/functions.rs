//! What jq's own functions do with their arguments and give, where that is always the same.

use super::Kind;

/// Whether argument `at` of a function of this name and number of arguments is evaluated with the
/// function's own input.
pub(super) fn sees_input(name: &str, arity: usize, at: usize) -> bool {
    match (name, arity) {
        // the second of these meets what the first one gave
        ("sub" | "gsub" | "any" | "all" | "INDEX", 2..) => at != 1,
        ("nth" | "limit" | "skip" | "first" | "last" | "isempty" | "add" | "range" | "IN", _) => {
            true
        }
        (
            "has" | "in" | "inside" | "contains" | "startswith" | "endswith" | "ltrimstr"
            | "rtrimstr" | "trimstr" | "split" | "splits" | "join" | "test" | "match" | "capture"
            | "scan" | "sub" | "gsub" | "index" | "indices" | "rindex" | "flatten" | "getpath"
            | "error" | "select" | "debug" | "pow" | "atan2" | "strftime" | "strflocaltime"
            | "strptime" | "setpath" | "delpaths" | "path" | "pick" | "del" | "combinations"
            | "halt_error",
            _,
        ) => true,
        _ => false,
    }
}

/// Whether the function gives its input, or nothing.
pub(super) fn gives_input(name: &str, arity: usize) -> bool {
    matches!(
        (name, arity),
        ("select" | "debug", 1) | ("debug" | "stderr" | "values", 0)
    )
}

/// The kind of what the function gives, where it gives anything.
pub(super) fn kind(name: &str, arity: usize) -> Option<Kind> {
    Some(match (name, arity) {
        (
            "not" | "isnan" | "isinfinite" | "isnormal" | "true" | "false" | "any" | "all" | "has"
            | "in" | "inside" | "contains" | "startswith" | "endswith" | "test" | "IN" | "isempty",
            _,
        ) => Kind::Boolean,
        (
            "length" | "utf8bytelength" | "tonumber" | "floor" | "ceil" | "round" | "sqrt" | "now"
            | "mktime" | "fromdate" | "fromdateiso8601",
            0,
        ) => Kind::Number,
        (
            "tostring" | "tojson" | "ascii_downcase" | "ascii_upcase" | "trim" | "ltrim" | "rtrim"
            | "type" | "todate" | "todateiso8601" | "implode" | "@text" | "@json" | "@csv" | "@tsv"
            | "@html" | "@uri" | "@urid" | "@sh" | "@base64" | "@base64d",
            0,
        )
        | ("join" | "strftime" | "strflocaltime", 1)
        | ("sub" | "gsub", 2..) => Kind::String,
        (
            "keys" | "keys_unsorted" | "to_entries" | "sort" | "unique" | "explode" | "reverse"
            | "transpose" | "flatten",
            0,
        )
        | ("map" | "sort_by" | "group_by" | "unique_by" | "flatten" | "split", 1)
        | ("split", 2) => Kind::Array,
        ("from_entries", 0) | ("with_entries", 1) => Kind::Object,
        _ => return None,
    })
}
