//! What the plugin says, in each of the forms that its releases have used.
//!
//! Since 1.66 `{"jobs":{NAME:RESULT},"message":TEXT}`; before, the same results under
//! `data.triggerResults`, always with status 200.

use serde_json::{Map, Value};

/// An answer of the plugin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// What became of each job, in the order of the answer; at least one.
    Jobs(Vec<Job>),
    /// No job has the token.
    NoJob { message: String },
    /// The allow-list refused us.
    NotAllowed { message: String },
    /// It could not read the request's body.
    BodyUnreadable,
    /// Nothing at all.
    Empty,
    /// Something else: not the plugin's.
    Other,
}

/// What became of one job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) state: JobState,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// `id` is 0 for a dry run, whose `url` is the job's.
    Started {
        id: u64,
        url: String,
    },
    NotStarted {
        expression: String,
        text: String,
    },
    Failed(String),
}

pub(super) fn read(body: &[u8]) -> Said {
    if body.trim_ascii().is_empty() {
        return Said::Empty;
    }
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else {
        return Said::Other;
    };
    let message = answer.get("message").and_then(Value::as_str).unwrap_or("");
    if message.contains("did not pass whitelist") {
        return Said::NotAllowed {
            message: message.to_owned(),
        };
    }
    match results(&answer) {
        Some(results) if !results.is_empty() => read_results(results),
        _ if message.contains("Did not find any jobs") => Said::NoJob {
            message: message.to_owned(),
        },
        _ if message.contains("Unable to read inputstream") => Said::BodyUnreadable,
        // An answer for nobody: every job was silent.
        Some(_) => Said::Empty,
        None => Said::Other,
    }
}

fn results(answer: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let current = answer.get("jobs");
    let before_1_66 = answer
        .get("data")
        .and_then(|data| data.get("triggerResults"));
    current.or(before_1_66)?.as_object()
}

fn read_results(results: &Map<String, Value>) -> Said {
    let mut jobs = Vec::with_capacity(results.len().min(64));
    for (name, result) in results {
        let state = match result {
            Value::String(text) if text.contains("Did not find any jobs") => {
                let message = text.clone();
                return Said::NoJob { message };
            }
            Value::String(text) if text.contains("did not pass whitelist") => {
                let message = text.clone();
                return Said::NotAllowed { message };
            }
            Value::String(text) => JobState::Failed(text.clone()),
            Value::Object(result) => read_result(result),
            _ => continue,
        };
        let name = name.clone();
        jobs.push(Job { name, state });
    }
    if jobs.is_empty() {
        Said::Other
    } else {
        Said::Jobs(jobs)
    }
}

fn read_result(result: &Map<String, Value>) -> JobState {
    let text = |key: &str| {
        result
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    if result.get("triggered") == Some(&Value::Bool(true)) {
        JobState::Started {
            id: result.get("id").and_then(Value::as_u64).unwrap_or(0),
            url: text("url"),
        }
    } else {
        JobState::NotStarted {
            expression: text("regexpFilterExpression"),
            text: text("regexpFilterText"),
        }
    }
}
