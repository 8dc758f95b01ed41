//! The plain text is in no table and no answer; its receiver can open what it is sent.

use std::net::SocketAddr;

use axum::Router;
use http::{Method, StatusCode};
use longshore_emulators::webhook_sink::Answer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{
    CENSORED, PASSWORD, PIN, action, assert_nowhere, censored, inputs, open, shown, with_action,
    with_body,
};
use crate::harness::{CLIENT_SECRET, Server};

const RUNS: &str = "/v1/actions/deploy/runs";

#[tokio::test]
async fn plain_text_is_sent_encrypted_and_kept_nowhere() {
    let server = with_action().await;
    let answer = server.post(RUNS, json!({"properties": inputs()})).await;
    let run = &answer.expect(202)["run"];
    assert_eq!(run["properties"].to_string(), censored().to_string());
    assert!(run.get("rawProperties").is_none());
    let body = &run["payload"]["body"];
    assert_eq!(
        body["name"], "api",
        "what reads other inputs is known at once"
    );
    assert_eq!(
        body["password"], "{{ .inputs.password }}",
        "it stands as written"
    );
    server.engine.settled().await;
    let sent = server.received();
    assert_eq!(sent["name"], "api");
    assert_eq!(open(&sent["password"], CLIENT_SECRET), PASSWORD);
    let account = open(&sent["account"], CLIENT_SECRET);
    assert_eq!(
        account,
        format!(r#"{{"pin":"{PIN}"}}"#),
        "an object as JSON"
    );
    let wire = sent["password"].as_str().unwrap();
    assert_nowhere(&server, &[PASSWORD, PIN, wire]).await;
}

#[tokio::test]
async fn what_was_sent_and_defaults_are_censored_alike() {
    let server = Server::start().await;
    let mut action = action(&server, "deploy");
    let form = &mut action["trigger"]["userInputs"]["properties"];
    form["size"] = json!({"type": "number", "default": 1});
    form["token"] =
        json!({"type": "string", "encryption": "aes256-gcm", "default": "changeme-now"});
    action["invocationMethod"]["body"]["token"] = "{{ .inputs.token }}".into();
    let saved = server.post("/v1/actions", action).await.expect(201);
    let warning = &saved["warnings"][0];
    assert_eq!(
        warning["path"],
        "trigger.userInputs.properties.token.default"
    );
    let run = server.show(&server.run("deploy", inputs()).await).await;
    assert_eq!(run["rawProperties"], censored());
    assert_eq!(run["properties"]["token"], CENSORED);
    let token = &server.received()["token"];
    assert_eq!(open(token, CLIENT_SECRET), "changeme-now");
    // the default is the action's author's to show
    assert!(!shown(&server).await.contains("changeme"));
}

#[tokio::test]
async fn an_expression_sees_the_encrypted_value_however_it_reads_it() {
    for (expression, path) in [
        (".inputs.password", ""),
        (".inputs[\"password\"]", ""),
        (".[\"inputs\"].password", ""),
        (".inputs", "/password"),
        (".", "/inputs/password"),
        ("{inputs: .inputs}", "/inputs/password"),
        (".inputs | .password", ""),
        ("{a: .inputs.name, b: .inputs.password}", "/b"),
        (".inputs.password // \"none\"", ""),
        (
            "if .inputs.password == null then 1 else .inputs.password end",
            "",
        ),
        (
            ".inputs[if .inputs.name == \"api\" then \"password\" else \"name\" end]",
            "",
        ),
    ] {
        let template = format!("{{{{ {expression} }}}}");
        let server = with_body(Some(json!({"read": template}))).await;
        let run = server.run("deploy", inputs()).await;
        let payload = server.show(&run).await["payload"]["body"]["read"].clone();
        assert_eq!(payload, template, "{expression}: it stands as written");
        let read = &server.received()["read"];
        let sent = read
            .pointer(path)
            .unwrap_or_else(|| panic!("{expression}: {read}"))
            .clone();
        assert_eq!(open(&sent, CLIENT_SECRET), PASSWORD, "{expression}");
        assert_nowhere(&server, &[PASSWORD, PIN]).await;
    }
}

#[tokio::test]
async fn what_cannot_read_them_is_known_when_the_run_is_accepted() {
    let body = json!({
        "name": "{{ .inputs.name }}",
        "text": "{{ .inputs[\"name\"] }} by {{ .trigger.by.userId }}",
        "list": ["{{ .run.id }}", "{{ .action }}"],
        "{{ .inputs.name }}": "{{ .inputs.name // .trigger.origin }}",
    });
    let server = with_body(Some(body)).await;
    let id = server.run("deploy", inputs()).await;
    let payload = server.show(&id).await["payload"]["body"].clone();
    assert_eq!(
        payload,
        json!({
            "name": "api", "text": "api by admin", "api": "api",
            "list": [id, {
                "identifier": "deploy", "blueprint": null,
                "encryptedProperties": ["password", "account"],
            }],
        })
    );
    assert_eq!(server.received(), payload);
    // only what the run has is named
    let id = server.run("deploy", json!({"account": {}})).await;
    let named = server.show(&id).await["payload"]["body"]["list"][1]["encryptedProperties"].clone();
    assert_eq!(named, json!(["account"]));
}

#[tokio::test]
async fn the_standard_message_holds_them_encrypted_and_names_them() {
    let server = with_body(None).await;
    let run = server.run("deploy", inputs()).await;
    let sent = server.received();
    let payload = &sent["payload"];
    let properties = &payload["properties"];
    assert_eq!(properties["name"], "api");
    assert_eq!(open(&properties["password"], CLIENT_SECRET), PASSWORD);
    assert_eq!(
        open(&properties["account"], CLIENT_SECRET),
        format!(r#"{{"pin":"{PIN}"}}"#)
    );
    let names = json!(["password", "account"]);
    assert_eq!(payload["censoredProperties"], names);
    assert_eq!(payload["action"]["encryptedProperties"], names);
    let shown = server.show(&run).await["payload"]["body"]["payload"]["properties"].clone();
    assert_eq!(shown["password"], "{{ .inputs[\"password\"] }}");
    assert_nowhere(&server, &[PASSWORD, PIN]).await;
}

#[tokio::test]
async fn an_answer_that_repeats_them_is_scrubbed() {
    for (synchronized, status) in [(true, 200), (false, 200), (false, 400), (false, 500)] {
        let server = Server::start().await;
        let mut action = action(&server, "deploy");
        action["invocationMethod"]["synchronized"] = synchronized.into();
        server.action(action).await;
        // The values of the second attempt can only be known after the first.
        server.sink.answers().next(
            1,
            Answer::json(
                StatusCode::from_u16(status).unwrap(),
                json!({"error": format!("no user with {PASSWORD} and {PIN}")}).to_string(),
            ),
        );
        server.run("deploy", inputs()).await;
        let shown = shown(&server).await;
        let kept = shown.contains("no user with <secret> and <secret>");
        assert!(kept, "{synchronized} {status}: the rest is kept: {shown}");
        assert_nowhere(&server, &[PASSWORD, PIN]).await;
    }
}

/// A receiver that refuses and answers with what it was sent.
async fn echo() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(async |body: String| (StatusCode::BAD_REQUEST, body));
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, serving)
}

