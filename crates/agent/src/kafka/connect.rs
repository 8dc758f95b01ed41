//! Reaches the cluster, by the configuration's own login or the server's.

use std::sync::Arc;
use std::time::Duration;

use longshore_backends::kafka::{Consumer, Group, KafkaError, Producer, Sasl, Settings};

use crate::api::Backoff;
use crate::config::{Kafka, Login};
use crate::work::Desk;

/// How long questions to the brokers, and a message until it is confirmed, may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why the topics cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("kafka: {0}")]
pub struct KafkaFailure(#[from] KafkaError);

/// A member of the group, and who keeps what is dead.
pub(super) struct Connected {
    pub(super) consumer: Arc<Consumer>,
    pub(super) producer: Producer,
}

/// Connects; none where the agent stops before the server named the brokers.
pub(super) async fn connect(desk: &Desk, kafka: &Kafka) -> Result<Option<Connected>, KafkaFailure> {
    let (brokers, login) = match &kafka.own {
        Some((brokers, login)) => (brokers.clone(), login.clone()),
        None => match named(desk).await {
            Some((brokers, login)) => (brokers, Some(login)),
            None => return Ok(None),
        },
    };
    let sasl = kafka.mechanism.zip(login).map(|(mechanism, login)| Sasl {
        mechanism,
        username: login.username,
        password: login.password,
    });
    let settings = Settings {
        brokers,
        tls: kafka.tls,
        ca: kafka.ca.clone(),
        sasl,
    };
    let group = Group {
        name: kafka.group.clone(),
        member: kafka.member.clone(),
        session_timeout: kafka.session_timeout,
        prefetch_kib: u32::try_from(kafka.prefetch_bytes >> 10).unwrap_or(u32::MAX),
    };
    let topics = [kafka.runs.as_str(), kafka.changes.as_str()];
    let consumer = Consumer::open(&settings, &group, &topics, TIMEOUT)?;
    Ok(Some(Connected {
        consumer: Arc::new(consumer),
        producer: Producer::open(settings, TIMEOUT)?,
    }))
}

/// What the server names, however long it takes to hear it.
async fn named(desk: &Desk) -> Option<(Vec<String>, Login)> {
    let mut backoff = Backoff::default();
    loop {
        match desk.api.kafka_credentials().await {
            Ok(named) => return Some(named),
            Err(error) => {
                desk.metrics.api_failed("kafka-credentials", &error);
                tokio::select! {
                    () = desk.contact.wait(backoff.next(&error)) => {}
                    () = desk.stop.stopped() => return None,
                }
            }
        }
    }
}
