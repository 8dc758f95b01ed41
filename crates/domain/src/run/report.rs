//! What backends, and people for them, tell about a run.

use serde_json::{Map, Value};

use super::conclude::{end, end_delivery, set_label, write};
use super::{
    DeliveryWrite, DocumentsPatch, Event, EventKind, Label, LogLine, Redemption, Run, RunChange,
    RunWrite, Status,
};
use crate::delivery::{Delivery, State, hand_over, is_taken_by_report, on_receipt, on_report};
use crate::id::RunLogId;
use crate::time::Timestamp;
use std::time::Duration;

/// The most log lines that one run keeps.
pub const LOG_LINES_LIMIT: u32 = 10_000;
/// The most writes that one run takes, so that no token can fill the storage with reports.
pub const WRITES_LIMIT: u32 = 20_000;

/// Who reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// The pipeline of this attempt, by the run's own token.
    RunToken {
        /// The attempt whose call carried the token.
        attempt: u32,
    },
    /// A credential with the scope `report`.
    ReportCredential(String),
    /// An organisation credential.
    Machine(String),
}

impl Reporter {
    /// The name in events and log lines.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::RunToken { attempt } => format!("run token of attempt {attempt}"),
            Self::ReportCredential(id) | Self::Machine(id) => id.clone(),
        }
    }
}

/// What a PATCH tells; each present key overwrites.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The run's end.
    pub status: Option<Status>,
    /// What it shows beside its status.
    pub status_label: Option<String>,
    /// Pages about it: a string or a list of strings.
    pub link: Option<Value>,
    /// A summary.
    pub summary: Option<String>,
    /// The backend's own name for it.
    pub external_run_id: Option<String>,
    /// The deprecated `message` object, kept in the event.
    pub message: Option<Value>,
}

/// A log line, which may end the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The id that the line shall have.
    pub id: RunLogId,
    /// The text.
    pub message: String,
    /// Ends the run.
    pub termination: Option<Status>,
    /// What the run shows beside its status.
    pub status_label: Option<String>,
}

/// Why a report is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportRejection {
    /// The run has ended; what was told is kept as an event by this change.
    RunEnded(Box<RunChange>),
    /// It is not executed yet.
    NotInProgress(Status),
    /// Another attempt's pipeline has taken the run.
    Superseded {
        /// Who took it.
        holder: String,
    },
    /// A report credential before the first attempt.
    NotStarted,
    /// The run's log is full, or it took all the reports it takes.
    Full,
}

/// What a run is asked to be redeemed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeem {
    /// Who takes it, say a build's URL.
    pub by: Option<String>,
}

/// How a redeem is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum RedeemAnswer {
    /// This caller holds the run now; the change records it.
    Taken(Box<RunChange>),
    /// The same caller asked again.
    HeldAlready,
}

/// What every report is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Reporting<'a> {
    /// Who reports.
    pub reporter: &'a Reporter,
    /// When.
    pub now: Timestamp,
    /// How long the run may be silent from now on.
    pub report_timeout: Duration,
}

/// Takes a PATCH.
///
/// # Errors
/// See [`ReportRejection`].
pub fn report(
    run: &Run,
    delivery: Option<&Delivery>,
    report: Report,
    reporting: Reporting<'_>,
) -> Result<RunChange, ReportRejection> {
    let cancels = run.status == Status::WaitingForApproval
        && report.status == Some(Status::Failure)
        && matches!(reporting.reporter, Reporter::Machine(_));
    if !cancels {
        let ends = report.status.is_some();
        admit(run, delivery, reporting, ends, || told(&report))?;
    }
    let mut after = run.clone();
    if let Some(text) = report.status_label {
        after.label = Some(Label {
            text,
            by_engine: false,
        });
    }
    after.link = report.link.or(after.link);
    after.summary = report.summary.or(after.summary);
    after.external_run_id = report.external_run_id.or(after.external_run_id);
    let ended = report.status;
    let change = reported(
        run,
        after,
        DocumentsPatch::default(),
        delivery,
        ended,
        true,
        reporting,
    );
    Ok(match report.message {
        Some(message) => with_message(change, run, message, reporting),
        None => change,
    })
}

