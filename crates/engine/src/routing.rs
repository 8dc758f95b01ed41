//! Which server a call goes to, and how it is called.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use longshore_backends::azure_pipelines::{self, IncomingWebhook};
use longshore_backends::receiver;
use longshore_backends::request::read_url;
use longshore_backends::target::Target;
use longshore_domain::action::InvocationKind;
use longshore_domain::connection::{Place, Policy};
use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{
    AGENT_DESTINATION, GITLAB_DESTINATION, INTEGRATION_PREFIX, KAFKA_DESTINATION,
};
use longshore_domain::signature::Preset;

use crate::Engine;
use crate::connections::KnownConnection;
use crate::outgoing::{Address, Outgoing};

/// Where URLs that cannot be called wait for their refusal.
const INVALID_DESTINATION: &str = "invalid";
/// How many routes are remembered; most actions call one URL.
const ROUTES_LIMIT: usize = 1_024;

/// How Azure DevOps is reached.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    /// The base of its URLs.
    pub base_url: String,
    /// The `api-version` of incoming webhooks.
    pub api_version: String,
}

/// Which server a call goes to, and how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) destination: String,
    pub(crate) connection: Option<Arc<KnownConnection>>,
    pub(crate) receiver: Receiver,
    pub(crate) policy: Policy,
    /// What is called; why nothing can be, where that is so.
    pub(crate) target: Result<Target, Diagnosis>,
}

/// Routes of URLs that were called before, as long as the connections stay as they are.
#[derive(Default)]
pub(crate) struct Routes {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    generation: u64,
    webhooks: HashMap<String, Arc<Route>>,
}

impl Routes {
    fn find(&self, url: &str, generation: u64) -> Option<Arc<Route>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.webhooks.get(url).cloned();
        found.filter(|_| known.generation == generation)
    }

    fn remember(&self, url: &str, generation: u64, route: &Arc<Route>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation || known.webhooks.len() >= ROUTES_LIMIT {
            known.webhooks.clear();
            known.generation = generation;
        }
        known.webhooks.insert(url.to_owned(), Arc::clone(route));
    }
}

impl Engine {
    /// Where a call goes, by the connections as they are now.
    pub(crate) fn route(&self, outgoing: &Outgoing) -> Arc<Route> {
        match &outgoing.address {
            Address::Url(url) if outgoing.kind == InvocationKind::Webhook && !outgoing.agent => {
                let generation = self.connections.generation();
                if let Some(known) = self.routes.find(url, generation) {
                    return known;
                }
                let route = self.secret_route(outgoing);
                self.routes.remember(url, generation, &route);
                route
            }
            _ => self.secret_route(outgoing),
        }
    }

    /// The same for a call whose URL may hold a secret: it is not remembered.
    pub(crate) fn secret_route(&self, outgoing: &Outgoing) -> Arc<Route> {
        match &outgoing.address {
            Address::Url(url) => Arc::new(self.new_route(outgoing, url)),
            Address::AzureDevops { org, webhook } => {
                Arc::new(self.azure_route(outgoing, org, webhook))
            }
            Address::Topic => Arc::new(self.topic_route()),
            Address::Gitlab => Arc::new(self.handed_out(GITLAB_DESTINATION.to_owned())),
            Address::Integration(id) => {
                Arc::new(self.handed_out(format!("{INTEGRATION_PREFIX}{id}")))
            }
        }
    }

    /// Whoever reads a topic recognises the delivery id in the record's headers.
    fn topic_route(&self) -> Route {
        let receiver = Receiver::Kafka;
        Route {
            destination: KAFKA_DESTINATION.to_owned(),
            connection: None,
            receiver,
            policy: Policy::of(None, &self.settings.delivery, receiver, Preset::PortV1),
            target: read_url(""),
        }
    }

    /// What agents call without a URL of ours: each call starts something anew.
    fn handed_out(&self, destination: String) -> Route {
        let receiver = Receiver::Agent;
        let defaults = &self.settings.delivery;
        Route {
            destination,
            connection: None,
            receiver,
            policy: Policy {
                repeat: Repeat::Harm,
                ..Policy::of(None, defaults, receiver, Preset::PortV1)
            },
            target: read_url(""),
        }
    }

    fn azure_route(&self, outgoing: &Outgoing, org: &str, webhook: &str) -> Route {
        let azure = &self.settings.azure;
        let mut incoming = IncomingWebhook {
            base_url: &azure.base_url,
            api_version: &azure.api_version,
            org,
            webhook,
        };
        let url = azure_pipelines::url(&incoming);
        let mut route = self.new_route(outgoing, url.as_deref().unwrap_or_default());
        let own_base = route
            .connection
            .as_ref()
            .and_then(|known| known.settings.base_url.clone());
        route.target = url.and_then(|url| read_url(&url));
        if let Some(base_url) = own_base {
            incoming.base_url = &base_url;
            route.target = azure_pipelines::url(&incoming).and_then(|url| read_url(&url));
        }
        route
    }

    fn new_route(&self, outgoing: &Outgoing, url: &str) -> Route {
        let place = Place::parse(url);
        let target = read_url(url);
        let called = receiver_of(outgoing.kind, target.as_ref().ok());
        let connection = place.as_ref().ok();
        let connection = connection.and_then(|place| self.connections.matching(place));
        let destination = match (&connection, &place) {
            _ if outgoing.agent => AGENT_DESTINATION.to_owned(),
            (Some(known), _) => known.id.as_str().to_owned(),
            (None, Ok(place)) => place.origin().to_owned(),
            (None, Err(_)) => INVALID_DESTINATION.to_owned(),
        };
        let preset = Preset::for_invocation(outgoing.kind, url);
        let settings = connection.as_ref().map(|known| &known.settings);
        let policy = Policy::of(settings, &self.settings.delivery, called, preset);
        Route {
            destination,
            connection,
            receiver: if outgoing.agent {
                Receiver::Agent
            } else {
                called
            },
            policy,
            target,
        }
    }
}

fn receiver_of(kind: InvocationKind, target: Option<&Target>) -> Receiver {
    match kind {
        InvocationKind::Jenkins => Receiver::Jenkins,
        InvocationKind::AzureDevops => Receiver::AzurePipelines,
        _ => target.map_or(Receiver::Webhook, receiver::of),
    }
}
