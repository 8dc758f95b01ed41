//! Inputs with an `encryption`: what is stored, shown and sent of them.

mod attempts;
mod client_side;
mod given_to_agents;
mod secrecy;

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Server, webhook};

const PASSWORD: &str = "pässword-1 of the tests";
const PIN: &str = "the-pin-of-the-account";
/// What is shown in the place of a value.
const CENSORED: &str = "<encrypted>";

/// What `wire` holds for whoever has `secret`, by the contract alone.
fn open(wire: &Value, secret: &str) -> String {
    try_open(wire, secret).unwrap_or_else(|| panic!("{wire} does not open"))
}

fn try_open(wire: &Value, secret: &str) -> Option<String> {
    type Cipher = AesGcm<Aes256, U16>;
    let bytes = STANDARD.decode(wire.as_str()?).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(16)?;
    let nonce: [u8; 16] = nonce.try_into().ok()?;
    let key: [u8; 32] = secret.as_bytes()[..32].try_into().ok()?;
    let cipher = Cipher::new(&Key::<Cipher>::from(key));
    let opened = cipher.decrypt(&Nonce::<U16>::from(nonce), sealed).ok()?;
    String::from_utf8(opened).ok()
}

/// An action that calls the sink, with a plain and two encrypted inputs.
fn action(server: &Server, identifier: &str) -> Value {
    let mut action = webhook(server, identifier);
    action["trigger"]["userInputs"]["properties"] = json!({
        "name": {"type": "string"},
        "password": {"type": "string", "encryption": "aes256-gcm", "minLength": 3},
        "account": {
            "type": "object", "encryption": "aes256-gcm",
            "properties": {"pin": {"type": "string"}}, "additionalProperties": false,
        },
    });
    action["invocationMethod"]["body"] = json!({
        "name": "{{ .inputs.name }}",
        "password": "{{ .inputs.password }}",
        "account": "{{ .inputs.account }}",
    });
    action
}

/// A server with the action `deploy`, whose body is `body` where there is one.
async fn with_body(body: Option<Value>) -> Server {
    let server = Server::start().await;
    let mut action = action(&server, "deploy");
    match body {
        Some(body) => action["invocationMethod"]["body"] = body,
        None => drop(
            action["invocationMethod"]
                .as_object_mut()
                .unwrap()
                .remove("body"),
        ),
    }
    server.action(action).await;
    server
}

async fn with_action() -> Server {
    let server = Server::start().await;
    server.action(action(&server, "deploy")).await;
    server
}

fn inputs() -> Value {
    json!({"name": "api", "password": PASSWORD, "account": {"pin": PIN}})
}

fn censored() -> Value {
    json!({"name": "api", "password": CENSORED, "account": CENSORED})
}

/// Everything that the API shows of every run.
async fn shown(server: &Server) -> String {
    let mut text = String::new();
    for path in [
        "/v1/actions/runs",
        "/v1/actions/runs?version=v1",
        "/v1/deliveries",
    ] {
        text += &server.get(path).await.expect(200).to_string();
    }
    let runs = server.get("/v1/actions/runs?limit=1000").await.expect(200);
    for run in runs["runs"].as_array().unwrap() {
        let id = run["id"].as_str().unwrap();
        for rest in ["", "?version=v1", "/logs", "/timeline", "/approvers"] {
            let path = format!("/v1/actions/runs/{id}{rest}");
            text += &server.get(&path).await.expect(200).to_string();
        }
    }
    let deliveries = server.get("/v1/deliveries").await.expect(200);
    for delivery in deliveries["deliveries"].as_array().unwrap() {
        let id = delivery["id"].as_str().unwrap();
        let path = format!("/v1/deliveries/{id}/attempts");
        text += &server.get(&path).await.expect(200).to_string();
    }
    text
}

/// None of `secrets` is stored or shown, and something else is.
async fn assert_nowhere(server: &Server, secrets: &[&str]) {
    let (shown, stored) = (shown(server).await, server.stored().await);
    assert!(stored.contains(CENSORED) && shown.contains(CENSORED));
    for secret in secrets {
        let base64 = STANDARD.encode(secret);
        for form in [*secret, base64.trim_end_matches('=')] {
            assert!(!stored.contains(form), "{form} is stored");
            assert!(!shown.contains(form), "{form} is shown: {shown}");
        }
    }
}
