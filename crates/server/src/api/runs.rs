//! Runs: requesting, looking, reporting, approving.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use longshore_domain::id::RunId;
use longshore_domain::run::{Decision, LogLine, Report, Source, Status};
use longshore_engine::RunFilter;
use longshore_engine::runs::StartRun;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::Problem;
use super::reply::Reply;
use super::request::{
    Authenticated, Json, OptionalJson, Path, Query, Unread, optional_text_or_number, optional_word,
    parse, word,
};

/// How many runs one page holds.
const PAGE: u32 = 50;
/// The longest idempotency key.
const IDEMPOTENCY_KEY_LIMIT: usize = 256;
const LABEL_CHARS_LIMIT: usize = 256;
const TEXT_BYTES_LIMIT: usize = 16 * 1024;
const LINKS_LIMIT: usize = 50;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(execute))
        .routes(routes!(list))
        .routes(routes!(show, patch))
        .routes(routes!(list_logs, add_log))
        .routes(routes!(approve))
        .routes(routes!(approvers))
        .routes(routes!(respond))
        .routes(routes!(redeem))
        .routes(routes!(rerun))
        .routes(routes!(timeline))
}

/// A request for a run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRun {
    #[schema(value_type = Object)]
    properties: Map<String, Value>,
    /// The identifier of the entity that the run is about.
    #[serde(default)]
    entity: Option<String>,
}

/// What a backend reports; each present key overwrites.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RunPatch {
    /// SUCCESS or FAILURE; ends the run.
    #[serde(default, deserialize_with = "optional_word")]
    #[schema(value_type = Option<String>)]
    status: Option<End>,
    #[serde(default)]
    status_label: Option<String>,
    /// A text or a list of texts.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    link: Option<Link>,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    message: Option<Map<String, Value>>,
    /// Cut at 16 KiB.
    #[serde(default)]
    summary: Option<String>,
    /// A text; of a number its text is kept.
    #[serde(default, deserialize_with = "optional_text_or_number")]
    external_run_id: Option<String>,
}

/// How a report ends a run.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum End {
    Success,
    Failure,
}

impl From<End> for Status {
    fn from(end: End) -> Self {
        match end {
            End::Success => Self::Success,
            End::Failure => Self::Failure,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum Link {
    One(String),
    Many(Vec<String>),
}

/// A line for a run's log, which may end the run.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewLog {
    message: String,
    /// SUCCESS or FAILURE; ends the run.
    #[serde(default, deserialize_with = "optional_word")]
    #[schema(value_type = Option<String>)]
    termination_status: Option<End>,
    #[serde(default)]
    status_label: Option<String>,
}

/// An approver's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Approval {
    /// APPROVE or DECLINE.
    #[serde(deserialize_with = "word")]
    #[schema(value_type = String)]
    status: Decision,
    #[serde(default)]
    description: Option<String>,
}

/// What a backend answered to an agent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Response {
    #[schema(value_type = Value)]
    response: Value,
}

/// Who takes a run.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Redeem {
    /// Say the build's URL.
    #[serde(default)]
    by: Option<String>,
}

/// Execute an action
#[utoipa::path(post, path = "/v1/actions/{action_identifier}/runs", tag = "Action runs",
    request_body = NewRun,
    params(("action_identifier" = String, Path, description = "The action"),
           ("run_as" = Option<String>, Query, description = "Not available yet"),
           ("Idempotency-Key" = Option<String>, Header,
               description = "Extension: the same key and body give the same run for 24 hours")),
    responses((status = 202, description = "The run is stored; its call leaves afterwards"),
              (status = 422, description = "Inputs break rules, or this invocation is not available"),
              (status = 503, description = "Too much waits, or nothing can be stored; try again")))]
