//! The existing agent, request by request: what it sends by polling, in its order and with its
//! headers, and what it looks for in the answers.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, CLIENT_ID, CLIENT_SECRET, Server};

const RECEIVED: &str = "An action message has been received";
const PREPARING: &str = "Preparing the payload for the request";
const SENDING: &str = "Sending the request";
const CALLED: &str = "Action invocation has completed successfully with status code: 200";
const RESPONDING: &str = "Reporting the run response";
const RESPONDED: &str = "The run response was reported successfully ";
const FINISHED: &str = "Port agent finished processing the action run";
const CRASHED: &str = "Agent failed to process the run";

struct ExistingAgent<'s>(&'s Server);

impl ExistingAgent<'_> {
    /// A token is asked for before each call. Each takes a moment, by which a timeline is ordered.
    async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        self.0.clock.advance(Duration::from_millis(1));
        let token = self.0.token_for(CLIENT_ID, CLIENT_SECRET).await;
        let call = self.0.by(&token, method, path);
        let call = call.header("User-Agent", "port-agent").json(body);
        let takes_work = path.ends_with("/claim-pending") || path.ends_with("/ack");
        let call = match takes_work {
            true => call.header("x-port-reserved-usage", "true"),
            false => call,
        };
        call.send().await
    }

    async fn begins(&self) {
        let body = json!({"settings": {"portAgentStreamerName": "POLLING"}});
        let told = self.call(Method::PATCH, "/v1/organization", body);
        told.await.expect(200);
    }

    /// One turn: everything that waits, acknowledged one by one; then the workflows, whose failure
    /// would stop it.
    async fn polls(&self) -> Vec<Value> {
        let claim = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 100,
                           "invocationMethod": "WEBHOOK"});
        let claimed = self.call(Method::POST, "/v1/actions/runs/claim-pending", claim);
        let claimed = claimed.await.expect(200)["runs"].clone();
        let claimed = claimed.as_array().unwrap().clone();
        for run in &claimed {
            let body = json!({"runIds": [run["id"]]});
            let taken = self.call(Method::PATCH, "/v1/actions/runs/ack", body);
            assert_eq!(taken.await.expect(200)["ackedCount"], 1);
        }
        let claim = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 100});
        let nodes = self.call(Method::POST, "/v1/workflows/runs/claim-pending", claim);
        assert_eq!(nodes.await.expect(200)["nodeRuns"], json!([]));
        claimed
    }

    async fn logs(&self, run: &str, message: &str) -> Answer {
        let path = format!("/v1/actions/runs/{run}/logs");
        self.call(Method::POST, &path, json!({"message": message}))
            .await
    }

    async fn reports(&self, run: &str, report: Value) -> Answer {
        let path = format!("/v1/actions/runs/{run}");
        self.call(Method::PATCH, &path, report).await
    }

    async fn responds(&self, run: &str, response: Value) -> Answer {
        let path = format!("/v1/actions/runs/{run}/response");
        let body = json!({"response": response});
        self.call(Method::PATCH, &path, body).await
    }
}

async fn with_action(invocation: Value) -> Server {
    let server = Server::start().await;
    let mut described = json!({
        "type": "WEBHOOK", "agent": true, "url": "http://hooks.internal/deploy",
    });
    let own = invocation.as_object().unwrap().clone();
    described.as_object_mut().unwrap().extend(own);
    let action = json!({
        "identifier": "inside",
        "trigger": {"type": "self-service", "operation": "CREATE",
                    "userInputs": {"properties": {"name": {"type": "string"}}}},
        "invocationMethod": described,
    });
    server.action(action).await;
    server
}

/// A run that the agent has taken.
async fn taken(server: &Server) -> (ExistingAgent<'_>, String) {
    let agent = ExistingAgent(server);
    agent.begins().await;
    let run = server.run("inside", json!({"name": "api"})).await;
    let claimed = agent.polls().await;
    assert_eq!(claimed[0]["id"], run);
    assert_eq!(agent.polls().await, Vec::<Value>::new());
    (agent, run)
}

async fn messages(server: &Server, run: &str) -> Vec<String> {
    let lines = server.get(&format!("/v1/actions/runs/{run}/logs")).await;
    let lines = lines.expect(200)["runLogs"].clone();
    let text = |line: &Value| line["message"].as_str().unwrap().to_owned();
    lines.as_array().unwrap().iter().map(text).collect()
}

async fn timeline(server: &Server, run: &str) -> Vec<String> {
    let path = format!("/v1/actions/runs/{run}/timeline");
    let entries = server.get(&path).await.expect(200)["timeline"].clone();
    let what = |entry: &Value| entry["what"].as_str().unwrap().to_owned();
    entries.as_array().unwrap().iter().map(what).collect()
}

