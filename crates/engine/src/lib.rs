//! Use cases and workers: everything that Longshore does, without HTTP and without SQL.
//!
//! Every use case takes a [`Caller`](caller::Caller). Rules are asked of the domain, decisions are
//! written by the store in one transaction, and workers deliver afterwards.

pub mod agents;
pub mod caller;
mod catalog;
pub mod checks;
pub mod connections;
mod decide;
pub mod deliveries;
mod dispatch;
mod encrypted;
pub mod environment;
pub mod error;
pub mod identity;
pub mod metrics;
pub mod organization;
mod outgoing;
mod render;
mod routing;
pub mod runs;
mod scope;
pub mod secrets;
mod settings;
pub mod tasks;
pub mod templates;
mod tls;
mod upkeep;
pub mod vault;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use longshore_backends::client::Client;
use longshore_backends::kafka::Producer;
use longshore_domain::delivery::Delivery;
use longshore_domain::run::{Run, RunChange};
use longshore_domain::secret::Secret;
use longshore_jq::Evaluator;
use longshore_store::Store;

pub use catalog::ShownAction;
pub use dispatch::Window;
pub use longshore_store::{DeliveryFilter, RunFilter};
pub use routing::AzureSettings;
pub use settings::{RetentionSettings, Settings};

use agents::Agents;
use catalog::Catalog;
use checks::Checks;
use connections::Connections;
use dispatch::Dispatcher;
use environment::Environment;
use error::Error;
use identity::Identity;
use metrics::Metrics;
use organization::{OpenError, Organization};
use routing::Routes;
use secrets::Secrets;
use tasks::Tasks;
use tls::TlsIdentities;
use vault::{KEY_BYTES, Vault};

/// What an engine is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Time and chance.
    pub environment: Arc<dyn Environment>,
    /// Makes the calls.
    pub client: Client,
    /// Writes messages, where there is a Kafka.
    pub kafka: Option<Producer>,
    /// Evaluates templates.
    pub evaluator: Evaluator,
    /// What secrets are sealed under.
    pub master_key: Secret<[u8; KEY_BYTES]>,
    /// The organisation's id, where the operator sets it.
    pub organization: Option<String>,
    /// Limits and defaults.
    pub settings: Settings,
}

/// Longshore's engine: use cases for callers, workers for deliveries.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) client: Client,
    pub(crate) kafka: Option<Producer>,
    pub(crate) evaluator: Evaluator,
    pub(crate) vault: Arc<Vault>,
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) tasks: Tasks,
    pub(crate) tls: TlsIdentities,
    pub(crate) routes: Routes,
    pub(crate) agents: Agents,
    pub(crate) checks: Checks,
    /// Who there is.
    pub identity: Identity,
    /// The organisation and its settings.
    pub organization: Organization,
    /// The organisation's secrets.
    pub secrets: Secrets,
    /// Known servers.
    pub connections: Connections,
    /// What is counted.
    pub metrics: Metrics,
}

impl Engine {
    /// Opens the engine on its data; nothing is sent before [`Engine::start`].
    ///
    /// # Errors
    /// Where the data belongs to another organisation or another master key, or cannot be read.
    pub async fn open(parts: Parts) -> Result<Arc<Self>, OpenError> {
        let storage = |error: Error| OpenError::Storage(error.to_string());
        let vault = Arc::new(Vault::new(&parts.master_key));
        let (store, environment) = (parts.store, parts.environment);
        let organization = Organization::open(
            Arc::clone(&store),
            &*environment,
            &vault,
            parts.organization.as_deref(),
            parts.settings.egress_addresses.clone(),
        )
        .await?;
        let identity = Identity::load(
            Arc::clone(&store),
            Arc::clone(&environment),
            Arc::clone(&vault),
            organization.id().to_owned(),
            organization.signing_credential(),
        )
        .await
        .map_err(storage)?;
        let secrets = Secrets::load(
            Arc::clone(&store),
            Arc::clone(&environment),
            Arc::clone(&vault),
        )
        .await
        .map_err(storage)?;
        let connections = Connections::load(
            Arc::clone(&store),
            Arc::clone(&environment),
            Arc::clone(&vault),
        )
        .await
        .map_err(storage)?;
        Ok(Arc::new(Self {
            catalog: Catalog::new(Arc::clone(&store)),
            dispatcher: Dispatcher::new(parts.settings.window, parts.settings.memory_bytes),
            tasks: Tasks::default(),
            tls: TlsIdentities::default(),
            routes: Routes::default(),
            agents: Agents::default(),
            checks: Checks::default(),
            metrics: Metrics::default(),
            settings: parts.settings,
            client: parts.client,
            kafka: parts.kafka,
            evaluator: parts.evaluator,
            store,
            environment,
            vault,
            identity,
            organization,
            secrets,
            connections,
        }))
    }

