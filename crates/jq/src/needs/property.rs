//! Expressions come to the same on what they need as on the whole input: generated ones, by generated
//! inputs, with the order of keys and the words of errors.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Needs;
use crate::interpreter::{Answer, Interpreter, Until};
use crate::value;

fn input() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        Just(json!(false)),
        Just(json!(2)),
        Just(json!("b")),
        Just(json!("a,b")),
    ];
    scalar.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof![
            3 => Just("a"), 3 => Just("b"), 1 => Just("c"), 1 => Just(""), 1 => Just("key")
        ];
        let member = (key, inner.clone()).prop_map(|(key, value)| (key.to_owned(), value));
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => prop::collection::vec(member, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn leaf() -> impl Strategy<Value = String> {
    let texts = [
        ".",
        ".a",
        ".b",
        ".a.b",
        ".a?",
        ".a.b?",
        ".a.b.c",
        ".[\"a\"]",
        ".\"\"",
        ".[0]",
        ".a[0]",
        ".a[]",
        ".[]?",
        ".a[1:]",
        "..",
        "$v",
        "$v.a",
        "$v.b?",
        "1",
        "\"a\"",
        "null",
        "now | type",
        "keys",
        "length",
        "to_entries",
        "tojson",
        "add",
        "empty",
        "error",
        "paths",
        "input",
        "$ENV",
        "$__loc__",
        "not",
        "@json",
        "values",
        "has(\"a\")",
        "ascii_upcase",
        "tostream",
    ];
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

/// Around one expression.
const ONES: [&str; 28] = [
    "[{x}]",
    "({x}).a",
    "({x}).b?",
    "({x})?",
    "-({x})",
    "\"<\\({x})>\"",
    "map({x})",
    "select({x})",
    "path({x})",
    "first({x})",
    "isempty({x})",
    "del({x})",
    "error({x})",
    "any({x})",
    "with_entries({x})",
    "limit(1; {x})",
    "label $l | {x}, break $l",
    "try ({x}) catch .",
    "getpath([\"a\"]) | {x}",
    "def f: {x}; f",
    "({x}) |= 1",
    "def f($v): {x}; f(.a)",
    "def f(g): g | {x}; f(.b)",
    "[splits({x})]",
    "@uri \"\\({x})\"",
    "[range({x})]",
    "walk({x})",
    "tojson | ({x})",
];
/// Around two.
const TWOS: [&str; 30] = [
    "({x}) | ({y})",
    "({x}), ({y})",
    "({x}) // ({y})",
    "({x}) + ({y})",
    "({x}) == ({y})",
    "({x}) and ({y})",
    "if {x} then {y} end",
    "if {x} then . else {y} end",
    "({x})[{y}]",
    "{a: ({x}), b, (\"k\"): ({y})}",
    "{(({x}) | tojson): ({y})}",
    "({x}) as $v | ({y})",
    "({x}) as [$v] | ({y})",
    "({x}) as {a: $v} | ({y})",
    "({x}) as {$a} | ({y}), $a",
    "({x}) as {a: $v} ?// [$v] | ({y})",
    "reduce ({x}) as $v (.; {y})",
    "foreach ({x}) as $v (.a; {y})",
    "foreach ({x}) as $v ({y}; .; [., $v])",
    "({x}) = ({y})",
    "({x}) += ({y})",
    "({x}) //= ({y})",
    "try ({x}) catch ({y})",
    "any({x}; {y})",
    "pow({x}; {y})",
    "({x})[{y}:]",
    "sub({x}; {y})",
    "INDEX({x}; {y})",
    "skip(1; ({x}), ({y}))",
    "setpath([\"a\"]; {x}) | {y}",
];

fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        let one = |form: &'static str| {
            let fill = move |x: String| form.replace("{x}", &x);
            inner.clone().prop_map(fill)
        };
        let two = |form: &'static str| {
            let fill = move |(x, y): (String, String)| form.replace("{x}", &x).replace("{y}", &y);
            (inner.clone(), inner.clone()).prop_map(fill)
        };
        let ones = prop::strategy::Union::new(ONES.map(|form| one(form).boxed()));
        let twos = prop::strategy::Union::new(TWOS.map(|form| two(form).boxed()));
        prop_oneof![ones, twos]
    })
}

fn part(input: &Value, needs: &[&Needs]) -> Vec<u8> {
    let mut json = Vec::new();
    let union = Needs::union(needs.iter().copied());
    union.write(input, &mut json).unwrap();
    json
}

fn answer(interpreter: &Interpreter, text: &str, input: &[u8]) -> Answer {
    let program = interpreter.compile(text).unwrap();
    let (input, time) = (value::Value::parse(input).unwrap(), Duration::from_secs(10));
    interpreter.run(&program, input, time, Until::after(time))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_needed_is_enough(text in expression(), others in expression(), input in input()) {
        thread_local! {
            static INTERPRETER: Interpreter = Interpreter::new();
        }
        let text = format!(".b as $v | {text}");
        INTERPRETER.with(|interpreter| {
            // what names a function that is not there
            let Ok(needs) = interpreter.check(&text) else {
                return Ok(());
            };
            let whole = answer(interpreter, &text, input.to_string().as_bytes());
            let needed = part(&input, &[&needs]);
            prop_assert_eq!(&answer(interpreter, &text, &needed), &whole);
            // and what others of a call need as well does no harm
            let others = interpreter.check(&others).unwrap_or_default();
            let needed = part(&input, &[&needs, &others]);
            prop_assert_eq!(&answer(interpreter, &text, &needed), &whole);
            Ok(())
        })?;
    }
}
