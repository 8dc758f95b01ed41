//! The plugin's answers: status and exact body.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Thrown;

/// Content type of every answer that has a body.
pub const CONTENT_TYPE: &str = "application/json;charset=UTF-8";

/// One job's result, members in the order in which the plugin writes them.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// The configured expression, raw.
    pub regexp_filter_expression: String,
    /// Whether a build was queued (or would have been, in a dry run).
    pub triggered: bool,
    /// The variables.
    pub resolved_variables: BTreeMap<String, String>,
    /// The rendered filter text.
    pub regexp_filter_text: String,
    /// Queue id, 0 where nothing was queued.
    pub id: u64,
    /// `queue/item/N/`, the job's address in a dry run, or empty.
    pub url: String,
}

/// What became of one called job.
#[derive(Clone, PartialEq, Eq)]
pub enum JobAnswer {
    /// Its result stands in the answer.
    Result(String, JobResult),
    /// It is left out of the answer.
    Silent,
    /// Its exception stands in the answer.
    Threw(String, Thrown),
}

/// An answer of the plugin. It has no `Debug`: its body echoes headers or variables.
#[derive(Clone, PartialEq, Eq)]
pub struct GwtAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON; `None` is an empty answer without content type.
    pub body: Option<String>,
}

/// The answer for jobs that were called.
///
/// A variable named `null` makes writing the answer fail, after jobs have been queued.
pub fn for_jobs(answers: Vec<JobAnswer>) -> Result<GwtAnswer, Thrown> {
    let mut jobs = Map::new();
    let mut threw = false;
    let mut results = false;
    for answer in answers {
        match answer {
            JobAnswer::Silent => {}
            JobAnswer::Threw(name, thrown) => {
                threw = true;
                jobs.insert(name, Value::String(thrown.job_message()));
            }
            JobAnswer::Result(name, result) => {
                results = true;
                if result.resolved_variables.contains_key("null") {
                    return Err(Thrown::new(
                        "net.sf.json.JSONException",
                        "java.lang.NullPointerException: JSON keys must not be null nor the \
                         'null' string.",
                        "net.sf.json.JSONObject:981",
                    ));
                }
                let result = serde_json::to_value(result).unwrap_or(Value::Null);
                jobs.insert(name, result);
            }
        }
    }
    if !results {
        return Ok(GwtAnswer {
            status: 200,
            body: None,
        });
    }
    let (status, message) = if threw {
        (500, "There were errors when triggering jobs.")
    } else {
        (200, "Triggered jobs.")
    };
    Ok(answer(status, Value::Object(jobs), message))
}

/// The answer for a token that no job has.
pub fn not_found(message: &str) -> GwtAnswer {
    answer(404, Value::Null, message)
}

/// The answer to a caller that the whitelist refused; it echoes every header.
pub fn refused(remote_address: &str, headers: &str, reason: &str) -> GwtAnswer {
    let message = format!(
        "Sender, {remote_address}, with headers {headers} did not pass whitelist.\n{reason}"
    );
    answer(403, Value::Null, &message)
}

fn answer(status: u16, jobs: Value, message: &str) -> GwtAnswer {
    let mut body = Map::new();
    body.insert("jobs".to_owned(), jobs);
    body.insert("message".to_owned(), Value::String(message.to_owned()));
    // The plugin's JSON library breaks up `</`, which can stand in strings only.
    let text = Value::Object(body).to_string().replace("</", "<\\/");
    GwtAnswer {
        status,
        body: Some(text),
    }
}
