//! Mistakes that a stored action may have, told when it is saved and never refused.

use serde_json::Value;

use super::shape::{Path, shown};
use super::{Action, HttpCall, Invocation, InvocationKind};
use crate::form::Form;
use crate::signature::{Preset, check_header};
use crate::violation::Violation;

/// Warnings that one action is answered with.
pub const MAX_WARNINGS: usize = 200;

/// Methods that a webhook can use.
const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "GET", "DELETE"];

pub(super) fn of(action: &Action) -> Vec<Violation> {
    let mut warnings = Vec::new();
    if let Some(inputs) = action.user_inputs() {
        warnings.extend(Form::compile(inputs).warnings());
    }
    if let Some(call) = action.invocation.http_call() {
        http_call(call, &mut warnings);
    }
    if let Some((key, payload)) = azure_payload(&action.invocation) {
        let root = Path::ROOT;
        let path = root.key("invocationMethod");
        azure_values(payload, &path.key(key), &mut warnings);
    }
    warnings
}

/// What an invocation sends to Azure Pipelines, and the key where it stands.
pub(super) fn azure_payload(invocation: &Invocation) -> Option<(&'static str, &Value)> {
    match invocation {
        Invocation::AzureDevops { payload, .. } => Some(("payload", payload.as_ref()?)),
        Invocation::Webhook(call)
            if Preset::for_invocation(InvocationKind::Webhook, &call.url)
                == Preset::AzureDevops =>
        {
            Some(("body", call.body.as_ref()?))
        }
        _ => None,
    }
}

/// Azure Pipelines puts parameters into YAML as text, so only what is a single value can be one;
/// an object is fine as far as its members are.
fn azure_values(value: &Value, path: &Path<'_>, warnings: &mut Vec<Violation>) {
    match value {
        _ if warnings.len() >= MAX_WARNINGS => {}
        Value::Array(_) => {
            warnings.push(Violation::new(
                path.to_string(),
                azure_parameter("an array"),
            ));
        }
        Value::Object(members) if members.is_empty() => {
            let message = azure_parameter("an empty object");
            warnings.push(Violation::new(path.to_string(), message));
        }
        Value::Object(members) => {
            for (key, value) in members {
                azure_values(value, &path.key(key), warnings);
            }
        }
        _ => {}
    }
}

/// Why `what` is no parameter of Azure Pipelines.
#[must_use]
pub fn azure_parameter(what: &str) -> String {
    format!(
        "{what} cannot be a parameter of Azure Pipelines: the pipeline does not start; send single \
         values, or its JSON as text: `| tojson`"
    )
}

fn http_call(call: &HttpCall, warnings: &mut Vec<Violation>) {
    let path = Path::ROOT;
    let path = path.key("invocationMethod");
    let literal = |text: &str| !text.contains("{{");
    if let Some(method) = call.method.as_deref().filter(|method| literal(method))
        && !METHODS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(method))
    {
        let message = format!(
            "\"{}\" is not one of: {}",
            shown(method),
            METHODS.join(", ")
        );
        warnings.push(Violation::new(path.key("method").to_string(), message));
    }
    let headers = path.key("headers");
    for (name, value) in call
        .headers
        .iter()
        .flatten()
        .filter(|(name, _)| literal(name))
    {
        let value = value
            .as_str()
            .filter(|value| literal(value))
            .unwrap_or_default();
        if let Err(fault) = check_header(name, value) {
            warnings.push(Violation::new(
                headers.key(name).to_string(),
                fault.to_string(),
            ));
        }
    }
}