/// No field of the run holds the deprecated `message`: the event keeps it.
fn with_message(
    mut change: RunChange,
    run: &Run,
    message: Value,
    reporting: Reporting<'_>,
) -> RunChange {
    if change.run().is_none() {
        let noted = noted(run, EventKind::RunReported, Map::new(), reporting);
        change.run = noted.run;
        change.events = noted.events;
    }
    if let Some(Event {
        changed: Value::Object(changed),
        ..
    }) = change.events.first_mut()
    {
        changed.insert("message".into(), message);
    }
    change
}

/// Takes a log line.
///
/// # Errors
/// See [`ReportRejection`].
pub fn log(
    run: &Run,
    delivery: Option<&Delivery>,
    entry: LogEntry,
    reporting: Reporting<'_>,
) -> Result<RunChange, ReportRejection> {
    admit(
        run,
        delivery,
        reporting,
        entry.termination.is_some(),
        || {
            let mut told = Map::new();
            told.insert("log".into(), entry.message.clone().into());
            if let Some(status) = entry.termination {
                told.insert("status".into(), status.name().into());
            }
            if let Some(text) = &entry.status_label {
                told.insert("statusLabel".into(), text.as_str().into());
            }
            told
        },
    )?;
    if run.log_lines >= LOG_LINES_LIMIT {
        return Err(ReportRejection::Full);
    }
    let receipt =
        !matches!(reporting.reporter, Reporter::Machine(_)) || entry.termination.is_some();
    let mut after = run.clone();
    after.log_lines += 1;
    if let Some(text) = entry.status_label {
        after.label = Some(Label {
            text,
            by_engine: false,
        });
    }
    let mut change = reported(
        run,
        after,
        DocumentsPatch::default(),
        delivery,
        entry.termination,
        receipt,
        reporting,
    );
    change
        .events
        .retain(|event| event.changed != Value::Object(Map::new()));
    change.log.push(LogLine {
        id: entry.id,
        message: entry.message,
        created_by: reporting.reporter.name(),
        created_at: reporting.now,
    });
    Ok(change)
}

/// Takes what a backend answered, from an agent that made the call.
///
/// # Errors
/// See [`ReportRejection`].
pub fn respond(
    run: &Run,
    delivery: Option<&Delivery>,
    response: Value,
    reporting: Reporting<'_>,
) -> Result<RunChange, ReportRejection> {
    admit(run, delivery, reporting, false, || {
        let mut told = Map::new();
        told.insert("response".into(), Value::Bool(true));
        told
    })?;
    let documents = DocumentsPatch {
        response: Some(response),
        ..DocumentsPatch::default()
    };
    Ok(reported(
        run,
        run.clone(),
        documents,
        delivery,
        None,
        true,
        reporting,
    ))
}

/// Lets one pipeline take the run.
///
/// # Errors
/// `Superseded` names the holder; see [`ReportRejection`].
pub fn redeem(
    run: &Run,
    delivery: Option<&Delivery>,
    redeem: Redeem,
    reporting: Reporting<'_>,
) -> Result<RedeemAnswer, ReportRejection> {
    admit(run, delivery, reporting, false, Map::new)?;
    if let Some(held) = &run.redemption {
        return match (&held.by, &redeem.by) {
            (Some(holder), Some(by)) if holder == by => Ok(RedeemAnswer::HeldAlready),
            _ => Err(ReportRejection::Superseded {
                holder: holder_of(held),
            }),
        };
    }
    let mut after = run.clone();
    after.redemption = Some(Redemption {
        attempt: match reporting.reporter {
            Reporter::RunToken { attempt } => Some(*attempt),
            _ => None,
        },
        by: redeem.by,
    });
    let mut change = reported(
        run,
        after,
        DocumentsPatch::default(),
        delivery,
        None,
        true,
        reporting,
    );
    for event in &mut change.events {
        event.kind = EventKind::RunRedeemed;
    }
    Ok(RedeemAnswer::Taken(Box::new(change)))
}

