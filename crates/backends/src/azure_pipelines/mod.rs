//! Azure DevOps' incoming webhook: how it is called, and what its answers mean.
//!
//! It never tells what it started; faults of its configuration come as 500.

mod check;

use http::StatusCode;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::outcome::Outcome;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::client::{Answer, Reply};
use crate::outcome::{Asked, by_common_rows, by_failure_status, by_status, diagnosis, said};
use crate::quote::{is_html, quote};
use crate::target::Target;

pub(crate) use check::check;

/// Where the service lives, unless a connection or the configuration says otherwise.
pub const DEFAULT_BASE_URL: &str = "https://dev.azure.com";
/// The version of the API that is asked for.
pub const DEFAULT_API_VERSION: &str = "6.0-preview";
/// The part of the path that every incoming webhook has.
pub const WEBHOOKS_PATH: &str = "/_apis/public/distributedtask/webhooks/";
/// How much of an answer is kept, to read its error envelope.
pub const KEEP_ANSWER_BYTES: usize = 64 * 1024;

/// What RFC 3986 leaves unencoded in every place; all else is encoded, slashes above all.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An action's incoming webhook, rendered.
#[derive(Clone, Copy, Debug)]
pub struct IncomingWebhook<'a> {
    /// [`DEFAULT_BASE_URL`], or that of an Azure DevOps Server.
    pub base_url: &'a str,
    /// [`DEFAULT_API_VERSION`], or what the configuration says.
    pub api_version: &'a str,
    /// The organization.
    pub org: &'a str,
    /// The WebHook Name of the service connection.
    pub webhook: &'a str,
}

/// The URL of `webhook`.
///
/// # Errors
/// Which part is missing.
pub fn url(webhook: &IncomingWebhook<'_>) -> Result<String, Diagnosis> {
    for (part, value) in [("org", webhook.org), ("webhook", webhook.webhook)] {
        if value.trim().is_empty() || matches!(value, "." | "..") {
            return Err(diagnosis(
                Reason::UrlInvalid,
                format!(
                    "The action's \"{part}\" is \"{}\", which is no name.",
                    quote(value)
                ),
                format!("Set invocationMethod.{part} of the action."),
            ));
        }
    }
    if webhook.base_url.contains(['?', '#']) {
        return Err(diagnosis(
            Reason::UrlInvalid,
            "The base URL of Azure DevOps holds a query or fragment.",
            "Set azure.base_url, or the connection's base address, to scheme, host and path alone.",
        ));
    }
    let base = webhook.base_url.trim_end_matches('/');
    let org = utf8_percent_encode(webhook.org, SEGMENT);
    let name = utf8_percent_encode(webhook.webhook, SEGMENT);
    let version = utf8_percent_encode(webhook.api_version, SEGMENT);
    Ok(format!(
        "{base}/{org}{WEBHOOKS_PATH}{name}?api-version={version}"
    ))
}

/// Whether `target` is on the vendor's own service, whatever its path.
#[must_use]
pub fn is_service(target: &Target) -> bool {
    DEFAULT_BASE_URL
        .strip_prefix("https://")
        .is_some_and(|host| target.authority() == host)
}

/// What a call came to.
#[must_use]
pub fn outcome(reply: &Reply, asked: &Asked<'_>) -> Outcome {
    let Reply::Answered(answer) = reply else {
        return by_common_rows(reply, asked);
    };
    if let Some(refusal) = configuration_fault(answer, asked) {
        return Outcome::Refused(refusal);
    }
    if asks_to_sign_in(answer) {
        return Outcome::Refused(sign_in(answer, asked));
    }
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Outcome::Refused(sign_in(answer, asked))
        }
        StatusCode::NOT_FOUND => Outcome::Refused(not_found(answer, asked)),
        StatusCode::TOO_MANY_REQUESTS => by_failure_status(answer, asked, throttled(answer, asked)),
        _ => by_status(answer, asked),
    }
}

/// Bad credentials show as 203, a redirect or a page, not as 401.
fn asks_to_sign_in(answer: &Answer) -> bool {
    let status = answer.status;
    status == StatusCode::NON_AUTHORITATIVE_INFORMATION
        || status == StatusCode::FOUND
        || (status.is_success() && is_html(&answer.headers, &answer.body))
}

/// What makes a webhook known.
const REGISTER_FIX: &str = "Azure DevOps registers a webhook when a pipeline that uses it has run once: run the \
    pipeline once by hand from its default branch, whose YAML must name this webhook \
    under resources.webhooks, and authorise the pipeline on the service connection. \
    The action's \"webhook\" is the WebHook Name of the service connection, not the \
    connection's name and not the alias in the YAML.";

/// What makes the signature's header the same on both sides.
const HEADER_FIX: &str = "Open the Incoming WebHook service connection and set its HTTP Header to \
    X-Port-Signature (or to the header that the connection in Longshore names).";

/// What makes both sides compute the same signature.
const SECRET_FIX: &str = "Open the Incoming WebHook service connection: its Secret must be the secret that \
    Longshore signs with (the connection's own, else the organization's client \
    secret), and nothing on the way may change the body.";

/// A permanent fault of the service connection, which comes as 500, so its text must be read.
fn configuration_fault(answer: &Answer, asked: &Asked<'_>) -> Option<Diagnosis> {
    if answer.status.is_success() || answer.status.is_redirection() {
        return None;
    }
    let text = envelope_text(&answer.body).to_lowercase();
    if text.contains("cannot find webhook") {
        return Some(diagnosis(
            Reason::AzureWebhookUnknown,
            said(answer, asked),
            REGISTER_FIX,
        ));
    }
    if text.contains("requiredheadersignaturenotfound") {
        return Some(diagnosis(
            Reason::AzureSignatureHeaderMissing,
            said(answer, asked),
            HEADER_FIX,
        ));
    }
    let about_signature = ["signature", "checksum", "hmac"];
    if about_signature.iter().any(|word| text.contains(word)) {
        return Some(diagnosis(
            Reason::AzureSignatureMismatch,
            said(answer, asked),
            SECRET_FIX,
        ));
    }
    None
}

/// The parts of an error envelope that tell what it is; else the whole text.
fn envelope_text(body: &[u8]) -> String {
    let whole = || String::from_utf8_lossy(body).into_owned();
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return whole();
    };
    let parts: Vec<&str> = ["message", "typeName", "typeKey"]
        .iter()
        .filter_map(|key| value.get(key)?.as_str())
        .collect();
    if parts.is_empty() {
        return whole();
    }
    parts.join("\n")
}

fn sign_in(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    diagnosis(
        Reason::AzureCredentialsRefused,
        format!(
            "{} This is how Azure DevOps asks to sign in.",
            said(answer, asked)
        ),
        "An incoming webhook needs no sign-in: check the organization's name in the action, that \
         the path holds /_apis/public/, and that the organization's policies let external \
         services call it.",
    )
}

fn not_found(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    let fix = if asked.target.path().contains(WEBHOOKS_PATH) {
        "Check the organization's name, and the base URL where this is an Azure DevOps Server."
    } else {
        "The path must be /{organization}/_apis/public/distributedtask/webhooks/{WebHook Name}: \
         without /public/ Azure DevOps answers 404."
    };
    diagnosis(Reason::AzureWrongPath, said(answer, asked), fix)
}

fn throttled(answer: &Answer, asked: &Asked<'_>) -> Diagnosis {
    diagnosis(
        Reason::RateLimited,
        said(answer, asked),
        "Azure DevOps limits the organization's rate. Lower the rate of the connection.",
    )
}
