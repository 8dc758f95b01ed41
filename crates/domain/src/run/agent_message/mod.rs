//! What stands on the organisation's topic for a run, and its signature (contract §0.9, §8.2 to
//! §8.4). Agents print what they parsed again before they check it, so messages are written as
//! Python writes them, with every key where it was.

mod text;
mod verify;

use serde_json::{Map, Value, json};

use super::{Message, standard_message};
use crate::action::InvocationKind;
use crate::json::write_python_compact;
use crate::signature::{self, Preset, SIGNATURE_HEADER, TIMESTAMP_HEADER};

pub use text::{CallOutline, MessageText, ReadMessage, is_on};
pub use verify::{Freshness, Unverified, verify};

const HEADERS: &str = "headers";

/// A message as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedMessage {
    /// The record's value.
    pub value: Vec<u8>,
    /// Signature and timestamp where they cannot stand in the message, for the record's headers.
    pub record_headers: Vec<(&'static str, String)>,
}

/// The message of a run for the agents, without its signature. `payload` is the run's payload with
/// everything filled in, `action` the stored action.
#[must_use]
pub fn agent_message(
    payload: &Value,
    message: &Message<'_>,
    action: &Value,
    operation: &str,
) -> Value {
    match kind_of(payload) {
        Some(InvocationKind::Kafka) => payload.get("payload").cloned().unwrap_or_else(|| json!({})),
        Some(InvocationKind::Gitlab) => gitlab(payload, message, action, operation),
        _ => http(payload, message, action, operation),
    }
}

/// Whether agents that are only given `payload` can make the message from it: they write into the
/// body of the call, so it has to be an object, with nothing in their way.
#[must_use]
pub fn has_room_for_message(payload: &Value) -> bool {
    let Some(body @ Value::Object(_)) = payload.get("body") else {
        return false;
    };
    let places = [
        "/context",
        "/payload",
        "/payload/action",
        "/payload/action/invocationMethod",
    ];
    places
        .into_iter()
        .all(|place| body.pointer(place).is_none_or(Value::is_object))
}

fn kind_of(invocation: &Value) -> Option<InvocationKind> {
    serde_json::from_value(invocation.get("type")?.clone()).ok()
}

fn http(payload: &Value, message: &Message<'_>, action: &Value, operation: &str) -> Value {
    let (invocation, body) = invocation_of(payload);
    let headers = invocation.get(HEADERS).and_then(Value::as_object).cloned();
    let mut sent = match body {
        Some(Value::Object(own)) => own,
        // A list has no room for what agents look for: it stands beside it.
        other => {
            let standard = standard_message(message, action, operation, &json!({}));
            let mut standard = object(standard);
            if let Some(body) = other.filter(|body| !body.is_null()) {
                standard.insert("body".into(), body);
            }
            standard
        }
    };
    let added = json!({
        "payload": {"action": {"invocationMethod": invocation}},
        "context": {"runId": message.id.as_str()},
    });
    merge(&mut sent, object(added));
    let mut last = sent.shift_remove(HEADERS).map(object).unwrap_or_default();
    without_ours(&mut last);
    merge(&mut last, headers.unwrap_or_default());
    sent.insert(HEADERS.into(), Value::Object(last));
    Value::Object(sent)
}

/// The agents' GitLab mapping reads the pipeline's variables from the inputs.
fn gitlab(payload: &Value, message: &Message<'_>, action: &Value, operation: &str) -> Value {
    let (invocation, _) = invocation_of(payload);
    let variables = invocation
        .get("pipelineVariables")
        .filter(|found| found.as_object().is_some_and(|map| !map.is_empty()));
    let message = Message {
        properties: variables.unwrap_or(message.properties),
        ..*message
    };
    standard_message(&message, action, operation, &invocation)
}

/// The invocation as messages describe it, and the body of its call.
fn invocation_of(payload: &Value) -> (Value, Option<Value>) {
    let mut invocation = object(payload.clone());
    let body = invocation.shift_remove("body");
    // Agents skip what does not say so, and GitLab's schema has no such key.
    let mut described = Map::new();
    if let Some(kind) = invocation.shift_remove("type") {
        described.insert("type".into(), kind);
    }
    described.insert("agent".into(), Value::Bool(true));
    invocation.shift_remove("agent");
    described.extend(invocation);
    (Value::Object(described), body)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Puts `added` into `base`, object by object; whatever else stands in its way gives way.
fn merge(base: &mut Map<String, Value>, added: Map<String, Value>) {
    for (key, value) in added {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            (Some(place), value) => *place = value,
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// A message of [`agent_message`], signed and written. `kind` is its run's.
#[must_use]
pub fn signed(
    mut message: Value,
    kind: InvocationKind,
    secret: &[u8],
    timestamp_seconds: i64,
) -> SignedMessage {
    // What an action of its own topic sends is none of our business, not even its form.
    let described = message
        .as_object_mut()
        .filter(|_| kind != InvocationKind::Kafka);
    let mut headers = Map::new();
    if let Some(message) = described {
        headers = message
            .shift_remove(HEADERS)
            .map(object)
            .unwrap_or_default();
        without_ours(&mut headers);
        if kind != InvocationKind::Gitlab {
            message.insert(HEADERS.into(), Value::Object(headers.clone()));
        }
    }
    let mut value = written(&message);
    let signature = signature::sign(Preset::PortV1, secret, timestamp_seconds, &value);
    let ours = [
        (SIGNATURE_HEADER, signature),
        (TIMESTAMP_HEADER, timestamp_seconds.to_string()),
    ];
    match message {
        Value::Object(mut message) if kind != InvocationKind::Kafka => {
            headers.extend(ours.map(|(name, text)| (name.to_owned(), Value::String(text))));
            message.insert(HEADERS.into(), Value::Object(headers));
            value = written(&Value::Object(message));
            SignedMessage {
                value,
                record_headers: Vec::new(),
            }
        }
        _ => SignedMessage {
            value,
            record_headers: ours.into(),
        },
    }
}

fn written(message: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    write_python_compact(message, &mut bytes);
    bytes
}

fn without_ours(headers: &mut Map<String, Value>) {
    for name in [SIGNATURE_HEADER, TIMESTAMP_HEADER] {
        headers.shift_remove(name);
    }
}
