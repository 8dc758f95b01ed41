//! Requests whose outcome the process remembers beside what it stores.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::{Code, Problem};

/// Carries a change through to its end, also where its caller goes away or its time is over: else
/// it might be stored and not be remembered, and a credential that is deleted would go on to hold.
pub(super) async fn carry_through(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let answer = app.engine.carry_through(next.run(request)).await;
    answer.unwrap_or_else(|| {
        let broke_off = "the request broke off; look at what became of it";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, broke_off).into_response()
    })
}
