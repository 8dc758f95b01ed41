//! Runs, deliveries and changes to store.

use longshore_domain::delivery::{Attempt, Delivery, OutcomeKind, Receiver, State};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{
    AGENT_DESTINATION, DeliveryWrite, Entry, Event, EventKind, Idempotency, NewDelivery, Rendered,
    Request, RequiredApproval, Run, RunChange, RunWrite, Source, Status, accept,
};
use longshore_domain::time::Timestamp;
use serde_json::json;

/// Microseconds of the instant that samples begin at.
pub(crate) const BEGIN: i64 = 1_767_323_045_000_000;

/// `millis` milliseconds after the beginning.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(BEGIN + millis * 1_000)
}

/// The id of run `number`; ids grow with their numbers.
pub(crate) fn run_id(number: u64) -> RunId {
    RunId::mint(at(number as i64), number)
}

/// The id of the delivery of run `number`: of every other as earlier versions made it.
pub(crate) fn delivery_id(number: u64) -> DeliveryId {
    match number % 2 {
        0 => DeliveryId::mint(at(number as i64), !number),
        _ => DeliveryId::of(&run_id(number)),
    }
}

/// A request for run `number`.
pub(crate) fn request(number: u64) -> Request {
    Request {
        id: run_id(number),
        action: "deploy".into(),
        action_revision: 1,
        blueprint: None,
        entity: None,
        source: Source::Api,
        required_approval: RequiredApproval::Plain(false),
        properties: json!({"service": "checkout", "ref": "main", "number": number}),
        raw_properties: None,
        encrypted: None,
        trigger: json!({"by": {"user": "c_ci"}, "origin": "API", "at": at(number as i64)}).into(),
        created_by: "client-of-the-pipeline".into(),
        now: at(number as i64),
        rerun_of: None,
        idempotency: None,
    }
}

/// A delivery for run `number` that enters as `entry`.
pub(crate) fn new_delivery(
    number: u64,
    destination: &str,
    entry: Entry,
    repeat: Repeat,
) -> NewDelivery {
    NewDelivery {
        id: delivery_id(number),
        receiver: Receiver::Webhook,
        destination: destination.into(),
        connection: None,
        repeat,
        synchronized: false,
        entry,
    }
}

/// A rendered invocation of about 1 KiB.
pub(crate) fn rendered() -> Rendered {
    Rendered {
        payload: json!({
            "url": "https://hooks.example.com/deploy",
            "method": "POST",
            "headers": {"content-type": "application/json"},
            "body": {"filler": "x".repeat(900), "ref": "main", "list": [1, 2.5, null, true]},
        }),
        deferred: Vec::new(),
        failed: None,
    }
}

/// Run `number`, to be executed by a delivery that enters as `entry`.
pub(crate) fn executed(number: u64, destination: &str, entry: Entry, repeat: Repeat) -> RunChange {
    let new = new_delivery(number, destination, entry, repeat);
    accept(request(number), Some((rendered(), new)))
}

/// Run `number`, in a worker's memory.
pub(crate) fn owned(number: u64) -> RunChange {
    executed(
        number,
        "https://hooks.example.com",
        Entry::Slot,
        Repeat::Allowed,
    )
}

/// Run `number`, stored until its turn comes.
pub(crate) fn due(number: u64, destination: &str) -> RunChange {
    executed(number, destination, Entry::Stored, Repeat::Allowed)
}

/// Run `number`, waiting for an agent.
pub(crate) fn for_agents(number: u64) -> RunChange {
    offered(number, "deploy", None)
}

/// Run `number` of `action`, waiting for an agent; its payload has this `integrationActionType`.
pub(crate) fn offered(number: u64, action: &str, action_type: Option<&str>) -> RunChange {
    let new = NewDelivery {
        receiver: Receiver::Agent,
        ..new_delivery(number, AGENT_DESTINATION, Entry::Stored, Repeat::Allowed)
    };
    let mut rendered = rendered();
    if let Some(action_type) = action_type {
        rendered.payload["integrationActionType"] = action_type.into();
    }
    let action = action.into();
    let request = Request {
        action,
        ..request(number)
    };
    accept(request, Some((rendered, new)))
}

/// Run `number`, waiting for approval.
pub(crate) fn waiting(number: u64, action: &str) -> RunChange {
    let required_approval = RequiredApproval::Plain(true);
    accept(
        Request {
            action: action.into(),
            required_approval,
            ..request(number)
        },
        None,
    )
}

/// The run of a change that makes one.
pub(crate) fn run_of(change: &RunChange) -> Run {
    change.run().expect("the change makes a run").clone()
}

/// The delivery of a change that makes one.
pub(crate) fn delivery_of(change: &RunChange) -> Delivery {
    change
        .delivery
        .as_ref()
        .expect("the change makes a delivery")
        .delivery()
        .clone()
}

/// The change that ends `run` at `ended_at`.
pub(crate) fn ended(run: &Run, ended_at: Timestamp) -> RunChange {
    let mut after = run.clone();
    after.status = Status::Success;
    after.ended_at = Some(ended_at);
    updated(run, after)
}

/// The change that makes `after` of `before`, with an event.
pub(crate) fn updated(before: &Run, mut after: Run) -> RunChange {
    after.version = before.version + 1;
    let mut change = RunChange::keep(before.id.clone());
    change.run = RunWrite::Update {
        from: before.version,
        run: Box::new(after),
        documents: longshore_domain::run::DocumentsPatch::default(),
    };
    change.events.push(Event {
        kind: EventKind::RunReported,
        at: at(1),
        by: "client-of-the-pipeline".into(),
        changed: json!({"status": "SUCCESS"}),
    });
    change
}

/// The change that records an accepted attempt and makes the delivery `done`.
pub(crate) fn settled(before: &Delivery, number: u32) -> RunChange {
    let mut change = RunChange::keep(before.run.clone());
    let after = Delivery {
        state: State::Done,
        due_at: Some(at(86_400_000)),
        attempt: number,
        left: true,
        ..before.clone()
    };
    change.delivery = Some(DeliveryWrite::update(before, after));
    change.attempt = Some(attempt(number));
    change
}

/// An accepted attempt.
pub(crate) fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        started_at: at(5),
        duration_micros: 1_234,
        status: Some(202),
        outcome: OutcomeKind::Accepted,
        signed_with: Some("s_1".into()),
        diagnosis: None,
        answer: Some("{\"ok\":true}".into()),
    }
}

/// A finding.
pub(crate) fn diagnosis() -> Diagnosis {
    Diagnosis {
        reason: Reason::ConnectionRefused,
        message: "the connection was refused".into(),
        fix: "Start the receiver.".into(),
    }
}

/// An idempotency key that holds for an hour after run `number` was requested.
pub(crate) fn idempotency(key: u8, body: u8, number: u64) -> Idempotency {
    Idempotency {
        key: [key; 32],
        body: [body; 32],
        expires_at: at(number as i64 + 3_600_000),
    }
}
