//! Plain expressions mean what the full language means by them: generated ones, by generated inputs.

use std::borrow::Cow;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Expression, Fault, evaluate, parse};
use crate::input::{Input, Members};
use crate::interpreter::{Answer, Interpreter, Until};
use crate::value;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        prop_oneof![
            Just(1.0),
            Just(-0.5),
            Just(1e22),
            Just(2.0),
            Just(0.1),
            Just(1e-7)
        ]
        .prop_map(|number: f64| json!(number)),
        prop_oneof![
            Just(u64::MAX),
            Just(9_007_199_254_740_993),
            Just(10_u64.pow(15))
        ]
        .prop_map(Value::from),
        prop_oneof![Just(""), Just("a"), Just("b c"), Just("é\"\n")].prop_map(Value::from),
    ]
}

fn input() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(
                (prop_oneof![Just("a"), Just("b"), Just("c d")], inner),
                0..4
            )
            .prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("."),
        Just(".a"),
        Just(".b"),
        Just(".[\"c d\"]"),
        Just(".[0]"),
        Just(".[-1]"),
        Just(".a.b?"),
        Just(".a[1].b"),
        Just("null"),
        Just("false"),
        Just("true"),
        Just("0"),
        Just("-1"),
        Just("2.0"),
        Just("1.5"),
        Just("0.25"),
        Just("\"a\""),
        Just("\"x\\u00e9\\n\""),
        Just("[]"),
        Just("{}"),
        Just("not"),
        Just("1000000000000000"),
        Just("18446744073709551615"),
    ]
    .prop_map(str::to_owned)
}

fn expression() -> impl Strategy<Value = String> {
    literal().prop_recursive(4, 32, 4, |inner| {
        let two = || (inner.clone(), inner.clone());
        let op = prop_oneof![
            Just("=="),
            Just("!="),
            Just("<"),
            Just("<="),
            Just(">"),
            Just(">="),
            Just("//"),
            Just("and"),
            Just("or"),
            Just("|"),
        ];
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            (two(), two()).prop_map(|((a, b), (c, d))| format!("({a} // {b} == {c} and {d})")),
            (two(), two())
                .prop_map(|((a, b), (c, d))| { format!("if {a} then {b} elif {c} then {d} end") }),
            (two(), inner.clone()).prop_map(|((a, b), c)| format!("if {a} then {b} else {c} end")),
            two().prop_map(|(a, b)| format!("\"<\\({a})-\\({b})>\"")),
            two().prop_map(|(a, b)| format!("{{a: {a}, (\"k\"): ({b}), b}}")),
            two().prop_map(|(a, b)| format!("{{({a}): {b}}}")),
            inner.clone().prop_map(|a| format!("[{a}]")),
            inner.clone().prop_map(|a| format!("({a})?")),
            two().prop_map(|(a, b)| format!("({a})[{b}]")),
            inner.clone().prop_map(|a| format!("({a}).a?")),
            inner.prop_map(|a| format!("({a}).b[0]")),
        ]
    })
}

/// What an expression comes to, as far as both ways tell it: errors only as such.
#[derive(Debug, PartialEq)]
enum Outcome {
    Output(String),
    Empty,
    Error,
}

fn in_full(interpreter: &Interpreter, text: &str, input: &Value) -> Outcome {
    let program = interpreter
        .compile(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let time = Duration::from_secs(10);
    let input = value::Value::parse(input.to_string().as_bytes()).unwrap();
    match interpreter.run(&program, input, time, Until::after(time)) {
        Answer::Output(text) => {
            let value: Value = serde_json::from_slice(&text).unwrap();
            Outcome::Output(format!("{value:?}"))
        }
        Answer::Empty => Outcome::Empty,
        Answer::Error(_) | Answer::Exceeded(_) => Outcome::Error,
    }
}

/// A value whose members are asked for one by one, where it is an object.
struct Parts<'v>(&'v Value);

impl Members for Parts<'_> {
    fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.0.get(name).map(Cow::Borrowed)
    }

    fn whole(&self) -> Value {
        self.0.clone()
    }
}

fn outcome(expression: &Expression, input: Input<'_>) -> Option<Outcome> {
    match evaluate(expression, input) {
        Ok(Some(value)) => Some(Outcome::Output(format!("{value:?}"))),
        Ok(None) => Some(Outcome::Empty),
        Err(Fault::Error(_)) => Some(Outcome::Error),
        Err(Fault::Beyond) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn plain_and_full_agree(text in expression(), input in input()) {
        thread_local! {
            static INTERPRETER: Interpreter = Interpreter::new();
        }
        let expression = parse(&text);
        prop_assert!(expression.is_some(), "{} is not plain", text);
        let expression = expression.unwrap();
        let plain = outcome(&expression, (&input).into());
        if input.is_object() {
            let parts = Parts(&input);
            prop_assert_eq!(&outcome(&expression, Input::Object(&parts)), &plain);
        }
        let Some(plain) = plain else { return Ok(()) };
        let full = INTERPRETER.with(|interpreter| in_full(interpreter, &text, &input));
        prop_assert_eq!(plain, full);
    }
}
