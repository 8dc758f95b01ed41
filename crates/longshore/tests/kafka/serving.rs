//! The program itself with Kafka configured.

use std::time::Duration;

use longshore_backends::kafka::Mechanism;
use serde_json::{Value, json};

use crate::broker::{LONGSHORE, Listener, STRANGER, User};
use crate::cluster::{LONG, open, producer, shared};
use crate::server::Home;

fn home(organization: &str, user: User) -> Home {
    let broker = shared();
    let mut home = Home::new();
    home.set("ORG_ID", organization);
    home.set("KAFKA__BROKERS", &broker.address(Listener::SaslSsl));
    home.set("KAFKA__SECURITY_PROTOCOL", "sasl_ssl");
    home.set("KAFKA__SASL_MECHANISM", Mechanism::ScramSha512.as_str());
    home.set("KAFKA__USERNAME", user.name);
    let password = home.path("password");
    std::fs::write(&password, user.password).unwrap();
    home.set("KAFKA__PASSWORD_FILE", &password.display().to_string());
    home.set("KAFKA__CA", &broker.authority().display().to_string());
    home
}

fn line_of(line: &Value, message: &str) -> Option<Value> {
    (line["message"] == message).then(|| line.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organization_s_topics_are_there_and_agents_learn_how_to_reach_them() {
    let home = home("org_serving", LONGSHORE);
    let server = home.serve().await;
    let admin = producer(open(shared()), LONG);
    for name in ["runs", "change.log", "runs.dead"] {
        let topic = format!("org_serving.{name}");
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        let partitions = async {
            // A broker may not know yet that it leads a partition that was just made.
            loop {
                match admin.watermarks(&topic).await {
                    Ok(found) => return found.len(),
                    Err(_) => looks.tick().await,
                };
            }
        };
        let partitions = tokio::time::timeout(LONG, partitions).await;
        assert_eq!(partitions, Ok(6), "{topic}");
    }
    let shown = server.api().await.get("/v1/kafka-credentials").await;
    let expected = json!({
        "brokers": [shared().address(Listener::SaslSsl)],
        "username": LONGSHORE.name,
        "password": LONGSHORE.password,
    });
    assert_eq!(shown["credentials"], expected);
    let lines = server.stop().await;
    let secret = lines.iter().find(|line| line.contains(LONGSHORE.password));
    assert_eq!(secret, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_right_to_make_topics_says_so_and_serves() {
    let home = home("org_unserved", STRANGER);
    let mut server = home.serve().await;
    let told = server
        .logged(|line| line_of(line, "the Kafka topics are not there"))
        .await;
    let problem = told["problem"].as_str().unwrap();
    assert!(
        problem.contains("org_unserved.runs does not exist"),
        "{problem}"
    );
    assert!(
        problem.contains("grant `stranger` the operation Create"),
        "{problem}"
    );
    server.api().await.get("/v1/actions").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_cluster_is_away_serves() {
    let mut home = Home::new();
    home.set("KAFKA__BROKERS", "127.0.0.1:9");
    let mut server = home.serve().await;
    server
        .logged(|line| line_of(line, "the Kafka topics are not there"))
        .await;
    server.api().await.get("/v1/actions").await;
    server.stop().await;
}
