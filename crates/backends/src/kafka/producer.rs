//! Publishing: idempotent, confirmed by all replicas, bounded in memory and in time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use super::client::{Context, Trouble};
use super::failure::{KafkaError, PublishFailure, Unsent, missing_topic, told};
use super::settings::Settings;
use super::topics::NewTopics;

/// The largest message that is sent; topics that we make take it.
pub const MESSAGE_BYTES_LIMIT: usize = 4 << 20;
/// The most messages that wait in memory to be confirmed.
pub const QUEUE_MESSAGES_LIMIT: usize = 10_000;
/// The most kibibytes that wait in memory to be confirmed.
pub const QUEUE_KIB_LIMIT: usize = 32 << 10;
/// Kept small: a topic whose own limit is less than a batch would refuse neighbours together.
const BATCH_BYTES: usize = 256 << 10;
/// How long messages are gathered.
const LINGER_MS: u64 = 2;
/// How long a topic may be unknown before a message for it is given up: brokers tell each other of
/// a new one after they confirmed it.
const TOPIC_PROPAGATION_MS: u64 = 3_000;

/// How often topics are looked at: a right that was granted is noticed by then.
const METADATA_REFRESH_MS: u64 = 30_000;

type Native = FutureProducer<Context>;

/// Publishes messages. Clones are the same producer.
#[derive(Clone)]
pub struct Producer(Arc<Shared>);

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) timeout: Duration,
    config: ClientConfig,
    trouble: Trouble,
    current: RwLock<Native>,
    /// The topics that we see to, and how they are made.
    pub(super) wanted: Mutex<HashMap<String, NewTopics>>,
}

/// A message to publish.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Messages with the same key keep their order.
    pub key: &'a str,
    /// The record's headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The message.
    pub value: &'a [u8],
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
}

impl Producer {
    /// Makes one, without a word to the brokers. `timeout` is how long a message may take until it
    /// is confirmed.
    ///
    /// # Errors
    /// Where the settings make no client, such as a file that is not there.
    pub fn open(settings: Settings, timeout: Duration) -> Result<Self, KafkaError> {
        let mut config = settings.client_config();
        let bytes = MESSAGE_BYTES_LIMIT.to_string();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", timeout.as_millis().to_string())
            .set("message.max.bytes", bytes)
            .set("batch.size", BATCH_BYTES.to_string())
            .set("linger.ms", LINGER_MS.to_string())
            .set(
                "queue.buffering.max.messages",
                QUEUE_MESSAGES_LIMIT.to_string(),
            )
            .set("queue.buffering.max.kbytes", QUEUE_KIB_LIMIT.to_string())
            .set(
                "topic.metadata.propagation.max.ms",
                TOPIC_PROPAGATION_MS.to_string(),
            )
            .set(
                "topic.metadata.refresh.interval.ms",
                METADATA_REFRESH_MS.to_string(),
            )
            // Every client reads lz4; the partition is the one that Java's client would choose.
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random");
        let trouble = Trouble::default();
        let native = native(&config, &trouble)?;
        Ok(Self(Arc::new(Shared {
            settings,
            timeout,
            config,
            trouble,
            current: RwLock::new(native),
            wanted: Mutex::default(),
        })))
    }

    /// Publishes a message, and returns once all replicas in sync have it. A topic that is missing
    /// although [`Producer::ensure_topics`] was asked for it is made first.
    ///
    /// A message that is not confirmed in time, or without its offset, may have been written
    /// nevertheless.
    ///
    /// # Errors
    /// What became of it instead.
    pub async fn publish(&self, record: Record<'_>) -> Result<Published, PublishFailure> {
        let failure = match self.send(record).await {
            Ok(published) => return Ok(published),
            Err(failure) => failure,
        };
        if !failure.is_unknown_topic() {
            return Err(failure.told(record.topic));
        }
        match self.make_missing(record.topic).await {
            Some(Ok(())) => {
                let sent = self.send(record).await;
                sent.map_err(|failure| failure.told_of_existing(record.topic))
            }
            Some(Err(error)) => Err(missing_topic(&error)),
            None => Err(failure.told(record.topic)),
        }
    }

    async fn send(&self, record: Record<'_>) -> Result<Published, Unsent> {
        let shared = &self.0;
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in record.headers {
            headers = headers.insert(Header {
                key,
                value: Some(*value),
            });
        }
        let sent = FutureRecord::to(record.topic)
            .key(record.key)
            .payload(record.value)
            .headers(headers);
        let native = shared.native();
        match native.send(sent, shared.timeout).await {
            Ok(delivery) => {
                let published = confirmed(delivery.partition, delivery.offset);
                if published.is_ok() {
                    shared.trouble.is_over();
                }
                published
            }
            Err((error, _)) => {
                let fatal = native.client().fatal_error();
                if let Some((_, cause)) = &fatal {
                    shared.replace(cause);
                }
                let (code, text) = match fatal {
                    Some((code, cause)) => (Some(code), cause),
                    None => (error.rdkafka_error_code(), told(&error)),
                };
                Err(Unsent {
                    code,
                    text,
                    trouble: shared.trouble.last(),
                })
            }
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The library's configuration holds the password.
        f.debug_struct("Producer")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn native(&self) -> Native {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// The library's producer refuses everything after a fatal error: another takes its place.
    fn replace(&self, cause: &str) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.client().fatal_error().is_none() {
            return;
        }
        tracing::warn!(
            cause,
            "the Kafka producer has failed for good and is made anew"
        );
        match native(&self.config, &self.trouble) {
            Ok(fresh) => *current = fresh,
            Err(error) => tracing::error!(%error, "no other Kafka producer can be made"),
        }
    }
}

/// After a broker was away, the library may take a message for written because one that came after
/// it was (`rd_kafka_dr_implicit_ack`), and then knows no offset. Messages that it said were written
/// have been missing (<https://github.com/confluentinc/librdkafka/issues/4134>), so only an offset
/// confirms.
fn confirmed(partition: i32, offset: i64) -> Result<Published, Unsent> {
    match offset {
        0.. => Ok(Published { partition, offset }),
        _ => Err(Unsent {
            code: None,
            text: "no offset was told".to_owned(),
            trouble: None,
        }),
    }
}

fn native(config: &ClientConfig, trouble: &Trouble) -> Result<Native, KafkaError> {
    let context = Context {
        trouble: trouble.clone(),
    };
    Native::from_config_and_context(config, context).map_err(|it| KafkaError::Settings(told(&it)))
}

#[cfg(test)]
mod tests {
    use super::{Published, confirmed};
    use crate::kafka::PublishFailure;

    #[test]
    fn only_an_offset_confirms() {
        let first = Published {
            partition: 1,
            offset: 0,
        };
        assert_eq!(confirmed(1, 0).ok(), Some(first));
        // As the library says it where it was not told, and as brokers do of what they have already.
        for unknown in [-1001, -1] {
            let failure = confirmed(1, unknown).err().unwrap().told("org_a.runs");
            let PublishFailure::Unavailable(diagnosis) = failure else {
                panic!("{failure:?}");
            };
            assert_eq!(
                diagnosis.message,
                "Kafka did not confirm the message: no offset was told."
            );
        }
    }
}
