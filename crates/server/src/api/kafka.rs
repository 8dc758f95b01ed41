//! What agents need to know of Kafka.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::Authenticated;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(credentials))
}

/// Show how agents reach Kafka
#[utoipa::path(get, path = "/v1/kafka-credentials", tag = "Kafka credentials",
    responses((status = 200, description = "Brokers, name and password; both are empty where \
        brokers ask for none"),
        (status = 404, description = "This server publishes nothing to Kafka")))]
async fn credentials(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let Some(kafka) = &app.kafka else {
        return Err(Problem::not_found(
            "Kafka is not configured on this server (LONGSHORE_KAFKA__BROKERS); agents poll",
        ));
    };
    let login = kafka.login_of_agents();
    let username = login.map_or("", |login| &login.username);
    let password = login.map_or("", |login| login.password.expose());
    Ok(Reply::ok().with(
        "credentials",
        json!({"brokers": kafka.brokers, "username": username, "password": password}),
    ))
}
