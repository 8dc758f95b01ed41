//! Kafka, where it is configured: the producer, and the topics that the organisation has.

use std::time::Duration;

use anyhow::Context as _;
use longshore_backends::kafka::{KafkaError, Mechanism, Producer, Sasl, Settings};
use longshore_engine::tasks::Tasks;
use longshore_server::config::{Config, Kafka, KafkaMechanism};

/// How long a start waits for the topics; a cluster that is away must not keep the server down.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is tried again to make them.
const AGAIN: Duration = Duration::from_secs(30);
/// The topics of an organisation, by what follows its id.
const TOPICS: [&str; 3] = ["runs", "change.log", "runs.dead"];

/// The producer, which nobody has spoken to yet.
pub(crate) fn producer(config: &Config) -> anyhow::Result<Option<Producer>> {
    let Some(kafka) = &config.kafka else {
        return Ok(None);
    };
    let producer = Producer::open(settings(kafka), kafka.publish_timeout);
    producer.context("Kafka").map(Some)
}

fn settings(kafka: &Kafka) -> Settings {
    let sasl = kafka.login.as_ref().map(|(mechanism, login)| Sasl {
        mechanism: match mechanism {
            KafkaMechanism::Plain => Mechanism::Plain,
            KafkaMechanism::ScramSha256 => Mechanism::ScramSha256,
            KafkaMechanism::ScramSha512 => Mechanism::ScramSha512,
        },
        username: login.username.clone(),
        password: login.password.clone(),
    });
    Settings {
        brokers: kafka.brokers.clone(),
        tls: kafka.tls,
        ca: kafka.ca.clone(),
        sasl,
    }
}

/// Sees to it that the organisation's topics exist. What cannot be had now is told, and tried
/// again in the background: whatever needs no Kafka must not wait for it.
pub(crate) async fn topics(producer: Producer, config: &Config, organization: &str, tasks: &Tasks) {
    let Some(kafka) = &config.kafka else { return };
    let topics = Topics {
        producer,
        names: TOPICS.map(|name| format!("{organization}.{name}")),
        partitions: kafka.partitions,
        replication: kafka.replication_factor,
    };
    let problem = match tokio::time::timeout(PATIENCE, topics.ensure()).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer yet".to_owned(),
    };
    tracing::error!(problem, "the Kafka topics are not there");
    let until = tasks.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = topics.ensure_at_last(problem) => {}
            () = until.stopped() => {}
        }
    });
}

struct Topics {
    producer: Producer,
    names: [String; 3],
    partitions: u16,
    replication: Option<u16>,
}

impl Topics {
    async fn ensure(&self) -> Result<(), KafkaError> {
        let names = self.names.each_ref().map(String::as_str);
        let ensured = self
            .producer
            .ensure_topics(&names, self.partitions, self.replication);
        ensured.await
    }

    /// Tries until they are there, and says when the reason is another one.
    async fn ensure_at_last(&self, mut problem: String) {
        loop {
            tokio::time::sleep(AGAIN).await;
            match self.ensure().await {
                Ok(()) => return tracing::info!("the Kafka topics are there"),
                Err(error) if error.to_string() == problem => {}
                Err(error) => {
                    problem = error.to_string();
                    tracing::error!(problem, "the Kafka topics are not there");
                }
            }
        }
    }
}
