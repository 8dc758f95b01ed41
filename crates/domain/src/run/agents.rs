//! What agents' doings mean for a run.

use super::conclude::{end, follow, set_label, take_over, write};
use super::{
    DeliveryWrite, DocumentsPatch, ENGINE, EventKind, LOG_LINES_LIMIT, LogLine, Run, RunChange,
    RunWrite,
};
use crate::agent::RunReport;
use crate::delivery::{self, Attempt, Delivery, Settling};
use crate::outcome::Outcome;
use crate::time::Timestamp;
use serde_json::{Map, Value};

/// What an agent tells beside an attempt's outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentReport {
    /// The answer of a synchronous call: JSON where it is, else text.
    pub response: Option<Value>,
    /// Lines for the run's log.
    pub log: Vec<LogLine>,
    /// What its mapping reports.
    pub run: RunReport,
}

/// An agent has started the call: the run no longer waits for one. The attempt tells it, so no
/// event does.
#[must_use]
pub fn started_by_agent(run: &Run, delivery: &Delivery, started: Delivery) -> RunChange {
    let mut after = run.clone();
    let now = started.updated_at;
    set_label(&mut after, None);
    let mut change = if after == *run {
        RunChange::keep(run.id.clone())
    } else {
        after.version += 1;
        after.updated_at = now;
        RunChange::of(RunWrite::Update {
            run: Box::new(after),
            from: run.version,
            documents: DocumentsPatch::default(),
        })
    };
    change.delivery = Some(DeliveryWrite::update(delivery, started));
    change
}

/// The delivery moved without an answer of its own, with the attempt that this ends.
#[must_use]
pub fn moved(
    run: &Run,
    delivery: &Delivery,
    next: Delivery,
    attempt: Option<Attempt>,
    by: &str,
    now: Timestamp,
) -> RunChange {
    let mut after = run.clone();
    if !run.status.is_final() {
        follow(&mut after, &next, now);
    }
    let kind = EventKind::RunUpdated;
    let mut change = write(run, after, DocumentsPatch::default(), kind, by, now);
    change.delivery = Some(DeliveryWrite::update(delivery, next));
    change.attempt = attempt;
    change
}

/// Records what an agent's attempt came to, and moves delivery and run as the tables say.
///
/// What a mapping reports counts only where the attempt still is the delivery's; its log lines are
/// kept as long as the run is open.
#[must_use]
pub fn settled_by_agent(
    run: &Run,
    delivery: &Delivery,
    attempt: Attempt,
    outcome: &Outcome,
    told: AgentReport,
    settling: &Settling<'_>,
) -> RunChange {
    let now = settling.now;
    let decided = delivery::settle(delivery, &attempt, outcome, settling);
    let mut after = run.clone();
    let mut documents = DocumentsPatch::default();
    let mut next = decided.delivery;
    let mut log = Vec::new();
    if !run.status.is_final() {
        if let Some(acceptance) = decided.acceptance {
            take_over(&mut after, acceptance);
        }
        if let Some(moved) = &next {
            follow(&mut after, moved, now);
            if moved.synchronized && moved.state.is_settled() {
                documents.response = told.response;
            }
            reported(&mut after, told.run, now);
        }
        let room = LOG_LINES_LIMIT.saturating_sub(run.log_lines);
        log = told.log;
        log.truncate(room as usize);
        after.log_lines += u32::try_from(log.len()).unwrap_or(u32::MAX);
    }
    if after.status.is_final() && !run.status.is_final() {
        next = next.map(|moved| delivery::on_run_end(&moved, true, now).unwrap_or(moved));
    }
    let kind = EventKind::RunUpdated;
    let mut change = write(run, after, documents, kind, ENGINE, now);
    change
        .events
        .retain(|event| event.changed != Value::Object(Map::new()));
    change.delivery = next.map(|next| DeliveryWrite::update(delivery, next));
    change.attempt = Some(attempt);
    change.log = log;
    change
}

fn reported(run: &mut Run, report: RunReport, now: Timestamp) {
    run.link = report.link.or_else(|| run.link.take());
    run.summary = report.summary.or_else(|| run.summary.take());
    run.external_run_id = report
        .external_run_id
        .or_else(|| run.external_run_id.take());
    let ended = report.status.filter(|status| status.is_final());
    if let Some(status) = ended.filter(|_| !run.status.is_final()) {
        end(run, status, now);
    }
}

/// An agent that knows no start has taken the run over.
#[must_use]
pub fn handed_over(
    run: &Run,
    delivery: &Delivery,
    taken: Delivery,
    by: &str,
    now: Timestamp,
) -> RunChange {
    let mut after = run.clone();
    set_label(&mut after, None);
    let kind = EventKind::RunUpdated;
    let mut change = write(run, after, DocumentsPatch::default(), kind, by, now);
    change.delivery = Some(DeliveryWrite::update(delivery, taken));
    change
}
