//! Whether the server lives, and whether it can take work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::{Code, Problem};
use super::reply::Reply;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "Health", security(()),
    responses((status = 200, description = "It does")))]
async fn healthz() -> Reply {
    Reply::ok()
}

/// Whether the server takes work
#[utoipa::path(get, path = "/readyz", tag = "Health", security(()),
    responses((status = 200, description = "It does"),
              (status = 503, description = "Nothing can be stored now, or it is stopping")))]
async fn readyz(State(app): State<Arc<App>>) -> Result<Reply, Problem> {
    if app.engine.is_ready() {
        Ok(Reply::ok())
    } else {
        Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            Code::NotReady,
            "nothing can be stored now, or the server is stopping",
        ))
    }
}
