//! The engine's labels, and those of reports.

use super::*;
use crate::delivery::UNCONFIRMED_FOR;

#[test]
fn an_agents_run_says_that_it_waits_for_the_agent() {
    let mut world = World::requested(AGENT);
    assert_eq!(world.label(), Some(label::WAITING_FOR_AGENT));
    world.attempt(&retry());
    assert_eq!(world.label(), Some(label::WAITING_FOR_AGENT));
    world.redeliver().unwrap();
    assert_eq!(world.label(), Some(label::WAITING_FOR_AGENT));
    world.attempt(&accepted());
    assert_eq!(world.label(), None);
}

#[test]
fn our_label_is_cleared_by_a_receipt() {
    let receipts: [fn(&mut World); 5] = [
        |world| assert_eq!(world.redeem(&token(1), None), Ok(true)),
        |world| world.report(&machine(), with_summary("Found it")).unwrap(),
        |world| world.log(&token(1), "Started", None).unwrap(),
        |world| world.log(&credential(), "Started", None).unwrap(),
        |world| world.respond(&token(1), json!("ok")).unwrap(),
    ];
    for (number, receipt) in receipts.into_iter().enumerate() {
        for (setup, label) in [(JENKINS, label::UNCONFIRMED), (WEBHOOK, label::RETRYING)] {
            let mut world = World::requested(setup);
            world.attempt(&unknown());
            assert_eq!(world.label(), Some(label));
            receipt(&mut world);
            assert_eq!(
                (world.state(), world.label()),
                (State::Done, None),
                "receipt {number}"
            );
            assert_eq!(world.last_event().changed["statusLabel"], Value::Null);
        }
    }
}

#[test]
fn a_log_line_of_an_organisation_credential_is_no_receipt() {
    let mut world = World::requested(JENKINS);
    world.attempt(&unknown());
    world.log(&machine(), "Sending the request", None).unwrap();
    assert_eq!(world.state(), State::Unconfirmed);
    assert_eq!(world.label(), Some(label::UNCONFIRMED));
    world
        .log(&machine(), "Found it", Some(Status::Success))
        .unwrap();
    assert_eq!(
        (world.state(), world.label()),
        (State::Done, None),
        "it ends the run, though"
    );
}

#[test]
fn nothing_that_did_not_leave_is_received() {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&retry());
    world
        .report(&machine(), with_summary("Jenkins is down"))
        .unwrap();
    assert_eq!(
        (world.state(), world.label()),
        (State::Due, Some(label::RETRYING))
    );
}

#[test]
fn our_label_is_cleared_by_acceptance_and_by_redelivery() {
    let mut accepted_later = World::requested(WEBHOOK);
    accepted_later.attempt(&retry());
    assert_eq!(accepted_later.label(), Some(label::RETRYING));
    accepted_later.attempt(&accepted());
    assert_eq!(accepted_later.label(), None);

    let mut redelivered = World::requested(JENKINS);
    redelivered.attempt(&unknown());
    redelivered.redeliver().unwrap();
    assert_eq!(
        (redelivered.state(), redelivered.label()),
        (State::Due, None)
    );
    let event = redelivered.last_event();
    assert_eq!(
        (event.kind, event.by.as_str()),
        (EventKind::RunUpdated, "person")
    );
}

#[test]
fn a_redelivery_that_changes_no_label_is_told_as_well() {
    let mut world = World::requested(JENKINS);
    world.attempt(&accepted());
    world.redeliver().unwrap();
    assert_eq!(world.last_event().changed, json!({"delivery": "due"}));
    assert_eq!(world.last_event().by, "person");
}

#[test]
fn a_label_of_a_report_is_never_overwritten_by_ours() {
    let told = Some("Deploying to production");
    for setup in [JENKINS, WEBHOOK, AGENT] {
        let mut world = World::requested(setup);
        world
            .report(&machine(), with_label("Deploying to production"))
            .unwrap();
        for outcome in [retry(), unknown()] {
            world.attempt(&outcome);
            assert_eq!(world.label(), told, "{outcome:?}");
        }
        world.pass(UNCONFIRMED_FOR / 2);
        world.redeliver().unwrap();
        assert_eq!(world.label(), told);
        world.call();
        world.recover();
        assert_eq!(world.label(), told);
        world.redeliver().unwrap();
        world.attempt(&accepted());
        assert_eq!(world.label(), told);
        world.pass(world::TIMEOUT);
        assert!(world.watch());
        assert_eq!(
            world.label(),
            told,
            "silence is in the delivery's diagnosis"
        );
        world.pass(world::TIMEOUT);
        assert!(world.watch());
        assert_eq!((world.run.status, world.label()), (Status::Failure, told));
    }
}

#[test]
fn the_runs_end_clears_ours_and_keeps_a_reports() {
    let mut ours = World::requested(JENKINS);
    ours.attempt(&unknown());
    ours.report(&machine(), with_status(Status::Failure))
        .unwrap();
    assert_eq!(ours.label(), None);

    let mut theirs = World::requested(JENKINS);
    theirs.attempt(&unknown());
    let told = Report {
        status: Some(Status::Success),
        ..with_label("Deployed")
    };
    theirs.report(&token(1), told).unwrap();
    assert_eq!(theirs.label(), Some("Deployed"));
}
