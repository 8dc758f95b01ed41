//! From a rendered payload to the parts of the call that leaves, down to its exact bytes.

use bytes::Bytes;
use longshore_domain::action::InvocationKind;
use longshore_domain::json;
use serde_json::{Map, Value, json};

/// A call without what each attempt adds.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) kind: InvocationKind,
    /// Whether somebody inside a private network makes the call.
    pub(crate) agent: bool,
    pub(crate) synchronized: bool,
    pub(crate) address: Address,
    pub(crate) method: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// The action's URL.
    Url(String),
    /// An incoming webhook of Azure DevOps, wherever that is.
    AzureDevops {
        /// The organization.
        org: String,
        /// The WebHook Name of the service connection.
        webhook: String,
    },
    /// The organisation's topic.
    Topic,
    /// GitLab, which an agent calls.
    Gitlab,
    /// An integration that claims its work.
    Integration(String),
}

impl Outgoing {
    /// The parts of a rendered payload.
    pub(crate) fn of(payload: &Value) -> Self {
        let kind = kind_of(payload);
        let text = |key: &str| payload.get(key).map(shown).unwrap_or_default();
        if kind == InvocationKind::AzureDevops {
            return Self {
                kind,
                agent: false,
                synchronized: false,
                address: Address::AzureDevops {
                    org: text("org"),
                    webhook: text("webhook"),
                },
                method: None,
                headers: Vec::new(),
                body: payload
                    .get("payload")
                    .map(bytes_of)
                    .unwrap_or_else(|| "{}".into()),
            };
        }
        if kind == InvocationKind::Kafka {
            let mut body = Vec::with_capacity(512);
            let message = payload.get("payload").filter(|given| !given.is_null());
            json::write_python_compact(message.unwrap_or(&json!({})), &mut body);
            return Self {
                kind,
                agent: false,
                synchronized: false,
                address: Address::Topic,
                method: None,
                headers: Vec::new(),
                body: body.into(),
            };
        }
        let handed_out = match kind {
            InvocationKind::Gitlab => Some(Address::Gitlab),
            InvocationKind::IntegrationAction => Some(Address::Integration(text("installationId"))),
            _ => None,
        };
        if let Some(address) = handed_out {
            return Self {
                kind,
                agent: true,
                synchronized: false,
                address,
                method: None,
                headers: Vec::new(),
                body: bytes_of(payload),
            };
        }
        let headers = payload.get("headers").and_then(Value::as_object);
        Self {
            kind,
            agent: switch(payload, "agent"),
            synchronized: switch(payload, "synchronized"),
            address: Address::Url(text("url")),
            method: payload.get("method").map(shown),
            headers: headers.map(header_pairs).unwrap_or_default(),
            body: payload
                .get("body")
                .filter(|body| !body.is_null())
                .map(bytes_of)
                .unwrap_or_default(),
        }
    }

    /// What it takes of memory while it waits.
    pub(crate) fn bytes(&self) -> u64 {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let address = match &self.address {
            Address::Url(url) => url.len(),
            Address::AzureDevops { org, webhook } => org.len() + webhook.len(),
            Address::Integration(id) => id.len(),
            Address::Gitlab | Address::Topic => 0,
        };
        (self.body.len() + address + headers) as u64
    }
}

/// Whether what stands at `pointer` of a payload may decide where the call goes, or how its answer
/// is read.
pub(crate) fn decides_route(pointer: &str) -> bool {
    pointer.is_empty()
        || ["/url", "/org", "/webhook", "/agent", "/synchronized"]
            .iter()
            .any(|part| pointer.starts_with(part))
}

/// The kind of a payload's invocation, from the `type` that it carries.
pub(crate) fn kind_of(payload: &Value) -> InvocationKind {
    let kind = payload.get("type").cloned().unwrap_or_default();
    serde_json::from_value(kind).unwrap_or(InvocationKind::Webhook)
}

/// The exact bytes that are signed and sent.
fn bytes_of(body: &Value) -> Bytes {
    let mut bytes = Vec::with_capacity(json::about_length(body));
    json::write_stringify(body, &mut bytes);
    bytes.into()
}

fn header_pairs(headers: &Map<String, Value>) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), shown(value)))
        .collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => json::stringify(other),
    }
}

/// A switch may be a template, so it may arrive as text.
fn switch(payload: &Value, key: &str) -> bool {
    match payload.get(key) {
        Some(Value::Bool(on)) => *on,
        Some(Value::String(text)) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    }
}