async fn execute(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(action): Path<String>,
    query: Query,
    headers: HeaderMap,
    body: Unread,
) -> Result<Reply, Problem> {
    let started = std::time::Instant::now();
    caller.admin()?;
    let new: NewRun = body.parse()?;
    let idempotency_key = idempotency_key(&headers)?;
    let command = StartRun {
        action,
        properties: Value::Object(new.properties),
        entity: new.entity,
        run_as: query.text("run_as"),
        body_hash: match &idempotency_key {
            Some(_) => Sha256::digest(body.bytes()).into(),
            None => [0; 32],
        },
        idempotency_key,
        rerun_of: None,
    };
    // Boxed, since each layer around a handler moves its future.
    let run = Box::pin(app.engine.start_run(&caller, command)).await?;
    app.engine
        .metrics
        .accept_seconds
        .observe(started.elapsed().as_secs_f64());
    Ok(Reply::ok()
        .with_text("run", &run.0)
        .status(StatusCode::ACCEPTED))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=IDEMPOTENCY_KEY_LIMIT).contains(&key.len()));
    let expected = format!(
        "header Idempotency-Key: expected 1 to {IDEMPOTENCY_KEY_LIMIT} printable ASCII characters"
    );
    key.map(|key| Some(key.to_owned()))
        .ok_or_else(|| Problem::invalid(expected))
}

/// List runs, newest first
#[utoipa::path(get, path = "/v1/actions/runs", tag = "Action runs",
    params(("entity" = Option<String>, Query, description = "About this entity"),
           ("blueprint" = Option<String>, Query, description = "Of this blueprint"),
           ("active" = Option<bool>, Query, description = "Not ended, or ended"),
           ("user_email" = Option<String>, Query, description = "Asked for by this user"),
           ("user_id" = Option<String>, Query, description = "Asked for by this user"),
           ("limit" = Option<u32>, Query, description = "1 to 1000; 50 where absent"),
           ("exclude" = Option<Vec<String>>, Query, description = "Keys to leave out"),
           ("external_run_id" = Option<String>, Query, description = "The backend's name for it"),
           ("version" = Option<String>, Query, description = "v1 or v2 (default)"),
           ("action" = Option<String>, Query, description = "Of this action"),
           ("source" = Option<Vec<String>>, Query, description = "UI, API or AUTOMATION"),
           ("from" = Option<String>, Query, description = "Extension: `next` of the page before")),
    responses((status = 200, description = "Runs, and `next` while there are more")))]
async fn list(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    query: Query,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let mut sources = Vec::new();
    for name in query.list("source") {
        sources.push(Source::parse(&name).ok_or_else(|| {
            Problem::invalid("query parameter source: expected one of UI, API, AUTOMATION")
        })?);
    }
    let filter = RunFilter {
        entity: query.text("entity"),
        blueprint: query.text("blueprint"),
        active: query.switch("active"),
        created_by: query.text("user_id").or_else(|| query.text("user_email")),
        external_run_id: query.text("external_run_id"),
        action: query.text("action"),
        sources,
        limit: query.number("limit", 1..=1_000, PAGE)?,
        from: query.text("from"),
    };
    let listed = app.engine.runs(&caller, filter, is_v1(&query)?).await?;
    let excluded = query.list("exclude");
    let runs: Vec<Value> = listed
        .runs
        .into_iter()
        .map(|run| without(run, &excluded))
        .collect();
    let reply = Reply::ok().with("runs", runs);
    Ok(match listed.next {
        Some(next) => reply.with("next", next),
        None => reply,
    })
}

fn is_v1(query: &Query) -> Result<bool, Problem> {
    let read = |text: &str| match text {
        "v1" => Some(true),
        "v2" => Some(false),
        _ => None,
    };
    Ok(query.choice("version", read, "v1, v2")?.unwrap_or(false))
}

fn without(mut run: Value, excluded: &[String]) -> Value {
    if let Value::Object(run) = &mut run {
        run.retain(|key, _| !excluded.contains(key));
    }
    run
}

/// Show a run
#[utoipa::path(get, path = "/v1/actions/runs/{run_id}", tag = "Action runs",
    params(("run_id" = String, Path, description = "The run"),
           ("version" = Option<String>, Query, description = "v1 or v2 (default)")),
    responses((status = 200, description = "The run")))]
async fn show(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<Reply, Problem> {
    let run = app
        .engine
        .run(&caller, &run_id(&id)?, is_v1(&query)?)
        .await?;
    Ok(Reply::ok().with("run", run))
}

/// Report on a run
#[utoipa::path(patch, path = "/v1/actions/runs/{run_id}", tag = "Action runs",
    request_body = RunPatch, params(("run_id" = String, Path, description = "The run")),
    responses((status = 200, description = "The run"),
              (status = 422, description = "The run has ended")))]
