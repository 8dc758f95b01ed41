//! Every common row of the table "From answer to outcome", from the receiver's fault to what is
//! stored and shown.

use bytes::Bytes;
use http::StatusCode;
use longshore_domain::delivery::State;
use longshore_domain::diagnosis::Reason;
use longshore_emulators::webhook_sink::Answer;
use longshore_emulators::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::{Kind, Process, Target, World, sink};

/// What an attempt came to, and where it left its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Accepted(Option<Reason>),
    /// Not sent again before its time; `uses` says whether it used up an attempt.
    Retry {
        reason: Reason,
        uses: bool,
    },
    Unknown(Reason),
    Refused(Reason),
}

const fn retry(reason: Reason) -> Row {
    Row::Retry { reason, uses: true }
}

/// What the receiver does.
#[derive(Clone, Debug)]
enum Does {
    Fault(Fault),
    Answer(Answer),
}

fn status(status: u16) -> Does {
    Does::Fault(Fault::status(status))
}

fn fault(kind: FaultKind) -> Does {
    Does::Fault(Fault::new(kind))
}

/// What the receiver does, and the rows where a repeat is allowed and where it is harm.
fn table() -> Vec<(Does, Row, Row)> {
    use Reason::*;
    let both = |does: Does, row: Row| (does, row, row);
    let differs = |does: Does, reason: Reason| (does, retry(reason), Row::Unknown(reason));
    let waits = |reason: Reason| Row::Retry {
        reason,
        uses: false,
    };
    let lost = |does: Does, reason: Reason| both(does, Row::Unknown(reason));
    let long = Answer::json(StatusCode::OK, "x".repeat(3_000));
    vec![
        both(
            Does::Answer(Answer::json(StatusCode::OK, "{}")),
            Row::Accepted(None),
        ),
        both(
            Does::Answer(Answer::json(StatusCode::CREATED, "")),
            Row::Accepted(None),
        ),
        both(
            Does::Answer(Answer::json(StatusCode::NO_CONTENT, "")),
            Row::Accepted(None),
        ),
        both(Does::Answer(long), Row::Accepted(None)),
        both(status(429), waits(RateLimited)),
        both(
            Does::Fault(Fault::too_many_requests(30)),
            waits(RateLimited),
        ),
        both(
            Does::Fault(Fault::unavailable(30)),
            waits(ReceiverUnavailable),
        ),
        differs(status(408), GatewayFailed),
        differs(status(502), GatewayFailed),
        differs(fault(FaultKind::ProxyPage(502)), GatewayFailed),
        differs(status(504), GatewayFailed),
        differs(status(500), ReceiverFailed),
        differs(status(501), ReceiverFailed),
        differs(status(503), ReceiverUnavailable),
        differs(status(599), ReceiverFailed),
        both(
            fault(FaultKind::Redirect("/elsewhere".into())),
            Row::Refused(Redirected),
        ),
        both(status(304), Row::Refused(Redirected)),
        both(status(400), Row::Refused(RequestRefused)),
        both(status(401), Row::Refused(CredentialsRefused)),
        both(status(403), Row::Refused(CredentialsRefused)),
        both(status(404), Row::Refused(NotFound)),
        both(status(410), Row::Refused(NotFound)),
        both(status(413), Row::Refused(RequestRefused)),
        both(status(422), Row::Refused(RequestRefused)),
        lost(fault(FaultKind::DropBeforeReading), AnswerLost),
        lost(fault(FaultKind::DropAfterReading), AnswerLost),
        lost(fault(FaultKind::CutAnswer(9)), AnswerLost),
        lost(
            fault(FaultKind::Garbage(Bytes::from_static(b"garbage\r\n\r\n"))),
            AnswerInvalid,
        ),
        lost(fault(FaultKind::NeverAnswer), AnswerTimeout),
    ]
}

fn define(process: &Process, target: &Target, repeat_unknown: bool, synchronized: bool) {
    process.connect(&target.connection(&json!({
        "repeatUnknown": repeat_unknown,
        "timeoutMs": 700,
        "retrySchedule": [60, 600],
    })));
    process.define("act", &target.invocation(synchronized));
}

#[test]
fn every_answer_of_a_webhook() {
    for (does, allowed, harm) in table() {
        for (repeat_unknown, row) in [(true, allowed), (false, harm)] {
            for synchronized in [false, true] {
                let case = format!("{does:?}, {repeat_unknown}, {synchronized}");
                let world = World::new();
                let target = Target::Webhook(sink(&world));
                let process = world.boot();
                define(&process, &target, repeat_unknown, synchronized);
                script(&target, &does);
                let run = process.start("act");
                process.pump();
                check(&process, &run, row, repeat_unknown, synchronized, &case);
                assert_eq!(target.calls(), 1, "{case}");
            }
        }
    }
}

