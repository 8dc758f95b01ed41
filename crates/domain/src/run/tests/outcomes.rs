//! What the outcome of a call means for its run.

use super::*;
use crate::diagnosis::Reason;
use crate::outcome::{Acceptance, Outcome};

#[test]
fn the_run_after_each_outcome() {
    use Repeat::{Allowed, Harm};
    use Status::{Failure, InProgress, Success};
    let retrying = Some(label::RETRYING);
    let unconfirmed = Some(label::UNCONFIRMED);
    let rows = [
        // (outcome, repeat, synchronized, status, label, answer kept)
        (accepted(), Harm, false, InProgress, None, false),
        (accepted(), Allowed, false, InProgress, None, false),
        (accepted(), Harm, true, Success, None, true),
        (accepted(), Allowed, true, Success, None, true),
        (retry(), Harm, false, InProgress, retrying, false),
        (retry(), Allowed, true, InProgress, retrying, false),
        (unknown(), Harm, false, InProgress, unconfirmed, false),
        (unknown(), Harm, true, InProgress, unconfirmed, false),
        (unknown(), Allowed, false, InProgress, retrying, false),
        (unknown(), Allowed, true, InProgress, retrying, false),
        (refused(), Harm, false, Failure, None, false),
        (refused(), Allowed, false, Failure, None, false),
        (refused(), Harm, true, Failure, None, true),
        (refused(), Allowed, true, Failure, None, true),
    ];
    for (outcome, repeat, synchronized, status, label, answered) in rows {
        let row = format!("{outcome:?}, {repeat:?}, synchronized {synchronized}");
        let mut world = World::requested(Setup {
            repeat,
            synchronized,
            ..JENKINS
        });
        world.attempt(&outcome);
        assert_eq!((world.run.status, world.label()), (status, label), "{row}");
        assert_eq!(world.documents.response.is_some(), answered, "{row}");
        assert_eq!(world.attempts.len(), 1, "{row}");
    }
}

#[test]
fn a_dead_delivery_tells_the_run_why_and_what_to_change() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&refused());
    let why = "the receiver did it: not_found. Mend the receiver.";
    assert_eq!(world.run.summary.as_deref(), Some(why));
    assert_eq!(world.run.ended_at, Some(world.now));
    let event = world.last_event();
    assert_eq!(
        (event.kind, event.by.as_str()),
        (EventKind::RunUpdated, ENGINE)
    );
    assert_eq!(event.changed, json!({"status": "FAILURE", "summary": why}));
}

#[test]
fn what_a_report_said_before_is_not_replaced_by_the_answer() {
    let answer = Acceptance {
        external_run_id: Some("queue/17".to_owned()),
        links: vec!["https://ci.example.com/queue/17".to_owned()],
        warning: None,
    };
    let mut silent = World::requested(WEBHOOK);
    silent.attempt(&Outcome::Accepted(answer.clone()));
    assert_eq!(silent.run.external_run_id.as_deref(), Some("queue/17"));
    assert_eq!(
        silent.run.link,
        Some(json!(["https://ci.example.com/queue/17"]))
    );

    let mut told = World::requested(WEBHOOK);
    let number = told.call();
    let before = Report {
        external_run_id: Some("build/9".to_owned()),
        link: Some(json!("https://ci.example.com/build/9")),
        summary: Some("Building".to_owned()),
        ..Report::default()
    };
    told.report(&token(1), before).unwrap();
    told.settle(number, &Outcome::Accepted(answer));
    assert_eq!(told.run.external_run_id.as_deref(), Some("build/9"));
    assert_eq!(told.run.link, Some(json!("https://ci.example.com/build/9")));
    assert_eq!(told.run.summary.as_deref(), Some("Building"));
}

#[test]
fn a_summary_of_a_report_survives_the_failure() {
    let mut world = World::requested(WEBHOOK);
    let number = world.call();
    world.report(&token(1), with_summary("Building")).unwrap();
    world.settle(number, &refused());
    assert_eq!(world.run.status, Status::Failure);
    assert_eq!(world.run.summary.as_deref(), Some("Building"));
}