async fn patch(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    let id = run_id(&id)?;
    let patch: RunPatch = parse(body)?;
    check_chars(
        "statusLabel",
        patch.status_label.as_deref(),
        LABEL_CHARS_LIMIT,
    )?;
    check_chars(
        "externalRunId",
        patch.external_run_id.as_deref(),
        LABEL_CHARS_LIMIT * 4,
    )?;
    let message = patch.message.map(Value::Object);
    check_bytes("message", message.as_ref().map(Value::to_string).as_deref())?;
    let report = Report {
        status: patch.status.map(Status::from),
        status_label: patch.status_label,
        link: patch.link.map(link).transpose()?,
        summary: patch.summary.map(cut),
        external_run_id: patch.external_run_id,
        message,
    };
    Ok(Reply::ok().with("run", app.engine.report(&caller, &id, report).await?))
}

fn link(link: Link) -> Result<Value, Problem> {
    let links = match &link {
        Link::One(text) => std::slice::from_ref(text),
        Link::Many(texts) => texts,
    };
    if links.len() > LINKS_LIMIT || links.iter().any(|text| text.len() > TEXT_BYTES_LIMIT) {
        return Err(Problem::invalid(format!(
            "link: expected at most {LINKS_LIMIT} texts of at most {TEXT_BYTES_LIMIT} bytes"
        )));
    }
    Ok(match link {
        Link::One(text) => Value::String(text),
        Link::Many(texts) => json!(texts),
    })
}

/// The existing agent puts a receiver's whole answer into the summary: where that is too long, the
/// end that it reports must not be lost with it.
fn cut(mut text: String) -> String {
    const MARK: &str = "…";
    if text.len() > TEXT_BYTES_LIMIT {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_LIMIT - MARK.len()));
        text.push_str(MARK);
    }
    text
}

fn check_chars(path: &str, text: Option<&str>, limit: usize) -> Result<(), Problem> {
    if text.is_some_and(|text| text.chars().count() > limit) {
        return Err(Problem::invalid(format!(
            "{path}: expected at most {limit} characters"
        )));
    }
    Ok(())
}

fn check_bytes(path: &str, text: Option<&str>) -> Result<(), Problem> {
    if text.is_some_and(|text| text.len() > TEXT_BYTES_LIMIT) {
        return Err(Problem::invalid(format!(
            "{path}: expected at most {TEXT_BYTES_LIMIT} bytes"
        )));
    }
    Ok(())
}

/// List a run's log lines, oldest first
#[utoipa::path(get, path = "/v1/actions/runs/{run_id}/logs", tag = "Action runs",
    params(("run_id" = String, Path, description = "The run"),
           ("limit" = Option<u32>, Query, description = "1 to 50"),
           ("offset" = Option<u32>, Query, description = "How many to skip")),
    responses((status = 200, description = "The lines")))]
async fn list_logs(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    query: Query,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let id = run_id(&id)?;
    let limit = query.number("limit", 1..=50, 50)?;
    let offset = query.number("offset", 0..=u32::MAX, 0)?;
    let lines = app.engine.log_lines(&caller, &id, offset, limit).await?;
    let shown: Vec<Value> = lines.iter().map(|line| log_json(&id, line)).collect();
    Ok(Reply::ok().with("runLogs", shown))
}

/// Add a line to a run's log
#[utoipa::path(post, path = "/v1/actions/runs/{run_id}/logs", tag = "Action runs",
    request_body = NewLog, params(("run_id" = String, Path, description = "The run")),
    responses((status = 201, description = "The line"),
              (status = 422, description = "The run has ended")))]
async fn add_log(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    let id = run_id(&id)?;
    let new: NewLog = parse(body)?;
    check_chars(
        "statusLabel",
        new.status_label.as_deref(),
        LABEL_CHARS_LIMIT,
    )?;
    if new.message.len() > app.limits.log_message_bytes {
        let limit = app.limits.log_message_bytes;
        return Err(Problem::invalid(format!(
            "message: expected at most {limit} bytes"
        )));
    }
    let termination = new.termination_status.map(Status::from);
    let line = app
        .engine
        .log(&caller, &id, new.message, termination, new.status_label)
        .await?;
    Ok(Reply::ok()
        .with("runLog", log_json(&id, &line))
        .status(StatusCode::CREATED))
}

