//! Callers that go away before they are answered: what they changed is stored and remembered.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Server, webhook, with_action};

#[tokio::test]
async fn a_credential_whose_deletion_was_abandoned_holds_no_longer() {
    let server = Server::start().await;
    let (id, secret) = server.credential("leaving", "full").await;
    let token = server.token_for(&id, &secret).await;
    let path = format!("/v1/apps/{id}");
    server.call(Method::DELETE, &path).abandon().await;
    let asked = server.by(&token, Method::GET, "/v1/actions").send();
    asked.await.expect(401);
    let pair = json!({"clientId": id, "clientSecret": secret});
    let asked = server.anonymous(Method::POST, "/v1/auth/access_token");
    asked.json(&pair).send().await.expect(401);
}

#[tokio::test]
async fn secrets_are_as_the_caller_that_went_away_asked() {
    const SECRETS: &str = "/v1/organization/secrets";
    const KEY: &str = "/v1/organization/secrets/KEY";
    let server = Server::start().await;
    let made = json!({"secretName": "KEY", "secretValue": "first", "description": "one"});
    let call = server.call(Method::POST, SECRETS);
    call.json(made).abandon().await;
    let shown = server.get(KEY).await.expect(200);
    assert_eq!(shown["secret"]["description"], "one");
    let call = server.call(Method::PATCH, KEY);
    call.json(json!({"description": "two"})).abandon().await;
    let shown = server.get(KEY).await.expect(200);
    assert_eq!(shown["secret"]["description"], "two");
    server.call(Method::DELETE, KEY).abandon().await;
    server.get(KEY).await.expect(404);
    // What is stored goes with what is remembered: the name is free.
    let again = json!({"secretName": "KEY", "secretValue": "second", "description": ""});
    server.post(SECRETS, again).await.expect(200);
}

#[tokio::test]
async fn an_action_is_executed_as_the_caller_that_went_away_stored_it() {
    let server = with_action().await;
    server.run("deploy", json!({})).await;
    let mut changed = webhook(&server, "deploy");
    changed["invocationMethod"]["body"] = json!({"changed": true});
    let call = server.call(Method::PUT, "/v1/actions/deploy");
    call.json(changed).abandon().await;
    server.run("deploy", json!({})).await;
    assert_eq!(server.received(), json!({"changed": true}));
    server
        .call(Method::DELETE, "/v1/actions/deploy")
        .abandon()
        .await;
    server.get("/v1/actions/deploy").await.expect(404);
}

#[tokio::test]
async fn connections_are_as_the_caller_that_went_away_asked() {
    const PATH: &str = "/v1/connections";
    let server = Server::start().await;
    let named = |name: &str| json!({"name": name, "url": "https://ci.example.com"});
    let call = server.call(Method::POST, PATH);
    call.json(named("first")).abandon().await;
    let shown: Value = server.get(PATH).await.expect(200);
    assert_eq!(shown["connections"][0]["name"], "first");
    let id = shown["connections"][0]["id"].as_str().unwrap();
    let one = format!("{PATH}/{id}");
    let call = server.call(Method::PUT, &one);
    call.json(named("second")).abandon().await;
    let shown = server.get(&one).await.expect(200);
    assert_eq!(shown["connection"]["name"], "second");
    server.call(Method::DELETE, &one).abandon().await;
    server.get(&one).await.expect(404);
}

#[tokio::test]
async fn the_signer_is_who_the_caller_that_went_away_named() {
    const PATH: &str = "/v1/organization";
    let server = Server::start().await;
    let (signs, _) = server.credential("signs", "sign").await;
    let named = json!({"settings": {"signingCredential": signs}});
    let call = server.call(Method::PATCH, PATH);
    call.json(named).abandon().await;
    let shown = server.get(PATH).await.expect(200);
    let settings = &shown["organization"]["settings"];
    assert_eq!(settings["signingCredential"], *signs);
    let one = format!("/v1/apps/{signs}");
    server.delete(&one).await.refused(409, "conflict");
}
