//! What receivers and people tell: receipts, reports before the answer, silence, redelivery.

use longshore_domain::delivery::{RedeliverRejection, State};
use longshore_domain::diagnosis::Reason;
use longshore_domain::id::RunId;
use longshore_domain::run::{Decision, Report, ReportRejection, Status};
use longshore_emulators::{Fault, FaultKind};
use longshore_engine::caller::Caller;
use longshore_engine::error::Error;
use serde_json::{Value, json};

use crate::support::{Kind, Moment, Process, Target, World, Write, new_id, seconds};

fn stage(kind: Kind, synchronized: bool, more: &Value) -> (World, Target, Process) {
    let mut world = World::new();
    let target = Target::start(&mut world, kind);
    let process = world.boot();
    process.connect(&target.connection(more));
    process.define("act", &target.invocation(synchronized));
    (world, target, process)
}

fn token(run: &RunId, attempt: u32) -> Caller {
    Caller::RunToken {
        run: run.clone(),
        attempt,
    }
}

fn log(process: &Process, caller: &Caller, run: &RunId, end: Option<Status>) -> Result<(), Error> {
    let line = process.engine.log(caller, run, "a line".into(), end, None);
    process.on(line).map(|_| ())
}

fn finish() -> Report {
    Report {
        status: Some(Status::Success),
        ..Report::default()
    }
}

/// A run of Jenkins whose call was never answered.
fn unconfirmed() -> (World, Target, Process, RunId) {
    let (world, target, process) = stage(Kind::Jenkins, false, &json!({"timeoutMs": 300}));
    target.faults().next(1, Fault::new(FaultKind::NeverAnswer));
    let run = process.start("act");
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Unconfirmed);
    (world, target, process, run)
}

#[test]
fn every_receipt_settles_what_is_unconfirmed() {
    type Receipt = fn(&Process, &RunId) -> Result<(), Error>;
    let table: [(&str, Receipt, State, &str); 6] = [
        (
            "redeem",
            |process, run| process.redeem(run, 1, "a build").map(|_| ()),
            State::Done,
            "IN_PROGRESS",
        ),
        (
            "log by run token",
            |process, run| log(process, &token(run, 1), run, None),
            State::Done,
            "IN_PROGRESS",
        ),
        (
            "PATCH by run token",
            |process, run| {
                let report = Report {
                    summary: Some("so far".into()),
                    ..Report::default()
                };
                process.report(run, 1, report).map(|_| ())
            },
            State::Done,
            "IN_PROGRESS",
        ),
        (
            "end by run token",
            |process, run| process.report(run, 1, finish()).map(|_| ()),
            State::Done,
            "SUCCESS",
        ),
        (
            "log by report credential",
            |process, run| {
                let caller = Caller::ReportCredential {
                    credential: "a job".into(),
                };
                log(process, &caller, run, None)
            },
            State::Done,
            "IN_PROGRESS",
        ),
        (
            "log by a person's credential",
            |process, run| log(process, &Process::admin(), run, None),
            State::Unconfirmed,
            "IN_PROGRESS",
        ),
    ];
    for (case, receipt, state, status) in table {
        let (world, target, process, run) = unconfirmed();
        assert_eq!(
            process.run(&run)["statusLabel"],
            "Delivery unconfirmed",
            "{case}"
        );
        receipt(&process, &run).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(process.delivery(&run).state, state, "{case}");
        assert_eq!(process.run(&run)["status"], status, "{case}");
        let label = process.run(&run)["statusLabel"].clone();
        assert_eq!(label.is_null(), state == State::Done, "{case}");
        world.clock.advance(seconds(3_600));
        process.watch();
        assert_eq!(target.calls(), 1, "{case}: it is not sent again");
    }
}

#[test]
fn what_nobody_confirms_for_a_day_is_dead() {
    let (world, target, process, run) = unconfirmed();
    world.clock.advance(seconds(24 * 3_600 - 1));
    process.watch();
    assert_eq!(process.delivery(&run).state, State::Unconfirmed);
    world.clock.advance(seconds(1));
    process.watch();
    let delivery = process.delivery(&run);
    assert_eq!(delivery.state, State::Dead);
    let reason = delivery.diagnosis.map(|found| found.reason);
    assert_eq!(reason, Some(Reason::NeverConfirmed));
    assert_eq!(process.run(&run)["status"], "FAILURE");
    assert_eq!(target.calls(), 1);
    let late = process.report(&run, 1, finish());
    assert!(
        matches!(late, Err(Error::Report(ReportRejection::RunEnded(_)))),
        "{late:?}"
    );
    let told = process
        .on(process.engine.timeline(&Process::admin(), &run))
        .expect("a timeline");
    assert!(
        told.iter().any(|entry| entry.what == "late_report"),
        "{told:?}"
    );
}

