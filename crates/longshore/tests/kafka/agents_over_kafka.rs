//! The whole way over a real broker: action, topic, agents, receivers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::agents::{Agent, REPORTING, ended, introduce_inside, jenkins_that_checks, log_of};
use crate::api::Api;
use crate::broker::{Broker, Listener};
use crate::cluster::{consumer, message, open, shared};
use crate::receivers::Receivers;
use crate::server::{Home, Server};

const LONG: Duration = Duration::from_secs(180);

fn home(organization: &str, broker: &Broker) -> Home {
    let mut home = Home::new();
    home.set("ORG_ID", organization);
    home.set("KAFKA__BROKERS", &broker.address(Listener::Plaintext));
    home
}

fn agent(home: &Home, server: &Server, organization: &str, id: &str) -> Agent {
    Agent::start(home, server, id, &[("PORT_ORG_ID", organization)])
}

/// The agents once together they read `partitions` of the runs' topic; a share of each alone is not
/// promised, as they share the change log's as well.
async fn reading(api: &Api, agents: usize, partitions: usize) -> Vec<Value> {
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let until = async {
        loop {
            let found = api.get("/v1/agents").await["agents"].clone();
            let found = found.as_array().unwrap().clone();
            let read: usize = found
                .iter()
                .map(|agent| agent["partitions"].as_array().map_or(0, Vec::len))
                .sum();
            if found.len() == agents && read == partitions {
                return found;
            }
            looks.tick().await;
        }
    };
    tokio::time::timeout(LONG, until).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reaches_jenkins_through_the_topic_and_three_agents_share_it() {
    let organization = "org_agents";
    let (jenkins, home) = (jenkins_that_checks().await, home(organization, shared()));
    let server = home.serve().await;
    let api = server.api().await;
    let job = format!("{}?token={REPORTING}", jenkins.invoke_url());
    introduce_inside(&api, &server, "jenkins", &job).await;
    let agents = ["a", "b", "c"].map(|id| agent(&home, &server, organization, id));
    let seen = reading(&api, 3, 6).await;
    for agent in &seen {
        assert_eq!(agent["streamer"], "KAFKA", "{agent}");
    }
    let mut runs = Vec::new();
    for _ in 0..30 {
        runs.push(api.execute("jenkins").await);
    }
    for run in &runs {
        let shown = ended(&api, run).await;
        assert_eq!(shown["status"], "SUCCESS", "{shown}");
        assert!(!log_of(&api, run).await.is_empty());
        let found = api.get(&format!("/v1/deliveries?run={run}")).await;
        let delivery = &found["deliveries"][0];
        assert_eq!(delivery["attempts"], 1, "{delivery}");
        assert!(delivery["startedBy"]["agent"].is_string(), "{delivery}");
    }
    assert_eq!(jenkins.builds().len(), runs.len());
    for agent in agents {
        agent.stop().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_agents_and_a_broker_that_goes_and_comes_lose_nothing_and_start_nothing_twice() {
    let organization = "org_faults";
    let mut broker = Broker::start();
    let (receivers, mut home) = (Receivers::start().await, home(organization, &broker));
    home.set("KAFKA__PUBLISH_TIMEOUT_MS", "3000");
    let server = home.serve().await;
    let api = server.api().await;
    let job = format!("{}?token=deploy", receivers.jenkins.invoke_url());
    introduce_inside(&api, &server, "jenkins", &job).await;
    introduce_inside(&api, &server, "hook", &receivers.sink.base_url()).await;
    let (mut jenkins, mut hooks) = (Vec::new(), Vec::new());
    let steady = agent(&home, &server, organization, "steady");
    for round in 0..3 {
        let mortal = agent(&home, &server, organization, "mortal");
        if round == 0 {
            reading(&api, 2, 6).await;
        }
        for _ in 0..25 {
            jenkins.push(api.execute("jenkins").await);
            hooks.push(api.execute("hook").await);
        }
        if round == 1 {
            tokio::task::block_in_place(|| broker.kill());
            for _ in 0..25 {
                jenkins.push(api.execute("jenkins").await);
                hooks.push(api.execute("hook").await);
            }
            tokio::task::block_in_place(|| broker.rise());
        }
        mortal.kill().await;
    }
    let last = agent(&home, &server, organization, "mortal");
    api.drained(LONG).await;
    let arrived = receivers.webhook_arrivals();
    for run in &hooks {
        assert!(
            arrived.get(run).is_some_and(|times| *times >= 1),
            "{run} never arrived"
        );
    }
    let (_, built) = receivers.jenkins_calls();
    let unconfirmed = api.deliveries("unconfirmed").await;
    for run in &jenkins {
        let times = built.get(run).copied().unwrap_or(0);
        let open = unconfirmed.iter().any(|found| found["runId"] == *run);
        assert!(
            times == 1 || (times == 0 && open),
            "{run}: {times} builds, unconfirmed: {open}"
        );
    }
    steady.stop().await;
    last.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_of_type_kafka_writes_what_it_says_and_nothing_else() {
    let organization = "org_messages";
    let home = home(organization, shared());
    let server = home.serve().await;
    let api = server.api().await;
    let action = json!({
        "identifier": "tell",
        "trigger": {"type": "self-service", "operation": "CREATE",
                    "userInputs": {"properties": {}, "required": []}},
        "invocationMethod": {"type": "KAFKA", "payload": {"run": "{{ .run.id }}", "n": 1.0}},
    });
    api.post("/v1/actions", &action).await;
    let run = api.execute("tell").await;
    api.drained(LONG).await;
    let reader = consumer(&open(shared()), &format!("{organization}.runs"), "readers");
    let received = message(&reader).await;
    let text = String::from_utf8(received.value.clone()).unwrap();
    assert_eq!(text, format!("{{\"run\":\"{run}\",\"n\":1.0}}"));
    let header = |name: &str| {
        let found = received.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(header("X-Longshore-Run-Id"), run);
    assert_eq!(header("X-Longshore-Attempt"), "1");
    assert!(header("X-Port-Signature").starts_with("v1,"));
    let delivery = &api.get(&format!("/v1/deliveries?run={run}")).await["deliveries"][0];
    assert_eq!(
        (&delivery["state"], &delivery["receiver"]),
        (&json!("done"), &json!("kafka"))
    );
    server.stop().await;
}
