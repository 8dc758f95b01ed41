use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Source text, what ECMAScript prints for it, what Python prints for it.
const NUMBERS: &[(&str, &str, &str)] = &[
    ("0", "0", "0"),
    ("-0.0", "0", "-0.0"),
    ("0.0", "0", "0.0"),
    ("1.0", "1", "1.0"),
    ("-1", "-1", "-1"),
    ("1.5", "1.5", "1.5"),
    ("123456.789", "123456.789", "123456.789"),
    ("1e2", "100", "100.0"),
    ("1E5", "100000", "100000.0"),
    ("0.1", "0.1", "0.1"),
    ("0.0001", "0.0001", "0.0001"),
    ("0.00001", "0.00001", "1e-05"),
    ("0.000001", "0.000001", "1e-06"),
    ("0.0000001", "1e-7", "1e-07"),
    ("1.5e-7", "1.5e-7", "1.5e-07"),
    ("1e15", "1000000000000000", "1000000000000000.0"),
    ("1e16", "10000000000000000", "1e+16"),
    (
        "1234567890123456.7",
        "1234567890123456.8",
        "1234567890123456.8",
    ),
    (
        "12345678901234567.0",
        "12345678901234568",
        "1.2345678901234568e+16",
    ),
    // Equally near to two texts of that length: the even one.
    (
        "808495706105839.25",
        "808495706105839.2",
        "808495706105839.2",
    ),
    (
        "808495706105839.75",
        "808495706105839.8",
        "808495706105839.8",
    ),
    ("1e20", "100000000000000000000", "1e+20"),
    ("1e21", "1e+21", "1e+21"),
    ("123e20", "1.23e+22", "1.23e+22"),
    ("-1.25e-100", "-1.25e-100", "-1.25e-100"),
    ("5e-324", "5e-324", "5e-324"),
    (
        "1.7976931348623157e308",
        "1.7976931348623157e+308",
        "1.7976931348623157e+308",
    ),
    (
        "2.2250738585072014e-308",
        "2.2250738585072014e-308",
        "2.2250738585072014e-308",
    ),
    ("9007199254740991", "9007199254740991", "9007199254740991"),
    ("9007199254740992", "9007199254740992", "9007199254740992"),
    ("9007199254740993", "9007199254740992", "9007199254740993"),
    (
        "-9007199254740993",
        "-9007199254740992",
        "-9007199254740993",
    ),
    (
        "9223372036854775807",
        "9223372036854776000",
        "9223372036854775807",
    ),
    (
        "-9223372036854775808",
        "-9223372036854776000",
        "-9223372036854775808",
    ),
    (
        "18446744073709551615",
        "18446744073709552000",
        "18446744073709551615",
    ),
];

#[test]
fn numbers_are_printed_as_each_language_prints_them() {
    for (source, ecma, python) in NUMBERS {
        let value = parse(source);
        assert_eq!(stringify(&value), *ecma, "JSON.stringify of {source}");
        assert_eq!(python_compact(&value), *python, "json.dumps of {source}");
    }
}

