//! Deliveries and their attempts.

use std::sync::Arc;

use axum::extract::State;
use longshore_domain::delivery::State as DeliveryState;
use longshore_domain::id::DeliveryId;
use longshore_engine::DeliveryFilter;
use longshore_engine::deliveries::attempt_json;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Path, Query};
use super::runs::{run_id, shortened};

const PAGE: u32 = 50;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(attempts))
        .routes(routes!(redeliver))
        .routes(routes!(give_up))
}

/// List deliveries, newest first
#[utoipa::path(get, path = "/v1/deliveries", tag = "longshore",
    params(("state" = Option<String>, Query, description =
               "due, owned, started, published, done, unconfirmed, dead or cancelled"),
           ("destination" = Option<String>, Query, description = "A connection's id, or an origin"),
           ("run" = Option<String>, Query, description = "Of this run"),
           ("limit" = Option<u32>, Query, description = "1 to 1000; 50 where absent"),
           ("from" = Option<String>, Query, description = "`next` of the page before")),
    responses((status = 200, description = "Deliveries, and `next` while there are more")))]
async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let states = DeliveryState::ALL.map(DeliveryState::name).join(", ");
    let filter = DeliveryFilter {
        state: query.choice("state", DeliveryState::parse, &states)?,
        destination: query.text("destination"),
        run: query.text("run").map(|text| run_id(&text)).transpose()?,
        limit: query.number("limit", 1..=1_000, PAGE)?,
        from: query.text("from"),
    };
    let page = app.engine.deliveries(&caller, filter).await?;
    let shown: Vec<Value> = page
        .items
        .iter()
        .map(|item| app.engine.shown_delivery(item))
        .collect();
    let reply = Reply::ok().with("deliveries", shown);
    Ok(match page.next {
        Some(next) => reply.with("next", next),
        None => reply,
    })
}

/// List a delivery's attempts, oldest first
#[utoipa::path(get, path = "/v1/deliveries/{id}/attempts", tag = "longshore",
    params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, description = "Each with its outcome and the beginning of its answer")))]
async fn attempts(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    let attempts = app.engine.attempts(&caller, &delivery_id(&id)?).await?;
    let shown: Vec<Value> = attempts.iter().map(attempt_json).collect();
    Ok(Reply::ok().with("attempts", shown))
}

/// Send a delivery again
#[utoipa::path(post, path = "/v1/deliveries/{id}/redeliver", tag = "longshore",
    params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, description = "It is due now, its schedule started anew"),
              (status = 409, description = "An attempt is under way, or the run has ended")))]
async fn redeliver(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    let delivery = app.engine.redeliver(&caller, &delivery_id(&id)?).await?;
    Ok(Reply::ok().with("delivery", app.engine.shown_delivery(&delivery)))
}

/// Give an unconfirmed delivery up; its run fails
#[utoipa::path(post, path = "/v1/deliveries/{id}/give-up", tag = "longshore",
    params(("id" = String, Path, description = "The delivery")),
    responses((status = 200, description = "It is dead"),
              (status = 409, description = "It is not unconfirmed")))]
async fn give_up(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    let delivery = app.engine.give_up(&caller, &delivery_id(&id)?).await?;
    Ok(Reply::ok().with("delivery", app.engine.shown_delivery(&delivery)))
}

fn delivery_id(text: &str) -> Result<DeliveryId, Problem> {
    DeliveryId::parse(text)
        .ok_or_else(|| Problem::not_found(format!("delivery {:?} was not found", shortened(text))))
}
