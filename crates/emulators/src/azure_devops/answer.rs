//! Answers of an organisation: the JSON error envelope, and a minimal build page.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::pipeline::ScriptEnd;

use super::{Run, RunPhase};

/// 200 without a body: it tells nothing about runs.
pub(super) fn accepted() -> Response<Bytes> {
    Response::new(Bytes::new())
}

/// The envelope in which the service wraps what went wrong.
pub(super) fn error(status: StatusCode, type_key: &str, message: &str) -> Response<Bytes> {
    json_response(
        status,
        &json!({
            "$id": "1",
            "innerException": null,
            "message": message,
            "typeName": format!("Microsoft.TeamFoundation.DistributedTask.WebApi.{type_key}, \
                Microsoft.TeamFoundation.DistributedTask.WebApi"),
            "typeKey": type_key,
            "errorCode": 0,
            "eventId": 3000,
        }),
    )
}

pub(super) fn not_found(what: &str) -> Response<Bytes> {
    error(
        StatusCode::NOT_FOUND,
        "VssResourceNotFoundException",
        &format!("The controller for path '{what}' was not found."),
    )
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
