//! The producer against librdkafka's own imitation of a cluster, with faults at its will.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

use std::time::{Duration, Instant};

use longshore_backends::kafka::{
    KafkaError, MESSAGE_BYTES_LIMIT, Mechanism, Producer, PublishFailure, Published, Record, Sasl,
    Settings,
};
use longshore_domain::diagnosis::Reason;
use longshore_domain::secret::Secret;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const TOPIC: &str = "org.runs";
const PARTITIONS: i32 = 6;
/// Longer than anything takes on a loaded machine.
const LONG: Duration = Duration::from_secs(60);
/// As long as a test waits in vain.
const SHORT: Duration = Duration::from_secs(2);

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, PARTITIONS, 1).unwrap();
    cluster
}

fn producer(cluster: &Cluster, timeout: Duration) -> Producer {
    let brokers = cluster.bootstrap_servers();
    let brokers = brokers.split(',').map(str::to_owned).collect();
    Producer::open(Settings::plaintext(brokers), timeout).unwrap()
}

fn record<'a>(key: &'a str, value: &'a [u8]) -> Record<'a> {
    Record {
        topic: TOPIC,
        key,
        headers: &[("X-Longshore-Run-Id", "r_1")],
        value,
    }
}

#[track_caller]
fn unavailable(result: Result<Published, PublishFailure>) -> String {
    match result.unwrap_err() {
        PublishFailure::Unavailable(diagnosis) => {
            assert_eq!(diagnosis.reason, Reason::KafkaUnavailable);
            diagnosis.message
        }
        PublishFailure::Refused(diagnosis) => panic!("refused: {diagnosis:?}"),
    }
}

#[track_caller]
fn refused(result: Result<Published, PublishFailure>) -> String {
    match result.unwrap_err() {
        PublishFailure::Refused(diagnosis) => {
            assert_eq!(diagnosis.reason, Reason::KafkaRefused);
            diagnosis.message
        }
        PublishFailure::Unavailable(diagnosis) => panic!("unavailable: {diagnosis:?}"),
    }
}

#[tokio::test]
async fn one_run_s_messages_keep_their_order_and_all_partitions_are_used() {
    let cluster = cluster();
    let producer = producer(&cluster, LONG);
    let mut partitions = std::collections::BTreeSet::new();
    for run in 0..40 {
        let key = format!("r_{run}");
        let first = producer.publish(record(&key, b"1")).await.unwrap();
        let second = producer.publish(record(&key, b"2")).await.unwrap();
        assert_eq!(first.partition, second.partition);
        assert_eq!(first.offset + 1, second.offset);
        partitions.insert(first.partition);
    }
    assert_eq!(partitions.len(), 6);
    let reach = producer.watermarks(TOPIC).await.unwrap();
    let numbers: Vec<i32> = reach.iter().map(|it| it.partition).collect();
    assert_eq!(numbers, (0..PARTITIONS).collect::<Vec<_>>());
    let all: i64 = reach.iter().map(|it| it.end - it.first).sum();
    assert_eq!(all, 80);
}

#[tokio::test]
async fn what_passes_by_is_waited_for() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    };
    let cluster = cluster();
    let producer = producer(&cluster, LONG);
    let before = producer.publish(record("r_1", b"1")).await.unwrap();
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        ],
    );
    let after = producer.publish(record("r_1", b"2")).await.unwrap();
    assert_eq!(after.offset, before.offset + 1, "written once");
}

#[tokio::test]
async fn a_cluster_that_is_away_is_no_refusal_and_is_found_again() {
    let cluster = cluster();
    let producer = producer(&cluster, SHORT);
    producer.publish(record("r_1", b"1")).await.unwrap();
    cluster.broker_down(-1).unwrap();
    let started = Instant::now();
    let told = unavailable(producer.publish(record("r_1", b"2")).await);
    assert!(started.elapsed() < SHORT * 3, "{:?}", started.elapsed());
    assert!(told.contains("timed out"), "{told}");
    cluster.broker_up(-1).unwrap();
    let mut tries = 0;
    while producer.publish(record("r_1", b"3")).await.is_err() {
        tries += 1;
        assert!(tries < 10);
    }
}

