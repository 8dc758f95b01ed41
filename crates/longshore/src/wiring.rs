//! Puts the parts together: configuration in, a running server out.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use longshore_backends::client::{Client, ClientConfig, NetworkRules, ProxyRules};
use longshore_domain::connection::Defaults;
use longshore_domain::delivery::Schedule;
use longshore_domain::secret::Secret;
use longshore_engine::caller::Scope;
use longshore_engine::environment::SystemEnvironment;
use longshore_engine::tasks::Tasks;
use longshore_engine::{AzureSettings, Engine, Parts, RetentionSettings, Settings, Window};
use longshore_jq::{Config as JqConfig, Evaluator, Sandbox, WorkerCommand};
use longshore_server::api::{self, App};
use longshore_server::config::Config;
use longshore_server::listen::{self, Patience};
use longshore_store::sqlite::{self, Sqlite};
use tokio::net::TcpListener;

use crate::data_dir::DataDir;
use crate::{JQ_WORKER, kafka};

/// The setting that says where metrics are served.
const METRICS_LISTEN: &str = "metrics.listen";

/// A server that answers and delivers.
pub(crate) struct Running {
    /// The engine.
    pub(crate) engine: Arc<Engine>,
    /// Where the API listens.
    pub(crate) address: SocketAddr,
    listeners: Tasks,
    config: Config,
    _data: DataDir,
}

impl Running {
    /// Opens the data, starts the workers, and listens.
    ///
    /// # Errors
    /// Where anything that it needs is not to be had.
    pub(crate) async fn start(config: Config) -> anyhow::Result<Self> {
        let data = DataDir::take(&config.data_dir, &config.database_file)?;
        let master_key = data.master_key(config.master_key.as_ref(), &config.database_file)?;
        let listener = listen::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr()?;
        let metrics_listener = metrics_listener(&config).await?;
        let evaluator = evaluator(&config)?;
        warn_of_sandbox(&evaluator).await;
        let producer = kafka::producer(&config)?;
        let engine = Engine::open(Parts {
            store: Arc::new(store(&config)?),
            environment: Arc::new(SystemEnvironment),
            client: client(&config)?,
            kafka: producer.clone(),
            evaluator,
            master_key,
            organization: config.org_id.clone(),
            settings: settings(&config),
        })
        .await?;
        bootstrap(&engine, &config, &data).await?;
        let tasks = Tasks::default();
        if let Some(producer) = producer {
            kafka::topics(producer, &config, engine.organization.id(), &tasks).await;
        }
        engine.start().await?;
        let running = Self {
            engine,
            address,
            listeners: tasks,
            config,
            _data: data,
        };
        running.listen(listener, metrics_listener);
        Ok(running)
    }

    fn listen(&self, listener: TcpListener, metrics: Option<TcpListener>) {
        let limits = self.config.limits.clone();
        let patience = Patience {
            connections: limits.connections,
            header_timeout: limits.header_timeout,
            request_timeout: limits.request_timeout,
        };
        let service = api::service(Arc::new(App {
            engine: Arc::clone(&self.engine),
            limits,
            public_url: self.config.public_url.clone(),
            kafka: self.config.kafka.clone(),
        }));
        let tasks = self.listeners.clone();
        self.listeners
            .spawn(listen::serve(listener, service, patience, tasks.clone()));
        if let Some(listener) = metrics {
            let router = listen::metrics_router(Arc::clone(&self.engine));
            self.listeners
                .spawn(listen::serve(listener, router, patience, tasks));
        }
    }

    /// Takes no more requests, finishes what is under way, and closes the data.
    pub(crate) async fn stop(self) {
        let grace = self.config.delivery.shutdown_grace;
        self.listeners.stop(grace).await;
        if !self.engine.stop(grace).await {
            tracing::warn!("calls were still under way; they are taken back at the next start");
        }
    }
}

async fn metrics_listener(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.metrics.listen else {
        return Ok(None);
    };
    let listener = match listen::bind(address).await {
        Ok(listener) => listener,
        // Nobody asked for this address, so another server on the host may have it.
        Err(error) if config.is_default(METRICS_LISTEN) => {
            tracing::warn!(%address, %error, "no metrics are served; set LONGSHORE_METRICS__LISTEN");
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("metrics cannot listen on {address}"));
        }
    };
    tracing::info!(address = %listener.local_addr()?, "metrics are served");
    Ok(Some(listener))
}

