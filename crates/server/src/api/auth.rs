//! Access tokens.

use std::sync::Arc;

use axum::extract::State;
use longshore_domain::secret::Secret;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Json, parse};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(access_token))
}

/// A client id with its secret.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Credentials {
    client_id: String,
    client_secret: String,
}

/// Exchange a client secret for an access token
#[utoipa::path(
    post, path = "/v1/auth/access_token", tag = "Authentication",
    request_body = Credentials, security(()),
    responses((status = 200, description = "A JWT that holds for 3 hours; the same one until then"),
              (status = 401, description = "The client id or client secret is wrong"))
)]
async fn access_token(State(app): State<Arc<App>>, Json(body): Json) -> Result<Reply, Problem> {
    let given: Credentials = parse(body)?;
    let secret = Secret::new(given.client_secret);
    let token = app
        .engine
        .identity
        .access_token(&given.client_id, secret.expose())
        .await?;
    Ok(Reply::ok()
        .with("accessToken", token.token.expose().clone())
        .with("expiresIn", token.expires_in.as_secs())
        .with("tokenType", "Bearer"))
}
