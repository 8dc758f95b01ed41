//! The built-in mapping: GitLab's pipeline trigger (contract §8.4), and for everything else the
//! run's own URL with the whole message.

use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::json;
use serde_json::{Map, Value, json};

use super::{Body, Plan, Reporter};

const GITLAB: &str = "GITLAB";
const GITLAB_URL: &str = "https://gitlab.com/";
const DEFAULT_REF: &str = "main";

pub(super) fn plan(message: &Value, environment: &Value) -> Result<Plan, Diagnosis> {
    let invocation = invocation(message);
    if text(invocation, "type").as_deref() == Some(GITLAB) {
        return gitlab(message, invocation, environment);
    }
    let method = text(invocation, "method");
    Ok(Plan {
        url: url(message),
        body: whole_message(method.as_deref()),
        method,
        ..Plan::default()
    })
}

/// How the run's action calls.
pub(super) fn invocation(message: &Value) -> &Value {
    &message["payload"]["action"]["invocationMethod"]
}

/// The URL of the run's action, else of the change log's destination.
pub(super) fn url(message: &Value) -> String {
    text(invocation(message), "url")
        .or_else(|| text(&message["changelogDestination"], "url"))
        .unwrap_or_default()
}

/// A text that is there and not empty.
pub(super) fn text(object: &Value, key: &str) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The body where a mapping names none.
pub(super) fn whole_message(method: Option<&str>) -> Body {
    let without_body = ["GET", "DELETE"];
    let has_none = |method: &str| {
        without_body
            .iter()
            .any(|it| it.eq_ignore_ascii_case(method))
    };
    match method.is_some_and(has_none) {
        true => Body::Nothing,
        false => Body::Message,
    }
}

fn gitlab(message: &Value, invocation: &Value, environment: &Value) -> Result<Plan, Diagnosis> {
    let missing = |what: &str| {
        let fix = "Set projectName and groupName in the action, or write a mapping for it.";
        fault(&format!("the run names no {what} of GitLab"), fix)
    };
    let group = text(invocation, "groupName").ok_or_else(|| missing("group"))?;
    let project = text(invocation, "projectName").ok_or_else(|| missing("project"))?;
    let variable = format!("{}_{project}", group.replace('/', "_"));
    let token = text(environment, &variable).ok_or_else(|| {
        fault(
            &format!("the variable {variable} is not set"),
            "Set it in the agent's environment to the pipeline trigger token of the project.",
        )
    })?;
    let base = text(environment, "GITLAB_URL").unwrap_or_else(|| GITLAB_URL.to_owned());
    let path: String =
        url::form_urlencoded::byte_serialize(format!("{group}/{project}").as_bytes()).collect();
    let inputs = &message["payload"]["properties"];
    let reference = text(inputs, "ref").or_else(|| text(invocation, "defaultRef"));
    let omits = |key: &str| invocation.get(key).and_then(Value::as_bool) == Some(true);
    let variables = if omits("omitUserInputs") {
        Map::new()
    } else {
        texts_of(inputs)
    };
    let payload = if omits("omitPayload") {
        json!({})
    } else {
        message.clone()
    };
    let mut plan = Plan {
        url: format!(
            "{}/api/v4/projects/{}/trigger/pipeline",
            base.trim_end_matches('/'),
            path.replace('+', "%20"),
        ),
        body: Body::Made(json!({
            "ref": reference.as_deref().unwrap_or(DEFAULT_REF),
            "token": token,
            "variables": variables,
            "port_payload": payload,
        })),
        reporter: Reporter::Gitlab,
        ..Plan::default()
    };
    plan.keep_back(&token);
    Ok(plan)
}

/// An object's values as texts, which is what GitLab's variables are.
fn texts_of(object: &Value) -> Map<String, Value> {
    let members = object.as_object().into_iter().flatten();
    members
        .map(|(key, value)| match value {
            Value::String(_) => (key.clone(), value.clone()),
            other => (key.clone(), Value::String(json::stringify(other))),
        })
        .collect()
}

fn fault(what: &str, fix: &str) -> Diagnosis {
    Diagnosis {
        reason: Reason::MappingFailed,
        message: format!("the built-in mapping gives no call: {what}"),
        fix: fix.to_owned(),
    }
}
