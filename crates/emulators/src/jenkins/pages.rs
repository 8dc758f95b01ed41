//! Jenkins' own pages: HTML for what goes wrong, minimal JSON for queue items, jobs and builds.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::builds::{Build, BuildPhase, State};
use crate::pipeline::ScriptEnd;

const VERSION: &str = "2.516.1";
/// Most builds that a job's page lists.
const BUILDS_LISTED: usize = 100;

/// A JSON or log page, where there is one at this path below the context path.
pub(super) fn page(
    state: &State,
    root_url: &str,
    path: &str,
    query: Option<&str>,
) -> Option<Response<Bytes>> {
    let path = path.trim_end_matches('/');
    if let Some(id) = path
        .strip_prefix("/queue/item/")
        .and_then(|rest| rest.strip_suffix("/api/json"))
    {
        let build = state.build(id.parse().ok()?)?;
        return build
            .item_is_known()
            .then(|| json_page(&queue_item(build, root_url)));
    }
    if let Some(rest) = path.strip_suffix("/logText/progressiveText") {
        return Some(log_page(find_build(state, rest)?, query));
    }
    let rest = path.strip_suffix("/api/json")?;
    if let Some(build) = find_build(state, rest) {
        return Some(json_page(&build_json(build, root_url)));
    }
    let job = job_name(rest)?;
    let builds: Vec<_> = state
        .builds()
        .iter()
        .rev()
        .filter(|build| build.job == job && build.number.is_some())
        .take(BUILDS_LISTED)
        .map(|build| build_json(build, root_url))
        .collect();
    let url = job_url(root_url, &job);
    (!builds.is_empty()).then(|| json_page(&json!({ "name": job, "url": url, "builds": builds })))
}

/// `ROOT/job/A/job/B/` for `A/B`.
pub(super) fn job_url(root_url: &str, job: &str) -> String {
    format!("{root_url}/job/{}/", job.replace('/', "/job/"))
}

/// `A/B` for `/job/A/job/B`.
fn job_name(path: &str) -> Option<String> {
    let segments: Option<Vec<_>> = path
        .strip_prefix("/job/")?
        .split("/job/")
        .map(|segment| {
            let text = percent_encoding::percent_decode_str(segment).decode_utf8();
            text.ok().map(|text| text.into_owned())
        })
        .collect();
    Some(segments?.join("/"))
}

fn find_build<'a>(state: &'a State, path: &str) -> Option<&'a Build> {
    let (job, number) = path.rsplit_once('/')?;
    let (job, number) = (job_name(job)?, number.parse().ok()?);
    state
        .builds()
        .iter()
        .find(|build| build.job == job && build.number == Some(number))
}

fn queue_item(build: &Build, root_url: &str) -> Value {
    let job_url = job_url(root_url, &build.job);
    let mut item = json!({
        "_class": "hudson.model.Queue$WaitingItem",
        "id": build.queue_id,
        "blocked": false,
        "buildable": false,
        "stuck": false,
        "task": { "name": build.job, "url": job_url },
        "url": format!("queue/item/{}/", build.queue_id),
        "why": "In the quiet period.",
    });
    if let Some(number) = build.number {
        item["_class"] = json!("hudson.model.Queue$LeftItem");
        item["why"] = Value::Null;
        item["cancelled"] = json!(false);
        item["executable"] = json!({ "number": number, "url": format!("{job_url}{number}/") });
    }
    item
}

fn build_json(build: &Build, root_url: &str) -> Value {
    let number = build.number.unwrap_or(0);
    let running = !matches!(build.phase, BuildPhase::Finished(_));
    json!({
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
        "number": number,
        "url": format!("{}{number}/", job_url(root_url, &build.job)),
        "queueId": build.queue_id,
        "building": running,
        "inProgress": running,
        "result": result(build.phase),
        "actions": [{ "causes": [{ "shortDescription": build.cause }] }],
    })
}

fn result(phase: BuildPhase) -> Option<&'static str> {
    match phase {
        BuildPhase::Queued | BuildPhase::Running => None,
        BuildPhase::Finished(ScriptEnd::Finished { succeeded: true }) => Some("SUCCESS"),
        BuildPhase::Finished(ScriptEnd::Finished { succeeded: false }) => Some("FAILURE"),
        BuildPhase::Finished(ScriptEnd::NotRedeemed) => Some("NOT_BUILT"),
        BuildPhase::Finished(ScriptEnd::Aborted) => Some("ABORTED"),
    }
}

/// The log from an offset on; an offset beyond the end starts again.
fn log_page(build: &Build, query: Option<&str>) -> Response<Bytes> {
    let log = build.log.as_bytes();
    let start = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "start")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let text = log.get(start..).unwrap_or(log);
    let mut page = Response::new(Bytes::copy_from_slice(text));
    let headers = page.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain;charset=utf-8"),
    );
    headers.insert("x-text-size", HeaderValue::from(log.len()));
    if !matches!(build.phase, BuildPhase::Finished(_)) {
        headers.insert("x-more-data", HeaderValue::from_static("true"));
    }
    page
}

fn json_page(body: &Value) -> Response<Bytes> {
    let kind = "application/json;charset=utf-8";
    with_type(StatusCode::OK, kind, body.to_string())
}

fn html(status: StatusCode, title: &str, text: &str) -> Response<Bytes> {
    let body = format!(
        "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\
         <title>{title}</title></head><body><h2>{title}</h2>{text}\
         <hr/><a href=\"https://eclipse.org/jetty\">Powered by Jetty</a><hr/></body></html>\n"
    );
    with_type(status, "text/html;charset=utf-8", body)
}

fn with_type(status: StatusCode, kind: &'static str, body: String) -> Response<Bytes> {
    let mut page = Response::new(Bytes::from(body));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("x-jenkins", HeaderValue::from_static(VERSION));
    page
}

/// A POST to a path that is not exempt from the crumb: how a mistyped trigger address shows.
pub(super) fn no_crumb() -> Response<Bytes> {
    html(
        StatusCode::FORBIDDEN,
        "Error 403 No valid crumb was included in the request",
        "<table><tr><th>URI:</th><td>hidden</td></tr><tr><th>STATUS:</th><td>403</td></tr>\
         <tr><th>MESSAGE:</th><td>No valid crumb was included in the request</td></tr>\
         <tr><th>SERVLET:</th><td>Stapler</td></tr></table>",
    )
}

pub(super) fn not_found(path: &str) -> Response<Bytes> {
    let text = format!("<p>No such page: {}</p>", escaped(path));
    html(StatusCode::NOT_FOUND, "Error 404 Not Found", &text)
}

/// The servlet container's own page, below no web application.
pub(super) fn outside(path: &str) -> Response<Bytes> {
    let mut page = not_found(path);
    page.headers_mut().remove("x-jenkins");
    page
}

pub(super) fn unauthorized() -> Response<Bytes> {
    let mut page = html(
        StatusCode::UNAUTHORIZED,
        "Error 401 Unauthorized",
        "<p>Invalid password/token</p>",
    );
    page.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"Jenkins\""),
    );
    page
}

/// What an exception that nothing catches looks like.
pub(super) fn oops() -> Response<Bytes> {
    html(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Oops!",
        "<p>A problem occurred while processing the request.</p>",
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
