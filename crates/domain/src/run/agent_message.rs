//! What stands on the organisation's topic for a run, and its signature (contract §0.9, §8.2 to
//! §8.4). Agents print what they parsed again before they check it, so messages are written as
//! Python writes them, with every key where it was.

use std::time::Duration;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{Message, standard_message};
use crate::action::InvocationKind;
use crate::json::write_python_compact;
use crate::signature::{self, Mismatch, Preset, SIGNATURE_HEADER, TIMESTAMP_HEADER};

const HEADERS: &str = "headers";

/// A message as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedMessage {
    /// The record's value.
    pub value: Vec<u8>,
    /// Signature and timestamp where they cannot stand in the message, for the record's headers.
    pub record_headers: Vec<(&'static str, String)>,
}

/// Why a message is not to be acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unverified {
    /// It cannot be read.
    #[error("the message is not JSON: {0}")]
    Json(String),
    /// It is no object, or its headers are none.
    #[error("the message is not an object with headers")]
    Shape,
    /// One of the two headers is missing, or is no text.
    #[error("the message has no header {0}")]
    MissingHeader(&'static str),
    /// No secret fits, or it is too old.
    #[error(transparent)]
    Signature(#[from] Mismatch),
}

/// How old a message may be.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// The present.
    pub now_seconds: i64,
    /// The most seconds before or after it.
    pub tolerance: Duration,
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

/// The message that was signed with one of `secrets`: what [`agent_message`] made of its run.
///
/// # Errors
/// Why it is not to be acted upon.
pub fn verify<'s>(
    value: &[u8],
    secrets: impl IntoIterator<Item = &'s [u8]>,
    freshness: Option<Freshness>,
) -> Result<Value, Unverified> {
    let message = serde_json::from_slice(value).map_err(|it| Unverified::Json(it.to_string()))?;
    let Value::Object(mut message) = message else {
        return Err(Unverified::Shape);
    };
    let headers = message.get_mut(HEADERS).and_then(Value::as_object_mut);
    let headers = headers.ok_or(Unverified::Shape)?;
    let signature = taken(headers, SIGNATURE_HEADER)?;
    let timestamp = taken(headers, TIMESTAMP_HEADER)?;
    let is_gitlab = is_gitlab(&message);
    if is_gitlab {
        message.shift_remove(HEADERS);
    }
    let message = Value::Object(message);
    let as_it_stands = match is_gitlab {
        true => None,
        false => without_last(value, &signature, &timestamp),
    };
    let bytes = as_it_stands.unwrap_or_else(|| written(&message));
    let Freshness {
        now_seconds,
        tolerance,
    } = freshness.unwrap_or(Freshness {
        now_seconds: 0,
        tolerance: Duration::MAX,
    });
    let mut verdict = Err(Mismatch::Digest);
    for secret in secrets {
        verdict = signature::verify(
            Preset::PortV1,
            secret,
            &signature,
            Some(&timestamp),
            &bytes,
            now_seconds,
            tolerance,
        );
        // Only another secret may still fit.
        if verdict != Err(Mismatch::Digest) {
            break;
        }
    }
    verdict?;
    Ok(message)
}

/// `value` without the two headers, where it ends with them as [`signed`] writes it: what they were
/// made over, without being written again. Were it anything else, the signature would not hold.
fn without_last(value: &[u8], signature: &str, timestamp: &str) -> Option<Vec<u8>> {
    let last = format!(
        "\"{SIGNATURE_HEADER}\":\"{signature}\",\"{TIMESTAMP_HEADER}\":\"{timestamp}\"}}}}"
    );
    let before = value.strip_suffix(last.as_bytes())?;
    let before = before.strip_suffix(b",").unwrap_or(before);
    Some([before, b"}}"].concat())
}

fn taken(headers: &mut Map<String, Value>, name: &'static str) -> Result<String, Unverified> {
    match headers.shift_remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Unverified::MissingHeader(name)),
    }
}

fn is_gitlab(message: &Map<String, Value>) -> bool {
    let action = message.get("payload").and_then(|it| it.get("action"));
    let invocation = action.and_then(|it| it.get("invocationMethod"));
    invocation.and_then(kind_of) == Some(InvocationKind::Gitlab)
}
