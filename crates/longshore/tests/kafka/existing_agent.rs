//! The existing agent over Kafka: it reads the topic, knows no start, and what it says first about a
//! run takes the run over.

use std::time::Duration;

use http::Method;
use longshore_backends::kafka::Received;
use longshore_domain::run::verify;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::api::Api;
use crate::broker::Listener;
use crate::cluster::{consumer, message, open, shared};
use crate::server::{CLIENT_SECRET, Home};
use crate::site::LONG;

const LOOK_EVERY: Duration = Duration::from_millis(50);
const ORGANIZATION: &str = "org_existing";

/// The run's delivery, once it is in this state.
async fn reaches(api: &Api, run: &str, state: &str) {
    let path = format!("/v1/deliveries?run={run}");
    let mut looks = interval(LOOK_EVERY);
    let until = async {
        while api.get(&path).await["deliveries"][0]["state"] != state {
            looks.tick().await;
        }
    };
    timeout(LONG, until).await.unwrap();
}

/// What the agent reads from the topic: it must be signed, and name the run and an agent's call.
fn read(received: &Received, run: &str) -> Value {
    let message = verify(&received.value, [CLIENT_SECRET.as_bytes()], None).unwrap();
    let message = message.into_tree();
    assert_eq!(received.key.as_deref(), Some(run));
    assert_eq!(message["context"]["runId"], run);
    let described = &message["payload"]["action"]["invocationMethod"];
    assert_eq!(described["agent"], true);
    message
}

/// What it reports of the call: where, with what, and the status of the answer.
type Told = (Method, &'static str, Value, u16);

fn log(line: &str) -> Told {
    (Method::POST, "/logs", json!({"message": line}), 201)
}

/// What it reports of GitLab's answer, of which it logged nothing before.
fn of_gitlab() -> Vec<Told> {
    let report = json!({"link": "http://gitlab.internal/p/99", "externalRunId": 99});
    vec![
        (Method::PATCH, "", report, 200),
        log("Port agent finished processing the action run"),
    ]
}

fn of_a_synchronous_call() -> Vec<Told> {
    let (response, end) = (json!({"response": {"id": 7}}), json!({"status": "SUCCESS"}));
    let last = json!({"message": "Port agent finished processing the action run"});
    vec![
        log("An action message has been received"),
        log("Sending the request"),
        (Method::PATCH, "/response", response, 200),
        (Method::PATCH, "", end, 200),
        (Method::POST, "/logs", last, 422),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_that_it_says_takes_the_run_over() {
    let mut home = Home::new();
    home.set("ORG_ID", ORGANIZATION);
    home.set("KAFKA__BROKERS", &shared().address(Listener::Plaintext));
    let server = home.serve().await;
    let api = server.api().await;
    let streamer = json!({"settings": {"portAgentStreamerName": "KAFKA"}});
    let told = api.call(Method::PATCH, "/v1/organization", Some(&streamer));
    assert_eq!(told.await.status, 200);
    let webhook = json!({"type": "WEBHOOK", "agent": true, "synchronized": true,
                         "url": "http://hooks.internal/", "body": {"n": 1e16, "name": "é"}});
    let gitlab = json!({"type": "GITLAB", "projectName": "p", "groupName": "g"});
    let reader = consumer(
        &open(shared()),
        &format!("{ORGANIZATION}.runs"),
        "existing-agents",
    );
    for (identifier, invocation, said, status) in [
        ("hook", webhook, of_a_synchronous_call(), "SUCCESS"),
        ("pipeline", gitlab, of_gitlab(), "IN_PROGRESS"),
    ] {
        let action = json!({
            "identifier": identifier, "invocationMethod": invocation,
            "trigger": {"type": "self-service", "operation": "CREATE",
                        "userInputs": {"properties": {}, "required": []}},
        });
        api.post("/v1/actions", &action).await;
        let run = api.execute(identifier).await;
        reaches(&api, &run, "published").await;
        read(&message(&reader).await, &run);
        for (method, rest, body, answered) in said {
            let path = format!("/v1/actions/runs/{run}{rest}");
            let answer = api.call(method, &path, Some(&body)).await;
            assert_eq!(answer.status, answered, "{path} {body}: {answer:?}");
            // From its first word on.
            reaches(&api, &run, "done").await;
        }
        let shown = api.get(&format!("/v1/actions/runs/{run}")).await["run"].clone();
        assert_eq!(
            (&shown["status"], &shown["statusLabel"]),
            (&json!(status), &Value::Null),
            "{shown}"
        );
    }
    server.stop().await;
}
