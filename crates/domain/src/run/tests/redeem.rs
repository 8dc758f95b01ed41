//! One pipeline takes a run; every other one is turned away.

use super::*;

type Call = fn(&mut World, &Reporter) -> Result<(), ReportRejection>;

/// A run whose second attempt is under way; its first may have started a pipeline as well.
fn twice_called() -> World {
    let mut world = World::requested(WEBHOOK);
    world.attempt(&unknown());
    assert_eq!(world.call(), 2);
    world
}

fn superseded_by(holder: &str) -> ReportRejection {
    ReportRejection::Superseded {
        holder: holder.to_owned(),
    }
}

#[test]
fn the_first_call_takes_the_run() {
    let mut world = twice_called();
    assert_eq!(world.redeem(&token(1), Some("build/9")), Ok(true));
    let by = Some("build/9".to_owned());
    assert_eq!(
        world.run.redemption,
        Some(Redemption {
            attempt: Some(1),
            by
        })
    );
    let event = world.last_event();
    assert_eq!(
        (event.kind, event.by.as_str()),
        (EventKind::RunRedeemed, "run token of attempt 1")
    );
    assert_eq!(event.changed, json!({"redeemedBy": "build/9"}));
}

#[test]
fn later_calls_are_judged_by_who_they_say_they_are() {
    let holder = "build/9";
    let rows = [
        // (holder, later caller, answer)
        (Some(holder), Some(holder), Ok(false)),
        (Some(holder), Some("build/10"), Err(superseded_by(holder))),
        (Some(holder), None, Err(superseded_by(holder))),
        (None, None, Err(superseded_by("attempt 1"))),
        (None, Some(holder), Err(superseded_by("attempt 1"))),
    ];
    for (first, later, answer) in rows {
        let mut world = twice_called();
        assert_eq!(world.redeem(&token(1), first), Ok(true));
        let taken = world.run.clone();
        assert_eq!(
            world.redeem(&token(1), later),
            answer,
            "{first:?}, then {later:?}"
        );
        assert_eq!(world.run, taken, "{first:?}, then {later:?}");
    }
}

#[test]
fn a_holder_without_a_name_is_named_by_its_attempt_or_as_an_earlier_call() {
    let mut world = twice_called();
    assert_eq!(world.redeem(&credential(), None), Ok(true));
    assert_eq!(
        world.run.redemption,
        Some(Redemption {
            attempt: None,
            by: None
        })
    );
    assert_eq!(
        world.redeem(&credential(), None),
        Err(superseded_by("an earlier call"))
    );
}

#[test]
fn tokens_of_other_attempts_are_refused_on_every_call() {
    let calls: [Call; 5] = [
        |world, by| world.redeem(by, Some("build/9")).map(|_| ()),
        |world, by| world.report(by, with_status(Status::Success)),
        |world, by| world.log(by, "Building", None),
        |world, by| world.log(by, "Built", Some(Status::Success)),
        |world, by| world.respond(by, json!("ok")),
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let mut world = twice_called();
        world.redeem(&token(1), Some("build/9")).unwrap();
        let before = world.clone();
        let refused = call(&mut world, &token(2));
        assert_eq!(refused, Err(superseded_by("build/9")), "call {number}");
        assert_eq!(
            (&world.run, world.told()),
            (&before.run, before.told()),
            "call {number}"
        );
        let holder = call(&mut world, &token(1));
        assert_eq!(holder, Ok(()), "call {number}");
        world.report(&machine(), with_status(Status::Failure)).ok();
        let refused = call(&mut world, &token(2));
        assert_eq!(
            refused,
            Err(superseded_by("build/9")),
            "call {number} after the end"
        );
    }
}

#[test]
fn before_a_redeem_every_attempts_token_may_report() {
    let mut world = twice_called();
    world.log(&token(1), "Building", None).unwrap();
    world.log(&token(2), "Building", None).unwrap();
    assert_eq!(world.log.len(), 2);
}

#[test]
fn credentials_go_on_reporting_whoever_took_the_run() {
    let mut world = twice_called();
    world.redeem(&token(1), Some("build/9")).unwrap();
    world.log(&credential(), "Seen from outside", None).unwrap();
    world
        .report(&machine(), with_status(Status::Success))
        .unwrap();
    assert_eq!(world.run.status, Status::Success);
}

#[test]
fn once_the_run_has_ended_it_cannot_be_redeemed() {
    let mut fresh = twice_called();
    fresh
        .report(&machine(), with_status(Status::Success))
        .unwrap();
    for by in [token(1), credential(), machine()] {
        let refused = fresh.redeem(&by, Some("build/9"));
        assert!(
            matches!(refused, Err(ReportRejection::RunEnded(_))),
            "{refused:?}"
        );
    }
    assert_eq!(fresh.run.redemption, None);

    let mut held = twice_called();
    held.redeem(&token(1), Some("build/9")).unwrap();
    held.report(&token(1), with_status(Status::Success))
        .unwrap();
    let refused = held.redeem(&token(1), Some("build/9"));
    assert!(
        matches!(refused, Err(ReportRejection::RunEnded(_))),
        "the holder as well"
    );
}

#[test]
fn a_report_credential_is_refused_before_the_first_attempt() {
    let calls: [Call; 4] = [
        |world, by| world.redeem(by, Some("build/9")).map(|_| ()),
        |world, by| world.report(by, with_status(Status::Success)),
        |world, by| world.log(by, "Building", None),
        |world, by| world.respond(by, json!("ok")),
    ];
    for call in calls {
        for setup in [JENKINS, WEBHOOK] {
            let mut world = World::requested(setup);
            assert_eq!(
                call(&mut world, &credential()),
                Err(ReportRejection::NotStarted)
            );
            world.attempt(&retry());
            let refused = call(&mut world, &credential());
            assert_eq!(
                refused,
                Err(ReportRejection::NotStarted),
                "nothing has left yet"
            );
            world.call();
            assert_eq!(call(&mut world, &credential()), Ok(()), "it may have left");
        }
        let mut owned = World::requested(Setup {
            entry: Entry::Window,
            ..JENKINS
        });
        assert_eq!(
            call(&mut owned, &credential()),
            Err(ReportRejection::NotStarted)
        );
        let mut waiting = World::waiting(RequiredApproval::Plain(true));
        let refused = call(&mut waiting, &credential());
        assert_eq!(
            refused,
            Err(ReportRejection::NotInProgress(Status::WaitingForApproval))
        );
    }
}
