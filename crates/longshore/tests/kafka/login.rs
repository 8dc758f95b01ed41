//! Every way in, and what is told where there is none.

use std::time::Duration;

use longshore_backends::kafka::{KafkaError, Mechanism, PublishFailure, Settings};
use longshore_domain::diagnosis::Diagnosis;

use crate::broker::{LONGSHORE, Listener, STRANGER, User};
use crate::cluster::{LONG, consumer, message, open, producer, record, shared, through, topic};

/// As long as a test waits for what will not come.
const SHORT: Duration = Duration::from_secs(5);

async fn failure(settings: Settings, topic: &str) -> PublishFailure {
    let producer = producer(settings, SHORT);
    producer.publish(record(topic, "r_1")).await.unwrap_err()
}

#[track_caller]
fn unavailable(failure: PublishFailure) -> Diagnosis {
    match failure {
        PublishFailure::Unavailable(diagnosis) => diagnosis,
        PublishFailure::Refused(diagnosis) => panic!("refused: {diagnosis:?}"),
    }
}

#[track_caller]
fn refused(failure: PublishFailure) -> Diagnosis {
    match failure {
        PublishFailure::Refused(diagnosis) => diagnosis,
        PublishFailure::Unavailable(diagnosis) => panic!("unavailable: {diagnosis:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_in_takes_and_gives_messages() {
    let broker = shared();
    let mut ways = vec![(Listener::Plaintext, None), (Listener::Ssl, None)];
    for listener in [Listener::SaslPlaintext, Listener::SaslSsl] {
        ways.extend(Mechanism::ALL.map(|mechanism| (listener, Some((mechanism, LONGSHORE)))));
    }
    for (listener, user) in ways {
        let topic = topic(broker).await;
        let settings = through(broker, listener, user);
        let producer = producer(settings.clone(), LONG);
        let published = producer.publish(record(&topic, "r_1")).await.unwrap();
        let received = message(&consumer(&settings, &topic, "agents")).await;
        let place = (received.partition.number, received.offset);
        assert_eq!(place, (published.partition, published.offset));
        let sent = record(&topic, "r_1");
        assert_eq!(received.value, sent.value);
        assert_eq!(received.key.as_deref(), Some("r_1"));
        let headers: Vec<_> = received
            .headers
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(headers, sent.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_waits_for_the_right_one() {
    let broker = shared();
    let topic = topic(broker).await;
    let forgetful = User {
        password: "hush hush",
        ..LONGSHORE
    };
    for mechanism in Mechanism::ALL {
        let settings = through(broker, Listener::SaslSsl, Some((mechanism, forgetful)));
        let told = unavailable(failure(settings, &topic).await);
        assert!(told.message.contains("uthentication"), "{told:?}");
        assert!(!format!("{told:?}").contains("hush"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_another_authority_is_not_trusted() {
    let broker = shared();
    let topic = topic(broker).await;
    let settings = Settings {
        ca: Some(broker.other_authority()),
        ..through(broker, Listener::Ssl, None)
    };
    let told = unavailable(failure(settings, &topic).await);
    assert!(told.message.contains("certificate"), "{told:?}");
    // The system's authorities do not vouch for it either.
    let settings = Settings {
        ca: None,
        ..through(broker, Listener::Ssl, None)
    };
    let told = unavailable(failure(settings, &topic).await);
    assert!(told.message.contains("certificate"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_rights_is_told_which() {
    let broker = shared();
    let there = topic(broker).await;
    let user = Some((Mechanism::ScramSha512, STRANGER));
    let settings = through(broker, Listener::SaslPlaintext, user);
    let told = refused(failure(settings.clone(), &there).await);
    assert!(told.message.contains("does not let us write"), "{told:?}");
    assert!(told.fix.contains("Write and Describe"), "{told:?}");

    let stranger = producer(settings, SHORT);
    let missing = "org_nobody.runs";
    let error = stranger
        .ensure_topics(&[missing], 6, None)
        .await
        .unwrap_err();
    let expected = KafkaError::MayNotCreate {
        topic: missing.to_owned(),
        user: "`stranger`".to_owned(),
    };
    assert_eq!(error, expected);
    let told = error.to_string();
    assert!(
        told.contains("grant `stranger` the operation Create"),
        "{told}"
    );
    let told = refused(stranger.publish(record(missing, "r_1")).await.unwrap_err());
    assert!(told.message.contains(missing), "{told:?}");

    let admin = producer(open(broker), LONG);
    let ends = admin.watermarks(&there).await.unwrap();
    assert!(ends.iter().all(|it| it.end == 0), "{ends:?}");
}
