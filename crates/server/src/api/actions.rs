//! Actions and automations: stored and answered as they were sent.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use longshore_engine::ShownAction;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Json, Path, Query};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, delete))
}

/// List actions and automations
#[utoipa::path(get, path = "/v1/actions", tag = "Actions",
    params(
        ("action_identifier" = Option<Vec<String>>, Query, description = "Only these"),
        ("blueprint_identifier" = Option<Vec<String>>, Query, description = "Only of these blueprints"),
        ("operation" = Option<Vec<String>>, Query, description = "CREATE, DAY-2 or DELETE"),
        ("published" = Option<bool>, Query, description = "Automations that are switched on or off"),
        ("trigger_type" = Option<String>, Query, description = "self-service or automation"),
        ("trigger_event" = Option<Vec<String>>, Query, description = "Events of automations"),
        ("trigger_event_action_identifier" = Option<Vec<String>>, Query,
            description = "Actions whose runs start automations"),
    ),
    responses((status = 200, description = "All that match every filter")))]
async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Reply, Problem> {
    let actions = app.engine.actions(&caller).await?;
    let filter = Filter::read(&query)?;
    let shown: Vec<Value> = actions
        .into_iter()
        .filter(|action| filter.matches(action))
        .collect();
    Ok(Reply::ok().with("actions", shown))
}

/// Create an action or automation
#[utoipa::path(post, path = "/v1/actions", tag = "Actions", request_body = Value,
    responses((status = 201, description = "The action, and what will not work as written"),
              (status = 409, description = "The identifier is taken"),
              (status = 422, description = "The body breaks the schema")))]
async fn create(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    let stored = app.engine.create_action(&caller, &body).await?;
    Ok(saved(stored).status(StatusCode::CREATED))
}

/// Show an action or automation
#[utoipa::path(get, path = "/v1/actions/{action_identifier}", tag = "Actions",
    params(("action_identifier" = String, Path, description = "Its identifier")),
    responses((status = 200, description = "The action")))]
async fn show(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(identifier): Path<String>,
) -> Result<Reply, Problem> {
    Ok(Reply::ok().with("action", app.engine.action(&caller, &identifier).await?))
}

/// Replace an action; another identifier in the body renames it
#[utoipa::path(put, path = "/v1/actions/{action_identifier}", tag = "Actions",
    request_body = Value,
    params(("action_identifier" = String, Path, description = "Its present identifier")),
    responses((status = 200, description = "The action, and what will not work as written")))]
async fn replace(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(identifier): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    Ok(saved(
        app.engine
            .replace_action(&caller, &identifier, &body)
            .await?,
    ))
}

/// Delete an action; its runs that wait for approval end
#[utoipa::path(delete, path = "/v1/actions/{action_identifier}", tag = "Actions",
    params(("action_identifier" = String, Path, description = "Its identifier")),
    responses((status = 200, description = "It is gone")))]
async fn delete(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(identifier): Path<String>,
) -> Result<Reply, Problem> {
    app.engine.delete_action(&caller, &identifier).await?;
    Ok(Reply::ok())
}

fn saved(stored: ShownAction) -> Reply {
    let reply = Reply::ok().with("action", stored.action);
    if stored.warnings.is_empty() {
        reply
    } else {
        reply.with("warnings", json!(stored.warnings))
    }
}

struct Filter {
    identifiers: Vec<String>,
    blueprints: Vec<String>,
    operations: Vec<String>,
    published: Option<bool>,
    trigger_type: Option<String>,
    events: Vec<String>,
    event_actions: Vec<String>,
}

impl Filter {
    fn read(query: &Query) -> Result<Self, Problem> {
        let trigger_type = query.choice(
            "trigger_type",
            |text| matches!(text, "self-service" | "automation").then(|| text.to_owned()),
            "self-service, automation",
        )?;
        Ok(Self {
            identifiers: query.list("action_identifier"),
            blueprints: query.list("blueprint_identifier"),
            operations: query.list("operation"),
            published: query.switch("published"),
            trigger_type,
            events: query.list("trigger_event"),
            event_actions: query.list("trigger_event_action_identifier"),
        })
    }

    fn matches(&self, action: &Value) -> bool {
        let at = |pointer: &str| action.pointer(pointer).and_then(Value::as_str);
        let any = |wanted: &[String], found: Option<&str>| {
            wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|text| text == found))
        };
        let kind = at("/trigger/type");
        let blueprint =
            at("/trigger/blueprintIdentifier").or_else(|| at("/trigger/event/blueprintIdentifier"));
        let published = action
            .get("publish")
            .and_then(Value::as_bool)
            .unwrap_or(true);
        any(&self.identifiers, at("/identifier"))
            && any(&self.blueprints, blueprint)
            && any(&self.operations, at("/trigger/operation"))
            && self.published.is_none_or(|wanted| wanted == published)
            && self
                .trigger_type
                .as_deref()
                .is_none_or(|wanted| Some(wanted) == kind)
            && any(&self.events, at("/trigger/event/type"))
            && any(&self.event_actions, at("/trigger/event/actionIdentifier"))
    }
}
