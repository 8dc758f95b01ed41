//! The organisation, its settings and its secrets.

use std::sync::Arc;

use axum::extract::State;
use longshore_domain::secret::Secret;
use longshore_engine::secrets::SecretPatch;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Json, Path, parse};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show, patch, replace))
        .routes(routes!(list_secrets, create_secret))
        .routes(routes!(show_secret, update_secret, delete_secret))
}

/// Show the organization
#[utoipa::path(get, path = "/v1/organization", tag = "Organization",
    responses((status = 200, description = "Id, name and settings")))]
async fn show(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
) -> Result<Reply, Problem> {
    caller.admin()?;
    Ok(Reply::ok().with("organization", app.engine.organization.json()))
}

/// Change what is named; settings are merged
#[utoipa::path(patch, path = "/v1/organization", tag = "Organization", request_body = Value,
    responses((status = 200, description = "It is changed")))]
async fn patch(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    change(&app, &body).await
}

/// Change name and settings
#[utoipa::path(put, path = "/v1/organization", tag = "Organization", request_body = Value,
    responses((status = 200, description = "It is changed")))]
async fn replace(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    if body.get("name").is_none() {
        return Err(Problem::invalid("name: missing; expected a text"));
    }
    change(&app, &body).await
}

async fn change(app: &App, body: &Value) -> Result<Reply, Problem> {
    let Value::Object(body) = body else {
        return Err(Problem::invalid("expected a JSON object"));
    };
    app.engine.change_organization(body).await?;
    Ok(Reply::ok())
}

/// A new secret.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSecret {
    secret_name: String,
    secret_value: String,
    #[serde(default)]
    description: Option<String>,
}

/// What of a secret is changed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecretChange {
    #[serde(default)]
    secret_value: Option<String>,
    /// Empty clears it.
    #[serde(default)]
    description: Option<String>,
}

/// List the organization's secrets, without their values
#[utoipa::path(get, path = "/v1/organization/secrets", tag = "Organization secrets",
    responses((status = 200, description = "All secrets")))]
async fn list_secrets(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
) -> Result<Reply, Problem> {
    caller.admin()?;
    Ok(Reply::ok().with("secrets", json!(app.engine.secrets.list())))
}

/// Add a secret
#[utoipa::path(post, path = "/v1/organization/secrets", tag = "Organization secrets",
    request_body = NewSecret, responses((status = 200, description = "It is stored, encrypted")))]
async fn create_secret(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let new: NewSecret = parse(body)?;
    let value = Secret::new(new.secret_value);
    let secret = app
        .engine
        .secrets
        .create(&new.secret_name, value, new.description)
        .await?;
    Ok(Reply::ok().with("secret", json!(secret)))
}

/// Show a secret, without its value
#[utoipa::path(get, path = "/v1/organization/secrets/{secret_name}", tag = "Organization secrets",
    params(("secret_name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The secret")))]
async fn show_secret(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<Reply, Problem> {
    caller.admin()?;
    Ok(Reply::ok().with("secret", json!(app.engine.secrets.find(&name)?)))
}

/// Change a secret
#[utoipa::path(patch, path = "/v1/organization/secrets/{secret_name}",
    tag = "Organization secrets", request_body = SecretChange,
    params(("secret_name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The secret")))]
async fn update_secret(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let change: SecretChange = parse(body)?;
    let patch = SecretPatch {
        value: change.secret_value.map(Secret::new),
        description: change.description,
    };
    Ok(Reply::ok().with(
        "secret",
        json!(app.engine.secrets.update(&name, patch).await?),
    ))
}

/// Delete a secret
#[utoipa::path(delete, path = "/v1/organization/secrets/{secret_name}",
    tag = "Organization secrets", params(("secret_name" = String, Path, description = "Its name")),
    responses((status = 200, description = "It is gone")))]
async fn delete_secret(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<Reply, Problem> {
    caller.admin()?;
    app.engine.secrets.delete(&name).await?;
    Ok(Reply::ok())
}