pub(crate) fn store(config: &Config) -> anyhow::Result<Sqlite> {
    let opened = Sqlite::open(&sqlite::Config {
        group_limit: config.limits.writer_group,
        new_runs_limit: config.limits.writer_queue,
        ..sqlite::Config::new(&config.database_file)
    });
    opened.with_context(|| format!("database {}", config.database_file.display()))
}

/// What makes calls, by the operator's configuration.
pub(crate) fn client(config: &Config) -> anyhow::Result<Client> {
    let network = &config.network;
    let proxy =
        |secret: &Option<Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
    let (http, https) = (proxy(&network.http_proxy), proxy(&network.https_proxy));
    let no_proxy = network.no_proxy.join(",");
    let proxies = ProxyRules::parse(http.as_deref(), https.as_deref(), Some(&no_proxy))?;
    let ca_bundle = network.ca_file.as_ref().map(std::fs::read).transpose()?;
    Ok(Client::new(ClientConfig {
        rules: NetworkRules {
            allow: network.allow.clone(),
        },
        proxies,
        bind: network.bind_addresses.clone(),
        ca_bundle,
        answer_budget_bytes: config.delivery.answers_budget_bytes,
        ..ClientConfig::default()
    })?)
}

pub(crate) fn evaluator(config: &Config) -> anyhow::Result<Evaluator> {
    let templates = &config.templates;
    Ok(Evaluator::new(JqConfig {
        workers: templates.workers,
        wait: templates.wait,
        bounds: templates.bounds.clone(),
        ..JqConfig::new(jq_worker()?)
    }))
}

/// This program, started to evaluate expressions for itself.
pub(crate) fn jq_worker() -> anyhow::Result<WorkerCommand> {
    let program = std::env::current_exe().context("this program's own path")?;
    Ok(WorkerCommand {
        program,
        args: vec![JQ_WORKER.into()],
    })
}

/// Says where expressions are not kept from everything that they could reach.
async fn warn_of_sandbox(evaluator: &Evaluator) {
    match evaluator.start().await {
        Ok(Sandbox::Full) => {}
        Ok(Sandbox::Partial) => tracing::warn!(
            "jq workers run without a filter of system calls, which this platform does not have: \
             limits alone keep expressions from files and network"
        ),
        Err(error) => {
            tracing::warn!(%error, "no jq worker could be started; all but plain expressions give null");
        }
    }
}

pub(crate) fn settings(config: &Config) -> Settings {
    let delivery = &config.delivery;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Settings {
        delivery: Defaults {
            concurrency: count(delivery.concurrency_repeat_allowed),
            concurrency_harm: count(delivery.concurrency_repeat_harm),
            connect_timeout: config.network.connect_timeout,
            timeout: delivery.total_timeout,
            schedule: Schedule::new(delivery.retry_delays.clone()),
            report_timeout: delivery.report_timeout,
        },
        window: Window {
            count: count(delivery.window_count),
            bytes: delivery.window_bytes as u64,
        },
        memory_bytes: delivery.bodies_budget_bytes as u64,
        breaker_failures: u32::try_from(delivery.breaker_failures).unwrap_or(u32::MAX),
        azure: AzureSettings {
            base_url: config.azure.base_url.clone(),
            api_version: config.azure.api_version.clone(),
        },
        egress_addresses: config.network.egress_addresses.clone(),
        retention: RetentionSettings {
            age: config.retention.runs_age,
            count: config.retention.runs_count,
            interval: config.retention.interval,
            batch: count(config.retention.batch),
        },
    }
}

/// An organisation without credentials gets its first pair.
async fn bootstrap(engine: &Engine, config: &Config, data: &DataDir) -> anyhow::Result<()> {
    if !engine.identity.is_empty() {
        return Ok(());
    }
    let pair = match &config.bootstrap {
        Some(given) => (given.client_id.clone(), given.client_secret.clone()),
        None => {
            let (file, id, secret) = data.first_credentials()?;
            tracing::info!(file = %file.display(), "the first credentials were written");
            (id, secret)
        }
    };
    engine
        .identity
        .create_app("Default", Scope::Full, Some(pair))
        .await?;
    Ok(())
}
