//! Runs and changes from topics, against librdkafka's own imitation of a cluster.

use std::time::Duration;

use http::StatusCode;
use longshore_backends::kafka::{Consumer, Event, Group, Producer, Received, Record, Settings};
use longshore_domain::action::InvocationKind;
use longshore_domain::run::signed;
use longshore_emulators::webhook_sink::{Answer, Config, WebhookSink};
use longshore_emulators::{Fault, Secret};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::fake::{Fake, SOON};
use crate::working::{SECRET, Setup, message};

const RUNS: &str = "org_tests.runs";
const CHANGES: &str = "org_tests.change.log";
const DEAD: &str = "org_tests.runs.dead";
const SIGNED_AT: i64 = 1_700_000_000;

/// A cluster, a server that names it, and a receiver.
struct Stage {
    _cluster: MockCluster<'static, DefaultProducerContext>,
    settings: Settings,
    producer: Producer,
    fake: Fake,
    sink: WebhookSink,
}

impl Stage {
    async fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        for topic in [RUNS, CHANGES, DEAD] {
            cluster.create_topic(topic, 2, 1).unwrap();
        }
        let brokers = cluster.bootstrap_servers();
        let brokers: Vec<String> = brokers.split(',').map(str::to_owned).collect();
        let settings = Settings::plaintext(brokers.clone());
        let fake = Fake::start(SECRET).await;
        fake.with(|held| held.brokers = brokers);
        let config = Config {
            secret: Some(Secret::new(SECRET)),
            ..Config::default()
        };
        Self {
            _cluster: cluster,
            producer: Producer::open(settings.clone(), SOON).unwrap(),
            settings,
            fake,
            sink: WebhookSink::start(config).await.unwrap(),
        }
    }

    fn setup(&self) -> Setup {
        let mut setup = Setup::new(&self.fake);
        setup.set("STREAMER_NAME", "KAFKA");
        setup.set("PORT_ORG_ID", "org_tests");
        setup.set("KAFKA_CONSUMER_SESSION_TIMEOUT_MS", "6000");
        setup
    }

    async fn publish(&self, topic: &str, headers: &[(&str, &str)], value: &[u8]) {
        let record = Record {
            topic,
            key: "",
            headers,
            value,
        };
        self.producer.publish(record).await.unwrap();
    }

    /// Publishes a run's message as the server does.
    async fn run(&self, number: u32) {
        let (headers, value) = self.signed(number, &message(&self.sink.base_url()));
        self.publish(RUNS, &borrowed(&headers), &value).await;
    }

    fn signed(&self, number: u32, message: &Value) -> (Vec<(&'static str, String)>, Vec<u8>) {
        let run = format!("r_{number:016}");
        let mut message = message.clone();
        message["context"]["runId"] = run.clone().into();
        let signed = signed(
            message,
            InvocationKind::Webhook,
            SECRET.as_bytes(),
            SIGNED_AT,
        );
        let headers = vec![
            ("X-Longshore-Run-Id", run),
            ("X-Longshore-Delivery-Id", format!("d_{number:016}")),
            ("X-Longshore-Attempt", "1".to_owned()),
        ];
        (headers, signed.value)
    }

    /// The first message of the topic of what is dead.
    async fn dead(&self) -> Received {
        let group = Group {
            name: "tests".to_owned(),
            member: None,
            session_timeout: Duration::from_secs(6),
            prefetch_kib: 1024,
        };
        let consumer = Consumer::open(&self.settings, &group, &[DEAD], SOON).unwrap();
        let first = async {
            loop {
                if let Ok(Event::Message(record)) = consumer.next().await {
                    return record;
                }
            }
        };
        timeout(SOON, first).await.unwrap()
    }
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(k, v)| (*k, v.as_str())).collect()
}