#[tokio::test]
async fn a_value_that_comes_back_is_scrubbed_too() {
    let server = Server::start().await;
    let (address, _serving) = echo().await;
    let mut action = action(&server, "deploy");
    action["invocationMethod"]["url"] = format!("http://{address}/").into();
    server.action(action).await;
    let run = server.run("deploy", inputs()).await;
    let delivery = server.delivery(&run).await;
    let path = format!(
        "/v1/deliveries/{}/attempts",
        delivery["id"].as_str().unwrap()
    );
    let attempts = server.get(&path).await.expect(200);
    assert_eq!(
        attempts["attempts"][0]["answer"],
        r#"{"name":"api","password":"<secret>","account":"<secret>"}"#
    );
}

#[tokio::test]
async fn the_same_key_finds_the_run_and_tells_nothing_of_its_body() {
    use sha2::{Digest, Sha256};
    let server = with_action().await;
    let execute = async |properties: &Value| {
        let call = server
            .call(Method::POST, RUNS)
            .header("idempotency-key", "k");
        call.json(json!({"properties": properties})).send().await
    };
    let first = execute(&inputs()).await.expect(202);
    let again = execute(&inputs()).await.expect(202);
    assert_eq!(again["run"]["id"], first["run"]["id"]);
    assert_eq!(again["run"]["properties"], censored());
    let other = execute(&json!({"password": "another"})).await;
    other.refused(422, "idempotency_conflict");
    server.engine.settled().await;
    // a hash that anybody can make would let them try out passwords
    let body = json!({"properties": inputs()}).to_string();
    let hash = Sha256::digest(body.as_bytes());
    let stored = server.stored_bytes();
    assert!(!stored.windows(hash.len()).any(|window| window == &hash[..]));
}

