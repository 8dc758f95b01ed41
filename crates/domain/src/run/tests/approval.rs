//! Who has to agree before a run is executed.

use super::world::{new_delivery, rendered};
use super::*;

fn vote(user: &str, decision: Decision) -> Vote {
    Vote {
        user_id: user.to_owned(),
        decision,
        description: Some(format!("{user} has looked at it")),
        at: Timestamp::from_micros(1_767_323_050_000_000),
    }
}

/// Takes an answer, and executes the run once enough have agreed.
fn answer(world: &mut World, user: &str, decision: Decision) -> Result<(), ApprovalRejection> {
    let vote = vote(user, decision);
    world.now = vote.at;
    let change = match approve(&world.run, &world.documents.votes, vote)? {
        Approved::Recorded(change) => change,
        Approved::Execute(votes) => {
            let new = new_delivery(world.now, JENKINS);
            dispatch(&world.run, votes, rendered(), new, user, world.now)
        }
    };
    world.apply(change).unwrap();
    Ok(())
}

const fn quorum(count: u32) -> RequiredApproval {
    RequiredApproval::Typed(ApprovalType::Quorum { count })
}

#[test]
fn the_forms_of_required_approval() {
    let rows = [
        (json!(false), RequiredApproval::Plain(false), false),
        (json!(true), RequiredApproval::Plain(true), true),
        (
            json!({"type": "ANY"}),
            RequiredApproval::Typed(ApprovalType::Any),
            true,
        ),
        (
            json!({"type": "ALL"}),
            RequiredApproval::Typed(ApprovalType::All),
            true,
        ),
        (json!({"type": "QUORUM", "count": 2}), quorum(2), true),
    ];
    for (json, required, waits) in rows {
        let read: RequiredApproval = serde_json::from_value(json.clone()).unwrap();
        assert_eq!((read, read.is_required()), (required, waits), "{json}");
        assert_eq!(serde_json::to_value(required).unwrap(), json);
    }
    let wrong = [
        json!("ANY"),
        json!(1),
        json!({"type": "any"}),
        json!({"type": "QUORUM"}),
        json!({"type": "QUORUM", "count": -1}),
        json!({"type": "QUORUM", "count": 2, "of": 3}),
    ];
    for json in wrong {
        let read: Result<RequiredApproval, _> = serde_json::from_value(json.clone());
        assert!(read.is_err(), "{json}");
    }
}

#[test]
fn enough_approvals_execute_the_run() {
    let rows = [
        (RequiredApproval::Plain(true), 1),
        (RequiredApproval::Typed(ApprovalType::Any), 1),
        (RequiredApproval::Typed(ApprovalType::All), 1),
        (quorum(1), 1),
        (quorum(3), 3),
    ];
    for (required, needed) in rows {
        let mut world = World::waiting(required);
        for number in 1..needed {
            answer(&mut world, &format!("approver {number}"), Decision::Approve).unwrap();
            assert_eq!(world.run.status, Status::WaitingForApproval, "{required:?}");
            assert_eq!(world.last_event().changed, json!({"approvals": number}));
            assert_eq!(world.delivery, None);
        }
        answer(&mut world, "the last approver", Decision::Approve).unwrap();
        assert_eq!(world.run.status, Status::InProgress, "{required:?}");
        assert_eq!(
            (world.state(), world.documents.votes.len()),
            (State::Due, needed)
        );
        assert_eq!(world.documents.payload, Some(rendered().payload.into()));
        let event = world.last_event();
        assert_eq!(
            (event.kind, event.by.as_str()),
            (EventKind::RunApproval, "the last approver")
        );
        assert_eq!(
            event.changed,
            json!({"status": "IN_PROGRESS", "approvals": needed})
        );
    }
}

#[test]
fn an_approved_run_of_an_agent_waits_for_it() {
    let world = World::waiting(RequiredApproval::Plain(true));
    let new = new_delivery(world.now, AGENT);
    let change = dispatch(
        &world.run,
        Vec::new(),
        rendered(),
        new,
        "approver",
        world.now,
    );
    let label = change.run().and_then(|run| run.label.clone()).unwrap();
    assert_eq!(
        (label.text.as_str(), label.by_engine),
        (label::WAITING_FOR_AGENT, true)
    );
}

#[test]
fn one_decline_ends_the_run() {
    for required in [RequiredApproval::Plain(true), quorum(3)] {
        let mut world = World::waiting(required);
        if required == quorum(3) {
            answer(&mut world, "first", Decision::Approve).unwrap();
        }
        answer(&mut world, "second", Decision::Decline).unwrap();
        assert_eq!(
            (world.run.status, world.run.ended_at),
            (Status::Declined, Some(world.now))
        );
        assert_eq!(world.last_event().changed["status"], "DECLINED");
        assert_eq!(world.delivery, None);
        let after = answer(&mut world, "third", Decision::Approve);
        assert_eq!(after, Err(ApprovalRejection::NotWaiting(Status::Declined)));
    }
}

#[test]
fn nobody_answers_twice() {
    for second in [Decision::Approve, Decision::Decline] {
        let mut world = World::waiting(quorum(2));
        answer(&mut world, "first", Decision::Approve).unwrap();
        let before = world.clone();
        let again = answer(&mut world, "first", second);
        assert_eq!(again, Err(ApprovalRejection::AlreadyAnswered));
        assert_eq!((world.run, world.documents), (before.run, before.documents));
    }
}

#[test]
fn only_a_waiting_run_can_be_answered() {
    let mut ended = World::requested(JENKINS);
    ended
        .report(&machine(), with_status(Status::Success))
        .unwrap();
    for mut world in [World::requested(JENKINS), ended] {
        for decision in [Decision::Approve, Decision::Decline] {
            let refused = answer(&mut world, "approver", decision);
            assert_eq!(
                refused,
                Err(ApprovalRejection::NotWaiting(world.run.status))
            );
        }
    }
}
