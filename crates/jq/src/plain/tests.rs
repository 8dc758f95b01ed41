//! What jq 1.8 answers, observed, for each expression that is plain.

use serde_json::{Value, json};

use super::{Fault, evaluate, parse};

fn answer(text: &str, input: &Value) -> Result<Option<Value>, String> {
    let expression = parse(text).unwrap_or_else(|| panic!("{text} is not plain"));
    evaluate(&expression, input.into()).map_err(|fault| match fault {
        Fault::Error(message) => message,
        Fault::Beyond => "beyond".to_owned(),
    })
}

fn table_of_values() -> Vec<(Value, &'static str, Value)> {
    vec![
        (json!({"x": 1}), ".", json!({"x": 1})),
        (json!([1, 2, 3]), ".[-1.5]", json!(3)),
        (json!([1, 2, 3]), ".[-0.5]", json!(1)),
        (json!([1, 2, 3]), ".[1.7]", json!(2)),
        (json!([1, 2, 3]), ".[1e30]", json!(null)),
        (json!([1, 2, 3]), ".[-4]", json!(null)),
        (json!([5]), ".[-0]", json!(5)),
        (json!({"a": 1}), ".b? // 2", json!(2)),
        (json!({"a": 1}), "{a: .b // 1}", json!({"a": 1})),
        (json!({"a": 1}), "{a: .a | . }", json!({"a": 1})),
        (
            json!({"a": 1}),
            "{a: .b?, \"c d\": .a, \"a\", \"x\":1}",
            json!({"a": 1, "c d": 1, "x": 1}),
        ),
        (json!({"a": "k"}), "{(.a): 1, a}", json!({"k": 1, "a": "k"})),
        (json!(null), ".a[0].b", json!(null)),
        (json!({"a": [1, 2]}), ".a[1] // 3", json!(2)),
        (json!({"a": false}), ".a // null", json!(null)),
        (json!({"a": 1}), ". \"a\"", json!(1)),
        (json!({"a": [3]}), ".a [0]", json!(3)),
        (
            json!({}),
            "{and: 1, if: 2, \"null\": null, null: 3, __loc__: 1}",
            json!({"and": 1, "if": 2, "null": 3, "__loc__": 1}),
        ),
        (json!({"a": 1}), "{if}", json!({"if": null})),
        (json!({"a": 1}), "{a:1,}", json!({"a": 1})),
        (json!({"a": 1}), "{}", json!({})),
        (
            json!(0),
            "\"\\ud83d\\ude00 x \\u0041\\/\"",
            json!("😀 x A/"),
        ),
        (json!(0), "01", json!(1)),
        (json!(0), "1.1", json!(1.1)),
        (json!(0), "-1 // 2", json!(-1)),
        (
            json!(0),
            "18446744073709551615",
            json!(18446744073709551615_u64),
        ),
        (json!({"a": 1}), ".a // .b | .", json!(1)),
        (json!(0), "null.a", json!(null)),
        (json!(0), "(null)[0]", json!(null)),
        (json!({"a": 1}), "[.a.b?]", json!([])),
        (json!({"a": 1, "b": "a"}), ".[.b]", json!(1)),
        (
            json!({"a": {"b": {"c": 7}}, "b": "c"}),
            ".a.b[.b]",
            json!(7),
        ),
        (json!({"a": {"b": {"c": 7}}}), ".a.\"b\".[\"c\"]", json!(7)),
        (json!({"a": null}), ".a.b // \"x\" // \"y\"", json!("x")),
        (json!(0), "{a:1,b:2,a:3}", json!({"a": 3, "b": 2})),
        (json!({"x": 1}), ".x??", json!(1)),
        (json!(0), "{\"a\":{\"b\":1}} | .a.b", json!(1)),
        (json!({"x": 1}), "{x:{y:.x}}.x.y", json!(1)),
        (json!({"x": 1}), "[.x][0]", json!(1)),
        (json!({"x": 1}), "(.y | .z) // (.x)", json!(1)),
        (json!({"n": 1}), ".q[.n]", json!(null)),
        (json!({"n": 1}), ".n.x? // \"d\"", json!("d")),
        (json!({"é": 1}), ".[\"é\"]", json!(1)),
        (json!(0), "\"tab\tx\"", json!("tab\tx")),
        (json!(0), "[[]]", json!([[]])),
    ]
}

fn table_of_decisions() -> Vec<(Value, &'static str, Value)> {
    vec![
        (json!({"n": 1}), ".n == 1.0", json!(true)),
        (
            json!({"n": 1}),
            ".n != 1 or .n >= 1 and .n < 2",
            json!(true),
        ),
        (json!({"n": 1}), ".x // .n > 0", json!(true)),
        (json!({"n": 1}), "[[1] < [2]]", json!([true])),
        (
            json!({"n": 1}),
            "{a: .n > 1, b: (.n | not)}",
            json!({"a": false, "b": false}),
        ),
        (
            json!({"n": 1}),
            "if .n == 2 then \"two\" elif .n then \"some\" else \"none\" end",
            json!("some"),
        ),
        (json!({"n": 0}), "if .x then 1 end", json!({"n": 0})),
        (json!({"n": 0}), "if .n then {a: .n} else . end.a", json!(0)),
        (
            json!({"n": 1.0, "s": "é"}),
            "\"n=\\(.n) \\(.s)\\n\\(.x)\\({a: [.n]})\"",
            json!("n=1.0 é\nnull{\"a\":[1.0]}"),
        ),
        (json!({"n": 1e22}), "\"\\(.n)\"", json!("1E+22")),
        (
            json!({"a": 9007199254740993_u64, "b": 9007199254740992.0}),
            ".a > .b",
            json!(true),
        ),
    ]
}

