//! Kafka: an idempotent producer, topics, and the consumer of agents. Alone names librdkafka's
//! binding. Retries nothing beyond what the library does within one publishing's time.

mod client;
mod consumer;
mod failure;
mod producer;
mod settings;
mod topics;

pub use consumer::{Consumer, Event, Group, Partition, Received};
pub use failure::{KafkaError, PublishFailure};
pub use producer::{
    MESSAGE_BYTES_LIMIT, Producer, Published, QUEUE_KIB_LIMIT, QUEUE_MESSAGES_LIMIT, Record,
};
pub use settings::{Mechanism, Sasl, Settings};
pub use topics::Watermarks;
