//! The topics themselves: made where they are missing, and how far they reach.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::error::{KafkaError as Native, RDKafkaErrorCode as Code};
use rdkafka::producer::Producer as _;

use super::MESSAGE_BYTES_LIMIT;
use super::client::Context;
use super::failure::{KafkaError, is_passing, told};
use super::producer::{Producer, Shared};

/// How often a new topic is looked for, as brokers tell each other of it after they confirmed it.
const LOOKS: u32 = 50;
/// The time between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How far one partition reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The partition.
    pub partition: i32,
    /// The first offset that is still there.
    pub first: i64,
    /// The offset after the last.
    pub end: i64,
}

/// How topics are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewTopics {
    partitions: u16,
    replication: Option<u16>,
}

impl Producer {
    /// Sees to it that the topics exist, now and where one turns out to be missing later. One that
    /// exists is left as it is. A replication of `None` is the cluster's own choice.
    ///
    /// # Errors
    /// The first topic that is missing and cannot be made, and why.
    pub async fn ensure_topics(
        &self,
        names: &[&str],
        partitions: u16,
        replication: Option<u16>,
    ) -> Result<(), KafkaError> {
        let how = NewTopics {
            partitions,
            replication,
        };
        self.shared().want(names, how);
        self.make(names, how).await
    }

    /// Makes a topic that is missing, if it is one that we see to.
    pub(super) async fn make_missing(&self, topic: &str) -> Option<Result<(), KafkaError>> {
        let how = self.shared().wanted(topic)?;
        let made = self.make(&[topic], how).await;
        if made.is_ok() {
            self.is_seen(topic).await;
        }
        Some(made)
    }

    /// Waits until the producer itself knows of a topic: it remembers that there was none.
    async fn is_seen(&self, topic: &str) {
        for _ in 0..LOOKS {
            match self.partitions(topic.to_owned()).await {
                Ok(partitions) if partitions.is_empty() => tokio::time::sleep(LOOK_AGAIN).await,
                _ => return,
            }
        }
    }

    async fn make(&self, names: &[&str], how: NewTopics) -> Result<(), KafkaError> {
        let shared = self.shared();
        let context = Context::default();
        let trouble = context.trouble.clone();
        let config = shared.settings.client_config();
        let admin = AdminClient::from_config_and_context(&config, context)
            .map_err(|error| KafkaError::Settings(told(&error)))?;
        let bytes = MESSAGE_BYTES_LIMIT.to_string();
        let replication = how.replication.map_or(-1, i32::from);
        let new = names.iter().map(|name| {
            let replication = TopicReplication::Fixed(replication);
            NewTopic::new(name, i32::from(how.partitions), replication)
                .set("max.message.bytes", &bytes)
        });
        let new: Vec<NewTopic<'_>> = new.collect();
        let options = AdminOptions::new()
            .request_timeout(Some(shared.timeout))
            .operation_timeout(Some(shared.timeout));
        let made = admin
            .create_topics(&new, &options)
            .await
            .map_err(|error| failed(&error, trouble.last()))?;
        for result in made {
            match result {
                Ok(topic) => tracing::info!(topic, how.partitions, "the Kafka topic was created"),
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((topic, code)) => self.exists_or(topic, code).await?,
            }
        }
        Ok(())
    }

    /// Who may not create a topic may still find it there.
    async fn exists_or(&self, topic: String, code: Code) -> Result<(), KafkaError> {
        let is_right = matches!(
            code,
            Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed
        );
        if is_passing(code) {
            return Err(KafkaError::Unreachable(code.to_string()));
        }
        if !is_right {
            let cause = code.to_string();
            return Err(KafkaError::NotCreated { topic, cause });
        }
        if !self.partitions(topic.clone()).await?.is_empty() {
            return Ok(());
        }
        let sasl = self.shared().settings.sasl.as_ref();
        let user = sasl.map_or_else(
            || "Longshore".to_owned(),
            |sasl| format!("`{}`", sasl.username),
        );
        Err(KafkaError::MayNotCreate { topic, user })
    }

    /// The partitions of a topic; none where it does not exist or is hidden from us.
    async fn partitions(&self, topic: String) -> Result<Vec<i32>, KafkaError> {
        self.blocking(move |shared| shared.partitions(&topic)).await
    }

    /// How far each partition of a topic reaches.
    ///
    /// # Errors
    /// Where the cluster does not answer, or does not let us look.
    pub async fn watermarks(&self, topic: &str) -> Result<Vec<Watermarks>, KafkaError> {
        let topic = topic.to_owned();
        self.blocking(move |shared| {
            let native = shared.native();
            let partitions = shared.partitions(&topic)?;
            let reach = partitions.into_iter().map(|partition| {
                let (first, end) = native
                    .client()
                    .fetch_watermarks(&topic, partition, shared.timeout)
                    .map_err(|error| failed(&error, None))?;
                Ok(Watermarks {
                    partition,
                    first,
                    end,
                })
            });
            reach.collect()
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Shared) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, KafkaError> {
        let shared = Arc::clone(self.shared());
        tokio::task::spawn_blocking(move || ask(&shared))
            .await
            .unwrap_or_else(|error| Err(KafkaError::Unreachable(error.to_string())))
    }
}

impl Shared {
    fn want(&self, names: &[&str], how: NewTopics) {
        let entries = names.iter().map(|name| ((*name).to_owned(), how));
        let wanted = self.wanted.lock();
        wanted
            .unwrap_or_else(PoisonError::into_inner)
            .extend(entries);
    }

    fn wanted(&self, topic: &str) -> Option<NewTopics> {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.get(topic).copied()
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, KafkaError> {
        let native = self.native();
        let metadata = native
            .client()
            .fetch_metadata(Some(topic), self.timeout)
            .map_err(|error| failed(&error, None))?;
        let found = metadata.topics().iter().find(|it| it.name() == topic);
        let mut partitions: Vec<i32> = found
            .into_iter()
            .flat_map(|topic| topic.partitions())
            .map(rdkafka::metadata::MetadataPartition::id)
            .collect();
        partitions.sort_unstable();
        Ok(partitions)
    }
}

fn failed(error: &Native, trouble: Option<String>) -> KafkaError {
    let text = told(error);
    match error.rdkafka_error_code() {
        Some(code) if !is_passing(code) => KafkaError::Refused(text),
        _ => KafkaError::Unreachable(trouble.map_or(text.clone(), |it| format!("{text} ({it})"))),
    }
}
