use super::world::{World, new_delivery, rendered, request};
use super::*;
use crate::id::RunLogId;
use crate::template::{Cause, Failure};

fn failure(path: &str, cause: Cause, message: &str) -> Failure {
    Failure {
        path: path.to_owned(),
        expression: ".inputs.x".to_owned(),
        cause,
        message: message.to_owned(),
    }
}

fn failed(failures: Vec<Failure>) -> FailedTemplates {
    FailedTemplates {
        failures,
        line: RunLogId::mint(Timestamp::from_micros(1_767_323_045_000_000), 7),
    }
}

fn accepted(failures: Vec<Failure>) -> RunChange {
    let now = Timestamp::from_micros(1_767_323_045_000_000);
    let request = request(now, RequiredApproval::Plain(false));
    let mut rendered = rendered();
    rendered.failed = Some(failed(failures));
    accept(request, Some((rendered, new_delivery(now, WEBHOOK))))
}

#[test]
fn a_new_run_tells_of_them_on_its_timeline_and_in_one_line() {
    let change = accepted(vec![
        failure("body.a", Cause::Error, "Cannot index string with \"y\""),
        failure("", Cause::Compile { position: 3 }, "syntax error"),
        failure("body.b", Cause::Secret, "must not be told"),
    ]);
    assert_eq!(change.run().map(|run| run.log_lines), Some(1));
    assert_eq!(
        change.events[0].changed["templates"],
        json!([
            {"path": "body.a", "cause": "error", "expression": ".inputs.x", "message": "Cannot index string with \"y\""},
            {"path": "", "cause": "compile", "expression": ".inputs.x", "message": "syntax error", "position": 3},
            {"path": "body.b", "cause": "failed"},
        ])
    );
    let [line] = change.log.as_slice() else {
        panic!("one line")
    };
    assert_eq!(line.created_by, ENGINE);
    assert_eq!(
        line.message,
        "Templates that came to nothing:\n\
         body.a: error of `.inputs.x`: Cannot index string with \"y\"\n\
         the whole: compile of `.inputs.x` at character 3: syntax error\n\
         body.b: failed; it names a secret, so nothing more is told"
    );
}

#[test]
fn what_is_told_is_bounded() {
    let long = "é".repeat(100_000);
    let many = (0..100)
        .map(|_| failure(&long, Cause::Error, &long))
        .collect();
    let change = accepted(many);
    let listed = change.events[0].changed["templates"]
        .as_array()
        .map(Vec::len);
    assert_eq!(listed, Some(MAX_FAILURES_TOLD));
    let line = &change.log[0].message;
    assert!(line.ends_with("\nand 80 more"));
    assert!(line.chars().count() < MAX_FAILURES_TOLD * 3 * (MAX_TOLD_CHARS + 20));
}

#[test]
fn an_attempt_tells_of_them_while_the_run_takes_lines() {
    let now = Timestamp::from_micros(1_767_323_046_000_000);
    let failed = failed(vec![failure("url", Cause::Secret, "")]);
    let running = World::requested(WEBHOOK).run;
    let told_by = |run: &Run| {
        let mut change = RunChange::keep(run.id.clone());
        tell_failed_templates(&mut change, run, &failed, now);
        change
    };
    let change = told_by(&running);
    let after = change.run().expect("the run is written");
    assert_eq!((after.log_lines, after.version), (1, running.version + 1));
    assert_eq!(change.events[0].changed["templates"][0]["path"], "url");
    assert_eq!(change.log.len(), 1);
    for full in [
        Run {
            log_lines: LOG_LINES_LIMIT,
            ..running.clone()
        },
        Run {
            version: WRITES_LIMIT,
            ..running.clone()
        },
        Run {
            status: Status::Success,
            ..running
        },
    ] {
        assert_eq!(told_by(&full), RunChange::keep(full.id.clone()));
    }
}
