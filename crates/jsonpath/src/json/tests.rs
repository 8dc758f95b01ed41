use super::{Layout, read, text};

/// What is read, written again; `None` where it cannot be read or written.
fn again(json: &str) -> Option<String> {
    text(&read(json).ok()?, Layout::Compact)
}

#[test]
fn json_is_read_as_json_smart_reads_it() {
    let cases = [
        (r#"{"a":1,}"#, Some(r#"{"a":1}"#)),
        (r#"{,"a":1,,"b":2}"#, Some(r#"{"a":1,"b":2}"#)),
        ("{'a':'x'}", Some(r#"{"a":"x"}"#)),
        ("{a:b c, d: e}", Some(r#"{"a":"b c","d":"e"}"#)),
        ("{a b:1}", Some(r#"{"a b":1}"#)),
        // A name without quotes ends at the colon alone, a value where its container may.
        ("{a,b:1}", Some(r#"{"a,b":1}"#)),
        ("{a:b]c}", Some(r#"{"a":"b]c"}"#)),
        ("[a}b]", Some(r#"["a}b"]"#)),
        ("[1 2]", Some(r#"["1 2"]"#)),
        (r#"["a" "b"{}[]]"#, Some(r#"["a","b",{},[]]"#)),
        (r#"{"a":"x" "b":1}"#, None),
        (r#"{"a":,"b":1}"#, Some(r#"{"a":"","b":1}"#)),
        (r#"{"a":}"#, None),
        (r#"{"a" 1}"#, None),
        (r#"{"a":1]"#, None),
        (r#"{"a":1;"b":2}"#, Some(r#"{"a":"1;\"b\":2"}"#)),
        (r#"{"a":"x";"b":2}"#, None),
        ("{:1}", None),
        ("{[1]:1}", None),
        ("[1,,2,]", Some("[1,2]")),
        ("[:]", None),
        ("[}", None),
        ("]", None),
        (":", None),
        ("[1", None),
        ("\"a", None),
        ("", None),
        ("  ", Some("\"\"")),
        ("null", Some("null")),
        ("nul", Some("\"nul\"")),
        ("[True,Infinity,tru]", Some(r#"["True","Infinity","tru"]"#)),
        ("5 x", Some("\"5 x\"")),
        (r#"{"a":1} rest"#, Some(r#"{"a":1}"#)),
        (r#"{"a":1,"b":0,"a":2}"#, Some(r#"{"a":2,"b":0}"#)),
        ("[NaN]", None),
        ("[1e400]", None),
        ("[1e+]", None),
        ("[-]", Some("[0]")),
        ("\u{feff}{}", Some("\"\u{feff}{}\"")),
        ("\"a\u{1}\nb\"", Some(r#""a\u0001\nb""#)),
        // Where there is an escape, control characters are lost.
        ("\"a\u{1}\nb\\t\"", Some(r#""ab\t""#)),
        (r#""\x41\u00e9\/\q""#, Some("\"Aé/\"")),
        (r#""\ud83d\ude00""#, Some("\"😀\"")),
        (r#""\u00zz""#, None),
        (r#""\"""#, Some(r#""\"""#)),
        (r#""<&='>""#, Some(r#""\u003c\u0026\u003d\u0027\u003e""#)),
    ];
    for (json, expected) in cases {
        assert_eq!(again(json).as_deref(), expected, "{json}");
    }
}

#[test]
fn what_cannot_be_written_may_stand_beside_what_can() {
    let document = read(r#"{"a": NaN, "b": [1]}"#).unwrap();
    let written = text(document.member("b").unwrap(), Layout::Compact);
    assert_eq!(written.as_deref(), Some("[1]"));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(&nested(400)).is_ok());
    assert!(read(&nested(401)).is_err());
}
