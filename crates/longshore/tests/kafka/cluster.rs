//! The broker that these tests share, how they reach it, and short forms of what they do there.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore_backends::kafka::{
    Consumer, Event, Group, Mechanism, Producer, Received, Record, Sasl, Settings,
};
use longshore_domain::secret::Secret;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::time::{interval, timeout};

use crate::broker::{Broker, Listener, User};

/// Longer than anything takes on a loaded machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Between two looks at what can only be asked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

static SHARED: LazyLock<Broker> = LazyLock::new(Broker::start);
static TOPICS: AtomicU32 = AtomicU32::new(1);

/// A broker that no test harms.
pub(crate) fn shared() -> &'static Broker {
    &SHARED
}

/// A topic that no other test has.
pub(crate) fn fresh_name() -> String {
    format!("org_{}.runs", TOPICS.fetch_add(1, Ordering::Relaxed))
}

/// Without encryption and login.
pub(crate) fn open(broker: &Broker) -> Settings {
    Settings::plaintext(vec![broker.address(Listener::Plaintext)])
}

/// Through a listener, as somebody.
pub(crate) fn through(
    broker: &Broker,
    listener: Listener,
    user: Option<(Mechanism, User)>,
) -> Settings {
    let tls = matches!(listener, Listener::Ssl | Listener::SaslSsl);
    Settings {
        brokers: vec![broker.address(listener)],
        tls,
        ca: tls.then(|| broker.authority()),
        sasl: user.map(|(mechanism, user)| Sasl {
            mechanism,
            username: user.name.to_owned(),
            password: Secret::new(user.password.to_owned()),
        }),
    }
}

pub(crate) fn producer(settings: Settings, patience: Duration) -> Producer {
    Producer::open(settings, patience).unwrap()
}

/// A topic of six partitions that is there.
pub(crate) async fn topic(broker: &Broker) -> String {
    let name = fresh_name();
    let producer = producer(open(broker), LONG);
    producer.ensure_topics(&[&name], 6, None).await.unwrap();
    name
}

pub(crate) fn record<'a>(topic: &'a str, key: &'a str) -> Record<'a> {
    Record {
        topic,
        key,
        headers: &[("X-Longshore-Run-Id", "r_1"), ("X-Longshore-Attempt", "1")],
        value: b"{\"a\":1.0}",
    }
}

pub(crate) fn consumer(settings: &Settings, topic: &str, group: &str) -> Consumer {
    let group = Group {
        name: format!("{topic}.{group}"),
        member: None,
        session_timeout: Duration::from_secs(6),
        prefetch_kib: 1024,
    };
    Consumer::open(settings, &group, &[topic], LONG).unwrap()
}

/// What happens next, within reason; that a broker is away passes by.
pub(crate) async fn next(consumer: &Consumer) -> Event {
    let event = timeout(LONG, async {
        loop {
            if let Ok(event) = consumer.next().await {
                return event;
            }
        }
    });
    event.await.expect("something happens")
}

/// The next message.
pub(crate) async fn message(consumer: &Consumer) -> Received {
    loop {
        if let Event::Message(received) = next(consumer).await {
            return received;
        }
    }
}

/// Waits until `group` has committed everything that stands on `topic`.
pub(crate) async fn passed(broker: &Broker, topic: &str, group: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.address(Listener::Plaintext));
    let asking: BaseConsumer = config.set("group.id", group).create().unwrap();
    let all_is_committed = || {
        let mut places = TopicPartitionList::new();
        places.add_partition_range(topic, 0, 5);
        let committed = asking.committed_offsets(places, LONG).unwrap();
        committed.elements().iter().all(|place| {
            let reach = asking.fetch_watermarks(topic, place.partition(), LONG);
            // A partition that nothing was written to has nothing to commit.
            reach.unwrap().1 == place.offset().to_raw().unwrap().max(0)
        })
    };
    let mut looks = interval(LOOK_EVERY);
    let until = async {
        while !tokio::task::block_in_place(all_is_committed) {
            looks.tick().await;
        }
    };
    timeout(LONG, until).await.unwrap();
}
