//! Each request gets an id, which its answer and its log lines carry.

use std::convert::Infallible;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::response::Response;
use tower::ServiceExt;
use tracing::Instrument;

static REQUESTS: AtomicU64 = AtomicU64::new(1);
static PROCESS: LazyLock<u32> = LazyLock::new(std::process::id);

/// What `routes` answer; names the request in `X-Trace-Id` and in the log.
pub(super) async fn traced(request: Request, routes: Router) -> Result<Response, Infallible> {
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:08x}-{number:x}", *PROCESS);
    let span = tracing::debug_span!("request", id, path = request.uri().path());
    let mut response = routes.oneshot(request).instrument(span).await?;
    if response.status().is_server_error() {
        tracing::warn!(
            id,
            status = response.status().as_u16(),
            "a request was not served"
        );
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-trace-id", value);
    }
    Ok(response)
}
