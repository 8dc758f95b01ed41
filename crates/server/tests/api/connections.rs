//! `/v1/connections`: known servers, and what knowing them changes.

use std::time::Duration;

use http::StatusCode;
use longshore_emulators::webhook_sink::Answer as SinkAnswer;
use serde_json::{Value, json};

use crate::harness::{START, Server, with_action};

const PATH: &str = "/v1/connections";
const SECRET: &str = "a signing secret of the connection alone";

fn connection(name: &str, url: &str) -> Value {
    json!({"name": name, "url": url})
}

fn full() -> Value {
    json!({
        "name": "Jenkins",
        "url": "https://ci.example.com/jenkins",
        "preset": "jenkins",
        "signatureHeader": "X-Signature",
        "signaturePrefix": "sha1=",
        "connectTimeoutMs": 1_000,
        "timeoutMs": 10_000,
        "retrySchedule": [1, 60, 3_600],
        "repeatUnknown": true,
        "reportTimeoutSeconds": 7_200,
        "concurrency": 3,
        "ratePerSecond": 0.5,
    })
}

#[tokio::test]
async fn a_connection_is_shown_without_its_secrets() {
    let server = Server::start().await;
    let mut body = full();
    body["signingSecret"] = json!(SECRET);
    let made = server.post(PATH, body).await;
    assert!(!made.text.contains(SECRET));
    let made = made.expect(201)["connection"].clone();
    let id = made["id"].as_str().unwrap();
    let mut expected = full();
    for (key, value) in [
        ("hasSigningSecret", json!(true)),
        ("hasClientKey", json!(false)),
        ("createdAt", json!(START)),
        ("updatedAt", json!(START)),
        ("id", json!(id)),
    ] {
        expected[key] = value;
    }
    assert_eq!(made, expected);
    let one = server.get(&format!("{PATH}/{id}")).await;
    let all = server.get(PATH).await;
    assert!(!one.text.contains(SECRET) && !all.text.contains(SECRET));
    assert_eq!(one.expect(200)["connection"], made);
    assert_eq!(all.expect(200)["connections"], json!([made]));
}

#[tokio::test]
async fn what_is_absent_follows_the_defaults_and_is_not_shown() {
    let server = Server::start().await;
    let body = connection("a", "https://a.example");
    let made = server.post(PATH, body).await.expect(201)["connection"].clone();
    let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id",
            "name",
            "url",
            "hasSigningSecret",
            "hasClientKey",
            "createdAt",
            "updatedAt"
        ]
    );
}