#[test]
fn a_person_gives_up_what_is_unconfirmed_and_nothing_else() {
    let (_world, _target, process, run) = unconfirmed();
    let id = process.delivery(&run).id;
    let dead = process
        .on(process.engine.give_up(&Process::admin(), &id))
        .expect("given up");
    assert_eq!(dead.state, State::Dead);
    assert_eq!(process.run(&run)["status"], "FAILURE");
    let again = process.on(process.engine.give_up(&Process::admin(), &id));
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

#[test]
fn a_pipeline_that_takes_the_run_before_its_trigger_is_answered() {
    for (kind, synchronized) in [
        (Kind::Webhook, false),
        (Kind::Jenkins, false),
        (Kind::Azure, false),
        (Kind::Webhook, true),
    ] {
        let case = format!("{kind:?}, {synchronized}");
        let (_world, target, process) = stage(kind, synchronized, &json!({}));
        let held = process.seam.hold(Write::Settle, Moment::Before);
        let run = process.start("act");
        process.on(held.reached());
        assert!(
            process.redeem(&run, 1, "build 1").expect("redeemed"),
            "{case}"
        );
        let label = Report {
            status_label: Some("Building".into()),
            ..Report::default()
        };
        process.report(&run, 1, label).expect("reported");
        held.release();
        process.pump();
        assert_eq!(process.delivery(&run).state, State::Done, "{case}");
        assert_eq!(process.outcomes(&run), ["accepted"], "{case}");
        assert_eq!(target.calls(), 1, "{case}: a conflict sends nothing again");
        let shown = process.run(&run);
        if synchronized {
            assert_eq!(shown["status"], "SUCCESS", "{case}");
            assert_eq!(shown["response"], json!({"ok": true}), "{case}");
        } else {
            assert_eq!(shown["status"], "IN_PROGRESS", "{case}");
            assert_eq!(
                shown["statusLabel"], "Building",
                "{case}: a reported label stays"
            );
        }
        if kind == Kind::Jenkins {
            assert_eq!(
                shown["externalRunId"], "1",
                "{case}: the answer still tells"
            );
        }
    }
}

#[test]
fn a_pipeline_that_finishes_before_its_trigger_is_answered() {
    for (kind, state) in [
        (Kind::Webhook, State::Cancelled),
        (Kind::Jenkins, State::Done),
    ] {
        let (world, target, process) = stage(kind, false, &json!({}));
        let held = process.seam.hold(Write::Settle, Moment::Before);
        let run = process.start("act");
        process.on(held.reached());
        process.report(&run, 1, finish()).expect("finished");
        held.release();
        process.pump();
        assert_eq!(process.run(&run)["status"], "SUCCESS", "{kind:?}");
        assert_eq!(process.delivery(&run).state, state, "{kind:?}");
        assert_eq!(
            process.outcomes(&run),
            ["accepted"],
            "{kind:?}: the attempt is recorded"
        );
        world.clock.advance(seconds(48 * 3_600));
        process.watch();
        assert_eq!(target.calls(), 1, "{kind:?}");
        assert_eq!(process.run(&run)["status"], "SUCCESS", "{kind:?}");
    }
}

#[test]
fn a_receipt_counts_more_than_an_answer_that_was_lost() {
    let (_world, target, process) = stage(Kind::Jenkins, false, &json!({}));
    target.faults().next(
        1,
        Fault::new(FaultKind::DropAfterReading).after_processing(),
    );
    let held = process.seam.hold(Write::Settle, Moment::Before);
    let run = process.start("act");
    process.on(held.reached());
    process.redeem(&run, 1, "build 1").expect("redeemed");
    held.release();
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Done);
    assert_eq!(process.outcomes(&run), ["unknown"]);
    assert_eq!(process.run(&run)["statusLabel"], Value::Null);
}

#[test]
fn a_receipt_ends_the_retries_of_what_has_left() {
    let (world, target, process) = stage(Kind::Webhook, false, &json!({}));
    target
        .faults()
        .next(1, Fault::status(504).after_processing());
    let run = process.start("act");
    process.pump();
    assert_eq!(process.run(&run)["statusLabel"], "Retrying");
    process.redeem(&run, 1, "build 1").expect("redeemed");
    assert_eq!(process.delivery(&run).state, State::Done);
    assert_eq!(process.run(&run)["statusLabel"], Value::Null);
    world.clock.advance(seconds(24 * 3_600));
    process.pump();
    assert_eq!(target.calls(), 1);
}