#[tokio::test]
async fn nobody_there_says_so() {
    let brokers = vec!["127.0.0.1:9".to_owned()];
    let producer = Producer::open(Settings::plaintext(brokers), SHORT).unwrap();
    let told = unavailable(producer.publish(record("r_1", b"1")).await);
    assert!(told.contains("Connection refused"), "{told}");
    let error = producer.ensure_topics(&[TOPIC], 6, None).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable(_)), "{error}");
    let error = producer.watermarks(TOPIC).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn what_the_cluster_will_never_take_is_refused() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    };
    let cluster = cluster();
    let producer = producer(&cluster, LONG);
    let large = vec![b' '; MESSAGE_BYTES_LIMIT + 1];
    let told = refused(producer.publish(record("r_1", &large)).await);
    assert!(told.contains("too large for the topic org.runs"), "{told}");
    // The last, as the library asks again for the rights only later.
    for (error, expected) in [
        (RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "too large"),
        (RD_KAFKA_RESP_ERR_INVALID_RECORD, "refuses the message"),
        (
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "does not let us write",
        ),
    ] {
        producer.publish(record("r_1", b"taken")).await.unwrap();
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        let told = refused(producer.publish(record("r_1", b"1")).await);
        assert!(told.contains(expected), "{told}");
    }
}

/// After such an error the library refuses everything.
#[tokio::test]
async fn a_producer_that_failed_for_good_is_made_anew() {
    let cluster = cluster();
    let producer = producer(&cluster, LONG);
    cluster.request_errors(
        RDKafkaApiKey::InitProducerId,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED],
    );
    let told = refused(producer.publish(record("r_1", b"1")).await);
    assert!(told.contains("authorization"), "{told}");
    producer.publish(record("r_1", b"2")).await.unwrap();
}

#[tokio::test]
async fn many_at_once_are_confirmed_each() {
    let cluster = cluster();
    let producer = producer(&cluster, LONG);
    let keys: Vec<String> = (0..500).map(|run| format!("r_{run}")).collect();
    let all = keys.iter().map(|key| producer.publish(record(key, b"x")));
    let mut seen = std::collections::BTreeSet::new();
    for published in futures_util::future::join_all(all).await {
        let Published { partition, offset } = published.unwrap();
        assert!(seen.insert((partition, offset)));
    }
    assert_eq!(seen.len(), keys.len());
}

#[test]
fn settings_that_make_no_client_say_which_and_hold_no_secret() {
    let settings = Settings {
        brokers: vec!["127.0.0.1:9".to_owned()],
        tls: true,
        ca: Some("no/such/file.pem".into()),
        sasl: Some(Sasl {
            mechanism: Mechanism::Plain,
            username: "u".to_owned(),
            password: Secret::new("hush".to_owned()),
        }),
    };
    let error = Producer::open(settings.clone(), LONG)
        .unwrap_err()
        .to_string();
    assert!(error.contains("ssl.ca.location"), "{error}");
    assert!(!error.contains("hush") && !format!("{settings:?}").contains("hush"));
    let settings = Settings {
        ca: None,
        ..settings
    };
    let producer = Producer::open(settings, LONG).unwrap();
    assert!(!format!("{producer:?}").contains("hush"));
    let settings = Settings {
        sasl: Some(Sasl {
            mechanism: Mechanism::Plain,
            username: "u".to_owned(),
            password: Secret::new("hush\0".to_owned()),
        }),
        ..Settings::plaintext(vec!["127.0.0.1:9".to_owned()])
    };
    let error = Producer::open(settings, LONG).unwrap_err().to_string();
    assert!(!error.contains("hush"), "{error}");
}
