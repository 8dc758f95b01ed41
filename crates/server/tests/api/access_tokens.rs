//! `POST /v1/auth/access_token`, and what holds a token up.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, CLIENT_ID, CLIENT_SECRET, START_MICROS, Server};

const PATH: &str = "/v1/auth/access_token";

async fn ask(server: &Server, body: Value) -> Answer {
    let call = server.anonymous(Method::POST, PATH);
    call.json(&body).send().await
}

fn pair() -> Value {
    json!({"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET})
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_is_a_machine_s_jwt_that_holds_for_three_hours() {
    let server = Server::start().await;
    let answer = ask(&server, pair()).await.expect(200);
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ok", "accessToken", "expiresIn", "tokenType"]);
    assert_eq!(answer["expiresIn"], 10_800);
    assert_eq!(answer["tokenType"], "Bearer");
    let claims = claims(answer["accessToken"].as_str().unwrap());
    let issued_at = START_MICROS / 1_000_000;
    assert_eq!(claims["isMachine"], true);
    assert_eq!(claims["orgId"], "org_0123456789abcdef");
    assert_eq!(claims["sub"], CLIENT_ID);
    assert_eq!(claims["iat"], issued_at);
    assert_eq!(claims["exp"], issued_at + 10_800);
}

#[tokio::test]
async fn the_same_token_is_given_until_it_expires() {
    let server = Server::start().await;
    let first = ask(&server, pair()).await.expect(200);
    server.clock.advance(Duration::from_secs(10_799));
    let again = ask(&server, pair()).await.expect(200);
    assert_eq!(again["accessToken"], first["accessToken"]);
    assert_eq!(again["expiresIn"], 1);
    server.get("/v1/actions").await.expect(200);
    server.clock.advance(Duration::from_secs(1));
    server.get("/v1/actions").await.refused(401, "unauthorized");
    let next = ask(&server, pair()).await.expect(200);
    assert_ne!(next["accessToken"], first["accessToken"]);
    assert_eq!(next["expiresIn"], 10_800);
}

#[tokio::test]
async fn wrong_credentials_are_all_refused_alike() {
    let server = Server::start().await;
    let mut messages = Vec::new();
    for (id, secret) in [
        (CLIENT_ID, "another secret of at least 32 bytes!"),
        (CLIENT_ID, ""),
        (CLIENT_ID, &CLIENT_SECRET[..35]),
        ("nobody", CLIENT_SECRET),
        ("", ""),
    ] {
        let body = json!({"clientId": id, "clientSecret": secret});
        messages.push(ask(&server, body).await.refused(401, "unauthorized"));
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[tokio::test]
async fn the_body_is_exactly_the_pair() {
    let server = Server::start().await;
    for (body, named) in [
        (
            json!({"clientId": "a", "clientSecret": "b", "more": 1}),
            "more",
        ),
        (json!({"clientId": "a"}), "clientSecret"),
        (json!({"clientSecret": "b"}), "clientId"),
        (json!({"clientId": 1, "clientSecret": "b"}), "clientId"),
        (json!({"clientId": null, "clientSecret": "b"}), "clientId"),
        (json!([CLIENT_ID, CLIENT_SECRET]), "expected a JSON object"),
        (json!("text"), "expected"),
        (json!(null), "expected"),
    ] {
        let message = ask(&server, body.clone())
            .await
            .refused(422, "invalid_request");
        assert!(message.contains(named), "{body}: {message}");
    }
}

#[tokio::test]
async fn a_secret_is_never_echoed() {
    let server = Server::start().await;
    let body = json!({"clientId": "a", "clientSecret": ["s3cr3t-in-a-list"]});
    let answer = ask(&server, body).await;
    assert!(!answer.text.contains("s3cr3t"), "{}", answer.text);
    let broken = server.anonymous(Method::POST, PATH);
    let broken = broken
        .raw(r#"{"clientId":"a","clientSecret":"s3cr3t"#)
        .send()
        .await;
    assert!(!broken.text.contains("s3cr3t"), "{}", broken.text);
    broken.refused(422, "invalid_request");
}

#[tokio::test]
async fn a_token_is_taken_as_a_bearer_or_bare() {
    let server = Server::start().await;
    for value in [
        format!("Bearer {}", server.token),
        format!("bearer {}", server.token),
        server.token.clone(),
    ] {
        let call = server.anonymous(Method::GET, "/v1/actions");
        call.header("authorization", &value)
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused() {
    let server = Server::start().await;
    let (head, mac) = server.token.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let mut claims = claims(&server.token);
    claims["exp"] = json!(4_102_444_800_i64);
    let longer = URL_SAFE_NO_PAD.encode(claims.to_string());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    for token in [
        format!("{header}.{longer}.{mac}"),
        format!("{none}.{payload}."),
        format!("{header}.{payload}."),
        format!("{head}.{}", mac.to_uppercase()),
        format!("{}.", server.token),
        "lrt_r_0123456789abcdef.1.AAAA".to_owned(),
        "x".repeat(100_000),
        String::new(),
    ] {
        let answer = server.by(&token, Method::GET, "/v1/actions").send().await;
        answer.refused(401, "unauthorized");
    }
}

#[tokio::test]
async fn only_a_full_credential_s_token_is_admin_s() {
    let server = Server::start().await;
    let (id, secret) = server.credential("signs", "sign").await;
    let body = json!({"clientId": id, "clientSecret": secret});
    ask(&server, body).await.refused(401, "unauthorized");

    let (id, secret) = server.credential("reports", "report").await;
    let token = server.token_for(&id, &secret).await;
    let listing = server.by(&token, Method::GET, "/v1/actions").send().await;
    listing.refused(403, "forbidden");

    let (id, secret) = server.credential("does everything", "full").await;
    let token = server.token_for(&id, &secret).await;
    let listing = server.by(&token, Method::GET, "/v1/actions").send().await;
    listing.expect(200);
}
