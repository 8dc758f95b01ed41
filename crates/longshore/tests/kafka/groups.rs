//! Groups of agents: members come and go under load, and two groups tell their runs apart.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_emulators::{Fault, Script};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::agents::{Agent, CALLS};
use crate::api::{Api, runs_of};
use crate::balance::{Balance, Executed};
use crate::cluster::{passed, shared};
use crate::site::{LONG, Site};

/// How long receivers take for an answer, so that calls are under way while partitions move.
const RECEIVERS_TAKE: Duration = Duration::from_millis(50);
/// Between two executions.
const EXECUTED_EVERY: Duration = Duration::from_millis(30);

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_under_load_lose_and_repeat_nothing() {
    /// Calls between two changes of the group.
    const CALLS_BETWEEN: usize = 60;
    let mut site = Site::start("org_rebalance", shared(), Script::default()).await;
    site.jenkins.faults().always(Fault::delay(RECEIVERS_TAKE));
    site.sink.faults().always(Fault::delay(RECEIVERS_TAKE));
    let (go_on, going_on) = watch::channel(true);
    let mut executing = JoinSet::new();
    executing.spawn(execute_on(site.api.clone(), going_on));
    let mut members: Vec<Agent> = ["a", "b"].map(|id| site.agent(id)).into();
    more_calls(&site, CALLS_BETWEEN).await;
    for newcomers in [vec!["c"], vec!["d", "e"]] {
        members.extend(newcomers.into_iter().map(|id| site.agent(id)));
        more_calls(&site, CALLS_BETWEEN).await;
        // The oldest is asked to end: what it has started it finishes.
        members.remove(0).stop().await;
        more_calls(&site, CALLS_BETWEEN).await;
    }
    go_on.send_replace(false);
    site.executed = executing.join_next().await.unwrap().unwrap();
    let runs = site.executed.len();
    assert_eq!(site.balance().await, Balance::even(runs));
    assert_eq!(site.attempts_settled().await, runs);
    site.check_hooks_succeeded().await;
    for member in members {
        member.stop().await;
    }
    site.stop().await;
}

async fn execute_on(api: Api, going_on: watch::Receiver<bool>) -> Executed {
    let mut executed = Executed::default();
    let mut pace = tokio::time::interval(EXECUTED_EVERY);
    while *going_on.borrow() {
        executed.more(&api, 1).await;
        pace.tick().await;
    }
    executed
}

async fn more_calls(site: &Site, calls: usize) {
    let arrivals = || site.jenkins.calls().len() + site.sink.deliveries().len();
    let wanted = arrivals() + calls;
    let mut looks = tokio::time::interval(EXECUTED_EVERY);
    let until = async {
        while arrivals() < wanted {
            looks.tick().await;
        }
    };
    timeout(LONG, until).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_are_told_apart_by_what_their_mappings_enable() {
    const RUNS: usize = 20;
    const CLUSTERS: [&str; 2] = ["east", "west"];
    let mut site = Site::start("org_clusters", shared(), Script::default()).await;
    let group = |cluster: &str| format!("{}.{cluster}", site.organization);
    let agents = CLUSTERS.map(|cluster| {
        let mapping = site.home.path(&format!("{cluster}.json"));
        let entries = json!([{
            "enabled": format!(".cluster == \"{cluster}\""),
            "query": {"cluster": format!("\"{cluster}\"")},
        }]);
        std::fs::write(&mapping, entries.to_string()).unwrap();
        let variables = [
            ("KAFKA_CONSUMER_GROUP_ID", &*group(cluster)),
            ("CONTROL_THE_PAYLOAD_CONFIG_PATH", mapping.to_str().unwrap()),
        ];
        site.agent_with(cluster, &variables)
    });
    let mut clusters = BTreeMap::new();
    for _ in 0..RUNS {
        for cluster in CLUSTERS {
            let inputs = json!({"properties": {"cluster": cluster}});
            let answer = site.api.post(&runs_of("hook"), &inputs).await;
            let run = answer["run"]["id"].as_str().unwrap().to_owned();
            site.executed.hooks.push(run.clone());
            clusters.insert(run, cluster);
        }
    }
    assert_eq!(site.balance().await, Balance::even(2 * RUNS));
    site.check_hooks_succeeded().await;
    for delivery in site.sink.deliveries() {
        let cluster = clusters[&delivery.run_id.unwrap()];
        assert_eq!(delivery.uri.query(), Some(&*format!("cluster={cluster}")));
    }
    for (run, cluster) in &clusters {
        let shown = site.api.get(&format!("/v1/deliveries?run={run}")).await;
        assert_eq!(shown["deliveries"][0]["startedBy"]["agent"], *cluster);
    }
    for (agent, cluster) in agents.into_iter().zip(CLUSTERS) {
        assert_eq!(agent.counted(CALLS).await, u64::try_from(RUNS).unwrap());
        // What it left alone does not hold it up.
        passed(shared(), &site.runs_topic(), &group(cluster)).await;
        agent.stop().await;
    }
    site.stop().await;
}