#[test]
fn a_pipeline_may_redeem_log_and_finish_before_its_triggers_answer_is_read() {
    for outcome in [accepted(), retry(), unknown(), refused()] {
        for setup in [JENKINS, WEBHOOK] {
            let mut world = World::requested(setup);
            let number = world.call();
            assert_eq!(world.redeem(&token(number), Some("build/9")), Ok(true));
            world.log(&token(number), "Building", None).unwrap();
            world
                .report(&token(number), with_status(Status::Success))
                .unwrap();
            let ended = world.run.clone();
            world.settle(number, &outcome);
            assert_eq!(world.run, ended, "{outcome:?}");
            assert_eq!(
                world.attempts.len(),
                1,
                "the attempt is recorded all the same"
            );
        }
    }
}

#[test]
fn a_settle_that_is_decided_on_what_has_moved_is_decided_again() {
    let mut world = World::requested(JENKINS);
    let number = world.call();
    let stale = world.settling(number, &unknown(), 10);
    world.redeem(&token(number), None).unwrap();
    assert_eq!(world.apply(stale), Err(world::Conflict));
    world.settle(number, &unknown());
    assert_eq!((world.state(), world.label()), (State::Done, None));
}

#[test]
fn a_late_acceptance_ends_the_waiting_and_starts_nothing() {
    let mut unconfirmed = World::requested(JENKINS);
    unconfirmed.attempt(&unknown());
    unconfirmed.settle(1, &accepted());
    assert_eq!(
        (unconfirmed.state(), unconfirmed.label()),
        (State::Done, None)
    );

    let mut retrying = World::requested(WEBHOOK);
    retrying.attempt(&unknown());
    retrying.settle(1, &accepted());
    assert_eq!((retrying.state(), retrying.label()), (State::Done, None));
    assert_eq!(retrying.delivery().attempt, 1);
}

#[test]
fn the_answer_of_a_synchronous_call_ends_its_run_although_a_receipt_came_first() {
    for repeat in [Repeat::Harm, Repeat::Allowed] {
        let mut world = World::requested(Setup {
            repeat,
            synchronized: true,
            ..JENKINS
        });
        let number = world.call();
        world.log(&token(number), "Working", None).unwrap();
        world.settle(number, &accepted());
        assert_eq!(world.run.status, Status::Success, "{repeat:?}");
        assert_eq!(
            world.documents.response,
            Some(json!({"status": 200})),
            "{repeat:?}"
        );
    }
}

#[test]
fn a_used_up_schedule_fails_the_run() {
    let mut world = World::requested(WEBHOOK);
    for _ in 0..9 {
        world.attempt(&retry());
        assert_eq!(
            (world.state(), world.label()),
            (State::Due, Some(label::RETRYING))
        );
    }
    world.attempt(&retry());
    assert_eq!(
        (world.state(), world.run.status),
        (State::Dead, Status::Failure)
    );
    let found = world
        .delivery()
        .diagnosis
        .as_ref()
        .map(|found| found.reason);
    assert_eq!(found, Some(Reason::AttemptsExhausted));
    assert_eq!(world.attempts.len(), 10);
}

#[test]
fn a_dead_destination_fails_the_runs_that_wait_for_it() {
    let mut world = World::requested(WEBHOOK);
    assert!(world.destination_down());
    assert_eq!(
        (world.state(), world.run.status),
        (State::Dead, Status::Failure)
    );
    assert!(!world.destination_down());
}

#[test]
fn a_killed_server_leaves_harm_unconfirmed_and_sends_the_rest_again() {
    let mut harm = World::requested(JENKINS);
    harm.call();
    harm.recover();
    assert_eq!(
        (harm.state(), harm.label()),
        (State::Unconfirmed, Some(label::UNCONFIRMED))
    );
    assert_eq!(harm.attempts.len(), 1, "what may have left is an attempt");
    assert!(harm.give_up());
    assert_eq!(harm.run.status, Status::Failure);

    let mut allowed = World::requested(WEBHOOK);
    let killed = allowed.call();
    allowed.recover();
    assert_eq!((allowed.state(), allowed.label()), (State::Due, None));
    assert_eq!(
        allowed.call(),
        killed,
        "the attempt that nobody settled is made again"
    );
}