#[tokio::test]
async fn a_synchronous_call_s_response_and_end_are_kept() {
    let server = with_action(json!({"synchronized": true, "body": {"name": "api"}})).await;
    let (agent, run) = taken(&server).await;
    for line in [RECEIVED, PREPARING, SENDING, CALLED, RESPONDING] {
        agent.logs(&run, line).await.expect(201);
    }
    let response = json!({"id": 7, "big": 1.0, "names": ["é"]});
    agent.responds(&run, response.clone()).await.expect(200);
    agent.logs(&run, RESPONDED).await.expect(201);
    let end = json!({"status": "SUCCESS"});
    agent.reports(&run, end).await.expect(200);
    // It has one more thing to say, and does not look at the answer.
    agent.logs(&run, FINISHED).await.refused(422, "run_ended");

    let shown = server.show(&run).await;
    assert_eq!(
        (&shown["status"], &shown["response"]),
        (&json!("SUCCESS"), &response)
    );
    assert_eq!(server.delivery(&run).await["state"], "done");
    let expected = [RECEIVED, PREPARING, SENDING, CALLED, RESPONDING, RESPONDED];
    assert_eq!(messages(&server, &run).await, expected);
    let expected = [
        "requested",
        "updated",
        "logged",
        "logged",
        "logged",
        "logged",
        "logged",
        "reported",
        "logged",
        "reported",
        "SUCCESS",
        "late_report",
    ];
    assert_eq!(timeline(&server, &run).await, expected);
}

#[tokio::test]
async fn an_asynchronous_call_leaves_the_run_to_its_pipeline() {
    let server = with_action(json!({"body": {"name": "api"}})).await;
    let (agent, run) = taken(&server).await;
    let lines = [RECEIVED, PREPARING, SENDING, CALLED, FINISHED];
    for line in lines {
        agent.logs(&run, line).await.expect(201);
    }
    let shown = server.show(&run).await;
    assert_eq!(
        (&shown["status"], &shown["statusLabel"]),
        (&json!("IN_PROGRESS"), &Value::Null)
    );
    assert_eq!(messages(&server, &run).await, lines);
}

#[tokio::test]
async fn of_two_reports_of_a_failed_call_the_first_stands() {
    let server = with_action(json!({"body": {"name": "api"}})).await;
    let (agent, run) = taken(&server).await;
    let answered = "Failed to invoke the webhook with status code: 500. Response: boom";
    let failed = json!({"status": "FAILURE", "summary": answered});
    agent.reports(&run, failed).await.expect(200);
    // The failed call is a crash to it as well.
    let crashed = json!({"status": "FAILURE", "summary": CRASHED});
    let told = agent.reports(&run, crashed).await;
    told.refused(422, "run_ended");
    let shown = server.show(&run).await;
    assert_eq!(
        (&shown["status"], &shown["summary"]),
        (&json!("FAILURE"), &json!(answered))
    );
}

#[tokio::test]
async fn a_mapping_s_report_may_name_the_backend_s_run_by_its_number() {
    let server = with_action(json!({"body": {"name": "api"}})).await;
    let (agent, run) = taken(&server).await;
    let report = json!({"link": "http://gitlab.internal/p/99", "externalRunId": 99});
    agent.reports(&run, report).await.expect(200);
    let shown = server.show(&run).await;
    assert_eq!(
        (&shown["externalRunId"], &shown["link"]),
        (&json!("99"), &json!("http://gitlab.internal/p/99"))
    );
}

#[tokio::test]
async fn a_body_that_the_agent_can_write_into_is_handed_out_as_it_is() {
    for body in [
        json!({"name": "api"}),
        json!({}),
        json!({"context": {"own": 1}, "payload": {"action": {"title": "t"}}, "headers": null}),
    ] {
        let server = with_action(json!({"body": body})).await;
        let agent = ExistingAgent(&server);
        let run = server.run("inside", json!({})).await;
        let claimed = agent.polls().await;
        assert_eq!(claimed[0]["payload"]["body"], body);
        assert_eq!(claimed[0].get("message"), None, "{run}");
    }
}

#[tokio::test]
async fn where_it_cannot_the_message_stands_in_the_body_s_place() {
    for (invocation, kept) in [
        (json!({"method": "GET"}), json!({"resourceType": "run"})),
        (json!({"method": "DELETE"}), json!({"action": "inside"})),
        (
            json!({"body": ["{{ .inputs.name }}", 1.0]}),
            json!({"body": ["api", 1.0], "resourceType": "run"}),
        ),
        (
            json!({"body": {"name": "{{ .inputs.name }}", "payload": "text"}}),
            json!({"name": "api"}),
        ),
        (
            json!({"body": {"payload": {"action": "deploy", "own": 1}}}),
            json!({}),
        ),
        (
            json!({"body": {"payload": {"action": {"invocationMethod": []}}}}),
            json!({}),
        ),
        (
            json!({"body": {"token": "kept", "context": null}}),
            json!({"token": "kept"}),
        ),
    ] {
        let server = with_action(invocation.clone()).await;
        let agent = ExistingAgent(&server);
        let run = server.run("inside", json!({"name": "api"})).await;
        let claimed = agent.polls().await;
        let payload = &claimed[0]["payload"];
        let body = &payload["body"];
        assert_eq!(body["context"]["runId"], run, "{invocation}");
        let described = &body["payload"]["action"]["invocationMethod"];
        assert_eq!(described["url"], payload["url"], "{invocation}");
        for (key, value) in kept.as_object().unwrap() {
            assert_eq!(&body[key], value, "{invocation}");
        }
        // What the run itself shows stays as it was rendered.
        let shown = server.show(&run).await;
        assert_ne!(&shown["payload"]["body"], body, "{invocation}");
    }
}
