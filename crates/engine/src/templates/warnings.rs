//! What an action's author is told when it is saved (contract §0.11); never a refusal.

use std::collections::HashSet;

use longshore_domain::action::{
    Action, MAX_WARNINGS, Scope, Trigger, ValueKind, azure_parameter, queries,
};
use longshore_domain::template::{Occurrence, Role};
use longshore_domain::violation::Violation;
use longshore_jq::reads::reads;
use serde_json::Value;

use super::examined::{Examined, faults, mistake_of, shown, told};
use crate::render::CompiledTemplate;

/// Where an invocation stands in its action.
const INVOCATION: &str = "invocationMethod";

/// Everything about the expressions of an action that will not work as it is written, where the
/// organization has these `secrets`.
pub(crate) fn warnings(
    document: &Value,
    action: &Action,
    invocation: &CompiledTemplate,
    secrets: Vec<String>,
) -> Vec<Violation> {
    let mut found = Found::default();
    in_queries(document, action, &mut found);
    in_invocation(document, action, invocation, secrets, &mut found);
    found.list
}

/// What was found so far, each thing once.
#[derive(Default)]
struct Found {
    list: Vec<Violation>,
    known: HashSet<(String, String)>,
}

impl Found {
    const fn is_full(&self) -> bool {
        self.list.len() >= MAX_WARNINGS
    }

    fn push(&mut self, path: String, message: String) {
        if !self.is_full() && self.known.insert((path.clone(), message.clone())) {
            self.list.push(Violation::new(path, message));
        }
    }
}

fn in_queries(document: &Value, action: &Action, found: &mut Found) {
    let queries = queries(document, &action.trigger);
    if queries.is_empty() {
        return;
    }
    let scope = match &action.trigger {
        Trigger::SelfService(trigger) => Scope::of_form(&trigger.user_inputs),
        Trigger::Automation(automation) => Scope::of_event(&automation.event),
    };
    let texts: Vec<&str> = queries.iter().map(|query| query.text.as_str()).collect();
    for (query, reads) in queries.iter().zip(reads(&texts)) {
        if found.is_full() {
            return;
        }
        let mistake = mistake_of(&query.text);
        for fault in faults(&query.text, mistake.as_ref(), &reads, &scope) {
            found.push(query.path.clone(), told(&fault, &query.text));
        }
    }
}

fn in_invocation(
    document: &Value,
    action: &Action,
    invocation: &CompiledTemplate,
    secrets: Vec<String>,
    found: &mut Found,
) {
    let Some(value) = document.get(INVOCATION) else {
        return;
    };
    let examined = Examined::of(value, invocation);
    for violation in examined.survey.violations() {
        found.push(below(&violation.path), violation.message.clone());
    }
    let scope = Scope::of_invocation(action, secrets);
    let faults = examined.faults(&scope);
    let azure = action.azure_payload_key();
    examined.survey.each(|occurrence| {
        if found.is_full() {
            return;
        }
        let text = &occurrence.expression.text;
        for fault in faults.get(occurrence.index).into_iter().flatten() {
            found.push(below(&occurrence.path()), told(fault, text));
        }
        let kind = examined.kind(occurrence.index, &scope);
        if let Some(message) = kind.and_then(|kind| unfit(&occurrence, kind, azure)) {
            found.push(below(&occurrence.path()), message);
        }
    });
}

/// Why a value of this kind will not do there.
fn unfit(occurrence: &Occurrence<'_>, kind: ValueKind, azure: Option<&str>) -> Option<String> {
    let what = || {
        let text = shown(&occurrence.expression.text);
        format!("`{text}` gives {}", kind.described())
    };
    match (occurrence.role, kind) {
        (Role::Key, ValueKind::String) | (Role::Spread, ValueKind::Object) | (Role::Part, _) => {
            None
        }
        (Role::Key, _) => Some(format!(
            "{}, and a key must be a string: its pair is left out",
            what()
        )),
        (Role::Spread, _) => Some(format!(
            "{}, and spreadValue() takes the entries of an object",
            what()
        )),
        (Role::Whole, ValueKind::Array | ValueKind::Object) => azure
            .is_some_and(|key| occurrence.is_below(key))
            .then(|| azure_parameter(kind.described())),
        (Role::Whole, _) => None,
    }
}

fn below(path: &str) -> String {
    match path {
        "" => INVOCATION.to_owned(),
        path if path.starts_with('[') => format!("{INVOCATION}{path}"),
        path => format!("{INVOCATION}.{path}"),
    }
}
