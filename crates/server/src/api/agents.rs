//! What execution agents and integrations call: claims, starts, settlements, heartbeats.
//!
//! Claim and acknowledgement have the form that existing agents send (contract §6.6, §6.7); what
//! names a session is ours.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use longshore_domain::agent::{
    CLAIM_WAIT_LIMIT_SECONDS, Claim, EXCLUDED_CHARS_LIMIT, EXCLUDED_LIMIT, Heartbeat, Settle, Start,
};
use longshore_domain::id::RunId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::{Code, Problem};
use super::reply::Reply;
use super::request::{Authenticated, Json, Path, Unread, parse};
use super::runs::shortened;

/// The most runs that one acknowledgement names.
const ACKNOWLEDGED_LIMIT: usize = 1_000;
/// The most runs that one claim asks for.
const CLAIMED_LIMIT: u32 = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(claim))
        .routes(routes!(acknowledge))
        .routes(routes!(start))
        .routes(routes!(settle))
        .routes(routes!(heartbeat))
        .routes(routes!(list))
        .routes(routes!(claim_nodes))
        .routes(routes!(acknowledge_node))
        .routes(routes!(report_node))
        .routes(routes!(log_node))
}

/// A claim of work.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read as the domain's type; this one describes it")]
struct NewClaim {
    /// `_PORT_EXEC_AGENT`, or an integration's id.
    installation_id: String,
    /// 1 to 1000.
    limit: u32,
    /// Only runs of this kind of invocation.
    invocation_method: Option<String>,
    /// Actions, by identifier or by `integrationActionType`, whose runs are left to others; up to 500.
    exclude: Option<Vec<String>>,
    /// How long the runs are kept for the caller; 60000 where absent.
    visibility_timeout_ms: Option<u64>,
    /// The agent's id (extension; with `session`).
    agent: Option<String>,
    /// One life of that agent (extension; with `agent`).
    session: Option<String>,
    /// How long to wait for work, up to 20 (extension).
    wait_seconds: Option<u64>,
}

/// An acknowledgement; one of both.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Acknowledgement {
    /// One run, as integrations send it.
    run_id: Option<String>,
    /// Several runs, as execution agents send them.
    run_ids: Option<Vec<String>>,
}

/// Claim runs that wait for an agent or integration
#[utoipa::path(post, path = "/v1/actions/runs/claim-pending", tag = "Action runs",
    request_body = NewClaim,
    responses((status = 200, description = "Runs with complete payloads, kept for the caller for a minute; `deliveries` beside them where a session claims")))]
async fn claim(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(mut body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    check_excluded(&mut body)?;
    let lease = match body.get("visibilityTimeoutMs") {
        None | Some(Value::Null) => None,
        Some(given) => Some(given.as_u64().filter(|given| *given > 0).ok_or_else(|| {
            Problem::invalid("visibilityTimeoutMs: expected milliseconds, more than 0")
        })?),
    };
    let named = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    if named("agent") != named("session") {
        return Err(Problem::invalid("agent, session: expected both or neither"));
    }
    for key in ["agent", "session"] {
        if named(key) && !body[key].is_string() {
            return Err(Problem::invalid(format!("{key}: expected a text")));
        }
    }
    let mut claim: Claim = parse(body)?;
    if !(1..=CLAIMED_LIMIT).contains(&claim.limit) {
        return Err(Problem::invalid(format!(
            "limit: expected 1 to {CLAIMED_LIMIT}"
        )));
    }
    // A wait must end before the request itself is ended.
    let longest = (app.limits.request_timeout / 2).as_secs();
    let wait = claim.wait_seconds.unwrap_or(0);
    claim.wait_seconds = Some(wait.min(longest).min(CLAIM_WAIT_LIMIT_SECONDS));
    let by_session = claim.by.is_some();
    let claimed = app
        .engine
        .claim(&caller, claim, lease.map(Duration::from_millis))
        .await?;
    let reply = Reply::ok().with("runs", claimed.runs);
    Ok(match by_session {
        true => reply.with("deliveries", json!(claimed.deliveries)),
        false => reply,
    })
}

/// `null` stands for none, as in other optional parts.
fn check_excluded(body: &mut Value) -> Result<(), Problem> {
    let expected = || {
        let texts = format!("expected a list of at most {EXCLUDED_LIMIT} texts");
        Problem::invalid(format!("exclude: {texts}"))
    };
    let Value::Object(body) = body else {
        return Ok(());
    };
    let excluded = match body.get("exclude") {
        None => return Ok(()),
        Some(Value::Null) => {
            body.remove("exclude");
            return Ok(());
        }
        Some(Value::Array(excluded)) if excluded.len() <= EXCLUDED_LIMIT => excluded,
        Some(_) => return Err(expected()),
    };
    for (at, name) in excluded.iter().enumerate() {
        let chars = name.as_str().map(|name| name.chars().count());
        if !chars.is_some_and(|chars| (1..=EXCLUDED_CHARS_LIMIT).contains(&chars)) {
            let texts = format!("expected a text of 1 to {EXCLUDED_CHARS_LIMIT} characters");
            return Err(Problem::invalid(format!("exclude[{at}]: {texts}")));
        }
    }
    Ok(())
}

/// Take claimed runs over for good
#[utoipa::path(patch, path = "/v1/actions/runs/ack", tag = "Action runs",
    request_body = Acknowledgement,
    responses((status = 200, description = "How many are the caller's now"),
              (status = 409, description = "`runId` is somebody else's already")))]
