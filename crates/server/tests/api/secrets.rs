//! `/v1/organization/secrets`: written and used, never read.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{START, Server, webhook};

const PATH: &str = "/v1/organization/secrets";

fn secret(name: &str, value: &str) -> Value {
    json!({"secretName": name, "secretValue": value})
}

#[tokio::test]
async fn a_value_is_in_no_answer() {
    let server = Server::start().await;
    let body = json!({
        "secretName": "DB_PASSWORD", "secretValue": "hunter2-hunter2", "description": "of prod",
    });
    let made = server.post(PATH, body).await;
    let mut texts = vec![made.text.clone()];
    assert_eq!(
        made.expect(200)["secret"],
        json!({
            "secretName": "DB_PASSWORD", "description": "of prod",
            "createdAt": START, "updatedAt": START,
        })
    );
    let one = format!("{PATH}/DB_PASSWORD");
    server.clock.advance(Duration::from_secs(1));
    let patch = json!({"secretValue": "correct-horse"});
    texts.push(server.patch(&one, patch).await.text);
    texts.push(server.get(&one).await.text);
    texts.push(server.get(PATH).await.text);
    for text in texts {
        assert!(
            !text.contains("hunter2") && !text.contains("horse"),
            "{text}"
        );
    }
    let shown = server.get(&one).await.expect(200);
    assert_eq!(shown["secret"]["createdAt"], START);
    assert_eq!(shown["secret"]["updatedAt"], "2026-01-02T03:04:06.678Z");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_an_empty_description_clears_it() {
    let server = Server::start().await;
    let mut body = secret("A", "1");
    body["description"] = json!("first");
    server.post(PATH, body).await.expect(200);
    let one = format!("{PATH}/A");
    for (patch, description) in [
        (json!({}), json!("first")),
        (json!({"description": "second"}), json!("second")),
        (json!({"secretValue": "2"}), json!("second")),
        (json!({"secretValue": ""}), json!("second")),
        (json!({"description": ""}), Value::Null),
    ] {
        let answer = server.patch(&one, patch.clone()).await.expect(200);
        assert_eq!(answer["secret"]["description"], description, "{patch}");
    }
}

#[tokio::test]
async fn names_and_lengths() {
    let server = Server::start().await;
    let (longest, too_long) = ("n".repeat(100), "n".repeat(101));
    for name in ["a", "my-name", "_", "0", &longest] {
        server.post(PATH, secret(name, "v")).await.expect(200);
    }
    for name in ["", "a b", "ä", "a.b", "a/b", "a\u{0}", "a\n", &too_long] {
        let message = server.post(PATH, secret(name, "v")).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.starts_with("secretName"), "{message}");
    }
    let described = |chars: usize| {
        let mut body = secret(&format!("d{chars}"), "v");
        body["description"] = json!("ä".repeat(chars));
        body
    };
    server.post(PATH, described(200)).await.expect(200);
    let message = server.post(PATH, described(201)).await;
    assert!(
        message
            .refused(422, "invalid_request")
            .starts_with("description")
    );
    let large = secret("large", &"v".repeat(64 * 1024 + 1));
    let message = server.post(PATH, large).await;
    assert!(
        message
            .refused(422, "invalid_request")
            .starts_with("secretValue")
    );
    for (body, named) in [
        (json!({"secretName": "a"}), "secretValue"),
        (json!({"secretValue": "a"}), "secretName"),
        (
            json!({"secretName": "a", "secretValue": "b", "id": 1}),
            "id",
        ),
        (json!({"secretName": "a", "secretValue": 1}), "secretValue"),
    ] {
        let message = server
            .post(PATH, body)
            .await
            .refused(422, "invalid_request");
        assert!(message.contains(named), "{message}");
    }
}

#[tokio::test]
async fn a_name_is_taken_once_and_free_again_after_deletion() {
    let server = Server::start().await;
    server.post(PATH, secret("A", "1")).await.expect(200);
    server
        .post(PATH, secret("A", "2"))
        .await
        .refused(409, "conflict");
    let one = format!("{PATH}/A");
    assert_eq!(server.delete(&one).await.expect(200), json!({"ok": true}));
    server.get(&one).await.refused(404, "not_found");
    server.delete(&one).await.refused(404, "not_found");
    server
        .patch(&one, json!({}))
        .await
        .refused(404, "not_found");
    server.post(PATH, secret("A", "3")).await.expect(200);
    server.post(PATH, secret("B", "4")).await.expect(200);
    let listed = server.get(PATH).await.expect(200);
    let names: Vec<&Value> = listed["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| &secret["secretName"])
        .collect();
    assert_eq!(names, ["A", "B"]);
}

#[tokio::test]
async fn a_secret_reaches_the_receiver_and_nothing_that_is_kept() {
    let server = Server::start().await;
    server
        .post(PATH, secret("API_KEY", "k3y-of-the-api"))
        .await
        .expect(200);
    let mut action = webhook(&server, "deploy");
    action["invocationMethod"]["headers"] = json!({"X-Api-Key": "{{ .secrets.API_KEY }}"});
    action["invocationMethod"]["body"] = json!({"login": "user:{{ .secrets.API_KEY }}"});
    action["invocationMethod"]["synchronized"] = json!(true);
    server.action(action).await;
    server
        .sink
        .answers()
        .always(longshore_emulators::webhook_sink::Answer::json(
            http::StatusCode::OK,
            r#"{"you sent":"k3y-of-the-api"}"#,
        ));
    let run = server.run("deploy", json!({})).await;
    let call = server.sink.deliveries().pop().unwrap();
    assert_eq!(call.headers["x-api-key"], "k3y-of-the-api");
    assert_eq!(call.body, r#"{"login":"user:k3y-of-the-api"}"#);

    let delivery = server.delivery(&run).await;
    let id = delivery["id"].as_str().unwrap();
    for path in [
        format!("/v1/actions/runs/{run}"),
        format!("/v1/actions/runs/{run}/timeline"),
        format!("/v1/actions/runs/{run}/logs"),
        format!("/v1/deliveries/{id}/attempts"),
        "/v1/deliveries".to_owned(),
        "/v1/actions/runs".to_owned(),
    ] {
        let answer = server.get(&path).await;
        assert!(!answer.text.contains("k3y-of"), "{path}: {}", answer.text);
    }
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "SUCCESS");
    assert_eq!(
        shown["payload"]["headers"]["X-Api-Key"],
        "{{ .secrets.API_KEY }}"
    );
}
