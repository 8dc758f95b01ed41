//! A run's timeline: events, attempts and log lines in the order in which they happened.

use longshore_domain::delivery::{Attempt, Delivery, Receiver, State};
use longshore_domain::id::RunId;
use longshore_domain::run::{Event, EventKind, LogLine};
use longshore_domain::time::Timestamp;
use longshore_store::DeliveryFilter;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Engine;
use crate::caller::Caller;
use crate::error::Error;

/// The most log lines that a timeline shows; the log itself has pages.
const LOG_LINES_SHOWN: u32 = 200;

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What: `requested`, `signed`, `delivered`, `failed`, `redeemed`, `reported`, `logged`,
    /// `approval`, `updated`, `late_report`, `waiting_for_agent`, or the run's final status.
    pub what: String,
    /// Who caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What changed, or what the attempt came to.
    pub detail: Value,
}

impl Engine {
    /// Everything that happened to a run, oldest first.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such run.
    pub async fn timeline(&self, caller: &Caller, id: &RunId) -> Result<Vec<TimelineEntry>, Error> {
        caller.admin()?;
        self.known_run(id).await?;
        let mut entries: Vec<TimelineEntry> = self
            .store
            .events(id)
            .await?
            .iter()
            .flat_map(of_event)
            .collect();
        let filter = DeliveryFilter {
            run: Some(id.clone()),
            limit: 1,
            ..DeliveryFilter::default()
        };
        let mut waiting = None;
        for delivery in self.store.deliveries(filter).await?.items {
            waiting = self.waits_for_agent(&delivery);
            for attempt in self.store.attempts(&delivery.id).await? {
                entries.extend(of_attempt(&delivery, &attempt));
            }
        }
        let lines = self.store.log_lines(id, 0, LOG_LINES_SHOWN).await?;
        entries.extend(lines.iter().map(of_line));
        entries.sort_by_key(|entry| entry.at);
        entries.extend(waiting);
        Ok(entries)
    }

    /// What is the case now stands last: nothing has happened yet.
    fn waits_for_agent(&self, delivery: &Delivery) -> Option<TimelineEntry> {
        let waits = matches!(delivery.state, State::Due | State::Published);
        (waits && delivery.receiver == Receiver::Agent).then(|| TimelineEntry {
            at: self.environment.now(),
            what: "waiting_for_agent".into(),
            by: None,
            detail: json!({
                "agentsConnected": self.connected_agents(),
                "diagnosis": delivery.diagnosis,
            }),
        })
    }
}

fn of_event(event: &Event) -> Vec<TimelineEntry> {
    let what = match event.kind {
        EventKind::RunRequested => "requested",
        EventKind::RunApproval => "approval",
        EventKind::RunReported => "reported",
        EventKind::RunRedeemed => "redeemed",
        EventKind::LateReport => "late_report",
        EventKind::RunUpdated => "updated",
    };
    let entry = |what: &str, detail: Value| TimelineEntry {
        at: event.at,
        what: what.to_owned(),
        by: Some(event.by.clone()),
        detail,
    };
    let mut entries = vec![entry(what, event.changed.clone())];
    let status = event.changed.get("status").and_then(Value::as_str);
    if let Some(status) = status
        && event.kind != EventKind::LateReport
        && longshore_domain::run::Status::parse(status).is_some_and(|known| known.is_final())
    {
        entries.push(entry(status, json!({})));
    }
    entries
}

fn of_attempt(delivery: &Delivery, attempt: &Attempt) -> [TimelineEntry; 2] {
    let ended = attempt
        .started_at
        .plus(std::time::Duration::from_micros(attempt.duration_micros));
    let delivered = attempt.outcome == longshore_domain::delivery::OutcomeKind::Accepted;
    [
        TimelineEntry {
            at: attempt.started_at,
            what: "signed".into(),
            by: None,
            detail: json!({
                "attempt": attempt.number,
                "delivery": delivery.id.as_str(),
                "destination": delivery.destination,
                "signedWith": attempt.signed_with,
            }),
        },
        TimelineEntry {
            at: ended,
            what: if delivered { "delivered" } else { "failed" }.into(),
            by: None,
            detail: json!({
                "attempt": attempt.number,
                "outcome": attempt.outcome.name(),
                "status": attempt.status,
                "diagnosis": attempt.diagnosis,
            }),
        },
    ]
}

fn of_line(line: &LogLine) -> TimelineEntry {
    TimelineEntry {
        at: line.created_at,
        what: "logged".into(),
        by: Some(line.created_by.clone()),
        detail: json!({"message": line.message}),
    }
}
