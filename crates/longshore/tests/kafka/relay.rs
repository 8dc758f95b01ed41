//! Somebody between the server and its agents: copies the topic of runs to another, and may change
//! the messages.

use longshore_backends::kafka::{Received, Record};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cluster::{LONG, consumer, message, open, producer, shared};
use crate::site::{PARTITIONS, Site};

/// A relay on the shared broker, until it is dropped.
pub(crate) struct Relay {
    /// Where agents read: their `KAFKA_RUNS_TOPIC`.
    pub(crate) topic: String,
    copied: watch::Receiver<usize>,
    _copying: JoinSet<()>,
}

impl Relay {
    /// Copies all that is and will be published for `site`, with the value that `change` gives it.
    pub(crate) async fn start(
        site: &Site,
        change: impl Fn(&Received) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let topic = format!("{}.relayed", site.organization);
        let settings = open(shared());
        let producer = producer(settings.clone(), LONG);
        let partitions = u16::try_from(PARTITIONS).unwrap();
        producer
            .ensure_topics(&[&topic], partitions, None)
            .await
            .unwrap();
        let reader = consumer(&settings, &site.runs_topic(), "relay");
        let (count, copied) = watch::channel(0);
        let mut copying = JoinSet::new();
        let to = topic.clone();
        copying.spawn(async move {
            loop {
                let received = message(&reader).await;
                let texts = received.headers.iter();
                let headers: Vec<(&str, &str)> = texts
                    .map(|(name, text)| (name.as_str(), text.as_str()))
                    .collect();
                let record = Record {
                    topic: &to,
                    key: received.key.as_deref().unwrap_or_default(),
                    headers: &headers,
                    value: &change(&received),
                };
                producer.publish(record).await.unwrap();
                count.send_modify(|count| *count += 1);
            }
        });
        Self {
            topic,
            copied,
            _copying: copying,
        }
    }

    /// Waits until so many messages were copied.
    pub(crate) async fn copied(&mut self, messages: usize) {
        let reached = self.copied.wait_for(|copied| *copied >= messages);
        timeout(LONG, reached).await.unwrap().unwrap();
    }
}