#[test]
fn strings_escape_only_what_they_must() {
    let table = [
        ("plain", r#""plain""#),
        ("a\"b\\c/d", r#""a\"b\\c/d""#),
        ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
        ("\0\u{1}\u{1f}", r#""\u0000\u0001\u001f""#),
        (
            "\u{7f}\u{80}\u{2028}\u{2029}",
            "\"\u{7f}\u{80}\u{2028}\u{2029}\"",
        ),
        ("é 🚀 \u{feff}", "\"é 🚀 \u{feff}\""),
        ("<script>&'", r#""<script>&'""#),
    ];
    for (text, expected) in table {
        let value = Value::from(text);
        assert_eq!(stringify(&value), expected);
        assert_eq!(python_compact(&value), expected);
    }
}

#[test]
fn ascii_escapes_are_surrogate_pairs() {
    let value = parse(r#"{"ü":["🚀",1.0,"a\nb"]}"#);
    assert_eq!(
        python_default(&value),
        r#"{"\u00fc": ["\ud83d\ude80", 1.0, "a\nb"]}"#
    );
    assert_eq!(
        python_compact_ascii(&value),
        r#"{"\u00fc":["\ud83d\ude80",1.0,"a\nb"]}"#
    );
}

#[test]
fn ecmascript_lists_array_indexes_first_and_python_keeps_order() {
    let source = r#"{"b":1,"10":2,"2":3,"a":4,"01":5,"-1":6,"4294967294":7,"4294967295":8,"0":9,"":10,"1.0":11,"99999999999999999999":12}"#;
    let value = parse(source);
    assert_eq!(
        stringify(&value),
        r#"{"0":9,"2":3,"10":2,"4294967294":7,"b":1,"a":4,"01":5,"-1":6,"4294967295":8,"":10,"1.0":11,"99999999999999999999":12}"#
    );
    assert_eq!(python_compact(&value), source);
}

#[test]
fn the_last_of_two_equal_keys_stands_at_the_place_of_the_first() {
    let value = parse(r#"{"a":1,"b":2,"a":3}"#);
    assert_eq!(stringify(&value), r#"{"a":3,"b":2}"#);
}

#[test]
fn nests_and_appends() {
    let value = parse(r#" { "a" : [ ] , "b" : { } , "c" : [ null , true , { "d" : false } ] } "#);
    let compact = r#"{"a":[],"b":{},"c":[null,true,{"d":false}]}"#;
    let mut out = b"v=".to_vec();
    write_stringify(&value, &mut out);
    assert_eq!(out, format!("v={compact}").as_bytes());
    out.clear();
    write_python_compact(&value, &mut out);
    assert_eq!(out, compact.as_bytes());
    assert_eq!(
        python_default(&value),
        r#"{"a": [], "b": {}, "c": [null, true, {"d": false}]}"#
    );
}

#[test]
fn what_is_printed_as_it_stands_is_told_from_what_is_not() {
    let table = [
        (
            r#"{"a":[1,-2,0,{"b":"x\n\"\\é🚀"},[],{}],"c":null,"d":true}"#,
            true,
        ),
        ("\"\u{7f}\u{2028}\"", true),
        (r#"{"a":{"x":1},"b":{"x":1},"x":[{"a":1},{"a":1}]}"#, true),
        (r#"["12",{"01":1,"-1":2,"":3,"1.0":4}]"#, true),
        ("123456789012345", true),
        // Blanks, and other ways to write the same.
        (r#"{"a": 1}"#, false),
        ("[1 ]", false),
        ("1\n", false),
        (r#""\u0041""#, false),
        (r#""\/""#, false),
        // Numbers that are printed otherwise, or might be.
        ("-0", false),
        ("1.0", false),
        ("1e2", false),
        ("-1E2", false),
        ("1234567890123456", false),
        // Printed first, and printed once.
        (r#"{"b":1,"2":1}"#, false),
        (r#"{"a":1,"b":2,"a":3}"#, false),
        (r#"{"a":{"b":1,"c":[{"b":1}],"b":2}}"#, false),
        // No JSON at all, but what it says must not be relied on.
        ("\"open", false),
        ("\"\\", false),
        ("é", false),
    ];
    for (text, expected) in table {
        assert_eq!(is_stringified(text), expected, "{text}");
    }
    let members = |count| {
        let members: Vec<_> = (0..count).map(|at| format!("\"m{at}\":{at}")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert!(is_stringified(&members(64)));
    assert!(!is_stringified(&members(65)));
}

/// Python's own `json`, as the receivers of these messages run it.
pub(crate) fn python(program: &str, input: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-X", "utf8", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to check these writers against an independent one");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// A reproducible stream (xorshift64*), so that a failure can be looked at.
fn doubles() -> impl Iterator<Item = f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::from_fn(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        Some(f64::from_bits(state.wrapping_mul(0x2545_F491_4F6C_DD1D)))
    })
    .filter(|double| double.is_finite())
}

#[test]
fn python_itself_prints_the_same() {
    let mut items: Vec<Value> = NUMBERS.iter().map(|(source, ..)| parse(source)).collect();
    items.extend(doubles().take(2_000).map(Value::from));
    items.extend((-30..30).map(|power| parse(&format!("1e{power}"))));
    items.extend(
        (0..0x500)
            .filter_map(char::from_u32)
            .map(|c| Value::from(c.to_string())),
    );
    items.push(parse(r#"{"2":1,"b":{"ü":"🚀"},"1":[]}"#));
    let document = Value::from(items.clone());
    let input = serde_json::to_string(&document).unwrap();

    type Writer = fn(&Value) -> String;
    let table: [(&str, Writer); 3] = [
        ("separators=(',',':'),ensure_ascii=False", python_compact),
        ("separators=(',',':')", python_compact_ascii),
        ("", python_default),
    ];
    for (arguments, ours) in table {
        let program = format!(
            "import json,sys\nfor v in json.loads(sys.stdin.read()): print(json.dumps(v,{arguments}))"
        );
        let theirs = python(&program, &input);
        assert_eq!(theirs.matches('\n').count(), items.len());
        for (item, theirs) in items.iter().zip(theirs.split('\n')) {
            assert_eq!(ours(item), theirs, "json.dumps(v,{arguments})");
        }
    }
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let key = prop_oneof![any::<String>(), any::<u32>().prop_map(|n| n.to_string())];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn printing_what_was_read_back_changes_nothing(value in any_json()) {
        let once = stringify(&value);
        prop_assert_eq!(stringify(&parse(&once)), once);
        let once = python_compact(&value);
        prop_assert_eq!(python_compact(&parse(&once)), once);
    }

    #[test]
    fn what_counts_as_printed_is_printed_so(value in any_json(), at in any::<usize>(), by in any::<u8>()) {
        // Near misses: the text with one byte put in, and one taken out.
        let printed = stringify(&value);
        let mut longer = printed.clone().into_bytes();
        longer.insert(at % (longer.len() + 1), by);
        let mut shorter = printed.clone().into_bytes();
        shorter.remove(at % shorter.len());
        for text in [printed.into_bytes(), python_compact(&value).into_bytes(), longer, shorter] {
            if let Ok(text) = std::str::from_utf8(&text)
                && let Ok(read) = serde_json::from_str::<Value>(text)
                && is_stringified(text)
            {
                prop_assert_eq!(stringify(&read), text);
            }
        }
    }

    #[test]
    fn python_text_reads_back_as_the_same_value(value in any_json()) {
        prop_assert_eq!(&parse(&python_compact(&value)), &value);
        prop_assert_eq!(&parse(&python_compact_ascii(&value)), &value);
        prop_assert_eq!(&parse(&python_default(&value)), &value);
    }
}
