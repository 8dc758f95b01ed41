//! The whole way over a real broker: action, topic, agents, receivers.

use longshore_emulators::Script;
use serde_json::json;

use crate::agents::{CALLS, ended, log_of};
use crate::balance::Balance;
use crate::broker::{Broker, Listener};
use crate::cluster::{consumer, message, open, shared};
use crate::server::Home;
use crate::site::{LONG, Site};

fn home(organization: &str, broker: &Broker) -> Home {
    let mut home = Home::new();
    home.set("ORG_ID", organization);
    home.set("KAFKA__BROKERS", &broker.address(Listener::Plaintext));
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reaches_jenkins_through_the_topic_and_three_agents_share_it() {
    let mut site = Site::start("org_agents", shared(), Script::well_behaved()).await;
    let agents = ["a", "b", "c"].map(|id| site.agent(id));
    for agent in site.reading(3).await {
        assert_eq!(agent["streamer"], "KAFKA", "{agent}");
    }
    site.execute(30).await;
    for run in &site.executed.jenkins {
        let shown = ended(&site.api, run).await;
        assert_eq!(shown["status"], "SUCCESS", "{shown}");
        assert!(!log_of(&site.api, run).await.is_empty());
    }
    assert_eq!(site.balance().await, Balance::even(60));
    assert_eq!(site.attempts_settled().await, 60);
    let mut called = 0;
    for agent in agents {
        called += agent.counted(CALLS).await;
        agent.stop().await;
    }
    assert_eq!(called, 60);
    site.stop().await;
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
