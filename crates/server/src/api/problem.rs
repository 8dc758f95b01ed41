//! The one place that turns refusals into HTTP: status, stable code, safe message.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use longshore_domain::run::ReportRejection;
use longshore_engine::error::Error;
use serde_json::json;

/// How long a caller should wait when the server has too much to do.
const RETRY_AFTER_SECONDS: &str = "1";

/// The stable codes of refusals; each has a page under `docs/errors/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// No token, or one that does not hold.
    Unauthorized,
    /// The caller may not.
    Forbidden,
    /// No such route or thing.
    NotFound,
    /// The name is taken, or the thing has moved.
    Conflict,
    /// Body or parameters break the schema.
    InvalidRequest,
    /// Stored, but not executed by this version.
    InvocationNotAvailable,
    /// The idempotency key was used with another body.
    IdempotencyConflict,
    /// The run takes nothing more.
    RunEnded,
    /// The run waits for approval.
    NotInProgress,
    /// Another pipeline has taken the run.
    AlreadyRedeemed,
    /// No attempt of the run has been made.
    NotStarted,
    /// The run takes no more lines or reports.
    LogFull,
    /// The run does not wait for this approval.
    NotWaiting,
    /// An attempt is under way.
    DeliveryInFlight,
    /// Too many checks in a short time.
    TooManyRequests,
    /// Too much work waits.
    Overloaded,
    /// Nothing can be stored now.
    Unavailable,
    /// A stored record cannot be read.
    Internal,
    /// The body is larger than allowed.
    PayloadTooLarge,
    /// The request broke off.
    BadRequest,
    /// The route does not take this method.
    MethodNotAllowed,
    /// The server takes no work now.
    NotReady,
    /// The request took too long.
    Timeout,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::InvalidRequest => "invalid_request",
            Self::InvocationNotAvailable => "invocation_not_available",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::RunEnded => "run_ended",
            Self::NotInProgress => "not_in_progress",
            Self::AlreadyRedeemed => "already_redeemed",
            Self::NotStarted => "not_started",
            Self::LogFull => "log_full",
            Self::NotWaiting => "not_waiting",
            Self::DeliveryInFlight => "delivery_in_flight",
            Self::TooManyRequests => "too_many_requests",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::PayloadTooLarge => "payload_too_large",
            Self::BadRequest => "bad_request",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotReady => "not_ready",
            Self::Timeout => "timeout",
        }
    }
}

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: Code,
    message: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// A body or parameter that breaks the schema.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            Code::InvalidRequest,
            message,
        )
    }

    /// No such route or resource.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, message)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, code) = match &error {
            Error::Unauthorized(_) => (StatusCode::UNAUTHORIZED, Code::Unauthorized),
            Error::Forbidden(_) => (StatusCode::FORBIDDEN, Code::Forbidden),
            Error::NotFound { .. } => (StatusCode::NOT_FOUND, Code::NotFound),
            Error::Conflict(_) => (StatusCode::CONFLICT, Code::Conflict),
            Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, Code::InvalidRequest),
            Error::InvocationNotAvailable(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Code::InvocationNotAvailable,
            ),
            Error::IdempotencyConflict => {
                (StatusCode::UNPROCESSABLE_ENTITY, Code::IdempotencyConflict)
            }
            Error::Report(rejection) => report(rejection),
            Error::Approval(_) => (StatusCode::UNPROCESSABLE_ENTITY, Code::NotWaiting),
            Error::Redelivery(rejection) => redelivery(*rejection),
            Error::TooManyChecks { .. } => (StatusCode::TOO_MANY_REQUESTS, Code::TooManyRequests),
            Error::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded),
            Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            Error::Corrupt(_) => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
        };
        match &error {
            Error::Corrupt(cause) | Error::Unavailable(cause) => {
                tracing::error!(code = code.name(), cause, "a request failed");
            }
            _ => {}
        }
        Self::new(status, code, error.to_string())
    }
}

fn report(rejection: &ReportRejection) -> (StatusCode, Code) {
    match rejection {
        ReportRejection::RunEnded(_) => (StatusCode::UNPROCESSABLE_ENTITY, Code::RunEnded),
        ReportRejection::NotInProgress(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Code::NotInProgress)
        }
        ReportRejection::Superseded { .. } => (StatusCode::CONFLICT, Code::AlreadyRedeemed),
        ReportRejection::NotStarted => (StatusCode::UNPROCESSABLE_ENTITY, Code::NotStarted),
        ReportRejection::Full => (StatusCode::UNPROCESSABLE_ENTITY, Code::LogFull),
    }
}

fn redelivery(rejection: longshore_domain::delivery::RedeliverRejection) -> (StatusCode, Code) {
    use longshore_domain::delivery::RedeliverRejection as Rejection;
    match rejection {
        Rejection::InFlight | Rejection::WaitsForAgent => {
            (StatusCode::CONFLICT, Code::DeliveryInFlight)
        }
        Rejection::RunEnded => (StatusCode::CONFLICT, Code::RunEnded),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"ok": false, "error": self.code.name(), "message": self.message});
        let mut response = (
            self.status,
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )],
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
