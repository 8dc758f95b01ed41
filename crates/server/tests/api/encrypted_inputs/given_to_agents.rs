//! What agents are given of encrypted inputs, and what is kept of what they tell.

use serde_json::{Value, json};

use super::{PASSWORD, PIN, action, assert_nowhere, censored, inputs, open};
use crate::harness::{CLIENT_SECRET, Server};

/// A server with a run that waits for an agent; `body` is that of its call.
async fn waiting(body: Option<Value>) -> (Server, String) {
    let server = Server::start().await;
    let mut action = action(&server, "inside");
    let invocation = action["invocationMethod"].as_object_mut().unwrap();
    invocation.insert("agent".into(), true.into());
    invocation.insert("url".into(), "http://hooks.internal/deploy".into());
    invocation.remove("body");
    invocation.extend(body.map(|body| ("body".to_owned(), body)));
    server.action(action).await;
    let run = server.run("inside", inputs()).await;
    (server, run)
}

async fn claimed(server: &Server) -> Value {
    let body = json!({
        "installationId": "_PORT_EXEC_AGENT", "limit": 10, "agent": "dock", "session": "s1",
    });
    let path = "/v1/actions/runs/claim-pending";
    server.post(path, body).await.expect(200)
}

#[tokio::test]
async fn an_agent_is_given_what_its_client_secret_opens() {
    for body in [
        None,
        Some(json!({"payload": {"properties": "{{ .inputs }}"}})),
    ] {
        let standard = body.is_none();
        let (server, run) = waiting(body).await;
        let answer = claimed(&server).await;
        let given = &answer["runs"][0];
        let message = &given["message"];
        for properties in [
            &message["payload"]["properties"],
            &given["payload"]["body"]["payload"]["properties"],
            &given["properties"],
        ] {
            assert_eq!(properties["name"], "api");
            assert_eq!(open(&properties["password"], CLIENT_SECRET), PASSWORD);
        }
        if standard {
            let names = json!(["password", "account"]);
            assert_eq!(message["payload"]["censoredProperties"], names);
            assert_eq!(message["payload"]["action"]["encryptedProperties"], names);
        }
        assert_eq!(server.show(&run).await["properties"], censored());
        let wire = given["properties"]["password"].as_str().unwrap();
        assert_nowhere(&server, &[PASSWORD, PIN, wire]).await;
    }
}

#[tokio::test]
async fn what_an_agent_tells_of_them_is_scrubbed() {
    let (server, run) = waiting(None).await;
    let answer = claimed(&server).await;
    let properties = &answer["runs"][0]["message"]["payload"]["properties"];
    let wire = properties["password"].as_str().unwrap();
    let attempt = &answer["deliveries"][0];
    let attempt = json!({"delivery": attempt["delivery"], "attempt": attempt["attempt"]});
    let by = |item: Value| json!({"agent": "dock", "session": "s1", "items": [item]});
    let start = server
        .post("/v1/deliveries/start", by(attempt.clone()))
        .await;
    assert_eq!(start.expect(200)["items"][0]["answer"], "started");
    // the secret is changed before the agent tells
    let rotate = format!("/v1/apps/{}/rotate-secret", crate::harness::CLIENT_ID);
    server.post(&rotate, json!({})).await.expect(200);
    let activate = format!("/v1/apps/{}/activate-secret", crate::harness::CLIENT_ID);
    server.post(&activate, json!({})).await.expect(200);
    let leak = format!("you sent {PASSWORD}, {PIN} and {wire}");
    let mut told = attempt;
    told["outcome"] = json!({"kind": "accepted", "externalRunId": leak});
    told["logs"] = json!([leak]);
    told["answer"] = json!(leak);
    told["report"] = json!({"summary": leak});
    let settled = server.post("/v1/deliveries/settle", by(told)).await;
    assert_eq!(settled.expect(200)["items"][0]["answer"], "settled");
    let summary = server.show(&run).await["summary"].clone();
    assert_eq!(summary, "you sent <secret>, <secret> and <secret>");
    assert_nowhere(&server, &[PASSWORD, PIN, wire]).await;
}