fn log_json(run: &RunId, line: &LogLine) -> Value {
    json!({
        "id": line.id.as_str(),
        "runId": run.as_str(),
        "message": line.message,
        "createdBy": line.created_by,
        "createdAt": line.created_at,
    })
}

/// Approve or decline a run
#[utoipa::path(patch, path = "/v1/actions/runs/{run_id}/approval", tag = "Action runs",
    request_body = Approval, params(("run_id" = String, Path, description = "The run")),
    responses((status = 201, description = "The run"),
              (status = 422, description = "The run does not wait for approval")))]
async fn approve(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    caller.admin()?;
    let id = run_id(&id)?;
    let approval: Approval = parse(body)?;
    check_bytes("description", approval.description.as_deref())?;
    let run = app
        .engine
        .approve(&caller, &id, approval.status, approval.description)
        .await?;
    Ok(Reply::ok().with("run", run).status(StatusCode::CREATED))
}

/// List what approvers said
#[utoipa::path(get, path = "/v1/actions/runs/{run_id}/approvers", tag = "Action runs",
    params(("run_id" = String, Path, description = "The run")),
    responses((status = 200, description = "Their answers, oldest first")))]
async fn approvers(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    let votes = app.engine.approvers(&caller, &run_id(&id)?).await?;
    let shown: Vec<Value> = votes
        .iter()
        .map(|vote| {
            let state = match vote.decision {
                Decision::Approve => "APPROVED",
                Decision::Decline => "DECLINED",
            };
            json!({"userId": vote.user_id, "state": state, "description": vote.description})
        })
        .collect();
    Ok(Reply::ok().with("approvers", shown))
}

/// Keep what a backend answered to an agent
#[utoipa::path(patch, path = "/v1/actions/runs/{run_id}/response", tag = "Action runs",
    request_body = Response, params(("run_id" = String, Path, description = "The run")),
    responses((status = 200, description = "It is kept")))]
async fn respond(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Reply, Problem> {
    let given: Response = parse(body)?;
    app.engine
        .respond(&caller, &run_id(&id)?, given.response)
        .await?;
    Ok(Reply::ok())
}

/// Take a run, so that no repeated or replayed call starts a second pipeline
#[utoipa::path(post, path = "/v1/actions/runs/{run_id}/redeem", tag = "longshore",
    request_body(content = Option<Redeem>),
    params(("run_id" = String, Path, description = "The run")),
    responses((status = 200, description = "The first time, and again for the same `by`"),
              (status = 409, description = "Somebody else has taken it"),
              (status = 422, description = "The run has ended")))]
async fn redeem(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson,
) -> Result<Reply, Problem> {
    let given: Redeem = body.map(parse).transpose()?.unwrap_or_default();
    check_bytes("by", given.by.as_deref())?;
    app.engine.redeem(&caller, &run_id(&id)?, given.by).await?;
    Ok(Reply::ok())
}

/// Run an action again with a run's inputs
#[utoipa::path(post, path = "/v1/actions/runs/{run_id}/rerun", tag = "longshore",
    params(("run_id" = String, Path, description = "The run whose inputs are used")),
    responses((status = 202, description = "A new run of the action's present revision")))]
async fn rerun(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    let run = app.engine.rerun(&caller, &run_id(&id)?).await?;
    Ok(Reply::ok()
        .with_text("run", &run.0)
        .status(StatusCode::ACCEPTED))
}

/// Show everything that happened to a run
#[utoipa::path(get, path = "/v1/actions/runs/{run_id}/timeline", tag = "longshore",
    params(("run_id" = String, Path, description = "The run")),
    responses((status = 200, description = "Events, attempts and log lines, oldest first")))]
async fn timeline(
    State(app): State<Arc<App>>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Reply, Problem> {
    let entries = app.engine.timeline(&caller, &run_id(&id)?).await?;
    Ok(Reply::ok().with("timeline", json!(entries)))
}

pub(super) fn run_id(text: &str) -> Result<RunId, Problem> {
    RunId::parse(text)
        .ok_or_else(|| Problem::not_found(format!("run {:?} was not found", shortened(text))))
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
