//! Mistakes that a stored action may have, told when it is saved and never refused.

use super::shape::{Path, shown};
use super::{Action, HttpCall};
use crate::form::Form;
use crate::signature::check_header;
use crate::violation::Violation;

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
    warnings
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
