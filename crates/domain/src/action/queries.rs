//! The expressions of an action outside its invocation: the queries of its form, the conditions
//! of an automation. They are jq as it stands, without braces.

use serde_json::Value;

use super::shape::Path;
use super::{Trigger, jq_query};

/// Queries of one form that are looked at.
const MAX_QUERIES: usize = 1_000;

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Where, as in violations.
    pub path: String,
    /// jq text.
    pub text: String,
}

/// The queries of `document`, whose parsed trigger is `trigger`, in order.
#[must_use]
pub fn queries(document: &Value, trigger: &Trigger) -> Vec<Query> {
    let root = Path::ROOT;
    let path = root.key("trigger");
    let mut found = Vec::new();
    match trigger {
        Trigger::SelfService(_) => {
            if let Some(inputs) = document.pointer("/trigger/userInputs") {
                below(inputs, &path.key("userInputs"), &mut found);
            }
        }
        Trigger::Automation(automation) => {
            let path = path.key("condition");
            let path = path.key("expressions");
            let condition = automation.condition.iter();
            let expressions = condition.flat_map(|condition| &condition.expressions);
            for (at, text) in expressions.take(MAX_QUERIES).enumerate() {
                found.push(Query {
                    path: path.index(at).to_string(),
                    text: text.clone(),
                });
            }
        }
    }
    found
}

fn below(value: &Value, path: &Path<'_>, found: &mut Vec<Query>) {
    if found.len() >= MAX_QUERIES {
        return;
    }
    if let Some(text) = jq_query(value) {
        found.push(Query {
            path: path.to_string(),
            text: text.to_owned(),
        });
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                // what a value is compared with, or starts as, is data unless it is itself a query
                let is_data = matches!(key.as_str(), "enum" | "default" | "const" | "examples");
                if !is_data || jq_query(value).is_some() {
                    below(value, &path.key(key), found);
                }
            }
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                below(value, &path.index(at), found);
            }
        }
        _ => {}
    }
}
