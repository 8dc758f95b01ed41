//! What stands on the topic and should not: poison between good messages, and good messages that
//! were changed on their way.

use std::collections::BTreeMap;

use longshore_backends::kafka::{MESSAGE_BYTES_LIMIT, Received};
use longshore_domain::action::InvocationKind;
use longshore_domain::agent::header;
use longshore_domain::run::signed;
use longshore_emulators::Script;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};

use crate::agents::CALLS;
use crate::balance::{Balance, Calls};
use crate::broker::Listener;
use crate::cluster::{LONG, consumer, message, open, passed, producer, shared};
use crate::relay::Relay;
use crate::server::CLIENT_SECRET;
use crate::site::{PARTITIONS, Site};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_changed_on_its_way_is_published_anew_and_called_once() {
    const RUNS: usize = 10;
    let mut site = Site::start("org_tampered", shared(), Script::default()).await;
    let relay = Relay::start(&site, |received| {
        let first = (header::ATTEMPT.to_owned(), "1".to_owned());
        if !received.headers.contains(&first) {
            return received.value.clone();
        }
        let mut message: Value = serde_json::from_slice(&received.value).unwrap();
        message["cluster"] = "another".into();
        message.to_string().into_bytes()
    })
    .await;
    let agent = site.agent_with("a", &[("KAFKA_RUNS_TOPIC", relay.topic.as_str())]);
    site.execute(RUNS).await;
    let expected = Balance {
        published: 4 * RUNS,
        ..Balance::even(2 * RUNS)
    };
    assert_eq!(site.balance().await, expected);
    site.check_hooks_succeeded().await;
    let calls = Calls::of(&site.jenkins, &site.sink);
    assert!(calls.attempts().values().all(|attempts| *attempts == [2]));
    assert_eq!(agent.counted(CALLS).await, u64::try_from(2 * RUNS).unwrap());
    agent.stop().await;
    site.stop().await;
}