#[test]
fn the_second_attempts_pipeline_can_neither_go_on_nor_report() {
    let (_world, target, process) = stage(Kind::Webhook, false, &json!({}));
    let run = process.start("act");
    process.pump();
    assert!(process.redeem(&run, 1, "build 1").expect("redeemed"));
    assert!(
        !process.redeem(&run, 1, "build 1").expect("asked again"),
        "it holds it already"
    );
    let id = process.delivery(&run).id;
    process
        .on(process.engine.redeliver(&Process::admin(), &id))
        .expect("redelivered");
    process.pump();
    assert_eq!(target.calls(), 2);
    assert_eq!(process.delivery(&run).attempt, 2);
    let superseded = |found: Result<(), Error>| {
        matches!(found, Err(Error::Report(ReportRejection::Superseded { holder }))
            if holder == "build 1")
    };
    assert!(superseded(process.redeem(&run, 2, "build 2").map(|_| ())));
    assert!(superseded(log(&process, &token(&run, 2), &run, None)));
    assert!(superseded(process.report(&run, 2, finish()).map(|_| ())));
    process
        .report(&run, 1, finish())
        .expect("the holder reports");
    assert_eq!(process.run(&run)["status"], "SUCCESS");
}

#[test]
fn a_token_of_one_run_tells_nothing_about_another() {
    let (_world, _target, process) = stage(Kind::Webhook, false, &json!({}));
    let (own, other) = (process.start("act"), process.start("act"));
    process.pump();
    let found = process.on(process.engine.report(&token(&own, 1), &other, finish()));
    assert!(matches!(found, Err(Error::Forbidden(_))), "{found:?}");
    assert!(matches!(
        process.on(process.engine.run(&token(&own, 1), &own, false)),
        Err(Error::Forbidden(_))
    ));
}

#[test]
fn before_the_first_attempt_a_report_credential_tells_nothing() {
    let (world, target, process) = stage(Kind::Jenkins, false, &json!({"concurrency": 1}));
    target.faults().next(1, Fault::new(FaultKind::NeverAnswer));
    process.start("act");
    target.wait_for_calls(&world, 1);
    let waiting = process.start("act");
    let caller = Caller::ReportCredential {
        credential: "a job".into(),
    };
    let found = log(&process, &caller, &waiting, None);
    assert_eq!(found, Err(Error::Report(ReportRejection::NotStarted)));
    process.kill();
}

#[test]
fn who_accepted_and_stays_silent_is_labelled_and_then_fails() {
    let more = json!({"reportTimeoutSeconds": 3_600});
    for kind in [Kind::Webhook, Kind::Jenkins, Kind::Azure] {
        let (world, target, process) = stage(kind, false, &more);
        let run = process.start("act");
        process.pump();
        world.clock.advance(seconds(3_599));
        process.watch();
        assert_eq!(process.run(&run)["statusLabel"], Value::Null, "{kind:?}");
        world.clock.advance(seconds(1));
        process.watch();
        assert_eq!(process.run(&run)["statusLabel"], "No report", "{kind:?}");
        assert_eq!(process.run(&run)["status"], "IN_PROGRESS", "{kind:?}");
        log(&process, &token(&run, 1), &run, None).expect("a line");
        assert_eq!(
            process.run(&run)["statusLabel"],
            Value::Null,
            "{kind:?}: it reported"
        );
        world.clock.advance(seconds(3_600));
        process.watch();
        assert_eq!(process.run(&run)["statusLabel"], "No report", "{kind:?}");
        world.clock.advance(seconds(3_599));
        process.watch();
        assert_eq!(process.run(&run)["status"], "IN_PROGRESS", "{kind:?}");
        world.clock.advance(seconds(1));
        process.watch();
        let shown = process.run(&run);
        assert_eq!(shown["status"], "FAILURE", "{kind:?}");
        let reason = process.delivery(&run).diagnosis.map(|found| found.reason);
        assert_eq!(reason, Some(Reason::NoReport), "{kind:?}");
        assert_eq!(target.calls(), 1, "{kind:?}");
    }
}

#[test]
fn a_label_that_a_report_set_is_never_overwritten() {
    let (world, _target, process) = stage(
        Kind::Webhook,
        false,
        &json!({"reportTimeoutSeconds": 3_600}),
    );
    let run = process.start("act");
    process.pump();
    let label = Report {
        status_label: Some("Waiting for Ann".into()),
        ..Report::default()
    };
    process.report(&run, 1, label).expect("reported");
    world.clock.advance(seconds(3_600));
    process.watch();
    assert_eq!(process.run(&run)["statusLabel"], "Waiting for Ann");
    let reason = process.delivery(&run).diagnosis.map(|found| found.reason);
    assert_eq!(
        reason,
        Some(Reason::NoReport),
        "the silence is noted all the same"
    );
}

