//! Connections: known servers, and how they are called.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use longshore_engine::checks::{CheckRequest, TrialCall};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Json, OptionalJson, Path, parse};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, delete))
        .routes(routes!(check))
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
    Json(body): Json,
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
    Json(body): Json,
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

/// What to check besides the server itself.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Check {
    /// An address that the connection covers; else the connection's own.
    url: Option<String>,
    /// Whether Jenkins shall also say what a call with `headers` and `body` would start. A plugin
    /// from before that feature starts it.
    dry_run: bool,
    /// Headers of that call; they and the body may name secrets: `{{ .secrets.NAME }}`.
    #[schema(value_type = Object)]
    headers: Map<String, Value>,
    /// Body of that call.
    #[schema(value_type = Value)]
    body: Value,
}

/// Check a connection's server; starts nothing
#[utoipa::path(post, path = "/v1/connections/{id}/check", tag = "longshore", request_body = Check,
    params(("id" = String, Path, description = "The connection")),
    responses((status = 200, description = "What was found, in the order of a call's way"),
              (status = 422, description = "The connection does not cover the URL"),
              (status = 429, description = "Too many checks in a short time")))]
async fn check(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let asked: Check = body.map(parse).transpose()?.unwrap_or_default();
    let has_call = !asked.headers.is_empty() || !asked.body.is_null();
    if has_call && !asked.dry_run {
        return Err(Problem::invalid(
            "headers and body are for a dry run: set dryRun to true",
        ));
    }
    let asked = CheckRequest {
        url: asked.url,
        dry_run: asked.dry_run.then_some(TrialCall {
            headers: asked.headers,
            body: asked.body,
        }),
    };
    let report = app.engine.check_connection(&caller, &id, &asked).await?;
    Ok(Reply::ok().with("check", report.json()))
}
