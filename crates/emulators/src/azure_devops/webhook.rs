//! What an incoming webhook asks of a call before any pipeline is looked at: address, method,
//! version, a registered webhook, signature, a JSON object.

use http::{HeaderMap, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::Answer;
use super::explanation::WebhookFinding;
use super::shown::Shown;
use super::signature::{SignatureFault, SignatureFinding};
use super::{Config, Incoming, IncomingWebhook, signature};

/// The path between organisation and webhook name; without `public` the service answers 404.
const AREAS: [&str; 4] = ["_apis", "public", "distributedtask", "webhooks"];
/// What stands in the query, in every version of the interface.
const API_VERSION: &str = "api-version";

/// What came of a call so far.
pub(super) struct Admission<'c> {
    pub(super) webhook: WebhookFinding,
    pub(super) signature: SignatureFinding,
    /// The webhook and the payload of a call that may start pipelines, else the refusal.
    pub(super) admitted: Result<(&'c IncomingWebhook, Value), Answer>,
}

/// Goes through what is asked, in the service's order; the first that is not met is the answer.
pub(super) fn admit<'c>(config: &'c Config, call: &Incoming<'_>) -> Admission<'c> {
    let refused = |webhook, signature, answer| Admission {
        webhook,
        signature,
        admitted: Err(answer),
    };
    let name = match address(config, call.uri) {
        Ok(name) => name,
        Err(message) => {
            let webhook = WebhookFinding::NoAddress { message };
            let answer = Answer::not_found(call.uri.path());
            return refused(webhook, SignatureFinding::NotReached, answer);
        }
    };
    let (webhook, finding) = find(config, &name);
    if call.method != Method::POST {
        return refused(
            finding,
            SignatureFinding::NotReached,
            wrong_method(call.method),
        );
    }
    if !has_api_version(call.uri, call.headers) {
        return refused(finding, SignatureFinding::NotReached, no_version());
    }
    let Some(webhook) = webhook else {
        return refused(finding, SignatureFinding::NotReached, unknown(&name));
    };
    let examined = signature::examine(webhook, &config.webhooks, call.headers, call.body);
    if let Some(fault) = examined.fault() {
        let status = match fault {
            SignatureFault::Missing => StatusCode::INTERNAL_SERVER_ERROR,
            SignatureFault::Wrong => config.wrong_signature_status,
        };
        let answer = Answer::refusal(status, "WebHookException", fault.to_string());
        return refused(finding, examined, answer);
    }
    let payload: Option<Value> = serde_json::from_slice(call.body).ok();
    let admitted = payload
        .filter(Value::is_object)
        .map(|payload| (webhook, payload))
        .ok_or_else(no_object);
    Admission {
        webhook: finding,
        signature: examined,
        admitted,
    }
}

/// The address of a webhook, without scheme and host.
pub(super) fn target(organization: &str, webhook: &str) -> String {
    let areas = AREAS.join("/");
    format!("/{organization}/{areas}/{webhook}?{API_VERSION}=6.0-preview")
}

/// The path's segments, decoded.
pub(super) fn segments(uri: &Uri) -> Vec<String> {
    uri.path()
        .trim_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect()
}

/// The WebHook Name that a path holds, or why it holds none.
fn address(config: &Config, uri: &Uri) -> Result<String, String> {
    let segments = segments(uri);
    let expected = target(&config.organization, "NAME");
    let (organization, rest) = match segments.split_first() {
        Some((organization, rest)) if !organization.is_empty() => (organization, rest),
        _ => return Err(format!("the path is empty; expected {expected}")),
    };
    let are = |given: &[String], areas: &[&str]| {
        given.len() == areas.len()
            && given
                .iter()
                .zip(areas)
                .all(|(given, area)| given.eq_ignore_ascii_case(area))
    };
    if !organization.eq_ignore_ascii_case(&config.organization) {
        return Err(format!(
            "the path begins with {}, which is not the organization; expected {expected}",
            Shown::new(organization)
        ));
    }
    match rest {
        [areas @ .., name] if are(areas, &AREAS) && !name.is_empty() => Ok(name.clone()),
        [areas @ .., _] if are(areas, &["_apis", "distributedtask", "webhooks"]) => Err(format!(
            "`public` is missing from the path; expected {expected}"
        )),
        [_, areas @ .., _] if are(areas, &AREAS) => Err(format!(
            "webhooks belong to the organization, so no project stands in the path; expected {expected}"
        )),
        _ => Err(format!("the path is not a webhook's; expected {expected}")),
    }
}

fn find<'c>(config: &'c Config, name: &str) -> (Option<&'c IncomingWebhook>, WebhookFinding) {
    let named = |webhook: &&IncomingWebhook| webhook.name.eq_ignore_ascii_case(name);
    let Some(webhook) = config.webhooks.iter().find(named) else {
        let by_connection = config
            .webhooks
            .iter()
            .find(|webhook| webhook.connection.eq_ignore_ascii_case(name));
        let finding = WebhookFinding::Unknown {
            name: Shown::new(name),
            meant: by_connection.map(|webhook| webhook.name.clone()),
            known: config
                .webhooks
                .iter()
                .map(|webhook| webhook.name.clone())
                .collect(),
        };
        return (None, finding);
    };
    let (name, connection) = (webhook.name.clone(), webhook.connection.clone());
    match webhook.registered {
        true => (
            Some(webhook),
            WebhookFinding::Registered { name, connection },
        ),
        false => (None, WebhookFinding::Unregistered { name, connection }),
    }
}

/// In the query, or in a parameter of the `Accept` header.
fn has_api_version(uri: &Uri, headers: &HeaderMap) -> bool {
    let query = uri.query().unwrap_or_default();
    let given = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case(API_VERSION))
        .map(|(_, version)| version.into_owned());
    let accepted = || {
        let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
        let version = |part: &str| {
            let (name, version) = part.trim().split_once('=')?;
            (name == API_VERSION).then(|| version.to_owned())
        };
        accept.split(';').find_map(version)
    };
    given
        .or_else(accepted)
        .is_some_and(|version| !version.is_empty())
}

fn wrong_method(method: &Method) -> Answer {
    Answer::refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "VssRequestContentTypeNotSupportedException",
        format!("The requested resource does not support http method '{method}'."),
    )
}

fn no_version() -> Answer {
    Answer::refusal(
        StatusCode::BAD_REQUEST,
        "VssVersionNotSpecifiedException",
        "No api-version was supplied for the \"POST\" request. The version must be supplied either \
         as part of the Accept header (e.g. \"application/json; api-version=1.0\") or as a query \
         parameter (e.g. \"?api-version=1.0\")."
            .to_owned(),
    )
}

/// The message is the service's own, as senders have reported it.
fn unknown(name: &str) -> Answer {
    Answer::refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        "WebHookException",
        format!(
            "Cannot find webhook for the given webHookId {name}. \
             Try enabling CD trigger for this artifact."
        ),
    )
}

fn no_object() -> Answer {
    Answer::refusal(
        StatusCode::BAD_REQUEST,
        "VssPropertyValidationException",
        "The request body must be a JSON object.".to_owned(),
    )
}
