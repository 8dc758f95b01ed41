//! What an incoming webhook asks of a call before any pipeline is looked at.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::Value;

use crate::server::Received;

use super::signature::{SignatureFault, verify};
use super::{Config, answer};

/// The path between organisation and webhook name; without `public` the service answers 404.
pub(super) const AREAS: [&str; 4] = ["_apis", "public", "distributedtask", "webhooks"];

/// A call that was turned away.
pub(super) struct Refusal {
    status: StatusCode,
    type_key: &'static str,
    pub(super) reason: String,
}

impl Refusal {
    pub(super) fn response(&self) -> Response<Bytes> {
        answer::error(self.status, self.type_key, &self.reason)
    }
}

/// The payload of a call that may start pipelines.
pub(super) fn admit(config: &Config, request: &Received, name: &str) -> Result<Value, Refusal> {
    let refuse = |status, type_key, reason| Refusal {
        status,
        type_key,
        reason,
    };
    if request.method != Method::POST {
        return Err(refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "VssRequestContentTypeNotSupportedException",
            format!(
                "The requested resource does not support http method '{}'.",
                request.method
            ),
        ));
    }
    if api_version(request).is_none_or(|version| version.is_empty()) {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "VssVersionNotSpecifiedException",
            "No api-version was supplied for the \"POST\" request. The version must be supplied \
             either as part of the Accept header (e.g. \"application/json; api-version=1.0\") or \
             as a query parameter (e.g. \"?api-version=1.0\")."
                .to_owned(),
        ));
    }
    let webhook = config
        .webhooks
        .iter()
        .find(|webhook| webhook.registered && webhook.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                "WebHookException",
                format!(
                    "Cannot find webhook for the given webHookId {name}. \
                     Try enabling CD trigger for this artifact."
                ),
            )
        })?;
    if let Some(secret) = &webhook.secret {
        verify(secret, &webhook.header, &request.headers, &request.body).map_err(|fault| {
            let status = match fault {
                SignatureFault::Missing => StatusCode::INTERNAL_SERVER_ERROR,
                SignatureFault::Wrong => config.wrong_signature_status,
            };
            refuse(status, "WebHookException", fault.to_string())
        })?;
    }
    serde_json::from_slice(&request.body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| {
            refuse(
                StatusCode::BAD_REQUEST,
                "VssPropertyValidationException",
                "The request body must be a JSON object.".to_owned(),
            )
        })
}

/// From the query, or from a parameter of the `Accept` header.
fn api_version(request: &Received) -> Option<String> {
    let query = request.uri.query().unwrap_or_default();
    let given = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("api-version"))
        .map(|(_, version)| version.into_owned());
    given.or_else(|| {
        let accept = request.headers.get(http::header::ACCEPT)?.to_str().ok()?;
        accept
            .split(';')
            .find_map(|part| part.trim().strip_prefix("api-version="))
            .map(str::to_owned)
    })
}