fn holder_of(held: &Redemption) -> String {
    match (&held.by, held.attempt) {
        (Some(by), _) => by.clone(),
        (None, Some(attempt)) => format!("attempt {attempt}"),
        (None, None) => "an earlier call".to_owned(),
    }
}

fn admit(
    run: &Run,
    delivery: Option<&Delivery>,
    reporting: Reporting<'_>,
    ends: bool,
    told: impl FnOnce() -> Map<String, Value>,
) -> Result<(), ReportRejection> {
    if let (Reporter::RunToken { attempt }, Some(held)) = (reporting.reporter, &run.redemption)
        && held.attempt.is_some_and(|holder| holder != *attempt)
    {
        return Err(ReportRejection::Superseded {
            holder: holder_of(held),
        });
    }
    if run.status.is_final() {
        let late = if run.version < WRITES_LIMIT {
            noted(run, EventKind::LateReport, told(), reporting)
        } else {
            RunChange::keep(run.id.clone())
        };
        return Err(ReportRejection::RunEnded(Box::new(late)));
    }
    if run.version >= WRITES_LIMIT && !ends {
        return Err(ReportRejection::Full);
    }
    if run.status != Status::InProgress {
        return Err(ReportRejection::NotInProgress(run.status));
    }
    let waits = delivery.is_some_and(|delivery| {
        !delivery.left
            && (delivery.state == State::Due
                || (delivery.state == State::Owned
                    && delivery.repeat == crate::outcome::Repeat::Harm))
    });
    if waits && matches!(reporting.reporter, Reporter::ReportCredential(_)) {
        return Err(ReportRejection::NotStarted);
    }
    Ok(())
}

/// Keeps what was told and changes nothing about the run, counted as a write of it.
fn noted(
    run: &Run,
    kind: EventKind,
    told: Map<String, Value>,
    reporting: Reporting<'_>,
) -> RunChange {
    let mut change = RunChange::of(RunWrite::Update {
        run: Box::new(Run {
            version: run.version + 1,
            ..run.clone()
        }),
        from: run.version,
        documents: DocumentsPatch::default(),
    });
    change.events.push(Event {
        kind,
        at: reporting.now,
        by: reporting.reporter.name(),
        changed: Value::Object(told),
    });
    change
}

/// Applies what was told to run and delivery: a receipt first, then the run's end.
fn reported(
    run: &Run,
    mut after: Run,
    documents: DocumentsPatch,
    delivery: Option<&Delivery>,
    ended: Option<Status>,
    receipt: bool,
    reporting: Reporting<'_>,
) -> RunChange {
    let now = reporting.now;
    let by = reporting.reporter.name();
    let moved = delivery.and_then(|before| {
        let confirmed = if is_taken_by_report(before) {
            hand_over(before, now, reporting.report_timeout)
        } else if receipt {
            on_receipt(before, now, reporting.report_timeout)
        } else {
            None
        };
        confirmed.or_else(|| on_report(before, now, reporting.report_timeout))
    });
    if moved.is_some() {
        set_label(&mut after, None);
    }
    if let Some(status) = ended {
        end(&mut after, status, now);
    }
    let mut change = write(run, after, documents, EventKind::RunReported, &by, now);
    if ended.is_some() {
        end_delivery(&mut change, delivery, receipt, now);
    } else if let (Some(before), Some(after)) = (delivery, moved) {
        change.delivery = Some(DeliveryWrite::update(before, after));
    }
    change
}

fn told(report: &Report) -> Map<String, Value> {
    let mut told = Map::new();
    let mut note = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    note("status", report.status.map(|status| status.name().into()));
    note(
        "statusLabel",
        report.status_label.clone().map(Value::String),
    );
    note("summary", report.summary.clone().map(Value::String));
    note("link", report.link.clone());
    note(
        "externalRunId",
        report.external_run_id.clone().map(Value::String),
    );
    note("message", report.message.clone());
    told
}
