//! Any HTTP receiver: the action's own method, URL, headers and body.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::outcome::Outcome;

use crate::client::{Call, Reply};
use crate::outcome::{Asked, by_common_rows, diagnosis};
use crate::quote::quote;
use crate::request::{Envelope, add_action_headers};
use crate::target::Target;

/// An action's webhook, rendered.
#[derive(Clone, Copy, Debug)]
pub struct Webhook<'a> {
    /// POST where it is missing or empty.
    pub method: Option<&'a str>,
    /// The action's headers; those that only the engine sets are left out.
    pub headers: &'a [(String, String)],
    /// The exact bytes that were signed; empty for none.
    pub body: &'a Bytes,
}

/// The call of `webhook` at `target`.
///
/// # Errors
/// Why it cannot be sent, which no repeat changes.
pub fn request(
    target: Target,
    webhook: &Webhook<'_>,
    envelope: &Envelope<'_>,
) -> Result<Call, Diagnosis> {
    let method = method(webhook.method.unwrap_or(""))?;
    let mut headers = HeaderMap::with_capacity(webhook.headers.len() + 10);
    let has_content = !webhook.body.is_empty() || !matches!(method, Method::GET | Method::DELETE);
    if has_content {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    envelope.add_defaults(&mut headers);
    add_action_headers(&mut headers, webhook.headers)?;
    envelope.add_own(&mut headers)?;
    Ok(Call {
        method,
        target,
        headers,
        body: webhook.body.clone(),
    })
}

/// What a call came to.
#[must_use]
pub fn outcome(reply: &Reply, asked: &Asked<'_>) -> Outcome {
    by_common_rows(reply, asked)
}

fn method(text: &str) -> Result<Method, Diagnosis> {
    match text.trim().to_ascii_uppercase().as_str() {
        "" | "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "GET" => Ok(Method::GET),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(diagnosis(
            Reason::MethodInvalid,
            format!("The method \"{}\" cannot be sent.", quote(text)),
            "Set invocationMethod.method to POST, PUT, PATCH, GET or DELETE.",
        )),
    }
}
