//! The agent as a whole: puts its parts together, works until it is stopped, and leaves in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use longshore_backends::client::TlsFault;
use longshore_domain::agent::{Session, Streamer};
use longshore_jq::{Bounds, Config as JqConfig, Evaluator, Sandbox, WorkerCommand};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::{Api, Backoff};
use crate::call::{Caller, ConnectionFault};
use crate::config::{Config, Polling};
use crate::heartbeat::{self, Source};
use crate::kafka::{KafkaFailure, Topics};
use crate::metrics::Metrics;
use crate::work::{Desk, Stop, Stopper};
use crate::{clock, listen, polling};

/// How long expressions wait for a free worker: a full claim's runs ask at once.
const WORKER_WAIT: Duration = Duration::from_mins(1);

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The certificates to be trusted cannot be read.
    #[error("network.ca_file: {0}")]
    Authorities(#[from] TlsFault),
    /// A connection's certificates cannot be used.
    #[error("connection {0}")]
    Connection(#[from] ConnectionFault),
    /// The topics cannot be read.
    #[error(transparent)]
    Kafka(#[from] KafkaFailure),
    /// The listener of health and metrics cannot be bound.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
}

/// An agent that is ready to work.
pub struct Agent {
    desk: Arc<Desk>,
    source: Source,
    polling: Polling,
    topics: Option<Arc<Topics>>,
    grace: Duration,
    listener: Option<TcpListener>,
    background: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Agent {
    /// An agent by `config`, whose expressions are evaluated by `worker`, and what stops it.
    ///
    /// # Errors
    /// What is not to be had.
    pub async fn new(config: Config, worker: WorkerCommand) -> Result<(Self, Stopper), Failure> {
        let listener = match config.listen {
            None => None,
            Some(address) => match listen::bind(address).await {
                Ok(listener) => Some(listener),
                Err(cause) => return Err(Failure::Listen { address, cause }),
            },
        };
        let api = Arc::new(Api::new(config.api.clone(), &config.network)?);
        let evaluator = Evaluator::new(JqConfig {
            workers: config.workers,
            wait: WORKER_WAIT,
            bounds: Bounds::default(),
            ..JqConfig::new(worker)
        });
        warn_of_sandbox(&evaluator).await;
        let session = Session {
            agent: config.id.clone(),
            session: clock::session(),
        };
        let secrets = config.api.secrets.clone();
        let topics = config.kafka.clone();
        let topics = topics.map(|kafka| Topics::new(kafka, secrets));
        let source = Source {
            streamer: config.streamer,
            group: topics.as_ref().map(|topics| topics.group().to_owned()),
        };
        let (stopper, stop) = Stopper::new();
        let (calls, polling) = (config.calls, config.polling);
        let caller = Caller::new(config, evaluator)?;
        let (desk, background) = Desk::new(
            api,
            caller,
            session,
            &calls,
            Arc::new(Metrics::default()),
            stop,
        );
        let agent = Self {
            desk: Arc::new(desk),
            source,
            polling,
            topics: topics.map(Arc::new),
            grace: calls.shutdown_grace,
            listener,
            background: Box::pin(background),
        };
        Ok((agent, stopper))
    }

    /// Where health and metrics are served.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        let listener = self.listener.as_ref()?;
        listener.local_addr().ok()
    }

    /// Works until it is stopped; then claims no more, finishes and reports what is started within
    /// the grace, and takes leave.
    ///
    /// # Errors
    /// What keeps it from its work for good.
    pub async fn run(self) -> Result<(), Failure> {
        let Self {
            desk,
            source,
            polling,
            topics,
            grace,
            listener,
            background,
        } = self;
        let session = &desk.session;
        let streamer = source.streamer.name();
        tracing::info!(
            agent = session.agent,
            session = session.session,
            streamer,
            "the agent works"
        );
        let mut beside = JoinSet::new();
        beside.spawn(background);
        if let Some(listener) = listener {
            beside.spawn(listen::serve(listener, Arc::clone(&desk.metrics)));
        }
        let (beating, beats_for, beats_of) = (Arc::clone(&desk), source.clone(), topics.clone());
        let beats = beside.spawn(async move {
            let positions = || beats_of.as_ref().map(|it| it.positions());
            tokio::join!(
                heartbeat::run(&beating, &beats_for, || positions().unwrap_or_default()),
                tell_streamer(&beating, beats_for.streamer),
            );
        });
        let working = async {
            match &topics {
                Some(topics) => topics.run(&desk).await,
                None => {
                    polling::run(&desk, polling).await;
                    Ok(())
                }
            }
        };
        let worked = within_grace(&desk.stop, grace, working).await;
        if worked.is_none() {
            let left = desk.in_flight();
            tracing::warn!(left, "what became of calls under way is not known");
        }
        // The last word is the leave: a heartbeat after it would be refused.
        beats.abort();
        heartbeat::leave(&desk, &source).await;
        beside.shutdown().await;
        tracing::info!("the agent has ended");
        Ok(worked.unwrap_or(Ok(()))?)
    }
}

/// How `work` ended; it is dropped when the grace after the stop is over.
async fn within_grace<T>(stop: &Stop, grace: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(work);
    tokio::select! {
        ended = &mut work => return Some(ended),
        () = stop.stopped() => {}
    }
    tracing::info!("the agent stops: it claims no more and finishes what is started");
    timeout(grace, work).await.ok()
}

/// The organization's runs reach agents in this way from now on.
async fn tell_streamer(desk: &Desk, streamer: Streamer) {
    let mut backoff = Backoff::default();
    loop {
        match desk.api.tell_streamer(streamer.name()).await {
            Ok(()) => return,
            Err(error) if error.is_refusal() => {
                tracing::warn!(
                    %error,
                    "portAgentStreamerName of the organization was not set; set it where it differs"
                );
                return;
            }
            Err(error) => {
                desk.metrics.api_failed("organization", &error);
                desk.contact.wait(backoff.next(&error)).await;
            }
        }
    }
}

/// Says where expressions are not kept from everything that they could reach.
async fn warn_of_sandbox(evaluator: &Evaluator) {
    match evaluator.start().await {
        Ok(Sandbox::Full) => {}
        Ok(Sandbox::Partial) => tracing::warn!(
            "jq workers run without a filter of system calls, which this platform does not have"
        ),
        Err(error) => {
            tracing::warn!(%error, "no jq worker could be started; only plain expressions work");
        }
    }
}