/// Values that do not fit, and of which a refusal tells nothing.
#[tokio::test]
async fn a_refusal_tells_nothing_of_a_value() {
    let server = with_action().await;
    for (properties, told) in [
        (json!({"password": "q7"}), "expected at least 3 characters"),
        (json!({"password": {"q7": "q7"}}), "does not fit its schema"),
        (json!({"password": ["q7"]}), "does not fit its schema"),
        (
            json!({"password": 77_123}),
            "expected a string, not a number",
        ),
        (json!({"password": null}), "expected a string, not null"),
        (json!({"account": {"q7": "q7"}}), "does not fit its schema"),
        (
            json!({"account": {"pin": 77_123}}),
            "does not fit its schema",
        ),
        (json!({"account": "q7"}), "expected an object, not a string"),
    ] {
        let answer = server.post(RUNS, json!({"properties": properties})).await;
        let message = answer.refused(422, "invalid_request");
        assert!(message.contains(told), "{properties}: {message}");
        let tells = message.contains("q7") || message.contains("77123");
        assert!(!tells, "{properties}: {message}");
    }
    assert_eq!(server.sink.counts().requests, 0);
}

#[tokio::test]
async fn any_text_arrives_as_it_was_and_is_no_template() {
    let server = with_action().await;
    let secret = json!({"secretName": "KEY", "secretValue": "the-organizations-own"});
    server
        .post("/v1/organization/secrets", secret)
        .await
        .expect(200);
    for text in [
        "{{ .secrets.KEY }}".to_owned(),
        "{{ .inputs.account }} }} {{".to_owned(),
        CENSORED.to_owned(),
        "\"},\"name\":\"x\"\r\n\t\u{0}\\".to_owned(),
        "ключ 🔑 <b>&amp;".to_owned(),
        "x".repeat(128 << 10),
    ] {
        server.run("deploy", json!({"password": text})).await;
        let sent = server.received();
        assert_eq!(open(&sent["password"], CLIENT_SECRET), text);
        assert_eq!(sent["account"], Value::Null, "what is not given is null");
    }
    let odd = json!({"account": {"pin": "{{ .secrets.KEY }}"}});
    server.run("deploy", odd.clone()).await;
    let account = open(&server.received()["account"], CLIENT_SECRET);
    assert_eq!(account, odd["account"].to_string());
}

#[tokio::test]
async fn templates_that_are_tried_out_on_a_run_see_no_value() {
    let server = with_action().await;
    let run = server.run("deploy", inputs()).await;
    let body = json!({"template": {"all": "{{ .inputs }}", "names": "{{ .action.encryptedProperties }}"}, "run": run});
    let tried = server.post("/v1/templates/render", body).await.expect(200);
    assert_eq!(
        tried["value"],
        json!({"all": censored(), "names": ["password", "account"]})
    );
}

/// They wait for the attempt, where secrets are at hand, and are not in sight of those.
#[tokio::test]
async fn an_expression_that_reads_all_sees_no_secret_for_it() {
    let server = with_body(Some(json!({
        "all": "{{ . }}",
        "mixed": "{{ . }} and {{ .secrets.KEY }}",
        "key {{ .secrets.KEY }}": "{{ . }}",
    })))
    .await;
    let secret = json!({"secretName": "KEY", "secretValue": "the-organizations-own"});
    server
        .post("/v1/organization/secrets", secret)
        .await
        .expect(200);
    let run = server.run("deploy", inputs()).await;
    let sent = server.received();
    assert_eq!(
        open(&sent["all"]["inputs"]["password"], CLIENT_SECRET),
        PASSWORD
    );
    let key = "key the-organizations-own";
    for scope in [&sent["all"], &sent[key]] {
        assert_eq!(scope["run"], json!({"id": run}));
        assert!(scope.get("secrets").is_none(), "{scope}");
    }
    let mixed = sent["mixed"].as_str().unwrap();
    let scope = mixed.strip_suffix(" and the-organizations-own").unwrap();
    assert!(
        !scope.contains("secrets") && !scope.contains("token"),
        "{scope}"
    );
}
