//! One run's call: from its message to who is called with which bytes, and what came of it.
//!
//! Calls once. Whether it may, and what follows, is decided elsewhere.

mod made;
mod route;

use std::sync::Arc;

use bytes::Bytes;
use longshore_backends::check::{Disclosure, DryRun, Report, Signer, Subject};
use longshore_backends::client::{CallProfile, Client, ClientConfig, NetworkRules};
use longshore_backends::receiver::check;
use longshore_backends::target::Target;
use longshore_domain::action::InvocationKind;
use longshore_domain::connection::Defaults;
use longshore_domain::delivery::Schedule;
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::json;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{MessageText, ReadMessage, is_on};
use longshore_domain::signature::SIGNATURE_HEADER;
use longshore_jq::Evaluator;
use serde_json::Value;

use crate::clock;
use crate::config::{Config, Secrets};
use crate::doctor::TrialCall;
use crate::mapping::{Body, Mappings, Plan};
use route::Routes;

pub use made::refused;
pub use route::{ConnectionFault, Route};

/// The most bytes of a call's body.
pub const BODY_BYTES: usize = 8 * 1024 * 1024;

/// Makes calls.
pub struct Caller {
    client: Client,
    evaluator: Evaluator,
    mappings: Mappings,
    secrets: Secrets,
    routes: Routes,
    id: String,
    detailed: bool,
}

/// What a message asks for.
#[derive(Debug)]
pub enum Asked {
    /// No mapping is enabled for it: another agent's.
    NotOurs,
    /// It cannot be called, whatever is tried.
    Impossible(Diagnosis),
    /// A call.
    Call(Box<Prepared>),
}

/// A call that is ready but for its signature.
#[derive(Debug)]
pub struct Prepared {
    plan: Plan,
    /// Who is called, and how.
    pub route: Arc<Route>,
    body: Bytes,
    synchronized: bool,
    /// Kept where the mapping's report reads it.
    message: Value,
}

impl Caller {
    /// A caller by these settings.
    ///
    /// # Errors
    /// Which certificates cannot be used.
    pub fn new(config: Config, evaluator: Evaluator) -> Result<Self, ConnectionFault> {
        let (network, calls) = (&config.network, &config.calls);
        let client = Client::new(ClientConfig {
            rules: NetworkRules {
                allow: network.allow.clone(),
            },
            proxies: network.proxies.clone(),
            bind: network.bind.clone(),
            ca_bundle: network.ca_bundle.clone(),
            answer_budget_bytes: calls.answers_bytes,
            ..ClientConfig::default()
        })
        .map_err(|fault| ConnectionFault::new("network.ca_file", fault))?;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        // The server schedules; what a policy says of that is not read here.
        let defaults = Defaults {
            concurrency: count(calls.concurrency_repeat_allowed),
            concurrency_harm: count(calls.concurrency_repeat_harm),
            connect_timeout: calls.connect_timeout,
            timeout: calls.timeout,
            schedule: Schedule::default(),
            report_timeout: calls.timeout,
        };
        Ok(Self {
            routes: Routes::new(config.connections, defaults, &client)?,
            client,
            evaluator,
            mappings: config.mappings,
            secrets: config.api.secrets,
            id: config.id,
            detailed: config.log.detailed,
        })
    }

    /// Looks at a receiver beforehand, as calls to `target` would be made.
    pub async fn check(&self, target: Target, url: &str, trial: Option<&TrialCall>) -> Report {
        let known = self.routes.known(url);
        let settings = known.as_ref().map(|known| &known.connection.settings);
        let own = known
            .as_ref()
            .and_then(|known| known.connection.signing_secret.as_ref());
        let name = clock::session();
        let policy = self.routes.policy(settings);
        let subject = Subject {
            target,
            receiver: None,
            profile: CallProfile {
                connect_timeout: policy.connect_timeout,
                total_timeout: policy.timeout,
                tls: known.as_ref().and_then(|known| known.tls.clone()),
                ..CallProfile::new(Repeat::Allowed)
            },
            signer: Some(Signer {
                preset: settings.and_then(|settings| settings.preset),
                secret: own.unwrap_or(&self.secrets.current).expose(),
                header: settings
                    .and_then(|settings| settings.signature_header.as_deref())
                    .unwrap_or(SIGNATURE_HEADER),
                prefix: settings
                    .and_then(|settings| settings.signature_prefix.as_deref())
                    .unwrap_or_default(),
            }),
            now: clock::now(),
            probe_name: &name,
            disclosure: Disclosure::Operator,
            dry_run: trial.map(|call| DryRun {
                headers: &call.headers,
                body: &call.body,
                secrets: &[],
            }),
        };
        check(&self.client, subject).await
    }

    /// What `message` asks for.
    pub async fn prepare(&self, message: ReadMessage) -> Asked {
        match message {
            ReadMessage::Text(message) if self.mappings.are_built_in() => self.handed_on(message),
            message => self.mapped(message.into_tree()).await,
        }
    }

    /// The call of a message that is sent as it came.
    fn handed_on(&self, message: MessageText) -> Asked {
        let (text, call) = message.into_parts();
        let plan = Plan::of_text(&call);
        let body = match plan.body {
            Body::Message => text.into_bytes(),
            Body::Nothing | Body::Made(_) => Vec::new(),
        };
        let invoked = Invoked {
            kind: call.kind,
            url: Some(call.url),
            synchronized: call.synchronized,
        };
        self.asked(&invoked, plan, body, Value::Null)
    }

    async fn mapped(&self, mut message: Value) -> Asked {
        let mapped = self
            .mappings
            .plan(&self.evaluator, &mut message, &self.secrets);
        let mut plan = match mapped.await {
            Ok(Some(plan)) => plan,
            Ok(None) => return Asked::NotOurs,
            Err(diagnosis) => return Asked::Impossible(diagnosis),
        };
        let invocation = &message["payload"]["action"]["invocationMethod"];
        let kind = serde_json::from_value(invocation["type"].clone());
        let invoked = Invoked {
            kind: kind.unwrap_or(InvocationKind::Webhook),
            url: invocation["url"].as_str().map(str::to_owned),
            synchronized: is_on(&invocation["synchronized"]),
        };
        let mut body = Vec::new();
        if let Some(value) = plan.body.of(&message) {
            json::write_stringify(value, &mut body);
        }
        if !plan.reads_answer() {
            // Only reports look at them again, and they may wait for long.
            (plan.body, message) = (Body::Nothing, Value::Null);
        }
        self.asked(&invoked, plan, body, message)
    }

    fn asked(&self, invoked: &Invoked, plan: Plan, body: Vec<u8>, message: Value) -> Asked {
        if body.len() > BODY_BYTES {
            return Asked::Impossible(too_large(body.len()));
        }
        let judged = invoked.url.as_deref();
        match self.routes.find(invoked.kind, judged, &plan) {
            Err(diagnosis) => Asked::Impossible(diagnosis),
            Ok(route) => Asked::Call(Box::new(Prepared {
                message,
                plan,
                route,
                body: body.into_boxed_slice().into(),
                synchronized: invoked.synchronized,
            })),
        }
    }
}

/// How the run's action calls, whatever a mapping makes of it.
struct Invoked {
    kind: InvocationKind,
    /// By which the server has judged a repeat.
    url: Option<String>,
    synchronized: bool,
}

fn too_large(bytes: usize) -> Diagnosis {
    Diagnosis {
        reason: longshore_domain::diagnosis::Reason::MappingFailed,
        message: format!("the call's body has {bytes} bytes, at most {BODY_BYTES} are sent"),
        fix: "Let the mapping's body take less of the message.".into(),
    }
}
