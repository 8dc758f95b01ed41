//! What a delivery's move means for its run.

use serde_json::{Map, Value};

use super::{
    DeliveryWrite, DocumentsPatch, Event, EventKind, Label, Run, RunChange, RunWrite, Status, label,
};
use crate::delivery::{
    self, Attempt, Delivery, LostWorker, Receiver, Settling, Silence, State, on_run_end,
};
use crate::diagnosis::Diagnosis;
use crate::outcome::{Acceptance, Outcome};
use crate::time::Timestamp;

/// Who stands in events for what nobody asked for.
pub const ENGINE: &str = "longshore";

/// Records attempt and outcome, and moves delivery and run as the tables say.
///
/// `response` is the answer of a synchronous call, as JSON where it is, else as text.
#[must_use]
pub fn settled(
    run: &Run,
    delivery: &Delivery,
    attempt: Attempt,
    outcome: &Outcome,
    response: Option<Value>,
    settling: &Settling<'_>,
) -> RunChange {
    let decided = delivery::settle(delivery, &attempt, outcome, settling);
    let mut after = run.clone();
    let mut documents = DocumentsPatch::default();
    if !run.status.is_final() {
        if let Some(acceptance) = decided.acceptance {
            take_over(&mut after, acceptance);
        }
        if let Some(next) = &decided.delivery {
            follow(&mut after, next, settling.now);
            if next.synchronized && next.state.is_settled() {
                documents.response = response;
            }
        }
    }
    let mut change = write(
        run,
        after,
        documents,
        EventKind::RunUpdated,
        ENGINE,
        settling.now,
    );
    change.delivery = decided
        .delivery
        .map(|next| DeliveryWrite::update(delivery, next));
    change.attempt = Some(attempt);
    change
}

/// What an acceptance told is kept unless a report said otherwise before.
pub(super) fn take_over(run: &mut Run, acceptance: Acceptance) {
    if run.external_run_id.is_none() {
        run.external_run_id = acceptance.external_run_id;
    }
    if run.link.is_none() && !acceptance.links.is_empty() {
        run.link = Some(acceptance.links.into_iter().map(Value::String).collect());
    }
}

pub(super) fn follow(run: &mut Run, delivery: &Delivery, now: Timestamp) {
    match delivery.state {
        State::Done if delivery.synchronized => end(run, Status::Success, now),
        State::Done => set_label(run, None),
        State::Due if delivery.receiver == Receiver::Agent => {
            set_label(run, Some(label::WAITING_FOR_AGENT));
        }
        State::Due => set_label(run, Some(label::RETRYING)),
        State::Unconfirmed => set_label(run, Some(label::UNCONFIRMED)),
        State::Dead => fail(run, delivery.diagnosis.as_ref(), now),
        State::Owned | State::Started | State::Published | State::Cancelled => {}
    }
}