    /// Takes back what the process before this one held, and starts the workers.
    ///
    /// # Errors
    /// Where storage cannot be read or written.
    pub async fn start(self: &Arc<Self>) -> Result<(), Error> {
        self.take_over().await?;
        self.tasks.spawn(Arc::clone(self).keep_dispatching());
        self.tasks.spawn(Arc::clone(self).keep_watching());
        self.tasks.spawn(Arc::clone(self).keep_up());
        if self.kafka.is_some() {
            self.tasks.spawn(Arc::clone(self).keep_publishing());
        }
        Ok(())
    }

    /// Takes back what the process before this one held; tests pump the workers themselves.
    ///
    /// # Errors
    /// Where storage cannot be read or written.
    pub async fn take_over(self: &Arc<Self>) -> Result<(), Error> {
        self.recover().await?;
        for (destination, state, count) in self.store.count_open().await? {
            self.metrics
                .counted(self.label_of(&destination), &state, count);
        }
        self.remember_agents().await?;
        self.resume().await?;
        Ok(())
    }

    /// Waits until nothing is under way; tests call it after they pumped.
    pub async fn settled(&self) {
        self.tasks.idle().await;
    }

    /// Finishes what is started, takes no more, and closes storage; false where something did not
    /// finish within `patience`, and is then taken back at the next start.
    pub async fn stop(&self, patience: Duration) -> bool {
        let finished = self.tasks.stop(patience).await;
        if let Err(error) = self.store.close(patience).await {
            tracing::error!(%error, "storage was not closed in time");
        }
        finished
    }

    /// Everything that is counted, in the text format that Prometheus reads.
    pub async fn metrics_text(&self) -> String {
        match self.store.backlog().await {
            Ok(backlog) => {
                let now = self.environment.now();
                // What waits for nothing is shown as well, so that no series comes and goes.
                let mut ages = HashMap::from([(self.label_of(""), 0.0)]);
                for known in self.connections.list() {
                    ages.insert(known.settings.name.clone().into(), 0.0);
                }
                for waiting in backlog {
                    let age = now.since(waiting.first_due_at).as_secs_f64();
                    let oldest = ages
                        .entry(self.label_of(&waiting.destination))
                        .or_insert(0.0);
                    *oldest = age.max(*oldest);
                }
                self.metrics.oldest(&ages);
            }
            Err(error) => tracing::warn!(%error, "the oldest deliveries are not known"),
        }
        self.metrics.text()
    }

    /// Whether storage could be written when it was last tried.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.dispatcher.is_blocked() && !self.tasks.is_stopping()
    }

    /// Runs `work` to its end, also where whoever waits for it goes away. None where it panicked.
    pub async fn carry_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.tasks.finish(work).await
    }

    /// Counts what a change means.
    pub(crate) fn observe(&self, run: &Run, delivery: Option<&Delivery>, change: &RunChange) {
        self.metrics
            .changed(run, delivery, change, |name| self.label_of(name));
    }
}
