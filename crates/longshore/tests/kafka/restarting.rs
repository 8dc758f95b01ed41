//! A broker that stops, dies and comes back while messages are published and read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use longshore_backends::kafka::{Producer, PublishFailure};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::broker::Broker;
use crate::cluster::{consumer, message, open, producer, record, topic};

const MESSAGES: usize = 300;

/// Publishes each message until it is confirmed; answers how often the broker was away.
async fn publish(producer: &Producer, topic: &str, progress: &watch::Sender<usize>) -> usize {
    let mut away = 0;
    for run in 0..MESSAGES {
        let key = format!("r_{run}");
        while let Err(failure) = producer.publish(record(topic, &key)).await {
            assert!(
                matches!(failure, PublishFailure::Unavailable(_)),
                "{failure:?}"
            );
            away += 1;
        }
        progress.send(run + 1).unwrap();
    }
    away
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_ends_and_returns_loses_and_refuses_nothing() {
    let mut broker = Broker::start();
    let topic = topic(&broker).await;
    let settings = open(&broker);
    let producer = producer(settings.clone(), Duration::from_secs(3));
    let (sender, mut progress) = watch::channel(0);
    let breaking = async {
        progress
            .wait_for(|sent| *sent >= MESSAGES / 3)
            .await
            .unwrap();
        tokio::task::block_in_place(|| {
            broker.stop();
            broker.rise();
        });
        progress
            .wait_for(|sent| *sent >= MESSAGES * 2 / 3)
            .await
            .unwrap();
        tokio::task::block_in_place(|| {
            broker.kill();
            broker.rise();
        });
    };
    let own = topic.clone();
    let mut publishing = JoinSet::new();
    publishing.spawn(async move { publish(&producer, &own, &sender).await });
    let reader = consumer(&settings, &topic, "agents");
    let mut seen = BTreeSet::new();
    let mut places = BTreeMap::new();
    let reading = async {
        while seen.len() < MESSAGES {
            let received = message(&reader).await;
            // Nothing is finished, so all comes again; but what stood somewhere stands there still.
            let place = (received.partition, received.offset);
            let before = places.insert(place, received.key.clone());
            assert!(before.is_none_or(|before| before == received.key));
            seen.extend(received.key);
        }
    };
    tokio::join!(breaking, reading);
    let away = publishing.join_next().await.unwrap().unwrap();
    assert!(away < MESSAGES, "{away}");
}
