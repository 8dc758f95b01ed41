//! The one place that turns refusals into HTTP: status, stable code, safe message.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use longshore_domain::run::ReportRejection;
use longshore_engine::error::Error;
use serde_json::json;

/// How long a caller should wait when the server has too much to do.
const RETRY_AFTER_SECONDS: &str = "1";

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A body or parameter that breaks the schema.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", message)
    }

    /// No such route or resource.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match &error {
            Error::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Error::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Error::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Error::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            Error::InvocationNotAvailable(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invocation_not_available")
            }
            Error::IdempotencyConflict => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_conflict")
            }
            Error::Report(rejection) => report(rejection),
            Error::Approval(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_waiting"),
            Error::Redelivery(rejection) => redelivery(*rejection),
            Error::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Error::Corrupt(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        match &error {
            Error::Corrupt(cause) | Error::Unavailable(cause) => {
                tracing::error!(code, cause, "a request failed");
            }
            _ => {}
        }
        Self::new(status, code, error.to_string())
    }
}

fn report(rejection: &ReportRejection) -> (StatusCode, &'static str) {
    match rejection {
        ReportRejection::RunEnded(_) => (StatusCode::UNPROCESSABLE_ENTITY, "run_ended"),
        ReportRejection::NotInProgress(_) => (StatusCode::UNPROCESSABLE_ENTITY, "not_in_progress"),
        ReportRejection::Superseded { .. } => (StatusCode::CONFLICT, "already_redeemed"),
        ReportRejection::NotStarted => (StatusCode::UNPROCESSABLE_ENTITY, "not_started"),
        ReportRejection::Full => (StatusCode::UNPROCESSABLE_ENTITY, "log_full"),
    }
}

fn redelivery(
    rejection: longshore_domain::delivery::RedeliverRejection,
) -> (StatusCode, &'static str) {
    use longshore_domain::delivery::RedeliverRejection as Rejection;
    match rejection {
        Rejection::InFlight | Rejection::WaitsForAgent => {
            (StatusCode::CONFLICT, "delivery_in_flight")
        }
        Rejection::RunEnded => (StatusCode::CONFLICT, "run_ended"),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"ok": false, "error": self.code, "message": self.message});
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
            body.to_string(),
        )
            .into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let wait = HeaderValue::from_static(RETRY_AFTER_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}