/// What becomes of a message that should not be there.
#[derive(Clone, Copy)]
enum Fate {
    /// It is told on the topic of the dead, with a reason that holds this.
    Dead(&'static str),
    /// It is for somebody else, or the server knows nothing of it.
    Passed,
    /// The server says that it must not be called.
    NotStarted,
}

/// A record without its partition.
struct Poison {
    headers: Vec<(&'static str, Vec<u8>)>,
    value: Option<Vec<u8>>,
    fate: Fate,
}

/// The headers of a record that names this.
fn naming(run: &str, delivery: &str, attempt: &str) -> Vec<(&'static str, Vec<u8>)> {
    [
        (header::RUN, run),
        (header::DELIVERY, delivery),
        (header::ATTEMPT, attempt),
    ]
    .map(|(name, text)| (name, text.as_bytes().to_vec()))
    .into()
}

/// Every kind; `good` are two messages that stand on the topic.
fn poisons(good: &[Received; 2]) -> Vec<Poison> {
    use Fate::{Dead, NotStarted, Passed};
    const STRANGE: &str = "d_0000000000000000";
    let [first, second] = good;
    let poison = |headers, value: &[u8], fate| Poison {
        headers,
        value: Some(value.to_vec()),
        fate,
    };
    let names = |received: &Received, name| text_of(received, name);
    let (run, other) = (names(first, header::RUN), names(second, header::DELIVERY));
    let own = names(first, header::DELIVERY);
    let nobody = json!({
        "payload": {"action": {"invocationMethod": {"agent": true}}},
        "context": {"runId": "r_0000000000000000"},
    });
    let secret = CLIENT_SECRET.as_bytes();
    let strangers = signed(nobody.clone(), InvocationKind::Webhook, secret, 1).value;
    let for_agents = nobody.to_string();
    let nested = "[".repeat(100_000);
    let huge = vec![b'x'; MESSAGE_BYTES_LIMIT - 4096];
    let no_json = "is not JSON";
    let unnamed = "no record headers name its delivery";
    vec![
        poison(vec![], b"\xff\x00 no {json", Dead(no_json)),
        poison(vec![], b"", Dead(no_json)),
        Poison {
            headers: vec![],
            value: None,
            fate: Dead(no_json),
        },
        poison(vec![], nested.as_bytes(), Dead(no_json)),
        poison(vec![], &huge, Dead(no_json)),
        poison(vec![], b"[1, null]", Passed),
        poison(vec![], b"{\"payload\": 7}", Passed),
        poison(
            vec![],
            for_agents.as_bytes(),
            Dead("not an object with headers"),
        ),
        poison(vec![], &first.value, Dead(unnamed)),
        poison(naming(&run, &own, "one"), &first.value, Dead(unnamed)),
        poison(
            vec![(header::RUN, vec![0xff]), (header::DELIVERY, vec![0xfe])],
            &first.value,
            Dead(unnamed),
        ),
        poison(
            naming(&names(second, header::RUN), &other, "1"),
            &first.value,
            Dead("name another run than the message"),
        ),
        // Whoever is named decides: another run's delivery, an attempt that is not there yet.
        poison(naming(&run, &other, "1"), &first.value, NotStarted),
        poison(naming(&run, &own, "2"), &first.value, NotStarted),
        // The same once more, in another partition.
        poison(naming(&run, &own, "1"), &first.value, NotStarted),
        poison(
            naming("r_0000000000000000", STRANGE, "1"),
            &strangers,
            NotStarted,
        ),
        poison(
            naming("r_0000000000000000", STRANGE, "1"),
            for_agents.as_bytes(),
            Passed,
        ),
    ]
}

fn text_of(received: &Received, name: &str) -> String {
    let found = received.headers.iter().find(|(found, _)| found == name);
    found.unwrap().1.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_between_good_messages_stops_none_of_them() {
    const RUNS: usize = 6;
    let mut site = Site::start("org_poison", shared(), Script::default()).await;
    site.execute(RUNS).await;
    let topic = site.runs_topic();
    let witness = consumer(&open(shared()), &topic, "witness");
    let poisons = poisons(&[message(&witness).await, message(&witness).await]);
    poison(&topic, &poisons).await;
    site.execute(RUNS).await;
    let agent = site.agent("a");
    passed(
        shared(),
        &topic,
        &format!("{}.longshore-agent", site.organization),
    )
    .await;
    assert_eq!(site.balance().await, Balance::even(4 * RUNS));
    site.check_hooks_succeeded().await;

    let (mut reasons, mut refused) = (BTreeMap::new(), 0);
    for poison in &poisons {
        match poison.fate {
            Fate::Dead(reason) => *reasons.entry(reason).or_insert(0) += PARTITIONS,
            Fate::NotStarted => refused += u64::try_from(PARTITIONS).unwrap(),
            Fate::Passed => {}
        }
    }
    let dead = consumer(&open(shared()), &format!("{topic}.dead"), "witness");
    let mut found = BTreeMap::new();
    for _ in 0..reasons.values().sum() {
        let told = message(&dead).await.value;
        let told: Value = serde_json::from_slice(&told).unwrap();
        let text = told["reason"].as_str().unwrap();
        let reason = reasons.keys().find(|reason| text.contains(**reason));
        *found.entry(*reason.unwrap()).or_insert(0) += 1;
        assert_eq!(told["topic"], *topic);
        assert!(told["sha256"].is_string(), "{told}");
        assert!(told.get("value").is_none(), "{told}");
    }
    assert_eq!(found, reasons);
    assert_eq!(
        places(&format!("{topic}.dead")).await,
        found.values().sum::<usize>()
    );
    assert_eq!(
        agent.counted("longshore_agent_not_started_total").await,
        refused
    );
    agent.stop().await;
    site.stop().await;
}

/// Writes each to every partition.
async fn poison(topic: &str, poisons: &[Poison]) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", shared().address(Listener::Plaintext));
    config.set("message.max.bytes", MESSAGE_BYTES_LIMIT.to_string());
    let producer: FutureProducer = config.create().unwrap();
    for partition in 0..i32::try_from(PARTITIONS).unwrap() {
        for poison in poisons {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &poison.headers {
                let value = Some(value);
                headers = headers.insert(Header { key, value });
            }
            let record = FutureRecord::<str, _> {
                topic,
                partition: Some(partition),
                payload: poison.value.as_deref(),
                key: None,
                timestamp: None,
                headers: Some(headers),
            };
            producer.send(record, LONG).await.unwrap();
        }
    }
}

/// How many messages were written to a topic.
async fn places(topic: &str) -> usize {
    let reach = producer(open(shared()), LONG).watermarks(topic).await;
    let ends = reach.unwrap().into_iter().map(|it| it.end);
    usize::try_from(ends.sum::<i64>()).unwrap()
}
