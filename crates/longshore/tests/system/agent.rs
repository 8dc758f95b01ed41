//! The whole way through an agent that polls: `longshore serve`, `longshore agent`, receivers.

use std::time::Duration;

use longshore_emulators::Script;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};

use crate::agents::{Agent, REPORTING, ended, introduce_inside, jenkins_that_checks, log_of};
use crate::balance::{Balance, Calls, Executed};
use crate::receivers::Receivers;
use crate::server::{CLIENT_SECRET, Home};

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