fn script(target: &Target, does: &Does) {
    let Target::Webhook(sink) = target else {
        panic!("a sink")
    };
    match does {
        Does::Fault(fault) => sink.faults().next(1, fault.clone()),
        Does::Answer(answer) => sink.answers().next(1, answer.clone()),
    }
}

fn check(
    process: &Process,
    run: &longshore_domain::id::RunId,
    row: Row,
    repeat_unknown: bool,
    synchronized: bool,
    case: &str,
) {
    let delivery = process.delivery(run);
    let attempts = process.attempts(run);
    let shown = process.run(run);
    assert_eq!(attempts.len(), 1, "{case}");
    assert_eq!(attempts[0].number, 1, "{case}");
    assert!(attempts[0].signed_with.is_some(), "{case}");
    let reason = |found: &Option<longshore_domain::diagnosis::Diagnosis>| {
        found.as_ref().map(|found| found.reason)
    };
    let told = reason(&attempts[0].diagnosis);
    let (outcome, state, used) = match row {
        Row::Accepted(warning) => {
            assert_eq!(told, warning, "{case}");
            ("accepted", State::Done, 0)
        }
        Row::Retry { reason, uses } => {
            assert_eq!(told, Some(reason), "{case}");
            ("retry", State::Due, u32::from(uses))
        }
        Row::Unknown(reason) => {
            assert_eq!(told, Some(reason), "{case}");
            let state = if repeat_unknown {
                State::Due
            } else {
                State::Unconfirmed
            };
            ("unknown", state, u32::from(repeat_unknown))
        }
        Row::Refused(reason) => {
            assert_eq!(told, Some(reason), "{case}");
            ("refused", State::Dead, 0)
        }
    };
    assert_eq!(attempts[0].outcome.name(), outcome, "{case}");
    assert_eq!(
        (delivery.state, delivery.attempts_used),
        (state, used),
        "{case}"
    );
    let (status, label) = match state {
        State::Done if synchronized => ("SUCCESS", None),
        State::Done => ("IN_PROGRESS", None),
        State::Due => ("IN_PROGRESS", Some("Retrying")),
        State::Unconfirmed => ("IN_PROGRESS", Some("Delivery unconfirmed")),
        _ => ("FAILURE", None),
    };
    assert_eq!(shown["status"], status, "{case}");
    assert_eq!(shown["statusLabel"].as_str(), label, "{case}");
    let ended = status != "IN_PROGRESS";
    assert_eq!(
        shown.get("endedAt").is_some_and(|at| !at.is_null()),
        ended,
        "{case}"
    );
    if status == "FAILURE" {
        let summary = shown["summary"].as_str().expect("a summary");
        let found = delivery.diagnosis.as_ref().expect("a diagnosis");
        assert!(
            summary.contains(&found.message) && summary.contains(&found.fix),
            "{case}"
        );
    }
}

#[test]
fn a_connection_that_is_refused_is_tried_again_whatever_a_repeat_does() {
    for repeat_unknown in [true, false] {
        let world = World::new();
        let gone = sink(&world);
        let target = Target::Webhook(gone);
        let process = world.boot();
        define(&process, &target, repeat_unknown, false);
        let Target::Webhook(gone) = target else {
            panic!("a sink")
        };
        world.on(gone.shutdown());
        let run = process.start("act");
        process.pump();
        let row = retry(Reason::ConnectionRefused);
        check(&process, &run, row, repeat_unknown, false, "refused");
        assert!(!process.delivery(&run).left, "nothing has left");
    }
}

#[test]
fn what_is_read_of_a_synchronous_answer_is_the_runs_response() {
    let table: [(&str, Value); 4] = [
        (r#"{"instance": 7}"#, json!({"instance": 7})),
        ("plain words", json!("plain words")),
        ("", json!("")),
        ("[1, 2", json!("[1, 2")),
    ];
    for (body, response) in table {
        let world = World::new();
        let target = Target::Webhook(sink(&world));
        let process = world.boot();
        define(&process, &target, true, true);
        script(&target, &Does::Answer(Answer::json(StatusCode::OK, body)));
        let run = process.start("act");
        process.pump();
        assert_eq!(process.run(&run)["status"], "SUCCESS", "{body}");
        assert_eq!(process.run(&run)["response"], response, "{body}");
    }
}

#[test]
fn a_refusal_of_a_synchronous_call_is_its_response_too() {
    let world = World::new();
    let target = Target::Webhook(sink(&world));
    let process = world.boot();
    define(&process, &target, true, true);
    let answer = Answer::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        r#"{"error": "name is taken"}"#,
    );
    script(&target, &Does::Answer(answer));
    let run = process.start("act");
    process.pump();
    let shown = process.run(&run);
    assert_eq!(shown["status"], "FAILURE");
    assert_eq!(shown["response"], json!({"error": "name is taken"}));
    assert_eq!(process.attempts(&run)[0].status, Some(422));
}

