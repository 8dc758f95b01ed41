//! Whether a message is what somebody with the secret signed.

use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;

use super::text::{MessageText, Outline, ReadMessage};
use super::{HEADERS, kind_of, written};
use crate::action::InvocationKind;
use crate::json::is_stringified;
use crate::signature::{self, Mismatch, Preset, SIGNATURE_HEADER, TIMESTAMP_HEADER};

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

/// The message that was signed with one of `secrets`: what [`super::agent_message`] made of its run.
///
/// # Errors
/// Why it is not to be acted upon.
pub fn verify<'s>(
    value: &[u8],
    secrets: impl IntoIterator<Item = &'s [u8]>,
    freshness: Option<Freshness>,
) -> Result<ReadMessage, Unverified> {
    if let Some((message, signature, timestamp)) = as_text(value) {
        let bytes = message.text().as_bytes();
        check(bytes, signature, timestamp, secrets, freshness)?;
        return Ok(ReadMessage::Text(message));
    }
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
    check(&bytes, &signature, &timestamp, secrets, freshness)?;
    Ok(ReadMessage::Tree(message))
}

fn check<'s>(
    bytes: &[u8],
    signature: &str,
    timestamp: &str,
    secrets: impl IntoIterator<Item = &'s [u8]>,
    freshness: Option<Freshness>,
) -> Result<(), Mismatch> {
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
            signature,
            Some(timestamp),
            bytes,
            now_seconds,
            tolerance,
        );
        // Only another secret may still fit.
        if verdict != Err(Mismatch::Digest) {
            break;
        }
    }
    verdict
}

/// The message without its signature as text, where that is what would be sent; the signature and
/// its timestamp.
fn as_text(value: &[u8]) -> Option<(MessageText, &str, &str)> {
    let outline = Outline::read(std::str::from_utf8(value).ok()?)?;
    let (signature, timestamp) = (outline.headers.signature?, outline.headers.timestamp?);
    let text = String::from_utf8(without_last(value, signature, timestamp)?).ok()?;
    is_stringified(&text).then(|| (outline.of(text), signature, timestamp))
}

/// `value` without the two headers, where it ends with them as [`super::signed`] writes it: what
/// they were made over, without being written again. Were it anything else, the signature would not
/// hold.
fn without_last(value: &[u8], signature: &str, timestamp: &str) -> Option<Vec<u8>> {
    const BETWEEN: &str = "\":\"";
    let last: [&str; 9] = [
        "\"",
        SIGNATURE_HEADER,
        BETWEEN,
        signature,
        "\",\"",
        TIMESTAMP_HEADER,
        BETWEEN,
        timestamp,
        "\"}}",
    ];
    let mut before = value;
    for part in last.iter().rev() {
        before = before.strip_suffix(part.as_bytes())?;
    }
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
