//! What is not compared, because Java alone decides it: line numbers and places of exceptions, the
//! wording of `PatternSyntaxException`, the order of hash maps, the numbering of queued jobs.

use serde_json::Value;

type Outcome = Result<(), String>;

/// A variable's text; of one made from a form's parameters, members may stand in any order.
pub(crate) fn same_value(given: &str, expected: &str, of_form: bool) -> Outcome {
    let in_any_order =
        of_form && as_object(given).is_some() && as_object(given) == as_object(expected);
    if given == expected || in_any_order {
        return Ok(());
    }
    Err(format!("got {given:?}, expected {expected:?}"))
}

/// An answer's body: JSON whose texts are compared as far as Java does not decide them.
pub(crate) fn same_answer(given: &str, expected: &str) -> Outcome {
    if given == expected {
        return Ok(());
    }
    let (Some(left), Some(right)) = (as_object(given), as_object(expected)) else {
        return Err(format!("got {given:?}, expected {expected:?}"));
    };
    let (left, right) = (comparable(&left), comparable(&right));
    if left == right {
        return Ok(());
    }
    Err(format!("got {left}, expected {right}"))
}

/// The text without what follows `Thrown in: `, up to the end of its JSON string.
pub(crate) fn without_java_places(text: &str) -> String {
    let known = text.find("Thrown in: ").unwrap_or(text.len());
    let text = &text[..known];
    let wording = "java.util.regex.PatternSyntaxException: ";
    match (text.find(wording), text.rfind("), full stack trace")) {
        (Some(from), Some(to)) => format!("{}{}", &text[..from + wording.len()], &text[to..]),
        _ => text.to_owned(),
    }
}

/// Only objects: their text is what hash maps decide.
fn as_object(text: &str) -> Option<Value> {
    text.starts_with('{')
        .then(|| serde_json::from_str(text).ok())?
        .filter(Value::is_object)
}

fn comparable(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains("did not pass whitelist.") => headers_in_order(text),
        Value::String(text) => without_java_places(text).into(),
        Value::Object(members) => {
            // Which job is queued first is decided by a hash map.
            let queued = members
                .get("url")
                .and_then(Value::as_str)
                .is_some_and(|url| {
                    url == format!("queue/item/{}/", members.get("id").unwrap_or(&Value::Null))
                });
            members
                .iter()
                .map(|(name, member)| match name.as_str() {
                    "id" | "url" if queued => (name.clone(), "queued".into()),
                    _ => (name.clone(), comparable(member)),
                })
                .collect()
        }
        Value::Array(elements) => elements.iter().map(comparable).collect(),
        other => other.clone(),
    }
}

/// The headers that a refusal echoes, sorted.
fn headers_in_order(text: &str) -> Value {
    let Some((before, rest)) = text.split_once('{') else {
        return text.into();
    };
    let Some((headers, after)) = rest.rsplit_once("} did not pass") else {
        return text.into();
    };
    let mut headers: Vec<_> = headers
        .split("], ")
        .map(|it| it.trim_end_matches(']'))
        .collect();
    headers.sort_unstable();
    format!("{before}{headers:?}{after}").into()
}
