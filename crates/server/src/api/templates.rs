//! Trying templates out.

use std::sync::Arc;

use axum::extract::State;
use longshore_engine::templates::TrialContext;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{Authenticated, Json, parse};
use super::runs::run_id;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(render))
}

/// A template, and what it sees: exactly one of `context` and `run`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Render {
    /// Any JSON with templates in its strings and keys.
    #[schema(value_type = Value)]
    template: Value,
    /// What stands at the root: `inputs`, `trigger`, `entity` and so on.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    context: Option<Map<String, Value>>,
    /// The id of a run whose templates see the same.
    #[serde(default)]
    run: Option<String>,
}

/// Try a template out; secrets and run tokens are replaced by stand-ins
#[utoipa::path(post, path = "/v1/templates/render", tag = "longshore", request_body = Render,
    responses((status = 200, description = "What it becomes, and what went wrong with each expression"),
              (status = 404, description = "There is no such run"),
              (status = 422, description = "The body breaks the schema, or names both or neither of context and run")))]
async fn render(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let asked: Render = parse(body)?;
    let context = match (asked.context, asked.run) {
        (Some(context), None) => TrialContext::Given(Value::Object(context)),
        (None, Some(run)) => TrialContext::Run(run_id(&run)?),
        (Some(_), Some(_)) => {
            let message = "context and run cannot both be given: a run brings its own context";
            return Err(Problem::invalid(message));
        }
        (None, None) => {
            return Err(Problem::invalid(
                "expected a context, or the run whose templates see the same",
            ));
        }
    };
    let trial = app
        .engine
        .try_template(&caller, &asked.template, context)
        .await?;
    Ok(Reply::ok()
        .with("value", trial.value)
        .with("problems", json!(trial.problems)))
}
