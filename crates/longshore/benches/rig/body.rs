//! The body that travels: 1 KiB of JSON that carries when it was sent.

use memchr::memmem;
use serde_json::{Map, Value, json};

/// How long a body is.
pub(crate) const BODY_BYTES: usize = 1024;
/// Digits of an instant: all bodies are equally long.
pub(crate) const INSTANT_DIGITS: usize = 20;
/// Stands in a body's text where the instant will be.
pub(crate) const INSTANT: &str = "00000000000000000000";
const KEY: &str = "sent_nanos";

/// The user inputs that a body consists of, as an action declares them.
pub(crate) fn user_inputs() -> Value {
    json!({
        "properties": {
            KEY: {"type": "string", "title": "Sent", "pattern": "^[0-9]{20}$"},
            "service": {"type": "string", "title": "Service", "pattern": "^[a-z][a-z0-9-]{2,29}$"},
            "environment": {"type": "string", "title": "Environment", "enum": ["dev", "prod"]},
            "replicas": {"type": "number", "title": "Replicas", "minimum": 1, "maximum": 100},
            "notes": {"type": "string", "title": "Notes", "maxLength": 2048},
        },
        "required": [KEY, "service", "environment"],
    })
}

/// A template whose result is the same body, with the run's id.
pub(crate) fn template() -> Value {
    json!({
        KEY: format!("{{{{ .inputs.{KEY} }}}}"),
        "service": "{{ .inputs.service }}",
        "environment": "{{ .inputs.environment }}",
        "replicas": "{{ .inputs.replicas }}",
        "notes": "{{ .inputs.notes }}",
        "run": "{{ .run.id }}",
    })
}

/// Whether a field of [`template`] is the one that [`sent_nanos`] reads.
pub(crate) fn is_instant(key: &str) -> bool {
    key == KEY
}

/// A body of inputs alone.
pub(crate) fn plain() -> String {
    padded(Value::Object)
}

/// The body of a request for a run.
pub(crate) fn request() -> String {
    padded(|inputs| json!({"properties": inputs}))
}

fn padded(wrap: impl Fn(Map<String, Value>) -> Value) -> String {
    let text = |notes: String| {
        let mut inputs = Map::new();
        inputs.insert(KEY.into(), INSTANT.into());
        inputs.insert("service".into(), "checkout".into());
        inputs.insert("environment".into(), "prod".into());
        inputs.insert("replicas".into(), 3.into());
        inputs.insert("notes".into(), notes.into());
        wrap(inputs).to_string()
    };
    let shortest = text(String::new()).len();
    let words = "Rolled out by the pipeline after the checks had passed. ";
    let notes = words
        .chars()
        .cycle()
        .take(BODY_BYTES.saturating_sub(shortest))
        .collect();
    text(notes)
}

/// When a body was sent, on the monotonic clock.
pub(crate) fn sent_nanos(body: &[u8]) -> Option<u64> {
    let at = memmem::find(body, KEY.as_bytes())? + KEY.len();
    let first = at
        + body
            .get(at..)?
            .iter()
            .take(4)
            .position(u8::is_ascii_digit)?;
    std::str::from_utf8(body.get(first..first + INSTANT_DIGITS)?)
        .ok()?
        .parse()
        .ok()
}