/// Values that are refused, as JSON, each by a message that begins with its key.
const BROKEN: &[(&str, &str)] = &[
    ("name", r#"["",7,null]"#),
    ("url", r#"["","/relative","ftp://a.example",7]"#),
    (
        "url",
        r#"["https://user:pass@a.example","https://a.example\\@b.example/"]"#,
    ),
    (
        "url",
        r#"["https://a.example/x/../y","https://a.example/x y"]"#,
    ),
    ("url", r#"["https://a.example/\r\nX: y"]"#),
    ("baseUrl", r#"["nowhere","file:///etc/passwd"]"#),
    ("preset", r#"["md5",1,{"jenkins":null}]"#),
    ("signatureHeader", r#"["","a b","a\r\nb","ä"]"#),
    ("signaturePrefix", r#"["a\r\nb","ä",1]"#),
    ("connectTimeoutMs", "[0,600001,-1,1.5]"),
    ("timeoutMs", r#"[0,600001,"1"]"#),
    ("retrySchedule", "[[2592001],[-1],1]"),
    ("repeatUnknown", r#"["yes",1]"#),
    ("reportTimeoutSeconds", "[0,31536001]"),
    ("concurrency", "[0,1001,4294967296]"),
    ("ratePerSecond", "[0,-0.1,100001]"),
    ("caCertificate", r#"["not PEM",1]"#),
    ("clientCertificate", r#"["not PEM"]"#),
    ("clientKey", "[7]"),
    ("signingSecret", r#"["short",7]"#),
];

async fn refusal(server: &Server, key: &str, value: Value) -> String {
    let mut body = connection("a", "https://a.example");
    body[key] = value;
    let answer = server.post(PATH, body).await;
    answer.refused(422, "invalid_request")
}

#[tokio::test]
async fn every_broken_rule_is_named() {
    let server = Server::start().await;
    for (key, values) in BROKEN {
        let values: Vec<Value> = serde_json::from_str(values).unwrap();
        for value in values {
            let message = refusal(&server, key, value.clone()).await;
            assert!(message.starts_with(key), "{key} = {value}: {message}");
        }
    }
    for (key, value) in [
        ("name", json!("n".repeat(101))),
        ("retrySchedule", json!(vec![1; 51])),
        ("signingSecret", json!("x".repeat(64 * 1024 + 1))),
    ] {
        let message = refusal(&server, key, value).await;
        assert!(message.starts_with(key), "{key}: {message}");
    }
    let message = refusal(&server, "bindAddress", json!("127.0.0.1")).await;
    assert!(message.contains("bindAddress"), "{message}");
    for body in [
        json!([]),
        json!("a"),
        json!(null),
        json!({}),
        json!({"name": "a"}),
    ] {
        let answer = server.post(PATH, body).await;
        answer.refused(422, "invalid_request");
    }
    assert_eq!(server.get(PATH).await.expect(200)["connections"], json!([]));
}

#[tokio::test]
async fn certificate_and_key_come_together_and_fit() {
    let server = Server::start().await;
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key) in [(Some(pem), None), (None, Some("key"))] {
        let mut body = connection("a", "https://a.example");
        body["clientCertificate"] = json!(certificate);
        body["clientKey"] = json!(key);
        let answer = server.post(PATH, body).await;
        let message = answer.refused(422, "invalid_request");
        assert!(message.contains("clientKey"), "{message}");
    }
    let mut body = connection("a", "https://a.example");
    body["clientCertificate"] = json!(pem);
    body["clientKey"] = json!("no key of this certificate");
    let answer = server.post(PATH, body).await;
    assert!(!answer.text.contains("no key of"), "{}", answer.text);
    answer.refused(422, "invalid_request");
    assert_eq!(server.get(PATH).await.expect(200)["connections"], json!([]));
}

#[tokio::test]
async fn names_and_urls_are_taken_once() {
    let server = Server::start().await;
    let first = connection("a", "https://a.example/x");
    let made = server.post(PATH, first.clone()).await.expect(201);
    let id = made["connection"]["id"].as_str().unwrap();
    for (name, url) in [
        ("a", "https://b.example"),
        ("b", "https://a.example/x/"),
        ("b", "https://A.example:443/%78"),
    ] {
        let answer = server.post(PATH, connection(name, url)).await;
        answer.refused(409, "conflict");
    }
    server
        .post(PATH, connection("b", "https://a.example/x/y"))
        .await
        .expect(201);
    let one = format!("{PATH}/{id}");
    server.put(&one, first.clone()).await.expect(200);
    let taken = connection("b", "https://a.example/x");
    server.put(&one, taken).await.refused(409, "conflict");
    assert_eq!(server.delete(&one).await.expect(200), json!({"ok": true}));
    for path in [one.as_str(), "/v1/connections/nobody"] {
        server.get(path).await.refused(404, "not_found");
        server
            .put(path, first.clone())
            .await
            .refused(404, "not_found");
        server.delete(path).await.refused(404, "not_found");
    }
    server.post(PATH, first).await.expect(201);
}

#[tokio::test]
async fn a_replaced_connection_keeps_its_secret_until_it_is_null() {
    let server = Server::start().await;
    let mut body = connection("a", "https://a.example");
    body["signingSecret"] = json!(SECRET);
    let made = server.post(PATH, body).await.expect(201);
    let one = format!("{PATH}/{}", made["connection"]["id"].as_str().unwrap());
    server.clock.advance(Duration::from_millis(1));
    for (secret, kept) in [
        (None, true),
        (Some(json!(SECRET)), true),
        (Some(Value::Null), false),
        (None, false),
    ] {
        let mut body = connection("renamed", "https://b.example");
        if let Some(secret) = secret {
            body["signingSecret"] = secret;
        }
        let shown = server.put(&one, body).await.expect(200)["connection"].clone();
        assert_eq!(shown["hasSigningSecret"], kept);
        assert_eq!(shown["name"], "renamed");
        assert_eq!(shown["createdAt"], START);
        assert_ne!(shown["updatedAt"], START);
    }
}

async fn connect(server: &Server, name: &str, path: &str, extra: Value) -> String {
    let mut body = connection(name, &format!("{}{path}", server.sink.base_url()));
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let made = server.post(PATH, body).await.expect(201);
    made["connection"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_longest_path_that_matches_decides() {
    let server = with_action().await;
    let destination = async || {
        let run = server.run("deploy", json!({})).await;
        let delivery = server.delivery(&run).await;
        assert_eq!(delivery["state"], "done");
        delivery["destination"].as_str().unwrap().to_owned()
    };
    assert_eq!(destination().await, server.sink.base_url());
    let whole = connect(&server, "whole", "/", json!({})).await;
    assert_eq!(destination().await, whole);
    connect(&server, "sibling", "/hoo", json!({})).await;
    assert_eq!(destination().await, whole, "whole segments alone");
    let exact = connect(&server, "exact", "/hook", json!({})).await;
    assert_eq!(destination().await, exact);
    server.delete(&format!("{PATH}/{exact}")).await.expect(200);
    server.delete(&format!("{PATH}/{whole}")).await.expect(200);
    assert_eq!(destination().await, server.sink.base_url());
}

#[tokio::test]
async fn header_prefix_preset_and_secret_are_the_connection_s() {
    let server = with_action().await;
    let own = json!({
        "signingSecret": SECRET, "preset": "jenkins",
        "signatureHeader": "X-Hub-Signature", "signaturePrefix": "sha1=",
    });
    let id = connect(&server, "ci", "/hook", own).await;
    let run = server.run("deploy", json!({})).await;
    let call = server.sink.deliveries().pop().unwrap();
    let value = call.headers["x-hub-signature"].to_str().unwrap();
    let hex = value.strip_prefix("sha1=").unwrap();
    assert!(
        hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{hex}"
    );
    assert!(!call.headers.contains_key("x-port-signature"));
    let delivery = server.delivery(&run).await;
    assert_eq!(delivery["connectionId"], *id);
    let attempts = format!(
        "/v1/deliveries/{}/attempts",
        delivery["id"].as_str().unwrap()
    );
    let attempts = server.get(&attempts).await.expect(200);
    assert_eq!(attempts["attempts"][0]["signedWith"], *id);
}

#[tokio::test]
async fn schedule_and_report_timeout_are_the_connection_s() {
    let server = with_action().await;
    let own = json!({"retrySchedule": [], "reportTimeoutSeconds": 60});
    connect(&server, "ci", "/hook", own).await;
    let refused = SinkAnswer::json(StatusCode::INTERNAL_SERVER_ERROR, "{}");
    server.sink.answers().next(1, refused);
    let run = server.run("deploy", json!({})).await;
    assert_eq!(
        server.show(&run).await["status"],
        "FAILURE",
        "no further attempt"
    );
    let run = server.run("deploy", json!({})).await;
    server.advance(Duration::from_secs(60)).await;
    assert_eq!(server.show(&run).await["statusLabel"], "No report");
}
