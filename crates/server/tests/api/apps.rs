//! `/v1/apps`: credentials, their rotation, and the one that signs.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, CLIENT_SECRET, START, Server, webhook};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn obtains_token(server: &Server, id: &str, secret: &str) -> bool {
    let call = server.anonymous(Method::POST, "/v1/auth/access_token");
    let body = json!({"clientId": id, "clientSecret": secret});
    call.json(&body).send().await.status == 200
}

async fn works(server: &Server, token: &str) -> bool {
    let call = server.by(token, Method::GET, "/v1/actions");
    call.send().await.status == 200
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let server = Server::start().await;
    let made = server
        .post("/v1/apps", json!({"name": "CI"}))
        .await
        .expect(200);
    let app = &made["app"];
    let keys: Vec<&String> = app.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["id", "name", "enabled", "createdAt", "updatedAt", "secret"]
    );
    assert_eq!(app["name"], "CI");
    assert_eq!(app["enabled"], true);
    assert_eq!(app["createdAt"], START);
    assert_eq!(app["updatedAt"], START);
    let secret = app["secret"].as_str().unwrap();
    assert!(secret.len() >= 32, "it keys AES-256");
    let id = app["id"].as_str().unwrap();
    assert!(obtains_token(&server, id, secret).await);

    let listed = server.get("/v1/apps").await;
    assert!(!listed.text.contains(secret) && !listed.text.contains(CLIENT_SECRET));
    let apps = listed.expect(200)["apps"].clone();
    assert_eq!(apps.as_array().unwrap().len(), 2);
    assert!(apps[1].get("secret").is_none());
    let renamed = server.put(&format!("/v1/apps/{id}"), json!({"name": "Builds"}));
    let renamed = renamed.await;
    assert!(!renamed.text.contains(secret));
    assert_eq!(renamed.expect(200)["app"]["name"], "Builds");
}

#[tokio::test]
async fn fields_choose_what_is_listed() {
    let server = Server::start().await;
    for path in [
        "/v1/apps?fields=id&fields=name",
        "/v1/apps?fields=id,name",
        "/v1/apps?fields[]=id&fields[]=name&fields[]=secret",
    ] {
        let apps = server.get(path).await.expect(200)["apps"].clone();
        assert_eq!(
            apps,
            json!([{"id": CLIENT_ID, "name": "Default"}]),
            "{path}"
        );
    }
}

