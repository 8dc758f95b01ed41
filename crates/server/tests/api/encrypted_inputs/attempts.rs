//! Each attempt has values of its own, under the secret that signs it; approvals and reruns work from
//! what is sealed.

use http::Method;
use longshore_emulators::Fault;
use serde_json::{Value, json};

use super::{PASSWORD, PIN, action, assert_nowhere, censored, inputs, open, try_open, with_action};
use crate::harness::{CLIENT_ID, CLIENT_SECRET, RETRIES, Server};

const OWN_SECRET: &str = "the secret of this one connection, long enough";

/// The password of every call that the sink received.
fn passwords(server: &Server) -> Vec<Value> {
    let password = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["password"].take();
    let deliveries = server.sink.deliveries();
    deliveries.iter().map(|call| password(&call.body)).collect()
}

#[tokio::test]
async fn each_attempt_has_another_value_that_opens() {
    let server = with_action().await;
    server.sink.faults().next(2, Fault::status(500));
    server.run("deploy", inputs()).await;
    for wait in RETRIES {
        server.advance(2 * wait).await;
    }
    // a run of its own with the same text
    server.run("deploy", inputs()).await;
    let sent = passwords(&server);
    assert_eq!(sent.len(), 4);
    for (at, wire) in sent.iter().enumerate() {
        assert_eq!(open(wire, CLIENT_SECRET), PASSWORD);
        let nonce = &wire.as_str().unwrap()[..20];
        let again = sent[..at]
            .iter()
            .any(|it| it.as_str().unwrap().starts_with(nonce));
        assert!(!again, "a nonce is used twice");
    }
    let all: Vec<&str> = sent.iter().filter_map(Value::as_str).collect();
    assert_nowhere(&server, &[&all[..], &[PASSWORD, PIN]].concat()).await;
}

#[tokio::test]
async fn an_attempt_is_encrypted_under_the_secret_that_signs_it() {
    let server = with_action().await;
    server.sink.faults().next(1, Fault::status(500));
    server.run("deploy", inputs()).await;
    let rotate = format!("/v1/apps/{CLIENT_ID}/rotate-secret");
    let rotated = server
        .post(&rotate, json!({"overlapHours": 2}))
        .await
        .expect(200);
    let fresh = rotated["app"]["secret"].as_str().unwrap();
    let activate = format!("/v1/apps/{CLIENT_ID}/activate-secret");
    server.post(&activate, json!({})).await.expect(200);
    server.advance(2 * RETRIES[0]).await;
    let sent = passwords(&server);
    assert_eq!(open(&sent[0], CLIENT_SECRET), PASSWORD);
    assert_eq!(open(&sent[1], fresh), PASSWORD);
    assert_eq!(try_open(&sent[1], CLIENT_SECRET), None);
}

#[tokio::test]
async fn a_connection_s_own_secret_encrypts_what_it_signs() {
    let server = with_action().await;
    let connection = json!({
        "name": "ci", "url": server.sink.base_url(), "signingSecret": OWN_SECRET,
    });
    server.post("/v1/connections", connection).await.expect(201);
    server.run("deploy", inputs()).await;
    let sent = passwords(&server);
    assert_eq!(open(&sent[0], OWN_SECRET), PASSWORD);
    assert_eq!(try_open(&sent[0], CLIENT_SECRET), None);
}

