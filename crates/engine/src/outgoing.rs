//! From a rendered payload to the call that leaves: its parts, its route, its exact bytes.

use std::sync::Arc;

use bytes::Bytes;
use longshore_backends::azure_pipelines::{self, IncomingWebhook};
use longshore_backends::receiver;
use longshore_backends::target::Target;
use longshore_domain::action::InvocationKind;
use longshore_domain::connection::{Defaults, Place, Policy};
use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::json;
use longshore_domain::run::AGENT_DESTINATION;
use longshore_domain::signature::Preset;
use serde_json::{Map, Value};

use crate::connections::{Connections, KnownConnection};

/// Where URLs that cannot be called wait for their refusal.
const INVALID_DESTINATION: &str = "invalid";

/// How Azure DevOps is reached.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    /// The base of its URLs.
    pub base_url: String,
    /// The `api-version` of incoming webhooks.
    pub api_version: String,
}

/// A call without what each attempt adds.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) kind: InvocationKind,
    pub(crate) agent: bool,
    pub(crate) synchronized: bool,
    pub(crate) url: String,
    /// Why it can never be sent.
    pub(crate) fault: Option<Diagnosis>,
    pub(crate) method: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// Which server a call goes to, and how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) destination: String,
    pub(crate) connection: Option<Arc<KnownConnection>>,
    pub(crate) receiver: Receiver,
    pub(crate) policy: Policy,
}

impl Outgoing {
    /// The parts of a rendered payload.
    pub(crate) fn of(kind: InvocationKind, payload: &Value, azure: &AzureSettings) -> Self {
        let text = |key: &str| payload.get(key).map(shown).unwrap_or_default();
        if kind == InvocationKind::AzureDevops {
            let (url, fault) = match azure_url(azure, &text("org"), &text("webhook")) {
                Ok(url) => (url, None),
                Err(fault) => (String::new(), Some(fault)),
            };
            return Self {
                kind,
                agent: false,
                synchronized: false,
                url,
                fault,
                method: None,
                headers: Vec::new(),
                body: payload
                    .get("payload")
                    .map(bytes_of)
                    .unwrap_or_else(|| "{}".into()),
            };
        }
        let headers = payload.get("headers").and_then(Value::as_object);
        Self {
            kind,
            agent: switch(payload, "agent"),
            synchronized: switch(payload, "synchronized"),
            url: text("url"),
            fault: None,
            method: payload.get("method").map(shown),
            headers: headers.map(header_pairs).unwrap_or_default(),
            body: payload
                .get("body")
                .filter(|body| !body.is_null())
                .map(bytes_of)
                .unwrap_or_default(),
        }
    }

    /// Where it goes, by the connections as they are now.
    pub(crate) fn route(
        &mut self,
        connections: &Connections,
        defaults: &Defaults,
        azure: &AzureSettings,
        payload: &Value,
    ) -> Route {
        let mut connection = Place::parse(&self.url)
            .ok()
            .and_then(|place| connections.matching(&place));
        let own_base = connection
            .as_ref()
            .and_then(|known| known.settings.base_url.clone());
        if let (InvocationKind::AzureDevops, Some(base_url)) = (self.kind, own_base) {
            let moved = AzureSettings {
                base_url,
                ..azure.clone()
            };
            self.url = Self::of(self.kind, payload, &moved).url;
        }
        let receiver = self.receiver();
        let destination = if self.agent {
            connection = None;
            AGENT_DESTINATION.to_owned()
        } else {
            match (&connection, Place::parse(&self.url)) {
                (Some(known), _) => known.id.as_str().to_owned(),
                (None, Ok(place)) => place.origin().to_owned(),
                (None, Err(_)) => INVALID_DESTINATION.to_owned(),
            }
        };
        let preset = Preset::for_invocation(self.kind, &self.url);
        let settings = connection.as_ref().map(|known| &known.settings);
        let policy = Policy::of(settings, defaults, receiver, preset);
        Route {
            destination,
            connection,
            receiver,
            policy,
        }
    }

    fn receiver(&self) -> Receiver {
        if self.agent {
            return Receiver::Agent;
        }
        match self.kind {
            InvocationKind::Jenkins => Receiver::Jenkins,
            InvocationKind::AzureDevops => Receiver::AzurePipelines,
            _ => Target::parse(&self.url).map_or(Receiver::Webhook, |target| receiver::of(&target)),
        }
    }

    /// What it takes of memory while it waits.
    pub(crate) fn bytes(&self) -> u64 {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        (self.body.len() + self.url.len() + headers) as u64
    }
}

fn azure_url(azure: &AzureSettings, org: &str, webhook: &str) -> Result<String, Diagnosis> {
    let webhook = IncomingWebhook {
        base_url: &azure.base_url,
        api_version: &azure.api_version,
        org,
        webhook,
    };
    azure_pipelines::url(&webhook)
}

/// The exact bytes that are signed and sent.
fn bytes_of(body: &Value) -> Bytes {
    let mut bytes = Vec::with_capacity(512);
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