#[test]
fn values() {
    for (input, text, output) in table_of_values().into_iter().chain(table_of_decisions()) {
        assert_eq!(answer(text, &input), Ok(Some(output)), "{input} | {text}");
    }
}

#[test]
fn nothing() {
    for (input, text) in [
        (json!({"a": 1}), ".a.b?.c"),
        (json!(1), ".a?.b"),
        (json!({"a": 1}), ".a .b?"),
        (json!({"a": 1}), "{a: .a.b?}"),
        (json!({"n": 1}), "(.n.x.y)?"),
        (json!({"n": 1}), ".n.x??.y"),
        (json!({"n": 1}), "{(.n): (1|.a?)}"),
        (json!({"x": 1}), ".x | .y?"),
    ] {
        assert_eq!(answer(text, &input), Ok(None), "{input} | {text}");
    }
}

fn table_of_errors() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        // `?` hides the mistake of the last index alone
        (json!(1), ".a.b?", "Cannot index number with string (\"a\")"),
        (
            json!({"a": 1}),
            ".a.b.c?",
            "Cannot index number with string (\"b\")",
        ),
        (
            json!({"n": 1}),
            ".n.x[0]?",
            "Cannot index number with string (\"x\")",
        ),
        (
            json!({"n": 1}),
            ".n[.n.x]?",
            "Cannot index number with string (\"x\")",
        ),
        (
            json!({"n": 1}),
            ".n[.z?]",
            "Cannot index number with null (null)",
        ),
        // `//` hides none
        (
            json!(1),
            ".a // 3",
            "Cannot index number with string (\"a\")",
        ),
        (
            json!(1),
            ".a.b? // 3",
            "Cannot index number with string (\"a\")",
        ),
        (
            json!({"a": 1}),
            ".[0]",
            "Cannot index object with number (0)",
        ),
        (json!([1]), ".a", "Cannot index array with string (\"a\")"),
        (json!("x"), ".[0]", "Cannot index string with number (0)"),
        (json!(null), ".[null]", "Cannot index null with null (null)"),
        (
            json!(null),
            ".[true]",
            "Cannot index null with boolean (true)",
        ),
        (
            json!({"a": 1}),
            ".[null]",
            "Cannot index object with null (null)",
        ),
        (
            json!(true),
            ".a",
            "Cannot index boolean with string (\"a\")",
        ),
        (
            json!(0),
            "\"x\".a",
            "Cannot index string with string (\"a\")",
        ),
        (json!(0), "{(1):2}", "Cannot use number (1) as object key"),
        (
            json!({"n": 1}),
            "{(.n): (1|.a)}",
            "Cannot index number with string (\"a\")",
        ),
    ]
}

#[test]
fn errors() {
    for (input, text, message) in table_of_errors() {
        assert_eq!(
            answer(text, &input),
            Err(message.to_owned()),
            "{input} | {text}"
        );
    }
}

#[test]
fn all_else_is_left_to_the_full_language() {
    for text in [
        "",
        "()",
        ". a",
        ".b?//2",
        "{a: 1 + 1}",
        "{1:2}",
        "\"\\ud83d x\"",
        "\"a",
        "1.",
        ".5",
        ".[\"a\",\"b\"]",
        "..",
        "..n",
        ".n..",
        ".n.",
        ".1",
        ".n|",
        ".n//",
        ".n//=1",
        ".n|=1",
        "nul",
        ".n # comment",
        ".é",
        "\"\\q\"",
        "[1,]",
        "1e1000",
        "1.10",
        "1e3",
        "0.10000000000000000001",
        "1 == 1 == 1",
        "if 1 then 2",
        "if 1 then 2 else 3",
        "\"\\(1, 2)\"",
        ".a ==",
        ".a and",
        ".a = 1",
        ".a == 1 | . + 1",
        "@text \"x\"",
        "{a b:1}",
        "1 .",
        "-.n",
        ".[]",
        ".[1:]",
        "1 - 1",
        ".a -1",
        "try .x.y",
        ".a as $x | 1",
        "$x",
        "null(1)",
        "a::b",
        "{$x}",
        "{@text \"x\": 1}",
        ".a, .b",
        "{a: 1 | 2, }|x",
    ] {
        assert!(parse(text).is_none(), "{text}");
    }
    let expression = parse(".[.[0]]").unwrap();
    assert!(matches!(
        evaluate(&expression, (&json!([[1], 2])).into()),
        Err(Fault::Beyond)
    ));
}

#[test]
fn what_grows_is_bounded() {
    let doubling = "{a: ., b: .}|".repeat(1000) + ".";
    assert!(answer(&doubling, &json!(1)).is_err());
    let deep = "[.]|".repeat(4000) + ".";
    assert!(answer(&deep, &json!(1)).is_err());
    assert!(answer(&("[.]|".repeat(127) + "."), &json!(1)).is_ok());
    assert!(parse(&"(".repeat(100)).is_none());
    assert!(answer(".", &json!("x".repeat(2 * 1024 * 1024))).is_err());
}