#[tokio::test]
async fn a_url_may_carry_a_value_that_does_not_lead_it_elsewhere() {
    let server = Server::start().await;
    let mut carrying = action(&server, "carrying");
    let url = format!(
        "{}/hook?p={{{{ .inputs.password }}}}",
        server.sink.base_url()
    );
    carrying["invocationMethod"]["url"] = url.into();
    server.action(carrying).await;
    let run = server.run("carrying", inputs()).await;
    assert_eq!(server.delivery(&run).await["state"], "done");
    let call = server.sink.deliveries().pop().unwrap();
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    let query = call.uri.query().unwrap().strip_prefix("p=").unwrap();
    assert_eq!(
        query, sent["password"],
        "a value is one for the whole attempt"
    );

    let mut led = action(&server, "led");
    led["invocationMethod"]["url"] = "https://{{ .inputs.password }}.example.com/".into();
    server.action(led).await;
    let run = server.run("led", inputs()).await;
    let delivery = server.delivery(&run).await;
    assert_eq!(delivery["state"], "dead", "{delivery}");
    assert_eq!(delivery["diagnosis"]["reason"], "encryption_failed");
    assert_eq!(server.sink.counts().requests, 1, "nothing more was called");
    assert_nowhere(&server, &[PASSWORD, PIN]).await;
}

#[tokio::test]
async fn an_approved_run_is_executed_from_what_was_sealed() {
    let server = Server::start().await;
    let mut action = action(&server, "deploy");
    action["requiredApproval"] = true.into();
    server.action(action).await;
    let run = server.run("deploy", inputs()).await;
    assert_eq!(server.show(&run).await["properties"], censored());
    assert_eq!(server.sink.counts().requests, 0);
    assert_nowhere(&server, &[PASSWORD, PIN]).await;
    let path = format!("/v1/actions/runs/{run}/approval");
    server
        .patch(&path, json!({"status": "APPROVE"}))
        .await
        .expect(201);
    server.engine.settled().await;
    assert_eq!(open(&passwords(&server)[0], CLIENT_SECRET), PASSWORD);
    assert_nowhere(&server, &[PASSWORD, PIN]).await;
}

#[tokio::test]
async fn a_rerun_takes_the_sealed_values() {
    let server = with_action().await;
    let first = server.run("deploy", inputs()).await;
    let rerun = |run: String| {
        server
            .call(Method::POST, &format!("/v1/actions/runs/{run}/rerun"))
            .send()
    };
    let second = rerun(first.clone()).await.expect(202);
    assert_eq!(second["run"]["properties"], censored());
    server.engine.settled().await;
    // also of a run that is a rerun itself
    rerun(second["run"]["id"].as_str().unwrap().to_owned())
        .await
        .expect(202);
    server.engine.settled().await;
    let sent = passwords(&server);
    assert_eq!(sent.len(), 3);
    for wire in &sent {
        assert_eq!(open(wire, CLIENT_SECRET), PASSWORD);
    }
    assert!(sent[0] != sent[1] && sent[1] != sent[2]);
    assert_nowhere(&server, &[PASSWORD, PIN]).await;

    // What was encrypted is not handed to an action that would keep it as it is.
    for password in [json!({"type": "string"}), Value::Null] {
        let mut changed = action(&server, "deploy");
        let form = changed["trigger"]["userInputs"]["properties"]
            .as_object_mut()
            .unwrap();
        form.remove("password");
        if password.is_object() {
            form.insert("password".to_owned(), password);
        }
        server.put("/v1/actions/deploy", changed).await.expect(200);
        let message = rerun(first.clone()).await.refused(422, "invalid_request");
        assert!(
            message.starts_with("properties.password: was encrypted"),
            "{message}"
        );
        assert!(!message.contains(PASSWORD), "{message}");
    }
    assert_eq!(server.sink.counts().requests, 3);
    assert_nowhere(&server, &[PASSWORD, PIN]).await;
}

#[tokio::test]
async fn a_redelivery_opens_too() {
    let server = with_action().await;
    server.sink.faults().next(1, Fault::status(500));
    let run = server.run("deploy", inputs()).await;
    let delivery = server.delivery(&run).await;
    assert_eq!(delivery["state"], "due");
    let path = format!(
        "/v1/deliveries/{}/redeliver",
        delivery["id"].as_str().unwrap()
    );
    server.post(&path, json!({})).await.expect(200);
    server.engine.dispatch_once();
    server.engine.settled().await;
    let sent = passwords(&server);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0], sent[1]);
    assert_eq!(open(&sent[1], CLIENT_SECRET), PASSWORD);
}
