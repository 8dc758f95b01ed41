//! Real jq's answers to expressions that template authors write.
#![cfg(test)]

use std::path::PathBuf;

use longshore_jq::{Config, Evaluated, Evaluator, Program, WorkerCommand};
use serde_json::Value;

fn evaluator() -> Evaluator {
    let program = env!("CARGO_BIN_EXE_jq-worker").into();
    Evaluator::new(Config::new(WorkerCommand {
        program,
        args: Vec::new(),
    }))
}

/// The vectors of the directory that `LONGSHORE_VECTORS` names, else the copy here.
fn vectors() -> Value {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests may bring other vectors"
    )]
    let directory = std::env::var_os("LONGSHORE_VECTORS");
    let directory = directory.map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"),
        PathBuf::from,
    );
    let text = std::fs::read(directory.join("jq.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Numbers by what they are worth, as who recorded the vectors read them: `5` and `5.0` are one.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().unwrap().into(),
        Value::Array(array) => array.iter().map(normal).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), normal(value)))
            .collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn answers_are_jqs() {
    let vectors = vectors();
    let evaluator = evaluator();
    let mut different = Vec::new();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
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
        // the text tells the order of keys apart, which equality does not
        let shown = |answer: &Option<Option<Value>>| format!("{answer:?}");
        if shown(&answer) != shown(&expected) {
            different.push(format!("{text}\n  jq:   {expected:?}\n  ours: {answer:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
