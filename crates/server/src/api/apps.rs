//! Organisation credentials ("apps").

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use longshore_engine::caller::Scope;
use longshore_engine::identity::App as Credential;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Json, OptionalJson, Path, Query, optional_word, parse};

/// How long both secrets count after a rotation, unless the caller says otherwise.
const OVERLAP_HOURS: u64 = 24;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(update, delete))
        .routes(routes!(rotate))
        .routes(routes!(activate))
}

/// What a new credential is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewApp {
    name: String,
    /// Extension: `full` (default), `report` or `sign`.
    #[serde(default, deserialize_with = "optional_word")]
    #[schema(value_type = Option<String>)]
    scope: Option<Scope>,
}

/// What of a credential is changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppPatch {
    name: String,
    /// Extension: switches the credential off or on.
    #[serde(default)]
    enabled: Option<bool>,
}

/// How a secret is rotated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotation {
    /// Extension: how long the old secret still counts; 24 where absent.
    #[serde(default)]
    overlap_hours: Option<u64>,
}

/// List the organization's credentials
#[utoipa::path(get, path = "/v1/apps", tag = "Apps",
    params(("fields" = Option<Vec<String>>, Query, description = "Only these keys")),
    responses((status = 200, description = "All credentials, without secrets")))]
async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let fields = query.list("fields");
    let apps: Vec<Value> = app
        .engine
        .identity
        .apps()
        .iter()
        .map(|found| {
            let mut shown = shown(found);
            if !fields.is_empty() {
                shown.retain(|key, _| fields.contains(key));
            }
            Value::Object(shown)
        })
        .collect();
    Ok(Reply::ok().with("apps", apps))
}

/// Create a credential
#[utoipa::path(post, path = "/v1/apps", tag = "Apps", request_body = NewApp,
    responses((status = 200, description = "The credential; its secret is shown this once")))]
async fn create(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let new: NewApp = parse(body)?;
    let scope = new.scope.unwrap_or(Scope::Full);
    let made = app
        .engine
        .identity
        .create_app(&new.name, scope, None)
        .await?;
    Ok(Reply::ok().with("app", shown(&made)))
}

/// Rename a credential, or switch it off or on
#[utoipa::path(put, path = "/v1/apps/{id}", tag = "Apps", request_body = AppPatch,
    params(("id" = String, Path, description = "The client id")),
    responses((status = 200, description = "The credential")))]
async fn update(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let patch: AppPatch = parse(body)?;
    let identity = &app.engine.identity;
    let changed = identity
        .update_app(&id, Some(&patch.name), patch.enabled)
        .await?;
    Ok(Reply::ok().with("app", shown(&changed)))
}

/// Delete a credential; its tokens end with it
#[utoipa::path(delete, path = "/v1/apps/{id}", tag = "Apps",
    params(("id" = String, Path, description = "The client id")),
    responses((status = 200, description = "It is gone")))]
async fn delete(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    caller.admin()?;
    app.engine.identity.delete_app(&id).await?;
    Ok(Reply::ok())
}

/// Give a credential a second secret
#[utoipa::path(post, path = "/v1/apps/{id}/rotate-secret", tag = "Apps",
    params(("id" = String, Path, description = "The client id")),
    request_body(content = Option<Rotation>),
    responses((status = 200, description = "The credential; the new secret is shown this once")))]
async fn rotate(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let rotation: Rotation = body.map(parse).transpose()?.unwrap_or_default();
    let hours = rotation.overlap_hours.unwrap_or(OVERLAP_HOURS);
    let overlap = Duration::from_secs(hours.saturating_mul(3_600));
    let rotated = app.engine.identity.rotate_secret(&id, overlap).await?;
    Ok(Reply::ok().with("app", shown(&rotated)))
}

/// Let the newest secret sign before the overlap ends
#[utoipa::path(post, path = "/v1/apps/{id}/activate-secret", tag = "longshore",
    params(("id" = String, Path, description = "The client id")),
    responses((status = 200, description = "The credential")))]
async fn activate(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let changed = app.engine.identity.activate_secret(&id).await?;
    Ok(Reply::ok().with("app", shown(&changed)))
}

fn shown(app: &Credential) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("id".into(), app.id.clone().into());
    shown.insert("name".into(), app.name.clone().into());
    shown.insert("enabled".into(), app.enabled.into());
    if app.scope != Scope::Full {
        shown.insert("scope".into(), json!(app.scope));
    }
    shown.insert("createdAt".into(), app.created_at.to_string().into());
    shown.insert("updatedAt".into(), app.updated_at.to_string().into());
    if let Some(secret) = &app.secret {
        shown.insert("secret".into(), secret.expose().clone().into());
    }
    shown
}