#[test]
fn an_accepted_answer_whose_body_does_not_end_is_accepted_with_a_warning() {
    let endless = |every| {
        Fault::new(FaultKind::EndlessBody {
            chunk: 100_000,
            every,
        })
    };
    let slow = endless(std::time::Duration::from_millis(100));
    let fast = endless(std::time::Duration::ZERO);
    let cut = Fault::new(FaultKind::CutAnswer(1_000));
    let table = [
        (slow, true, Some(Reason::AnswerIncomplete)),
        (fast.clone(), true, Some(Reason::AnswerTooLong)),
        (cut.clone(), true, Some(Reason::AnswerIncomplete)),
        (fast, false, None),
        (cut, false, Some(Reason::AnswerIncomplete)),
    ];
    for repeat_unknown in [true, false] {
        for (fault, synchronized, warning) in &table {
            let case = format!("{fault:?}, {synchronized}");
            let world = World::new();
            let target = Target::Webhook(sink(&world));
            let process = world.boot();
            define(&process, &target, repeat_unknown, *synchronized);
            let Target::Webhook(sink) = &target else {
                panic!("a sink")
            };
            sink.answers()
                .always(Answer::json(StatusCode::OK, "y".repeat(3_000)));
            sink.faults().next(1, fault.clone());
            let run = process.start("act");
            process.pump();
            let row = Row::Accepted(*warning);
            check(&process, &run, row, repeat_unknown, *synchronized, &case);
            let response = process.run(&run)["response"].clone();
            assert_eq!(
                response.is_string(),
                *synchronized,
                "{case}: what was read is kept"
            );
        }
    }
}

#[test]
fn the_common_rows_hold_for_jenkins_and_azure_too() {
    let table: Vec<(Fault, State, State)> = vec![
        (Fault::too_many_requests(30), State::Due, State::Due),
        (Fault::unavailable(30), State::Due, State::Due),
        (Fault::status(408), State::Due, State::Unconfirmed),
        (
            Fault::new(FaultKind::ProxyPage(502)),
            State::Due,
            State::Unconfirmed,
        ),
        (
            Fault::new(FaultKind::ProxyPage(504)),
            State::Due,
            State::Unconfirmed,
        ),
        (Fault::status(500), State::Due, State::Unconfirmed),
        (Fault::status(400), State::Dead, State::Dead),
        (Fault::status(401), State::Dead, State::Dead),
        (Fault::status(404), State::Dead, State::Dead),
        (
            Fault::new(FaultKind::Redirect("/login".into())),
            State::Dead,
            State::Dead,
        ),
        (
            Fault::new(FaultKind::DropBeforeReading),
            State::Due,
            State::Unconfirmed,
        ),
        (
            Fault::new(FaultKind::DropAfterReading),
            State::Due,
            State::Unconfirmed,
        ),
        (
            Fault::new(FaultKind::NeverAnswer),
            State::Due,
            State::Unconfirmed,
        ),
    ];
    for (fault, allowed, harm) in table {
        for (kind, synchronized) in [
            (Kind::Jenkins, false),
            (Kind::Jenkins, true),
            (Kind::Azure, false),
        ] {
            for (repeat_unknown, state) in [(true, allowed), (false, harm)] {
                let case = format!("{fault:?}, {kind:?}, {synchronized}, {repeat_unknown}");
                let mut world = World::new();
                let target = Target::start(&mut world, kind);
                let process = world.boot();
                define(&process, &target, repeat_unknown, synchronized);
                target.faults().next(1, fault.clone());
                let run = process.start("act");
                process.pump();
                assert_eq!(process.delivery(&run).state, state, "{case}");
                assert_eq!(process.attempts(&run).len(), 1, "{case}");
                let status = if state == State::Dead {
                    "FAILURE"
                } else {
                    "IN_PROGRESS"
                };
                assert_eq!(process.run(&run)["status"], status, "{case}");
                assert_eq!(target.calls(), 1, "{case}");
            }
        }
    }
}