async fn acknowledge(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let given: Acknowledgement = parse(body)?;
    let (ids, single) = match (given.run_id, given.run_ids) {
        (Some(id), None) => (vec![id], true),
        (None, Some(ids)) => (ids, false),
        _ => return Err(Problem::invalid("expected one of: runId, runIds")),
    };
    if ids.len() > ACKNOWLEDGED_LIMIT {
        return Err(Problem::invalid(format!(
            "runIds: expected at most {ACKNOWLEDGED_LIMIT}"
        )));
    }
    let runs: Vec<RunId> = ids.iter().filter_map(|id| RunId::parse(id)).collect();
    let acknowledged = app.engine.acknowledge(&caller, &runs).await?;
    if single && acknowledged.is_empty() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            Code::Conflict,
            "the run is acknowledged already, or was not handed out",
        ));
    }
    Ok(Reply::ok()
        .with("ackedCount", acknowledged.len())
        .with("ackedRunIds", json!(acknowledged)))
}

/// Start attempts: an agent calls only what this answers `started`
#[utoipa::path(post, path = "/v1/deliveries/start", tag = "longshore",
    request_body(content = Object, description = "{agent, session, items: [{delivery, attempt, run, repeatUnknown}]}, at most 500 items. `repeatUnknown: false` says that a repeat of this call is harm, whatever the action says; it stays so"),
    responses((status = 200, description = "For each item `started`, with what a repeat is for the server (`repeatUnknown`), or `no`, with the reason"),
              (status = 409, description = "The session has taken leave, or a newer one of the agent its place")))]
async fn start(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    body: Unread,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let start: Start = body.parse()?;
    let answers = app.engine.start_deliveries(&caller, start).await?;
    Reply::ok().with_items("items", &answers)
}

/// Settle attempts: what became of the calls that an agent made
#[utoipa::path(post, path = "/v1/deliveries/settle", tag = "longshore",
    request_body(content = Object, description = "{agent, session, items: [{delivery, attempt, outcome, …}]}, at most 500 items"),
    responses((status = 200, description = "For each item `settled`, `recorded` or `not_found`; whichever it is, the agent may forget it")))]
async fn settle(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    body: Unread,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let settle: Settle = body.parse()?;
    let answers = app.engine.settle_deliveries(&caller, settle).await?;
    Reply::ok().with_items("items", &answers)
}

/// Say that an agent's session lives
#[utoipa::path(post, path = "/v1/agents/heartbeat", tag = "longshore",
    request_body(content = Object, description = "{agent, session, version, streamer, inFlight, group, partitions, draining, leaving}. What a session has claimed and not started is due again at once where it says `draining` (it takes no more, and finishes what is started) or `leaving`"),
    responses((status = 200, description = "How often to say so"),
              (status = 409, description = "The session has taken leave, or a newer one of the agent its place")))]
async fn heartbeat(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let heartbeat: Heartbeat = parse(body)?;
    let answer = app.engine.heartbeat(&caller, heartbeat).await?;
    Ok(Reply::ok()
        .with("heartbeatSeconds", answer.heartbeat_seconds)
        .with("sessionSeconds", answer.session_seconds))
}

/// List the agents that are connected
#[utoipa::path(get, path = "/v1/agents", tag = "longshore",
    responses((status = 200, description = "Each with version, streamer, when it was last seen, partitions with lag, and calls in flight")))]
async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
) -> Result<Reply, Problem> {
    let agents = app.engine.known_agents(&caller)?;
    Ok(Reply::ok().with("agents", agents))
}

/// Claim workflow nodes; there are none, but agents that get no answer here stop working
#[utoipa::path(post, path = "/v1/workflows/runs/claim-pending", tag = "Workflows",
    request_body(content = Object),
    responses((status = 200, description = "An empty list")))]
async fn claim_nodes(
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let _: Map<String, Value> = parse(body)?;
    Ok(Reply::ok().with("nodeRuns", json!([])))
}

/// Take a workflow node over; there are none
#[utoipa::path(patch, path = "/v1/workflows/runs/ack", tag = "Workflows",
    request_body(content = Object),
    responses((status = 200, description = "Nothing is acknowledged")))]
async fn acknowledge_node(
    Authenticated(caller): Authenticated,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let _: Map<String, Value> = parse(body)?;
    Ok(Reply::ok().with("acked", false))
}

/// Report on a workflow node; there are none
#[utoipa::path(patch, path = "/v1/workflows/nodes/runs/{run_id}", tag = "Workflows",
    params(("run_id" = String, Path, description = "The node's run")),
    request_body(content = Object),
    responses((status = 404, description = "There is no such run")))]
async fn report_node(
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let _: Map<String, Value> = parse(body)?;
    Err(no_node(&id))
}

/// Log on a workflow node; there are none
#[utoipa::path(post, path = "/v1/workflows/nodes/runs/{run_id}/logs", tag = "Workflows",
    params(("run_id" = String, Path, description = "The node's run")),
    request_body(content = Object),
    responses((status = 404, description = "There is no such run")))]
async fn log_node(
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let _: Map<String, Value> = parse(body)?;
    Err(no_node(&id))
}

fn no_node(id: &str) -> Problem {
    Problem::not_found(format!("workflow run {:?} was not found", shortened(id)))
}
