//! Answers of an organisation: the JSON error envelope, and a minimal build page.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::pipeline::ScriptEnd;

use super::{Run, RunPhase};

/// What the organisation answers to a call of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Why it is refused; a call that is accepted gets an empty body, which tells nothing of runs.
    pub refusal: Option<Refusal>,
}

/// What the error envelope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the service's exception.
    pub type_key: &'static str,
    /// The message, in the service's words where they are known.
    pub message: String,
}

impl Answer {
    pub(super) const ACCEPTED: Self = Self {
        status: StatusCode::OK,
        refusal: None,
    };

    pub(super) fn refusal(status: StatusCode, type_key: &'static str, message: String) -> Self {
        Self {
            status,
            refusal: Some(Refusal { type_key, message }),
        }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::refusal(
            StatusCode::NOT_FOUND,
            "VssResourceNotFoundException",
            format!("The controller for path '{what}' was not found."),
        )
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let Some(Refusal { type_key, message }) = &self.refusal else {
            return Response::new(Bytes::new());
        };
        let envelope = json!({
            "$id": "1",
            "innerException": null,
            "message": message,
            "typeName": format!("Microsoft.TeamFoundation.DistributedTask.WebApi.{type_key}, \
                Microsoft.TeamFoundation.DistributedTask.WebApi"),
            "typeKey": type_key,
            "errorCode": 0,
            "eventId": 3000,
        });
        json_response(self.status, &envelope)
    }
}

pub(super) fn build(run: &Run) -> Response<Bytes> {
    let (status, result) = match run.phase {
        RunPhase::NotStarted => ("notStarted", None),
        RunPhase::InProgress => ("inProgress", None),
        RunPhase::Completed(end) => ("completed", Some(result(end))),
    };
    let page = json!({
        "id": run.id,
        "buildNumber": run.id.to_string(),
        "status": status,
        "result": result,
        "reason": "resourceTrigger",
        "definition": { "name": run.pipeline },
        "project": { "name": run.project },
        "_links": { "web": { "href": run.url } },
    });
    json_response(StatusCode::OK, &page)
}

/// A pipeline that was not to run ends its run as cancelled.
fn result(end: ScriptEnd) -> &'static str {
    match end {
        ScriptEnd::Finished { succeeded: true } => "succeeded",
        ScriptEnd::Finished { succeeded: false } => "failed",
        ScriptEnd::NotRedeemed | ScriptEnd::Aborted => "canceled",
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}
