//! Real jq's answers to expressions that template authors write, and where ours are others.
#![cfg(test)]

use longshore_jq::{Config, Evaluated, Evaluator, Program, WorkerCommand};
use serde_json::{Value, json};

/// Expressions whose answer is not jq's.
const DIFFERENT: &[&str] = &[
    // integers are exact, jq rounds what it computes to a double
    ".inputs.big + 1",
    // regular expressions are matched in linear time, so they have no look-around
    ".inputs.name | test(\"^(?!x)\")",
];

fn evaluator() -> Evaluator {
    let program = env!("CARGO_BIN_EXE_jq-worker").into();
    Evaluator::new(Config::new(WorkerCommand {
        program,
        args: Vec::new(),
    }))
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/jq.json")).unwrap()
}

/// Numbers by what they are worth: `5` and `5.0` are one value.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let double = number.as_f64().unwrap();
            if double.fract() == 0.0 && double.abs() < 9e15 {
                json!(double as i64)
            } else {
                value.clone()
            }
        }
        Value::Array(array) => array.iter().map(normal).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), normal(value)))
            .collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn answers_are_jqs_but_for_the_listed_ones() {
    let vectors = vectors();
    let evaluator = evaluator();
    let mut different = Vec::new();
    for case in vectors["cases"].as_array().unwrap() {
        let text = case["jq"].as_str().unwrap();
        let expected = case
            .get("outputs")
            .map(|outputs| outputs.as_array().unwrap().first().map(normal));
        let answer = match Program::compile(text) {
            Err(_) => None,
            Ok(program) => match evaluator
                .evaluate("owner", &[&program], &vectors["input"])
                .await
                .remove(0)
            {
                Evaluated::Output(value) => Some(Some(normal(&value))),
                Evaluated::Empty => Some(None),
                Evaluated::Error(_) | Evaluated::Exceeded(_) => None,
            },
        };
        if answer != expected {
            println!("{text}\n  jq:   {expected:?}\n  ours: {answer:?}");
            different.push(text);
        }
    }
    assert_eq!(different, DIFFERENT);
}
