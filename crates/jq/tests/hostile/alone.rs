//! Each hostile expression alone: answered in time, and no harm to what stands beside or follows.

use std::time::{Duration, Instant};

use longshore_jq::{Evaluated, Evaluator, Program};
use serde_json::json;

use super::expressions::{HOSTILE, SUSPECT};
use super::{config, evaluator, event, program};

/// The deadline, and what starting workers anew may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// An evaluator that has less patience, since there are many to be tried.
fn impatient() -> Evaluator {
    let mut config = config();
    config.bounds.deadline = Duration::from_millis(400);
    Evaluator::new(config)
}

#[tokio::test]
async fn every_hostile_expression_answers_an_error_in_time_and_alone() {
    let evaluator = impatient();
    let before = program(".inputs.name | ascii_upcase");
    let after = program("[.inputs.n, 1] | add");
    let event = event();
    for text in HOSTILE {
        let start = Instant::now();
        let hostile = program(text);
        let answers = evaluator
            .evaluate("owner", &[&before, &hostile], &event)
            .await;
        assert_eq!(answers[0], Evaluated::Output(json!("SVC")), "beside {text}");
        assert!(
            matches!(answers[1], Evaluated::Error(_) | Evaluated::Exceeded(_)),
            "{text} answered {:?}",
            answers[1]
        );
        assert_eq!(
            evaluator.evaluate("owner", &[&after], &event).await,
            [Evaluated::Output(json!(11))],
            "after {text}"
        );
        println!("{:>6} ms  {text}", start.elapsed().as_millis());
        assert!(
            start.elapsed() < PATIENCE,
            "{text} took {:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn what_follows_a_hostile_expression_in_its_call_is_evaluated() {
    let evaluator = evaluator();
    let crash = program("\"x\" * 4000000000");
    let endless = program("def f: f; f");
    let good = program(".inputs.name | length");
    let answers = evaluator
        .evaluate("owner", &[&crash, &good, &endless, &good], &event())
        .await;
    assert!(
        matches!(answers[0], Evaluated::Error(_) | Evaluated::Exceeded(_)),
        "{:?}",
        answers[0]
    );
    assert_eq!(answers[1], Evaluated::Output(json!(3)));
    assert!(
        matches!(answers[2], Evaluated::Error(_) | Evaluated::Exceeded(_)),
        "{:?}",
        answers[2]
    );
    assert_eq!(answers[3], Evaluated::Output(json!(3)));
}

#[tokio::test]
async fn nothing_of_the_surroundings_can_be_seen() {
    let evaluator = evaluator();
    for (text, expected) in [
        ("env", json!({})),
        ("$ENV", json!({})),
        ("env.PATH", json!(null)),
        ("$ENV.PATH", json!(null)),
        ("input_filename", json!(null)),
        ("$__loc__", json!({"file": "<top-level>", "line": 1})),
    ] {
        let answers = evaluator
            .evaluate("owner", &[&program(text)], &json!(null))
            .await;
        assert_eq!(answers, [Evaluated::Output(expected)], "{text}");
    }
}

#[tokio::test]
async fn outputs_are_json() {
    let evaluator = evaluator();
    for (text, expected) in [
        ("nan", json!(null)),
        ("[infinite, -infinite]", json!([f64::MAX, f64::MIN])),
        ("10 / 2", json!(5)),
        ("pow(2; 10)", json!(1024)),
        ("\"\\(10 / 2) \\(1 / 4)\"", json!("5 0.25")),
    ] {
        let answers = evaluator
            .evaluate("owner", &[&program(text)], &json!(null))
            .await;
        assert_eq!(answers, [Evaluated::Output(expected)], "{text}");
    }
    for text in ["{(1): 2}", "{(null): 2}", "[{([]): 1}]", "1 / 0", "5 % 0"] {
        let answers = match Program::compile(text) {
            Ok(program) => evaluator.evaluate("owner", &[&program], &json!(null)).await,
            Err(error) => vec![Evaluated::Error(error.to_string())],
        };
        assert!(
            matches!(answers[0], Evaluated::Error(_) | Evaluated::Exceeded(_)),
            "{text}: {:?}",
            answers[0]
        );
    }
}

#[tokio::test]
async fn what_only_looks_hostile_is_answered_in_time() {
    let evaluator = impatient();
    let neighbour = program(".inputs.name | ascii_upcase");
    for text in SUSPECT {
        let start = Instant::now();
        let suspect = program(text);
        let programs = [&neighbour, &suspect, &neighbour];
        let answers = evaluator.evaluate("owner", &programs, &event()).await;
        for place in [0, 2] {
            assert_eq!(
                answers[place],
                Evaluated::Output(json!("SVC")),
                "beside {text}"
            );
        }
        println!("{:>6} ms  {text}", start.elapsed().as_millis());
        assert!(
            start.elapsed() < PATIENCE,
            "{text} took {:?}",
            start.elapsed()
        );
    }
}
