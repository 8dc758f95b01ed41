//! Members of a group: what is finished is committed, what is not comes again.

use std::collections::BTreeSet;

use longshore_backends::kafka::{Consumer, Event, Partition, Producer, Settings};

use crate::cluster::{LONG, consumer, message, next, open, producer, record, shared, topic};

async fn publish(producer: &Producer, topic: &str, count: usize) {
    for run in 0..count {
        let key = format!("r_{run}");
        producer.publish(record(topic, &key)).await.unwrap();
    }
}

/// A member, and what it owns.
struct Member {
    consumer: Consumer,
    owned: BTreeSet<Partition>,
}

impl Member {
    fn join(settings: &Settings, topic: &str) -> Self {
        Self {
            consumer: consumer(settings, topic, "agents"),
            owned: BTreeSet::new(),
        }
    }

    async fn step(&mut self) {
        match next(&self.consumer).await {
            Event::Assigned(partitions) => self.owned.extend(partitions),
            Event::Revoked(partitions) => self.owned.retain(|it| !partitions.contains(it)),
            Event::Message(_) => {}
        }
    }

    async fn owns(&mut self, count: usize) {
        while self.owned.len() != count {
            self.step().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_finished_does_not_come_again() {
    let (broker, settings) = (shared(), open(shared()));
    let topic = topic(broker).await;
    let producer = producer(settings.clone(), LONG);
    let partition = producer
        .publish(record(&topic, "r_1"))
        .await
        .unwrap()
        .partition;
    for _ in 0..3 {
        producer.publish(record(&topic, "r_1")).await.unwrap();
    }
    let first = consumer(&settings, &topic, "agents");
    for offset in 0..4 {
        assert_eq!(message(&first).await.offset, offset);
    }
    let place = Partition {
        topic: topic.clone(),
        number: partition,
    };
    first.finished(&place, 2).unwrap();
    drop(first);
    let second = consumer(&settings, &topic, "agents");
    assert_eq!(message(&second).await.offset, 2);
    let positions = second.positions().unwrap();
    assert_eq!(positions.len(), 6);
    let (_, next, end) = positions.iter().find(|(it, ..)| *it == place).unwrap();
    assert_eq!((*next, *end), (2, 4));
    let foreign = Partition { number: 7, ..place };
    assert!(second.finished(&foreign, 1).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn members_share_the_partitions_and_take_over_from_who_leaves() {
    let (broker, settings) = (shared(), open(shared()));
    let topic = topic(broker).await;
    let mut first = Member::join(&settings, &topic);
    first.owns(6).await;
    let mut second = Member::join(&settings, &topic);
    // Both go on: what one gives up, the other is given only after the first has said so.
    while (first.owned.len(), second.owned.len()) != (3, 3) {
        tokio::select! {
            () = first.step() => {}
            () = second.step() => {}
        }
    }
    assert!(first.owned.is_disjoint(&second.owned));
    drop(second);
    first.owns(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_partition_gives_nothing_and_loses_nothing() {
    let (broker, settings) = (shared(), open(shared()));
    let topic = topic(broker).await;
    let producer = producer(settings.clone(), LONG);
    let mut joined = Member::join(&settings, &topic);
    joined.owns(6).await;
    let member = joined.consumer;
    let paused: Vec<Partition> = joined
        .owned
        .iter()
        .filter(|it| it.number < 5)
        .cloned()
        .collect();
    member.pause(&paused).unwrap();
    publish(&producer, &topic, 60).await;
    let reach = producer.watermarks(&topic).await.unwrap();
    let open_one = usize::try_from(reach[5].end).unwrap();
    assert!(open_one > 0 && open_one < 60, "{reach:?}");
    let mut keys = BTreeSet::new();
    for _ in 0..open_one {
        let received = message(&member).await;
        assert_eq!(received.partition.number, 5);
        keys.insert(received.key);
    }
    member.resume(&paused).unwrap();
    for _ in open_one..60 {
        keys.insert(message(&member).await.key);
    }
    assert_eq!(keys.len(), 60);
}
