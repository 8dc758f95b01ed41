//! Inputs that a browser encrypts: passed on as they are, and plain text refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Server, webhook};

const RUNS: &str = "/v1/actions/deploy/runs";

/// The contract's vector.
fn vector() -> Value {
    let text = include_str!("../../../../domain/vectors/crypto.json");
    serde_json::from_str::<Value>(text).unwrap()["client-side"].take()
}

async fn with_key(kind: &str, key: &Value) -> (Server, Value) {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["trigger"]["userInputs"]["properties"]["key"] = json!({
        "type": kind, "encryption": {"algorithm": "client-side", "key": key},
    });
    action["invocationMethod"]["body"] = json!({
        "key": "{{ .inputs.key }}", "names": "{{ .action.encryptedProperties }}",
    });
    let saved = server.post("/v1/actions", action).await.expect(201);
    (server, saved["warnings"].clone())
}

#[tokio::test]
async fn an_encrypted_value_is_passed_on_and_shown_as_it_is() {
    let vector = vector();
    for kind in ["string", "object"] {
        let (server, _) = with_key(kind, &vector["public_key_pem"]).await;
        let run = server.run("deploy", json!({"key": vector["wire"]})).await;
        let shown = server.show(&run).await;
        assert_eq!(shown["properties"]["key"], vector["wire"]);
        assert_eq!(shown["payload"]["body"]["key"], vector["wire"]);
        let sent = json!({"key": vector["wire"], "names": ["key"]});
        assert_eq!(server.received(), sent);
    }
}

#[tokio::test]
async fn plain_text_is_refused_and_not_repeated() {
    let vector = vector();
    let (server, _) = with_key("string", &vector["public_key_pem"]).await;
    let wire = vector["wire"].as_str().unwrap();
    for value in [
        json!("hunter2"),
        json!(""),
        json!("hunter2 ".repeat(100)),
        json!(STANDARD.encode("hunter2")),
        json!(STANDARD.encode([0x68; 12 + 256 + 15])),
        json!(format!("{wire}\n")),
        json!(format!("hunter2{wire}")),
        json!({"hunter2": "hunter2"}),
        json!(["hunter2"]),
        json!(7_612_345),
        json!(null),
    ] {
        let body = json!({"properties": {"key": value}});
        let answer = server.post(RUNS, body).await;
        let message = answer.refused(422, "invalid_request");
        assert!(
            message.starts_with("properties.key: "),
            "{value}: {message}"
        );
        let layout = "IV of 12 bytes, the AES key wrapped by RSA-OAEP in 256 bytes";
        assert!(message.contains(layout), "{value}: {message}");
        let tells = ["hunter2", "7612345", &wire[..40]]
            .iter()
            .any(|it| message.contains(it));
        assert!(!tells, "{value}: {message}");
    }
    let listed = server.get("/v1/actions/runs").await.expect(200);
    assert_eq!(listed["runs"], json!([]));
    assert_eq!(server.sink.counts().requests, 0);
}

#[tokio::test]
async fn what_cannot_be_encrypted_is_warned_of_and_not_executed() {
    let private = vector()["private_key_pem"].clone();
    for key in [
        json!("-----BEGIN PUBLIC KEY-----"),
        json!(""),
        json!(7),
        private,
    ] {
        let (server, warnings) = with_key("string", &key).await;
        let warning = &warnings[0];
        let path = "trigger.userInputs.properties.key.encryption";
        assert_eq!(warning["path"], path, "{key}");
        let told = warning["message"].as_str().unwrap();
        assert!(told.ends_with("executing this action is refused"), "{told}");
        assert!(!told.contains("MII"), "{told}");
        for properties in [json!({"key": "hunter2-hunter2"}), json!({})] {
            let body = json!({"properties": properties});
            let answer = server.post(RUNS, body).await;
            assert!(!answer.text.contains("hunter2"));
            answer.refused(422, "invocation_not_available");
        }
    }
}
