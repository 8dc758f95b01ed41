//! A way to the receiver that does not lead there: TLS, ports, address rules.

use longshore_emulators::jenkins::{Config, Jenkins};
use serde_json::{Value, json};

use super::relay::{Authority, Relay};
use super::{Setup, TOKEN};
use crate::harness::Server;

const GUIDE: &str = "jenkins.md";

async fn agrees(connection: Value, code: &str) {
    let url = format!(
        "{}/generic-webhook-trigger/invoke",
        connection["url"].as_str().unwrap()
    );
    let setup = Setup {
        connection,
        invocation: json!({"type": "JENKINS", "url": url, "headers": {"token": TOKEN}, "body": {}}),
        dry_run: false,
        code,
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
}

/// A Jenkins behind TLS with a certificate that `authority` issued for `name`.
async fn behind_tls(
    authority: &Authority,
    name: &str,
    expired: bool,
    asks: bool,
) -> (Jenkins, Relay) {
    let jenkins = Jenkins::start(Config::default()).await.unwrap();
    let certificate = authority.issue(name, expired);
    let callers = asks.then_some(authority);
    let relay = Relay::over_tls(jenkins.address(), &certificate, callers).await;
    (jenkins, relay)
}

fn connection(relay: &Relay, authority: &Authority) -> Value {
    json!({"name": "jenkins", "url": format!("https://127.0.0.1:{}", relay.address.port()),
        "caCertificate": authority.pem})
}

#[tokio::test]
async fn the_certificate_has_ended() {
    let authority = Authority::new("ours");
    let (_jenkins, relay) = behind_tls(&authority, "127.0.0.1", true, false).await;
    agrees(connection(&relay, &authority), "tls_expired").await;
}

#[tokio::test]
async fn the_certificate_is_for_another_name() {
    let authority = Authority::new("ours");
    let (_jenkins, relay) = behind_tls(&authority, "ci.example.com", false, false).await;
    agrees(connection(&relay, &authority), "tls_name_mismatch").await;
}

#[tokio::test]
async fn nobody_trusted_has_issued_the_certificate() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let (_jenkins, relay) = behind_tls(&theirs, "127.0.0.1", false, false).await;
    agrees(connection(&relay, &ours), "tls_untrusted").await;
}

#[tokio::test]
async fn the_receiver_asks_for_a_certificate_that_there_is_none_of() {
    let authority = Authority::new("ours");
    let (_jenkins, relay) = behind_tls(&authority, "127.0.0.1", false, true).await;
    agrees(connection(&relay, &authority), "tls_client_certificate").await;
}

#[tokio::test]
async fn nothing_listens_there() {
    let jenkins = Jenkins::start(Config::default()).await.unwrap();
    let url = jenkins.base_url();
    jenkins.shutdown().await;
    agrees(json!({"name": "jenkins", "url": url}), "connection_refused").await;
}

#[tokio::test]
async fn the_address_is_forbidden_and_is_not_told() {
    let server = Server::start().await;
    let url = "http://10.1.2.3/jenkins";
    let made = server.post("/v1/connections", json!({"name": "jenkins", "url": url}));
    let id = made.await.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let report = server.post(&path, json!({})).await.expect(200)["check"].clone();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.last().unwrap();
    assert_eq!(found["code"], "address_forbidden");
    assert!(found["fix"].as_str().unwrap().contains("network.allow"));
    let last = found["message"].as_str().unwrap();
    assert_eq!(
        last,
        "10.1.2.3:80 leads to an address that must not be called."
    );
    assert!(!report.to_string().contains("private"), "{report:#}");
}

#[tokio::test]
async fn a_stranger_shows_only_its_status_and_content_type() {
    let server = Server::start().await;
    let url = server.sink.base_url();
    let made = server.post(
        "/v1/connections",
        json!({"name": "sink", "url": url, "preset": "jenkins"}),
    );
    let id = made.await.expect(201)["connection"]["id"].clone();
    let page = longshore_emulators::webhook_sink::Answer {
        status: http::StatusCode::FORBIDDEN,
        headers: http::HeaderMap::new(),
        body: "the inventory of an internal server".into(),
    };
    server.sink.answers().always(page);
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let answer = server.post(&path, json!({})).await;
    assert!(!answer.text.contains("inventory"), "{}", answer.text);
    let report = answer.expect(200)["check"].clone();
    let found = report["findings"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        found["message"],
        "It answered 403 Forbidden (no content type)."
    );
}

#[tokio::test]
async fn a_receiver_that_is_no_jenkins_is_never_called_at_its_address() {
    let server = Server::start().await;
    let url = format!("{}/hooks/1", server.sink.base_url());
    let made = server.post("/v1/connections", json!({"name": "sink", "url": url}));
    let id = made.await.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let asked = json!({"url": format!("{url}?token={TOKEN}")});
    let report = server.post(&path, asked).await.expect(200)["check"].clone();
    assert_eq!(report["receiver"], "webhook");
    assert_eq!(report["verdict"], "unknown");
    let called: Vec<String> = server
        .sink
        .deliveries()
        .iter()
        .map(|call| format!("{} {}", call.method, call.uri))
        .collect();
    assert_eq!(called, ["GET /hooks/1/login"]);
}

#[tokio::test]
async fn checks_are_bounded_and_only_an_admin_asks_for_them() {
    let server = Server::start().await;
    let url = server.sink.base_url();
    let made = server.post("/v1/connections", json!({"name": "sink", "url": url}));
    let id = made.await.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let (reporter, secret) = server.credential("reporter", "report").await;
    let token = server.token_for(&reporter, &secret).await;
    let refused = server.by(&token, http::Method::POST, &path).json(json!({}));
    refused.send().await.refused(403, "forbidden");
    for _ in 0..20 {
        server.post(&path, json!({})).await.expect(200);
    }
    let refused = server.post(&path, json!({})).await;
    assert_eq!(
        refused.refused(429, "too_many_requests"),
        "at most 20 checks within 60 s; try again later"
    );
    server.advance(std::time::Duration::from_secs(60)).await;
    server.post(&path, json!({})).await.expect(200);
    let elsewhere = json!({"url": "http://127.0.0.1:1/other"});
    let refused = server.post(&path, elsewhere).await;
    assert!(
        refused
            .refused(422, "invalid_request")
            .contains("below the connection's")
    );
    let headers_alone = server.post(&path, json!({"headers": {"token": "x"}})).await;
    assert!(
        headers_alone
            .refused(422, "invalid_request")
            .contains("dryRun")
    );
}
