//! Values by example: their text, their order, their limits.

use std::panic::catch_unwind;
use std::thread;

use super::{Excess, Value, compare, excerpt, json, set_path, sorted};
use crate::bounds::MAX_VALUE_DEPTH;

fn value(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn numbers_keep_how_they_were_written_until_they_are_computed_with() {
    for (written, kept, computed) in [
        ("1", "1", "1"),
        ("1.0", "1.0", "1"),
        ("1.10", "1.10", "1.1"),
        ("-0", "-0", "0"),
        ("007", "7", "7"),
        ("5.", "5", "5"),
        (".5", "0.5", "0.5"),
        ("1e2", "1E+2", "100"),
        ("12.50e1", "125.0", "125"),
        ("0e10", "0E+10", "0"),
        ("0.00001", "0.00001", "1e-05"),
        ("1e-7", "1E-7", "1e-07"),
        (
            "12345678901234567890",
            "12345678901234567890",
            "12345678901234567000",
        ),
        ("9007199254740993", "9007199254740993", "9007199254740992"),
        ("100000000000000000", "100000000000000000", "1e+17"),
        ("1e17", "1E+17", "1e+17"),
        ("0.1", "0.1", "0.1"),
        (
            "3.14159265358979312",
            "3.14159265358979312",
            "3.141592653589793",
        ),
        ("1e1000", "1E+1000", "1.7976931348623157e+308"),
        ("nan", "null", "null"),
        (
            "-Infinity",
            "-1.7976931348623157e+308",
            "-1.7976931348623157e+308",
        ),
    ] {
        assert_eq!(json(&value(written)), kept, "{written}");
        let sum = (value(written) + Value::Number(0.0)).unwrap();
        assert_eq!(json(&sum), computed, "{written} + 0");
    }
}

#[test]
fn the_order_is_by_kind_then_by_content() {
    let texts = [
        "null",
        "false",
        "true",
        "nan",
        "-1",
        "0",
        "1",
        "100000000000000000000",
        "100000000000000000001",
        "\"\"",
        "\"a\"",
        "\"aa\"",
        "\"b\"",
        "[]",
        "[1]",
        "[1,2]",
        "[2]",
        "{}",
        "{\"a\":1}",
        "{\"a\":2}",
        "{\"b\":1,\"a\":1}",
        "{\"b\":0}",
    ];
    let values: Vec<Value> = texts.iter().map(|text| value(text)).collect();
    for (place, left) in values.iter().enumerate() {
        for (other, right) in values.iter().enumerate() {
            assert_eq!(
                compare(left, right),
                place.cmp(&other),
                "{left} and {right}"
            );
        }
    }
    let reversed = sorted(values.into_iter().rev().collect());
    let shown: Vec<String> = reversed.iter().map(json).collect();
    assert_eq!(shown[4..], texts[4..]);
    assert_ne!(value("nan"), value("nan"));
    assert_eq!(value("{\"a\":1.0,\"b\":2}"), value("{\"b\":2,\"a\":1}"));
}

#[test]
fn what_is_no_json_says_where() {
    for (text, message) in [
        ("", "Expected JSON value"),
        ("[1,2", "Unfinished JSON term at EOF at line 1, column 4"),
        ("{a:1}", "Invalid numeric literal at line 1, column 3"),
        ("tru", "Invalid literal at EOF at line 1, column 3"),
        ("[1,]", "Expected another array element at line 1, column 4"),
        (
            "{\"a\":1,}",
            "Expected another key-value pair at line 1, column 8",
        ),
        (
            "[1 2]",
            "Expected separator between values at line 1, column 4",
        ),
        ("1 2", "Unexpected extra JSON values"),
        (
            "\"\\ud83d\"",
            "Invalid \\uXXXX\\uXXXX surrogate pair escape at line 1, column 3",
        ),
        (
            "\"a\nb\"",
            "Invalid string: control characters from U+0000 through U+001F must be escaped at line 2, column 2",
        ),
    ] {
        assert_eq!(
            Value::parse(text.as_bytes()).unwrap_err().to_string(),
            message,
            "{text}"
        );
    }
    assert_eq!(
        json(&value("\"\\ud83d\\ude00\\u0000\\u007f\"")),
        "\"😀\\u0000\\u007f\""
    );
    assert_eq!(
        json(&value(" {\"b\" : 1 , \"a\" : [ ] , \"b\" : 2}")),
        "{\"b\":2,\"a\":[]}"
    );
}

#[test]
fn messages_show_the_beginning_of_a_value() {
    for (text, shown) in [
        ("[0,1,2,3,4,5,6,7,8,9,10,11]", "[0,1,2,3,4,5,6,7,8,9,10,11]"),
        (
            "[0,1,2,3,4,5,6,7,8,9,10,11,12]",
            "[0,1,2,3,4,5,6,7,8,9,10,1...]",
        ),
        (
            "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
            "\"xxxxxxxxxxxxxxxxxxxxxxxx...\"",
        ),
        ("\"éééééééééééééé\"", "\"éééééééééééé...\""),
        (
            "{\"inputs\":{\"name\":\"svc\",\"n\":1}}",
            "{\"inputs\":{\"name\":\"svc\",\"...}",
        ),
    ] {
        assert_eq!(excerpt(&value(text)), shown);
    }
}

#[test]
fn what_is_set_in_one_holder_stays_as_it_was_in_another() {
    let before = value("{\"a\":[1,{\"b\":2}]}");
    let mut after = before.clone();
    let path = value("[\"a\",1,\"b\"]");
    set_path(&mut after, path.elements().unwrap(), &mut |old| {
        old + Value::Number(1.0)
    })
    .unwrap();
    assert_eq!(json(&before), "{\"a\":[1,{\"b\":2}]}");
    assert_eq!(json(&after), "{\"a\":[1,{\"b\":3}]}");
}

#[test]
fn no_value_is_too_deep_to_be_printed_compared_and_dropped() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let deepest = move || {
        let value = value(&deep(MAX_VALUE_DEPTH));
        assert_eq!(value, value.clone());
        assert_eq!(json(&value).len(), 2 * MAX_VALUE_DEPTH);
        assert!(Value::parse(deep(MAX_VALUE_DEPTH + 1).as_bytes()).is_err());
        let around = catch_unwind(std::panic::AssertUnwindSafe(|| Value::array(vec![value])));
        assert_eq!(around.unwrap_err().downcast_ref(), Some(&Excess::Depth));
    };
    let thread = thread::Builder::new().stack_size(64 << 20).spawn(deepest);
    thread.unwrap().join().unwrap();
}

#[test]
fn no_value_is_larger_than_its_parts_allow_however_they_are_shared() {
    let doubled = catch_unwind(|| {
        let mut value = value("[1]");
        for _ in 0..60 {
            value = Value::array(vec![value.clone(), value]);
        }
    });
    assert_eq!(doubled.unwrap_err().downcast_ref(), Some(&Excess::Bytes));
    let mut counted = value("{\"a\":[]}");
    let (path, text) = (value("[\"a\",3]"), Value::string("x".repeat(1024 * 1024)));
    for _ in 0..1000 {
        let path = path.elements().unwrap();
        set_path(&mut counted, path, &mut |_| Ok(text.clone())).unwrap();
    }
    let grown = catch_unwind(std::panic::AssertUnwindSafe(|| {
        (0..1000).fold(counted, |value, _| {
            (value + self::value("{\"b\":1}")).unwrap()
        })
    }));
    assert!(grown.is_ok());
}
