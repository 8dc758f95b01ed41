//! The whole way through an agent that polls: `longshore serve`, `longshore agent`, receivers.

use std::time::Duration;

use longshore_domain::encryption::decrypt;
use longshore_emulators::Script;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};
use longshore_emulators::webhook_sink::{self, WebhookSink};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::agents::{Agent, REPORTING, ended, introduce_inside, jenkins_that_checks, log_of};
use crate::api::runs_of;
use crate::balance::{Balance, Calls, Executed};
use crate::receivers::Receivers;
use crate::server::{CLIENT_SECRET, Home, SOON};

const LONG: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reaches_jenkins_and_azure_through_an_agent_that_polls() {
    let (jenkins, home) = (jenkins_that_checks().await, Home::new());
    let azure = AzureDevOps::start(azure_devops::Config {
        organization: "contoso".to_owned(),
        webhooks: vec![IncomingWebhook::signed("build", CLIENT_SECRET)],
        pipelines: vec![Pipeline::new("build", "build", Script::well_behaved())],
        ..azure_devops::Config::default()
    });
    let azure = azure.await.unwrap();
    let server = home.serve().await;
    let api = server.api().await;
    let job = format!("{}?token={REPORTING}", jenkins.invoke_url());
    introduce_inside(&api, &server, "jenkins", &job).await;
    let hook = format!(
        "{}/contoso/_apis/public/distributedtask/webhooks/build?api-version=6.0-preview",
        azure.base_url()
    );
    introduce_inside(&api, &server, "azure", &hook).await;
    // Both runs wait before there is an agent.
    let runs = [api.execute("jenkins").await, api.execute("azure").await];
    let agent = Agent::polling(&home, &server, "dock");
    for run in &runs {
        let shown = ended(&api, run).await;
        assert_eq!(shown["status"], "SUCCESS", "{shown}");
        let log = log_of(&api, run).await;
        assert!(!log.is_empty(), "{shown}");
    }
    agent.stop().await;
    let agents = api.get("/v1/agents").await;
    assert_eq!(agents["agents"].as_array().map(Vec::len), Some(0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_caller_has_hung_up_takes_nothing_from_the_next() {
    let home = Home::new();
    let server = home.serve().await;
    let api = server.api().await;
    introduce_inside(&api, &server, "hook", "https://hooks.example.com/").await;
    let claim = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10, "waitSeconds": 10,
                       "agent": "dock", "session": "s1"});
    let path = "/v1/actions/runs/claim-pending";
    let text = claim.to_string();
    let mut gone = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: server\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        api.bearer(),
        text.len()
    );
    gone.write_all(request.as_bytes()).await.unwrap();
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while api.get("/v1/agents").await["agents"][0]["id"] != "dock" {
        looks.tick().await;
    }
    drop(gone);
    let run = api.execute("hook").await;
    let claimed = api.post(path, &claim).await;
    assert_eq!(
        claimed["runs"][0]["id"], run,
        "within the wait, not after a lease"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_are_killed_lose_nothing_and_start_no_pipeline_twice() {
    const KILLS: usize = 8;
    const RUNS: usize = 20;
    let (receivers, home) = (Receivers::start().await, Home::new());
    let server = home.serve().await;
    let api = server.api().await;
    let job = format!("{}?token=deploy", receivers.jenkins.invoke_url());
    introduce_inside(&api, &server, "jenkins", &job).await;
    introduce_inside(&api, &server, "hook", &receivers.sink.base_url()).await;
    let mut executed = Executed::default();
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    for _ in 0..KILLS {
        let built = receivers.jenkins.builds().len();
        let agent = Agent::polling(&home, &server, "dock");
        executed.more(&api, RUNS).await;
        // Somewhere in the middle of them: as soon as one more is there.
        while receivers.jenkins.builds().len() <= built {
            looks.tick().await;
        }
        agent.kill().await;
    }
    let agent = Agent::polling(&home, &server, "dock");
    api.drained(LONG).await;
    agent.stop().await;
    let calls = Calls::of(&receivers.jenkins, &receivers.sink);
    let balance = Balance::of(&api, &executed, &calls).await;
    assert_eq!(balance.dead, 0, "{balance:?}");
    assert!(balance.reported < balance.started, "no kill hit a call");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_opens_what_a_person_typed_and_nothing_else_tells_of_it() {
    const PASSWORD: &str = "pässword-1 of the tests";
    let sink = WebhookSink::start(webhook_sink::Config::default())
        .await
        .unwrap();
    let mut home = Home::new();
    home.set("LOG__LEVEL", "trace");
    let server = home.serve().await;
    let api = server.api().await;
    let url = sink.base_url();
    let action = |identifier: &str, more: Value| {
        let mut invocation = json!({"type": "WEBHOOK", "url": url});
        invocation
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({
            "identifier": identifier,
            "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {
                "password": {"type": "string", "encryption": "aes256-gcm"},
            }}},
            "invocationMethod": invocation,
        })
    };
    // Only a worker can evaluate this, and only what it comes to shows that it reads the input.
    let reads = r#"{{ [.["in" + "puts"] | to_entries[] | .value] | join(" ") }}"#;
    for action in [
        action("inside", json!({"agent": true})),
        action("direct", json!({"body": {"read": reads}})),
    ] {
        api.post("/v1/actions", &action).await;
    }
    let inputs = json!({"properties": {"password": PASSWORD}});
    api.post(&runs_of("direct"), &inputs).await;
    api.drained(SOON).await;
    let mapping = json!([{
        "fieldsToDecryptPaths": ["payload.properties.password"],
        "body": {"typed": ".payload.properties.password"},
    }]);
    let file = home.path("mapping.json");
    std::fs::write(&file, mapping.to_string()).unwrap();
    let more = [
        ("STREAMER_NAME", "POLLING"),
        ("CONTROL_THE_PAYLOAD_CONFIG_PATH", file.to_str().unwrap()),
    ];
    let agent = Agent::start(&home, &server, "dock", &more);
    api.post(&runs_of("inside"), &inputs).await;
    api.drained(LONG).await;
    agent.stop().await;

    let calls = sink.deliveries();
    let sent = |at: usize| serde_json::from_slice::<Value>(&calls[at].body).unwrap();
    let opened = decrypt(sent(0)["read"].as_str().unwrap(), [CLIENT_SECRET]);
    assert_eq!(opened.unwrap().expose(), PASSWORD);
    assert_eq!(sent(1), json!({"typed": PASSWORD}));
    let log = server.stop().await.join("\n");
    let stored = std::fs::read(home.database()).unwrap();
    let stored = String::from_utf8_lossy(&stored);
    for kept in [log.as_str(), &stored] {
        assert!(!kept.contains("pässword-1"), "{kept}");
    }
    assert!(stored.contains("<encrypted>"), "the run is kept");
}