#[test]
fn a_person_sends_it_again_unless_it_is_under_way_or_the_run_has_ended() {
    let (_world, target, process, run) = unconfirmed();
    let id = process.delivery(&run).id;
    let redeliver = || process.on(process.engine.redeliver(&Process::admin(), &id));
    let held = process.seam.hold(Write::Settle, Moment::Before);
    redeliver().expect("from unconfirmed");
    process.on(held.reached());
    assert_eq!(
        redeliver().err(),
        Some(Error::Redelivery(RedeliverRejection::InFlight))
    );
    held.release();
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Done);
    assert_eq!(process.run(&run)["statusLabel"], Value::Null);
    redeliver().expect("from done");
    process.pump();
    assert_eq!(target.calls(), 3);
    target.faults().next(1, Fault::too_many_requests(600));
    redeliver().expect("from done");
    process.pump();
    assert_eq!(process.delivery(&run).state, State::Due);
    redeliver().expect("from due");
    assert_eq!(
        process.outcomes(&run),
        ["unknown", "accepted", "accepted", "retry"]
    );
    process.report(&run, 1, finish()).expect("finished");
    assert_eq!(
        redeliver().err(),
        Some(Error::Redelivery(RedeliverRejection::RunEnded))
    );
}

#[test]
fn a_run_that_ends_takes_its_waiting_delivery_with_it() {
    let (world, target, process) = stage(Kind::Webhook, false, &json!({}));
    target.faults().next(1, Fault::too_many_requests(60));
    let run = process.start("act");
    process.pump();
    let ended = Report {
        status: Some(Status::Failure),
        ..Report::default()
    };
    process
        .on(process.engine.report(&Process::admin(), &run, ended))
        .expect("cancelled");
    world.clock.advance(seconds(3_600));
    process.pump();
    assert_eq!(
        target.calls(),
        1,
        "nothing is sent for a run that has ended"
    );
    assert!(process.delivery(&run).state.is_settled());
}

#[test]
fn a_rerun_is_a_new_run_of_the_present_revision_with_the_same_inputs() {
    let (world, target, process) = stage(Kind::Webhook, true, &json!({}));
    let first = process.start_named("act", "orders");
    process.pump();
    assert_eq!(process.run(&first)["status"], "SUCCESS");
    let mut changed = target.invocation(true);
    changed["body"] = json!({"revision": 2, "name": "{{ .inputs.name }}"});
    process.redefine("act", &changed);
    let again = process
        .on(process.engine.rerun(&Process::admin(), &first))
        .expect("a rerun");
    let again = new_id(&again);
    process.pump();
    assert_ne!(again, first);
    assert_eq!(process.run(&again)["properties"], json!({"name": "orders"}));
    let Target::Webhook(sink) = &target else {
        panic!("a sink")
    };
    let bodies: Vec<Value> = sink
        .deliveries()
        .iter()
        .map(|seen| serde_json::from_slice(&seen.body).expect("JSON"))
        .collect();
    assert_eq!(bodies[1], json!({"revision": 2, "name": "orders"}));
    process.kill();
    let linked = world.on_disk().pop().expect("the rerun").0;
    assert_eq!(linked.rerun_of, Some(first));
}

#[test]
fn an_approved_run_is_sent_once_also_where_the_approver_goes_away() {
    for moment in [Moment::Before, Moment::After] {
        let (_world, target, process) = stage(Kind::Jenkins, false, &json!({"concurrency": 1}));
        process.define_approved("asked", &target.invocation(false));
        let run = process.start("asked");
        process.pump();
        assert_eq!(process.run(&run)["status"], "WAITING_FOR_APPROVAL");
        assert_eq!(target.calls(), 0);
        let held = process.seam.hold(Write::Start, moment);
        let (engine, id) = (std::sync::Arc::clone(&process.engine), run.clone());
        let approval = process.beside(async move {
            engine
                .approve(&Process::admin(), &id, Decision::Approve, None)
                .await
        });
        process.on(held.reached());
        approval.abort();
        assert!(
            process
                .on(approval)
                .is_err_and(|error| error.is_cancelled())
        );
        held.release();
        process.pump();
        assert_eq!(process.run(&run)["status"], "IN_PROGRESS", "{moment:?}");
        assert_eq!(process.delivery(&run).state, State::Done, "{moment:?}");
        assert_eq!(target.calls(), 1, "{moment:?}");
        let admin = Process::admin();
        let again = process
            .engine
            .approve(&admin, &run, Decision::Approve, None);
        assert!(matches!(process.on(again), Err(Error::Approval(_))));
    }
}
