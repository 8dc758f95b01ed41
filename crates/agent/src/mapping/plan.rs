//! Fills a plan from a mapping and a message.

use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::json;
use longshore_jq::{Evaluated, Evaluator};
use serde_json::Value;

use super::tree::{Tree, why};
use super::{Body, Mapping, Mappings, Plan, builtin, expression, failed};

/// The shortest value of a variable that is kept from being repeated: shorter ones are words.
const KEPT_BACK_BYTES: usize = 8;

pub(super) async fn fill(
    plan: &mut Plan,
    mappings: &Mappings,
    index: usize,
    mapping: &Mapping,
    evaluator: &Evaluator,
    message: &Value,
) -> Result<(), Diagnosis> {
    let mut asked = Vec::new();
    asked.extend(&mapping.url);
    asked.extend(&mapping.method);
    let trees = [&mapping.headers, &mapping.query, &mapping.body];
    for tree in trees.into_iter().flatten() {
        tree.expressions(&mut asked);
    }
    let answers = expression::evaluate(evaluator, &asked, message, &mappings.environment).await;
    let mut answers = answers.into_iter();
    let invocation = builtin::invocation(message);
    plan.url = match &mapping.url {
        None => builtin::url(message),
        Some(_) => match answers.next() {
            Some(Evaluated::Output(Value::String(url))) if !url.is_empty() => url,
            answer => return Err(failed(index, "url", &why(answer.as_ref()))),
        },
    };
    plan.method = match &mapping.method {
        None => builtin::text(invocation, "method"),
        Some(_) => match answers.next() {
            Some(Evaluated::Output(Value::String(method))) => Some(method),
            Some(Evaluated::Output(Value::Null)) => None,
            answer => return Err(failed(index, "method", &why(answer.as_ref()))),
        },
    };
    if let Some(tree) = &mapping.headers {
        plan.headers = pairs(tree, "headers", index, &mut answers, &mut plan.notes)?;
    }
    if let Some(tree) = &mapping.query {
        plan.query = pairs(tree, "query", index, &mut answers, &mut plan.notes)?;
    }
    plan.body = match &mapping.body {
        None => builtin::whole_message(plan.method.as_deref()),
        Some(tree) => Body::Made(body(tree, index, &mut answers, &mut plan.notes)?),
    };
    keep_back(plan, mapping, &mappings.environment);
    Ok(())
}

fn body(
    tree: &Tree,
    index: usize,
    answers: &mut impl Iterator<Item = Evaluated>,
    notes: &mut Vec<String>,
) -> Result<Value, Diagnosis> {
    if !tree.is_expression() {
        return Ok(tree.fill(answers, notes));
    }
    match answers.next() {
        Some(Evaluated::Output(body)) => Ok(body),
        answer => Err(failed(index, "body", &why(answer.as_ref()))),
    }
}

/// Names with their values as text; null ones are left out, lists give one pair for each item.
fn pairs(
    tree: &Tree,
    field: &str,
    index: usize,
    answers: &mut impl Iterator<Item = Evaluated>,
    notes: &mut Vec<String>,
) -> Result<Vec<(String, String)>, Diagnosis> {
    let before = notes.len();
    let filled = tree.fill(answers, notes);
    if notes.len() > before {
        // A header or parameter that is missing makes another call than the one that was meant.
        let found = notes.split_off(before).join(" ");
        return Err(failed(
            index,
            field,
            &found.replace(", so null is sent.", ""),
        ));
    }
    let Value::Object(members) = filled else {
        let nothing = tree.is_expression() && filled.is_null();
        let wrong = || failed(index, field, "gives another type than an object");
        return if nothing {
            Ok(Vec::new())
        } else {
            Err(wrong())
        };
    };
    let mut pairs = Vec::with_capacity(members.len());
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                pairs.extend(items.iter().map(|item| (name.clone(), shown(item))));
            }
            value => pairs.push((name, shown(&value))),
        }
    }
    Ok(pairs)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => json::stringify(other),
    }
}

/// Keeps back the variables whose values an expression brought into the call, and the headers,
/// parameters and texts that were made of them.
fn keep_back(plan: &mut Plan, mapping: &Mapping, environment: &Value) {
    let names = |tree: &Option<Tree>| tree.as_ref().is_some_and(Tree::names_environment);
    let mut brought: Vec<String> = Vec::new();
    for (tree, pairs) in [
        (&mapping.headers, &plan.headers),
        (&mapping.query, &plan.query),
    ] {
        if names(tree) {
            brought.extend(pairs.iter().map(|(_, value)| value.clone()));
        }
    }
    if let (true, Body::Made(body)) = (names(&mapping.body), &plan.body) {
        texts(body, &mut brought);
    }
    let by_url = mapping.url.as_ref().is_some_and(|it| it.names_environment);
    let variables = environment.as_object();
    let values = variables.into_iter().flat_map(|all| all.values());
    let mut kept: Vec<&str> = Vec::new();
    for value in values.filter_map(Value::as_str).filter(|it| is_kept(it)) {
        let in_url = by_url && plan.url.contains(value);
        if in_url || brought.iter().any(|text| text.contains(value)) {
            kept.push(value);
            kept.extend(
                brought
                    .iter()
                    .filter(|text| text.contains(value))
                    .map(String::as_str),
            );
        }
    }
    kept.sort_unstable();
    kept.dedup();
    for text in kept {
        plan.keep_back(text);
    }
}

/// Addresses are no secrets, and links in answers begin with them.
fn is_kept(value: &str) -> bool {
    let is_address = value.starts_with("http://") || value.starts_with("https://");
    value.len() >= KEPT_BACK_BYTES && (!is_address || value.contains('@'))
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