fn fail(run: &mut Run, diagnosis: Option<&Diagnosis>, now: Timestamp) {
    end(run, Status::Failure, now);
    if let (None, Some(diagnosis)) = (&run.summary, diagnosis) {
        run.summary = Some(format!(
            "{} {}",
            sentence(&diagnosis.message),
            diagnosis.fix
        ));
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

pub(super) fn end(run: &mut Run, status: Status, now: Timestamp) {
    run.status = status;
    run.ended_at = Some(now);
    set_label(run, None);
}

/// Sets or clears the engine's own label; a label that a report set stays.
pub(super) fn set_label(run: &mut Run, text: Option<&str>) {
    if run.label.as_ref().is_none_or(|label| label.by_engine) {
        run.label = text.map(|text| Label {
            text: text.to_owned(),
            by_engine: true,
        });
    }
}

/// Takes the deliveries of a dead worker back.
#[must_use]
pub fn recovered(run: &Run, delivery: &Delivery, lost: LostWorker, now: Timestamp) -> RunChange {
    let mut after = run.clone();
    if lost.delivery.state == State::Unconfirmed && !run.status.is_final() {
        set_label(&mut after, Some(label::UNCONFIRMED));
    }
    let mut change = write(
        run,
        after,
        DocumentsPatch::default(),
        EventKind::RunUpdated,
        ENGINE,
        now,
    );
    change.delivery = Some(DeliveryWrite::update(delivery, lost.delivery));
    change.attempt = lost.attempt;
    change
}

/// A person had the delivery sent again.
#[must_use]
pub fn redelivered(
    run: &Run,
    delivery: &Delivery,
    next: Delivery,
    by: &str,
    now: Timestamp,
) -> RunChange {
    let mut after = run.clone();
    let waits = next.receiver == Receiver::Agent;
    set_label(&mut after, waits.then_some(label::WAITING_FOR_AGENT));
    let mut change = write(
        run,
        after,
        DocumentsPatch::default(),
        EventKind::RunUpdated,
        by,
        now,
    );
    if change.events.is_empty() {
        change.events.push(Event {
            kind: EventKind::RunUpdated,
            at: now,
            by: by.to_owned(),
            changed: serde_json::json!({"delivery": "due"}),
        });
    }
    change.delivery = Some(DeliveryWrite::update(delivery, next));
    change
}

/// The delivery is dead without an answer of its own: given up by a person, by time, or with its
/// destination.
#[must_use]
pub fn conclude(
    run: &Run,
    delivery: &Delivery,
    dead: Delivery,
    by: &str,
    now: Timestamp,
) -> RunChange {
    let mut after = run.clone();
    if !run.status.is_final() {
        follow(&mut after, &dead, now);
    }
    let mut change = write(
        run,
        after,
        DocumentsPatch::default(),
        EventKind::RunUpdated,
        by,
        now,
    );
    change.delivery = Some(DeliveryWrite::update(delivery, dead));
    change
}

/// Nobody has reported for a while.
#[must_use]
pub fn label_silence(
    run: &Run,
    delivery: &Delivery,
    silence: Silence,
    now: Timestamp,
) -> RunChange {
    match silence {
        Silence::Unconfirmed(dead) => conclude(run, delivery, dead, ENGINE, now),
        Silence::Notable(next) | Silence::Final(next) => {
            let mut after = run.clone();
            if !run.status.is_final() {
                if next.due_at.is_some() {
                    set_label(&mut after, Some(label::NO_REPORT));
                } else {
                    fail(&mut after, next.diagnosis.as_ref(), now);
                }
            }
            let mut change = write(
                run,
                after,
                DocumentsPatch::default(),
                EventKind::RunUpdated,
                ENGINE,
                now,
            );
            change.delivery = Some(DeliveryWrite::update(delivery, next));
            change
        }
    }
}

/// The action is gone, and with it what waited for approval; any other run goes on.
#[must_use]
pub fn cancel_waiting(run: &Run, by: &str, now: Timestamp) -> RunChange {
    if run.status != Status::WaitingForApproval {
        return RunChange::keep(run.id.clone());
    }
    let mut after = run.clone();
    end(&mut after, Status::Failure, now);
    after.label = Some(Label {
        text: label::ACTION_DELETED.to_owned(),
        by_engine: true,
    });
    write(
        run,
        after,
        DocumentsPatch::default(),
        EventKind::RunUpdated,
        by,
        now,
    )
}

/// Ends the run's delivery with the run.
pub(super) fn end_delivery(
    change: &mut RunChange,
    delivery: Option<&Delivery>,
    by_receipt: bool,
    now: Timestamp,
) {
    if let Some(before) = delivery
        && let Some(after) = on_run_end(before, by_receipt, now)
    {
        change.delivery = Some(DeliveryWrite::update(before, after));
    }
}

/// Replaces `before` by `after` with the event that says what changed; nothing where nothing did.
pub(super) fn write(
    before: &Run,
    mut after: Run,
    documents: DocumentsPatch,
    kind: EventKind,
    by: &str,
    now: Timestamp,
) -> RunChange {
    let changed = difference(before, &after, &documents);
    if changed.is_empty() && documents.is_empty() && *before == after {
        return RunChange::keep(before.id.clone());
    }
    after.version = before.version + 1;
    after.updated_at = now;
    after.updated_by = Some(by.to_owned());
    let mut change = RunChange::of(RunWrite::Update {
        run: Box::new(after),
        from: before.version,
        documents,
    });
    change.events.push(Event {
        kind,
        at: now,
        by: by.to_owned(),
        changed: Value::Object(changed),
    });
    change
}

fn difference(before: &Run, after: &Run, documents: &DocumentsPatch) -> Map<String, Value> {
    let mut changed = Map::new();
    let mut note = |name: &str, differs: bool, value: &dyn Fn() -> Value| {
        if differs {
            changed.insert(name.to_owned(), value());
        }
    };
    let text = |text: Option<&String>| text.cloned().map_or(Value::Null, Value::String);
    note("status", before.status != after.status, &|| {
        after.status.name().into()
    });
    note("statusLabel", before.label != after.label, &|| {
        text(after.label.as_ref().map(|label| &label.text))
    });
    note("summary", before.summary != after.summary, &|| {
        text(after.summary.as_ref())
    });
    note("link", before.link != after.link, &|| {
        after.link.clone().unwrap_or(Value::Null)
    });
    let is_another = before.external_run_id != after.external_run_id;
    note("externalRunId", is_another, &|| {
        text(after.external_run_id.as_ref())
    });
    note("redeemedBy", before.redemption != after.redemption, &|| {
        text(
            after
                .redemption
                .as_ref()
                .and_then(|taken| taken.by.as_ref()),
        )
    });
    note("approvals", documents.votes.is_some(), &|| {
        documents.votes.as_ref().map_or(0, Vec::len).into()
    });
    note("response", documents.response.is_some(), &|| {
        Value::Bool(true)
    });
    changed
}
