//! `/v1/kafka-credentials`: what agents are told of Kafka.

use std::time::Duration;

use longshore_domain::secret::Secret;
use longshore_server::config::{Kafka, KafkaLogin, KafkaMechanism};
use serde_json::json;

use crate::harness::Server;

const PATH: &str = "/v1/kafka-credentials";

fn login(username: &str) -> KafkaLogin {
    KafkaLogin {
        username: username.to_owned(),
        password: Secret::new(format!("the password of {username}")),
    }
}

fn kafka() -> Kafka {
    Kafka {
        brokers: vec!["a:9092".to_owned(), "b:9092".to_owned()],
        tls: false,
        ca: None,
        login: None,
        agent_login: None,
        partitions: 6,
        replication_factor: None,
        publish_timeout: Duration::from_secs(1),
    }
}

#[tokio::test]
async fn without_kafka_there_is_nothing_to_show() {
    let server = Server::start().await;
    let told = server.get(PATH).await.refused(404, "not_found");
    assert!(told.contains("LONGSHORE_KAFKA__BROKERS"), "{told}");
}

#[tokio::test]
async fn agents_are_given_their_own_login_else_the_servers_else_none() {
    let open = kafka();
    let shared = Kafka {
        login: Some((KafkaMechanism::ScramSha512, login("longshore"))),
        ..open.clone()
    };
    let own = Kafka {
        agent_login: Some(login("agents")),
        ..shared.clone()
    };
    for (kafka, username, password) in [
        (open, "", ""),
        (shared, "longshore", "the password of longshore"),
        (own, "agents", "the password of agents"),
    ] {
        let server = Server::start_with(Some(kafka)).await;
        let shown = server.get(PATH).await.expect(200);
        let brokers = ["a:9092", "b:9092"];
        let expected = json!({"brokers": brokers, "username": username, "password": password});
        assert_eq!(shown["credentials"], expected);
    }
}