#[tokio::test]
async fn bodies_are_closed_and_bounded() {
    let server = Server::start().await;
    let long = "x".repeat(201);
    for (body, named) in [
        (json!({}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": long}), "name"),
        (json!({"name": 1}), "name"),
        (json!({"name": "a", "secret": "mine"}), "secret"),
        (json!({"name": "a", "scope": "everything"}), "scope"),
        (json!({"name": "a", "scope": {"full": null}}), "scope"),
        (json!(["a"]), "expected a JSON object"),
    ] {
        let message = server.post("/v1/apps", body.clone()).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{body}: {message}");
    }
    let rotate = format!("/v1/apps/{CLIENT_ID}/rotate-secret");
    for (body, named) in [
        (json!({"overlapHours": -1}), "overlapHours"),
        (json!({"overlapHours": 1.5}), "overlapHours"),
        (json!({"overlapHours": 721}), "overlapHours"),
        (json!({"overlapHours": u64::MAX}), "overlapHours"),
        (json!({"hours": 1}), "hours"),
        (json!([1]), "expected a JSON object"),
    ] {
        let message = server.post(&rotate, body.clone()).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{body}: {message}");
    }
    for (method, path) in [
        (Method::PUT, "/v1/apps/nobody"),
        (Method::DELETE, "/v1/apps/nobody"),
        (Method::POST, "/v1/apps/nobody/rotate-secret"),
        (Method::POST, "/v1/apps/nobody/activate-secret"),
    ] {
        let call = server.call(method, path);
        let call = match path.contains("secret") {
            true => call,
            false => call.json(json!({"name": "x"})),
        };
        call.send().await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_credential_and_rests_while_it_is_off() {
    let server = Server::start().await;
    let (id, secret) = server.credential("CI", "full").await;
    let token = server.token_for(&id, &secret).await;
    assert!(works(&server, &token).await);

    let path = format!("/v1/apps/{id}");
    let off = json!({"name": "CI", "enabled": false});
    assert_eq!(
        server.put(&path, off).await.expect(200)["app"]["enabled"],
        false
    );
    assert!(!works(&server, &token).await);
    assert!(!obtains_token(&server, &id, &secret).await);
    let on = json!({"name": "CI", "enabled": true});
    server.put(&path, on).await.expect(200);
    assert!(works(&server, &token).await);

    assert_eq!(server.delete(&path).await.expect(200), json!({"ok": true}));
    assert!(!works(&server, &token).await);
    assert!(!obtains_token(&server, &id, &secret).await);
    server.delete(&path).await.refused(404, "not_found");
}

#[tokio::test]
async fn both_secrets_obtain_tokens_until_the_overlap_ends() {
    let server = Server::start().await;
    let rotate = format!("/v1/apps/{CLIENT_ID}/rotate-secret");
    let rotated = server
        .post(&rotate, json!({"overlapHours": 2}))
        .await
        .expect(200);
    let fresh = rotated["app"]["secret"].as_str().unwrap().to_owned();
    assert_ne!(fresh, CLIENT_SECRET);
    assert!(obtains_token(&server, CLIENT_ID, CLIENT_SECRET).await);
    let token = server.token_for(CLIENT_ID, &fresh).await;
    assert_ne!(
        token, server.token,
        "each secret has a live token of its own"
    );
    server
        .post(&rotate, json!({}))
        .await
        .refused(409, "conflict");

    server.clock.advance(2 * HOUR);
    assert!(!obtains_token(&server, CLIENT_ID, CLIENT_SECRET).await);
    assert!(
        !works(&server, &server.token).await,
        "it ended with its secret"
    );
    assert!(works(&server, &token).await);
    let again = server
        .by(&token, Method::POST, &rotate)
        .send()
        .await
        .expect(200);
    assert!(again["app"]["secret"].is_string());
    server.clock.advance(24 * HOUR);
    assert!(
        !obtains_token(&server, CLIENT_ID, &fresh).await,
        "24 hours by default"
    );
}

#[tokio::test]
async fn an_overlap_of_nothing_ends_the_old_secret_at_once() {
    let server = Server::start().await;
    let rotate = format!("/v1/apps/{CLIENT_ID}/rotate-secret");
    let rotated = server
        .post(&rotate, json!({"overlapHours": 0}))
        .await
        .expect(200);
    let fresh = rotated["app"]["secret"].as_str().unwrap();
    assert!(!works(&server, &server.token).await);
    assert!(!obtains_token(&server, CLIENT_ID, CLIENT_SECRET).await);
    assert!(obtains_token(&server, CLIENT_ID, fresh).await);
}

async fn signed_with(server: &Server, run: &str) -> Value {
    let delivery = server.delivery(run).await;
    let id = delivery["id"].as_str().unwrap();
    let answer = server.get(&format!("/v1/deliveries/{id}/attempts")).await;
    answer.expect(200)["attempts"][0]["signedWith"].clone()
}

#[tokio::test]
async fn the_old_secret_signs_until_the_overlap_ends_or_the_new_one_is_activated() {
    let server = Server::start().await;
    server.action(webhook(&server, "deploy")).await;
    let old = signed_with(&server, &server.run("deploy", json!({})).await).await;
    assert!(old.is_string());

    let rotate = format!("/v1/apps/{CLIENT_ID}/rotate-secret");
    server
        .post(&rotate, json!({"overlapHours": 2}))
        .await
        .expect(200);
    let during = signed_with(&server, &server.run("deploy", json!({})).await).await;
    assert_eq!(during, old);

    let activate = format!("/v1/apps/{CLIENT_ID}/activate-secret");
    let activated = server.post(&activate, json!({})).await.expect(200);
    assert!(activated["app"].get("secret").is_none());
    let after = signed_with(&server, &server.run("deploy", json!({})).await).await;
    assert_ne!(after, old);
    assert!(
        obtains_token(&server, CLIENT_ID, CLIENT_SECRET).await,
        "activating takes the signature alone"
    );
}

#[tokio::test]
async fn the_signer_stays_until_another_one_is_named() {
    let server = Server::start().await;
    let signer = format!("/v1/apps/{CLIENT_ID}");
    server.delete(&signer).await.refused(409, "conflict");
    let off = json!({"name": "Default", "enabled": false});
    server
        .put(&signer, off.clone())
        .await
        .refused(409, "conflict");

    let (other, secret) = server.credential("signs too", "full").await;
    let name_other = json!({"settings": {"signingCredential": other}});
    server
        .patch("/v1/organization", name_other)
        .await
        .expect(200);
    let path = format!("/v1/apps/{other}");
    server.delete(&path).await.refused(409, "conflict");
    let token = server.token_for(&other, &secret).await;
    let gone = server.by(&token, Method::DELETE, &signer).send().await;
    gone.expect(200);
    let listed = server.by(&token, Method::GET, "/v1/apps").send().await;
    assert_eq!(listed.expect(200)["apps"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn scopes_are_shown_where_they_are_not_full() {
    let server = Server::start().await;
    for scope in ["report", "sign", "full"] {
        server.credential(scope, scope).await;
    }
    let apps = server.get("/v1/apps?fields=name,scope").await.expect(200);
    assert_eq!(
        apps["apps"],
        json!([
            {"name": "Default"},
            {"name": "report", "scope": "report"},
            {"name": "sign", "scope": "sign"},
            {"name": "full"},
        ])
    );
}
