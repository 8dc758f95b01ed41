//! What fuzzing found, and other texts that once did harm: each is answered, and the next call too.

use std::fs;

use longshore_jq::fuzzing::Bench;
use longshore_jq::{Evaluated, Program};
use serde_json::json;

use super::{evaluator, event, program};

#[tokio::test]
async fn every_finding_is_answered() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/findings");
    let (evaluator, after) = (evaluator(), program("1 + 1"));
    let bench = Bench::start().unwrap();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        count += 1;
        let Ok(finding) = Program::compile(&text) else {
            continue;
        };
        let programs = [&finding, &after];
        let answers = evaluator.evaluate("owner", &programs, &event()).await;
        assert_eq!(
            answers[1],
            Evaluated::Output(json!(2)),
            "{}",
            path.display()
        );
        // a worker that does not survive it would end the test here
        assert!(
            bench.evaluate(&text, "null").is_some(),
            "{}",
            path.display()
        );
    }
    assert!(count > 0);
}
