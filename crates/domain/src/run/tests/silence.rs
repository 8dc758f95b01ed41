//! What time alone, and a person, do to a run whose call was accepted or stayed unconfirmed.

use super::world::TIMEOUT;
use super::*;
use crate::delivery::{RedeliverRejection, UNCONFIRMED_FOR};

fn accepted_run() -> World {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&accepted());
    world
}

#[test]
fn silence_is_shown_and_as_long_again_fails_the_run() {
    let mut world = accepted_run();
    assert!(!world.watch(), "not yet");
    world.pass(TIMEOUT);
    assert!(world.watch());
    assert_eq!(
        (world.run.status, world.label()),
        (Status::InProgress, Some(label::NO_REPORT))
    );
    assert!(!world.watch(), "once is enough");
    world.pass(TIMEOUT);
    assert!(world.watch());
    assert_eq!((world.run.status, world.label()), (Status::Failure, None));
    let why = world.run.summary.clone().unwrap();
    assert!(why.contains("nobody reported for 3600 s"), "{why}");
    world.pass(TIMEOUT);
    assert!(!world.watch(), "it has ended");
}

#[test]
fn a_report_in_between_starts_the_silence_anew() {
    let reports: [fn(&mut World); 3] = [
        |world| world.report(&token(1), with_summary("Building")).unwrap(),
        |world| world.log(&machine(), "Building", None).unwrap(),
        |world| world.report(&token(1), Report::default()).unwrap(),
    ];
    for report in reports {
        let mut world = accepted_run();
        world.pass(TIMEOUT);
        assert!(world.watch());
        world.pass(TIMEOUT / 2);
        report(&mut world);
        assert_eq!(world.label(), None);
        world.pass(TIMEOUT / 2);
        assert!(!world.watch(), "the report is not old enough");
        world.pass(TIMEOUT / 2);
        assert!(world.watch());
        assert_eq!(
            (world.run.status, world.label()),
            (Status::InProgress, Some(label::NO_REPORT))
        );
    }
}

#[test]
fn a_synchronous_run_whose_answer_got_lost_after_a_receipt_does_not_stay_open_for_ever() {
    let mut world = World::requested(Setup {
        synchronized: true,
        ..JENKINS
    });
    let number = world.call();
    world.redeem(&token(number), None).unwrap();
    world.settle(number, &unknown());
    assert_eq!(world.run.status, Status::InProgress);
    for _ in 0..2 {
        world.pass(TIMEOUT);
        assert!(world.watch());
    }
    assert_eq!(world.run.status, Status::Failure);
}

#[test]
fn an_unconfirmed_run_fails_after_a_day() {
    let mut world = World::requested(JENKINS);
    world.attempt(&unknown());
    world.pass(UNCONFIRMED_FOR);
    assert!(world.watch());
    assert_eq!(
        (world.state(), world.run.status),
        (State::Dead, Status::Failure)
    );
    assert_eq!(world.label(), None);
    assert_eq!(world.last_event().by, ENGINE);
}

#[test]
fn a_person_gives_up_only_what_is_unconfirmed() {
    let mut world = World::requested(JENKINS);
    assert!(!world.give_up(), "due");
    world.call();
    assert!(!world.give_up(), "started");
    world.settle(1, &unknown());
    assert!(world.give_up());
    assert_eq!(
        (world.state(), world.run.status),
        (State::Dead, Status::Failure)
    );
    assert_eq!(world.last_event().by, "person");
    assert!(!world.give_up(), "dead");
}

#[test]
fn a_person_redelivers_unless_it_is_in_flight_or_over() {
    let mut world = World::requested(JENKINS);
    world.redeliver().unwrap();
    world.call();
    assert_eq!(world.redeliver(), Err(RedeliverRejection::InFlight));
    world.settle(1, &unknown());
    world.redeliver().unwrap();
    world.attempt(&accepted());
    world.redeliver().unwrap();
    assert_eq!(world.call(), 3, "attempts are numbered onwards");
    world.settle(3, &refused());
    assert_eq!(world.run.status, Status::Failure);
    assert_eq!(world.redeliver(), Err(RedeliverRejection::RunEnded));
}

#[test]
fn deleting_an_action_ends_what_waits_for_approval_and_nothing_else() {
    let mut waiting = World::waiting(RequiredApproval::Plain(true));
    waiting
        .apply(cancel_waiting(&waiting.run, "admin", waiting.now))
        .unwrap();
    assert_eq!(waiting.run.status, Status::Failure);
    assert_eq!(waiting.label(), Some(label::ACTION_DELETED));
    assert_eq!(waiting.last_event().by, "admin");

    let mut ended = accepted_run();
    ended
        .report(&token(1), with_status(Status::Success))
        .unwrap();
    for world in [World::requested(JENKINS), accepted_run(), ended] {
        let change = cancel_waiting(&world.run, "admin", world.now);
        assert_eq!(change, RunChange::keep(world.run.id.clone()));
    }
}

/// Storage reads run and delivery together; a pair that does not fit must not undo an end.
#[test]
fn silence_does_not_touch_a_run_that_has_ended() {
    let silent = accepted_run();
    let mut ended = silent.clone();
    ended
        .report(&token(1), with_status(Status::Success))
        .unwrap();
    let mut delivery = silent.delivery().clone();
    for _ in 0..2 {
        let now = delivery.due_at.unwrap();
        let silence = crate::delivery::watch(&delivery, now, TIMEOUT).unwrap();
        let change = label_silence(&ended.run, &delivery, silence, now);
        assert_eq!(change.run(), None);
        delivery = change.delivery.unwrap().delivery().clone();
    }
}
