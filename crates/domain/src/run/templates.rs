//! What a run tells of templates that came to nothing: on its timeline, and in one line of its log.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    ENGINE, Event, EventKind, LOG_LINES_LIMIT, LogLine, Run, RunChange, RunWrite, WRITES_LIMIT,
};
use crate::id::RunLogId;
use crate::template::{Cause, Failure};
use crate::time::Timestamp;

/// Failures that are told at once; the rest is counted.
pub const MAX_FAILURES_TOLD: usize = 20;
/// Characters of a path, an expression or a reason that are told.
pub const MAX_TOLD_CHARS: usize = 200;

/// The templates of one rendering that came to nothing; there is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedTemplates {
    /// Which, and why.
    pub failures: Vec<Failure>,
    /// The id of the log line that tells of them.
    pub line: RunLogId,
}

impl FailedTemplates {
    /// As the timeline has it.
    pub(super) fn detail(&self) -> Value {
        let told = self.failures.iter().take(MAX_FAILURES_TOLD);
        told.map(|failure| {
            let mut detail = Map::new();
            detail.insert("path".into(), told_of(&failure.path).into());
            detail.insert("cause".into(), failure.cause.name().into());
            if failure.cause != Cause::Secret {
                detail.insert("expression".into(), told_of(&failure.expression).into());
                detail.insert("message".into(), told_of(&failure.message).into());
                if let Some(position) = failure.cause.position() {
                    detail.insert("position".into(), position.into());
                }
            }
            Value::Object(detail)
        })
        .collect()
    }

    pub(super) fn log_line(&self, now: Timestamp) -> LogLine {
        let mut message = "Templates that came to nothing:".to_owned();
        for failure in self.failures.iter().take(MAX_FAILURES_TOLD) {
            // writing to a string cannot fail
            let _ = write!(message, "\n{}", sentence(failure));
        }
        let more = self.failures.len().saturating_sub(MAX_FAILURES_TOLD);
        if more > 0 {
            let _ = write!(message, "\nand {more} more");
        }
        LogLine {
            id: self.line.clone(),
            message,
            created_by: ENGINE.to_owned(),
            created_at: now,
        }
    }
}

/// Tells in `change` of what failed in an attempt at `before`; a run that is full or has ended
/// takes no more.
pub fn tell_failed_templates(
    change: &mut RunChange,
    before: &Run,
    failed: &FailedTemplates,
    now: Timestamp,
) {
    let full = before.log_lines >= LOG_LINES_LIMIT || before.version >= WRITES_LIMIT;
    if full || before.status.is_final() {
        return;
    }
    if let RunWrite::Keep(_) = change.run {
        change.run = RunWrite::Update {
            run: Box::new(Run {
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            }),
            from: before.version,
            documents: super::DocumentsPatch::default(),
        };
    }
    if let RunWrite::Update { run, .. } = &mut change.run {
        run.log_lines += 1;
    }
    if change.events.is_empty() {
        change.events.push(Event {
            kind: EventKind::RunUpdated,
            at: now,
            by: ENGINE.to_owned(),
            changed: json!({}),
        });
    }
    for event in change.events.iter_mut().take(1) {
        if let Value::Object(changed) = &mut event.changed {
            changed.insert("templates".into(), failed.detail());
        }
    }
    change.log.push(failed.log_line(now));
}

fn sentence(failure: &Failure) -> String {
    let path = match failure.path.as_str() {
        "" => "the whole".to_owned(),
        path => told_of(path),
    };
    if failure.cause == Cause::Secret {
        return format!("{path}: failed; it names a secret, so nothing more is told");
    }
    let expression = match failure.expression.as_str() {
        "" => String::new(),
        text => format!(" of `{}`", told_of(text)),
    };
    let position = failure
        .cause
        .position()
        .map_or_else(String::new, |position| format!(" at character {position}"));
    let (cause, message) = (failure.cause.name(), told_of(&failure.message));
    format!("{path}: {cause}{expression}{position}: {message}")
}

fn told_of(text: &str) -> String {
    match text.char_indices().nth(MAX_TOLD_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