fn kinds(settled: &[Value]) -> Vec<(&str, &str)> {
    let mut kinds: Vec<(&str, &str)> = settled
        .iter()
        .map(|it| {
            let kind = it["outcome"]["kind"].as_str().unwrap();
            (it["delivery"].as_str().unwrap(), kind)
        })
        .collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn a_run_is_called_once_and_its_offset_committed() {
    let stage = Stage::new().await;
    let working = stage.setup().work().await;
    stage.run(1).await;
    stage.fake.settled(1).await;
    working.end().await;
    let working = stage.setup().work().await;
    stage.run(2).await;
    let settled = stage.fake.settled(2).await;
    working.end().await;
    let expected = [
        ("d_0000000000000001", "accepted"),
        ("d_0000000000000002", "accepted"),
    ];
    assert_eq!(kinds(&settled), expected);
    assert_eq!(stage.sink.counts().valid_signatures, 2);
    let body: Value = serde_json::from_slice(&stage.sink.deliveries()[0].body).unwrap();
    assert_eq!(body["headers"], json!({"X-Team": "blue"}));
    stage.fake.with(|held| {
        assert_eq!(
            held.started.len(),
            2,
            "nothing came again: {:?}",
            held.started
        );
        let heartbeat = held
            .calls
            .iter()
            .find(|(path, _)| path.ends_with("heartbeat"));
        let (_, heartbeat) = heartbeat.unwrap();
        assert_eq!(heartbeat["streamer"], "KAFKA");
        assert_eq!(heartbeat["group"], "org_tests.longshore-agent");
    });
}

#[tokio::test]
async fn what_does_not_verify_is_told_or_buried_and_what_is_not_ours_passed_by() {
    let stage = Stage::new().await;
    let (headers, value) = stage.signed(1, &message(&stage.sink.base_url()));
    let tampered = String::from_utf8(value.clone()).unwrap();
    let tampered = tampered.replace("\"replicas\":3", "\"replicas\":9");
    let headers = borrowed(&headers);
    stage.publish(RUNS, &headers, tampered.as_bytes()).await;
    // Another run's headers, none at all, no JSON, another program's message.
    let (others, _) = stage.signed(2, &json!({}));
    stage.publish(RUNS, &borrowed(&others), &value).await;
    stage.publish(RUNS, &[], b"not JSON, password=hush").await;
    let own = [
        ("X-Port-Signature", "v1,x"),
        headers[0],
        headers[1],
        headers[2],
    ];
    stage.publish(RUNS, &own, b"{\"any\":1}").await;
    stage.publish(RUNS, &headers, b"{\"payload\":{}}").await;
    stage.run(3).await;
    let working = stage.setup().work().await;
    let settled = stage.fake.settled(2).await;
    let dead = stage.dead().await;
    working.end().await;
    let expected = [
        ("d_0000000000000001", "unverified"),
        ("d_0000000000000003", "accepted"),
    ];
    assert_eq!(kinds(&settled), expected);
    let dead: Value = serde_json::from_slice(&dead.value).unwrap();
    assert_eq!(dead["topic"], RUNS);
    assert_eq!(dead["sha256"].as_str().unwrap().len(), 64);
    assert!(!dead.to_string().contains("hush"), "{dead}");
    stage
        .fake
        .with(|held| assert_eq!(held.started, ["d_0000000000000003"]));
}

#[tokio::test]
async fn a_server_that_is_away_delays_runs_and_loses_none() {
    let stage = Stage::new().await;
    for number in 0..30 {
        stage.run(number).await;
    }
    stage.fake.with(|held| {
        held.faults = vec![
            ("/deliveries/start", 503),
            ("/deliveries/start", 503),
            ("/deliveries/settle", 503),
        ];
    });
    let mut setup = stage.setup();
    setup.add("[calls]\nruns_limit = 10\n");
    let working = setup.work().await;
    stage.fake.settled(30).await;
    working.end().await;
    assert_eq!(stage.sink.counts().distinct_deliveries, 30);
    assert_eq!(stage.sink.counts().repeated, 0);
}

#[tokio::test]
async fn two_agents_of_a_group_share_what_one_had_begun() {
    let stage = Stage::new().await;
    let first = stage.setup().work().await;
    for number in 0..20 {
        stage.run(number).await;
    }
    let second = stage.setup().work().await;
    for number in 20..60 {
        stage.run(number).await;
    }
    let settled = stage.fake.settled(60).await;
    first.end().await;
    second.end().await;
    let counts = stage.sink.counts();
    assert_eq!(settled.len(), 60);
    assert_eq!((counts.distinct_deliveries, counts.repeated), (60, 0));
}

#[tokio::test]
async fn another_clusters_run_is_passed_by_without_a_start() {
    let stage = Stage::new().await;
    let mut setup = stage.setup();
    setup.mapping(&json!([{"enabled": ".payload.properties.replicas == 3"}]));
    let mut other = message(&stage.sink.base_url());
    other["payload"]["properties"]["replicas"] = 4.into();
    let (headers, value) = stage.signed(1, &other);
    stage.publish(RUNS, &borrowed(&headers), &value).await;
    stage.run(2).await;
    let working = setup.work().await;
    stage.fake.settled(1).await;
    working.end().await;
    stage
        .fake
        .with(|held| assert_eq!(held.started, ["d_0000000000000002"]));
}

#[tokio::test]
async fn a_change_is_sent_until_it_is_taken() {
    let stage = Stage::new().await;
    stage.sink.faults().next(1, Fault::status(500));
    let taken = Answer::json(StatusCode::OK, "{}");
    stage.sink.answers().always(taken);
    let change = json!({"action": "UPDATE", "resourceType": "entity", "context": {"runId": null},
        "changelogDestination": {"type": "WEBHOOK", "agent": true, "url": stage.sink.base_url()}});
    stage
        .publish(CHANGES, &[], change.to_string().as_bytes())
        .await;
    stage
        .publish(
            CHANGES,
            &[],
            b"{\"changelogDestination\":{\"agent\":false}}",
        )
        .await;
    let working = stage.setup().work().await;
    let calls = stage
        .sink
        .wait_for(|seen| seen.counts().accepted >= 1, SOON);
    calls.await.unwrap();
    working.end().await;
    let calls = stage.sink.deliveries();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].delivery_id, calls[1].delivery_id);
    assert!(calls.iter().all(|call| call.run_id.is_none()));
    assert_eq!(calls[1].body, change.to_string());
}
