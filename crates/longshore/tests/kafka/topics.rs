//! Topics: made where they are missing, left alone where they are there.

use longshore_backends::kafka::{
    KafkaError, MESSAGE_BYTES_LIMIT, Producer, PublishFailure, Record,
};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use crate::broker::Listener;
use crate::cluster::{LONG, consumer, fresh_name, message, open, producer, record, shared};

/// How often a message is published at most until its topic is there again.
const ATTEMPTS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_made_once_and_then_left_as_it_is() {
    let producer = producer(open(shared()), LONG);
    let (first, second) = (fresh_name(), fresh_name());
    producer.ensure_topics(&[&first], 6, Some(1)).await.unwrap();
    producer
        .ensure_topics(&[&first, &second], 3, None)
        .await
        .unwrap();
    for (topic, partitions) in [(first, 6), (second, 3)] {
        let reach = producer.watermarks(&topic).await.unwrap();
        let numbers: Vec<i32> = reach.iter().map(|it| it.partition).collect();
        assert_eq!(numbers, (0..partitions).collect::<Vec<i32>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_says_why() {
    let producer = producer(open(shared()), LONG);
    let name = fresh_name();
    let error = producer
        .ensure_topics(&[&name], 6, Some(3))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, KafkaError::NotCreated { topic, .. } if *topic == name),
        "{error}"
    );
    assert!(error.to_string().contains("replication factor"), "{error}");
    // It is asked for again where a message needs it, and the message is told the same.
    let failure = producer.publish(record(&name, "r_1")).await.unwrap_err();
    let PublishFailure::Refused(told) = failure else {
        panic!("{failure:?}");
    };
    assert!(told.message.contains("replication factor"), "{told:?}");
    assert!(producer.watermarks(&name).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_vanished_is_made_again_and_one_that_nobody_sees_to_is_refused() {
    let producer = producer(open(shared()), LONG);
    let name = fresh_name();
    producer.ensure_topics(&[&name], 6, None).await.unwrap();
    producer.publish(record(&name, "r_1")).await.unwrap();
    delete(&name).await;
    publish_again(&producer, &name).await;
    assert_eq!(producer.watermarks(&name).await.unwrap().len(), 6);
    let failure = producer.publish(record("org_other.runs", "r_1"));
    let failure = failure.await.unwrap_err();
    let PublishFailure::Refused(told) = failure else {
        panic!("{failure:?}");
    };
    let missing = "org_other.runs does not exist";
    assert!(told.message.contains(missing), "{told:?}");
}

/// Publishes as the schedule does: what the client could not send while it let go of the topic that
/// was deleted is sent again.
async fn publish_again(producer: &Producer, topic: &str) {
    for _ in 0..ATTEMPTS {
        match producer.publish(record(topic, "r_1")).await {
            Ok(_) => return,
            Err(PublishFailure::Unavailable(told)) => eprintln!("not yet: {}", told.message),
            Err(failure) => panic!("{failure:?}"),
        }
    }
    panic!("{topic} was not made again");
}

async fn delete(topic: &str) {
    let brokers = shared().address(Listener::Plaintext);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let deleted = admin.delete_topics(&[topic], &AdminOptions::new());
    assert_eq!(deleted.await.unwrap(), [Ok(topic.to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_message_passes_through() {
    let settings = open(shared());
    let producer = producer(settings.clone(), LONG);
    let name = fresh_name();
    producer.ensure_topics(&[&name], 1, None).await.unwrap();
    // Headers, key and the batch's own bytes take some.
    let value: Vec<u8> = (0..MESSAGE_BYTES_LIMIT - 1024)
        .map(|at| (at * at % 251) as u8)
        .collect();
    let large = Record {
        value: &value,
        ..record(&name, "r_1")
    };
    producer.publish(large).await.unwrap();
    let received = message(&consumer(&settings, &name, "agents")).await;
    assert!(received.value == value);
}
