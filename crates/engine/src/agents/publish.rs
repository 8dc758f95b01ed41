//! The organisation's topic: what waits for agents is written there, where they read it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use longshore_backends::kafka::{Producer, PublishFailure, Record};
use longshore_domain::action::InvocationKind;
use longshore_domain::agent::{Streamer, header};
use longshore_domain::delivery::{self, Delivery, PUBLICATION_CHECK, Position, Way};
use longshore_domain::id::RunId;
use longshore_domain::run::{
    self, AGENT_DESTINATION, ENGINE, GITLAB_DESTINATION, Message, Run, agent_message,
};
use longshore_domain::time::Timestamp;
use longshore_store::{Error as Stored, Found};
use serde_json::Value;

use crate::Engine;
use crate::decide::About;
use crate::dispatch::no_signer;
use crate::error::Error;
use crate::identity::SigningSecret;
use crate::outgoing::kind_of;
use crate::runs::operation_of;

/// How many messages are written at once.
const BATCH: u32 = 200;
/// How many bytes of documents one batch holds in memory.
const BATCH_BYTES: u64 = 4 << 20;
/// How long the worker sleeps at most; and after a failure of Kafka or storage, at least.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);

/// What became of one message.
enum Written {
    At(Position),
    Not(PublishFailure),
}

impl Engine {
    /// Publishes what is due until shutdown.
    pub(crate) async fn keep_publishing(self: Arc<Self>) {
        while !self.tasks.is_stopping() {
            // Whatever arrives from here on is noticed, though it is not waited for yet.
            let arrived = self.agents.work.notified();
            let sleep = match self.publish_once().await {
                Ok(next) => next.map_or(LONGEST_SLEEP, |at| {
                    at.since(self.environment.now()).min(LONGEST_SLEEP)
                }),
                Err(error) => {
                    tracing::warn!(%error, "due deliveries could not be published");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep(sleep) => {}
                () = self.tasks.stopped() => {}
            }
        }
    }

    /// Publishes one batch of what is due; answers when the next one may be.
    async fn publish_once(&self) -> Result<Option<Timestamp>, Error> {
        let Some(producer) = &self.kafka else {
            return Ok(None);
        };
        if self.streamer() != Streamer::Kafka || self.dispatcher.is_blocked() {
            return Ok(None);
        }
        let mut next = None;
        for destination in [AGENT_DESTINATION, GITLAB_DESTINATION] {
            let now = self.environment.now();
            let publication = (Way::Topic(None), now.plus(PUBLICATION_CHECK));
            let (found, more_at) = self
                .store
                .publish_due(destination, publication, now, (BATCH, BATCH_BYTES), &[])
                .await?;
            next = [next, more_at].into_iter().flatten().min();
            self.metrics
                .published(self.label_of(destination), found.len() as u64);
            let written = found
                .into_iter()
                .map(|found| self.publish_one(producer, found));
            if join_all(written).await.contains(&false) {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(next)
    }

    /// False where Kafka could not be used.
    async fn publish_one(&self, producer: &Producer, found: Found) -> bool {
        let Found {
            run,
            documents,
            delivery: Some(delivery),
        } = found
        else {
            return true;
        };
        // The same one encrypts and signs.
        let Some(signer) = self.identity.signing_secret() else {
            let failure = PublishFailure::Unavailable(no_signer());
            self.note_not_given(&run.id, &delivery, failure).await;
            return false;
        };
        let completed = self.complete(&run, documents, &delivery, Some(&signer));
        let documents = match completed.await {
            Ok(documents) => documents,
            Err(failure) => {
                self.note_not_given(&run.id, &delivery, failure).await;
                return true;
            }
        };
        let payload = documents.payload.clone().unwrap_or_default();
        let message = Message::of_stored(&run, &documents);
        let message = match self.agent_message(&run, &payload, &message).await {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, run = %run.id, "a message could not be made");
                return true;
            }
        };
        let message = (kind_of(&payload), message);
        let written = self
            .write_for_agents(producer, &delivery, message, &signer)
            .await;
        let usable = !matches!(written, Written::Not(PublishFailure::Unavailable(_)));
        if let Err(error) = self.note_written(&run.id, &delivery, &written).await {
            // It is looked for like any other message.
            tracing::warn!(%error, run = %run.id, "where a message stands was not noted");
        }
        usable
    }

    /// A run's message for agents, without its signature. `payload` has everything filled in.
    pub(super) async fn agent_message(
        &self,
        run: &Run,
        payload: &Value,
        message: &Message<'_>,
    ) -> Result<Value, Error> {
        let action = self
            .catalog
            .revision(&run.action, run.action_revision)
            .await?;
        let operation = operation_of(&action);
        Ok(agent_message(payload, message, &action.document, operation))
    }

    async fn write_for_agents(
        &self,
        producer: &Producer,
        delivery: &Delivery,
        (kind, message): (InvocationKind, Value),
        signer: &SigningSecret,
    ) -> Written {
        let now = self.environment.now().as_seconds();
        let secret = signer.value.expose().as_bytes();
        let signed = run::signed(message, kind, secret, now);
        let attempt = delivery.attempt.to_string();
        let topic = self.runs_topic();
        let headers = [
            (header::RUN, delivery.run.as_str()),
            (header::DELIVERY, delivery.id.as_str()),
            (header::ATTEMPT, &attempt),
        ];
        let record = Record {
            topic: &topic,
            // One run's messages keep their order.
            key: delivery.run.as_str(),
            headers: &headers,
            value: &signed.value,
        };
        match producer.publish(record).await {
            Ok(published) => Written::At(Position {
                partition: published.partition,
                offset: published.offset,
            }),
            Err(failure) => Written::Not(failure),
        }
    }

    /// The topic of the organisation's runs.
    pub(crate) fn runs_topic(&self) -> String {
        format!("{}.runs", self.organization.id())
    }

    /// What was to be given to agents was not: by `failure` it is given later, or never.
    pub(super) async fn note_not_given(
        &self,
        id: &RunId,
        published: &Delivery,
        failure: PublishFailure,
    ) {
        let written = Written::Not(failure);
        if let Err(error) = self.note_written(id, published, &written).await {
            tracing::warn!(%error, run = %id, "what was not given to agents was not noted");
        }
    }

    async fn note_written(
        &self,
        id: &RunId,
        published: &Delivery,
        written: &Written,
    ) -> Result<(), Stored> {
        let attempt = published.attempt;
        let noted = self.decide(About::Run(id), |run, delivery| {
            Ok::<_, Stored>(delivery.and_then(|delivery| {
                // None where an agent was quicker, or the run has ended.
                let next = self.settling_of(delivery, |settling| match written {
                    Written::At(position) => delivery::positioned(delivery, attempt, *position),
                    Written::Not(PublishFailure::Unavailable(found)) => {
                        delivery::not_published(delivery, attempt, found, false, settling)
                    }
                    Written::Not(PublishFailure::Refused(found)) => {
                        delivery::not_publishable(delivery, attempt, found, settling.now)
                    }
                })?;
                let now = self.environment.now();
                let change = run::moved(run, delivery, next, None, ENGINE, now);
                Some((change, ()))
            }))
        });
        noted.await.map(|_| ())
    }
}
