//! Connections: known servers, and how they are called.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Json, Path};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, delete))
}

/// List connections
#[utoipa::path(get, path = "/v1/connections", tag = "longshore",
    responses((status = 200, description = "All connections, without their secrets")))]
async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let shown: Vec<Value> = app
        .engine
        .connections
        .list()
        .iter()
        .map(|known| known.json())
        .collect();
    Ok(Reply::ok().with("connections", shown))
}

/// Create a connection
#[utoipa::path(post, path = "/v1/connections", tag = "longshore", request_body = Value,
    responses((status = 201, description = "The connection"),
              (status = 409, description = "Name or URL is taken")))]
async fn create(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body, _): Json,
) -> Result<Reply, Problem> {
    let made = app.engine.create_connection(&caller, &body).await?;
    Ok(Reply::ok()
        .with("connection", made.json())
        .status(StatusCode::CREATED))
}

/// Show a connection
#[utoipa::path(get, path = "/v1/connections/{id}", tag = "longshore",
    params(("id" = String, Path, description = "The connection")),
    responses((status = 200, description = "The connection")))]
async fn show(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    caller.admin()?;
    Ok(Reply::ok().with("connection", app.engine.connections.find(&id)?.json()))
}

/// Replace a connection; a secret that is absent stays, `null` removes it
#[utoipa::path(put, path = "/v1/connections/{id}", tag = "longshore", request_body = Value,
    params(("id" = String, Path, description = "The connection")),
    responses((status = 200, description = "The connection")))]
async fn replace(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body, _): Json,
) -> Result<Reply, Problem> {
    let replaced = app.engine.replace_connection(&caller, &id, &body).await?;
    Ok(Reply::ok().with("connection", replaced.json()))
}

/// Delete a connection
#[utoipa::path(delete, path = "/v1/connections/{id}", tag = "longshore",
    params(("id" = String, Path, description = "The connection")),
    responses((status = 200, description = "It is gone")))]
async fn delete(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    caller.admin()?;
    app.engine.connections.delete(&id).await?;
    Ok(Reply::ok())
}
