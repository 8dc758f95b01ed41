//! Receivers, the server and agents are away for a while: when they are back, everything settles
//! once.

use std::time::Duration;

use longshore_domain::action::InvocationKind;
use longshore_domain::run::{signed, verify};
use longshore_emulators::{Fault, Script, Step};

use crate::agents::{CALLS, ended, jenkins_at};
use crate::balance::{Balance, Calls};
use crate::cluster::shared;
use crate::receivers::sink_at;
use crate::relay::Relay;
use crate::server::{CLIENT_SECRET, SOON};
use crate::site::{LONG, Site};

/// Between two looks at what can only be asked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// In a minute the default schedule makes two attempts; here one comes each second, and the
/// receivers stay away for more.
#[tokio::test(flavor = "multi_thread")]
async fn receivers_that_were_away_get_everything() {
    const RUNS: usize = 15;
    const ATTEMPTS_AWAY: u64 = 4;
    let mut site = Site::start("org_receivers", shared(), Script::well_behaved()).await;
    let agents = ["a", "b"].map(|id| site.agent(id));
    site.execute(RUNS).await;
    for run in &site.executed.jenkins {
        ended(&site.api, run).await;
    }
    site.api.drained(LONG).await;
    let Site {
        api,
        jenkins,
        sink,
        server,
        mut executed,
        home: _home,
        ..
    } = site;
    let mut calls = Calls::of(&jenkins, &sink);
    let [jenkins_port, sink_port] = [jenkins.address(), sink.address()].map(|it| it.port());
    tokio::join!(jenkins.shutdown(), sink.shutdown());
    executed.more(&api, RUNS).await;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let tried_in_vain = async {
        loop {
            let shown = api.get("/v1/deliveries?limit=1000").await;
            let deliveries = shown["deliveries"].as_array().unwrap().iter();
            let mut open = deliveries.filter(|it| it["state"] != "done");
            if open.all(|it| it["attemptsUsed"].as_u64().unwrap() >= ATTEMPTS_AWAY) {
                return;
            }
            looks.tick().await;
        }
    };
    tokio::time::timeout(LONG, tried_in_vain).await.unwrap();
    let jenkins = jenkins_at(jenkins_port, Script::well_behaved()).await;
    let sink = sink_at(sink_port).await;
    for run in executed.jenkins.iter().chain(&executed.hooks) {
        let shown = ended(&api, run).await;
        assert_eq!(shown["status"], "SUCCESS", "{shown}");
    }
    api.drained(LONG).await;
    calls.add_jenkins(&jenkins);
    calls.add_sink(&sink);
    let balance = Balance::of(&api, &executed, &calls).await;
    let attempts = balance.started;
    let expected = Balance {
        called: executed.len(),
        ..Balance::even(attempts)
    };
    assert_eq!(balance, expected);
    let in_vain = usize::try_from(ATTEMPTS_AWAY).unwrap() * 2 * RUNS;
    assert!(attempts >= executed.len() + in_vain, "{balance:?}");
    for agent in agents {
        agent.stop().await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_succeeded_while_the_server_was_dead_are_reported_to_its_next_life() {
    const RUNS: usize = 12;
    /// What an agent calls at once at one Jenkins; the others wait for their start.
    const BUILDING: usize = 8;
    let script = Script::new(vec![Step::Gate("answer".to_owned())]).before_answering();
    let mut site = Site::start("org_server", shared(), script).await;
    site.sink
        .faults()
        .always(Fault::delay(Duration::from_secs(3)));
    let agent = site.agent("a");
    site.execute(RUNS).await;
    let building = |seen: &longshore_emulators::jenkins::State| seen.builds().len() == BUILDING;
    site.jenkins.wait_for(building, SOON).await.unwrap();
    let called = |seen: &longshore_emulators::webhook_sink::Seen| {
        seen.counts().requests == u64::try_from(RUNS).unwrap()
    };
    site.sink.wait_for(called, SOON).await.unwrap();
    site.server.kill().await;
    site.jenkins.gates().open("answer");
    // Answered, while nobody is there to be told.
    let answered = u64::try_from(BUILDING + RUNS).unwrap();
    agent.counts(CALLS, answered).await;
    let failed = "longshore_agent_server_failures_total{call=\"settle\"}";
    agent.counts(failed, 1).await;
    site.server = site.home.serve().await;
    site.api = site.server.api().await;
    assert_eq!(site.balance().await, Balance::even(2 * RUNS));
    site.check_hooks_succeeded().await;
    site.sink.faults().clear();
    site.execute(2).await;
    assert_eq!(site.balance().await, Balance::even(2 * RUNS + 4));
    assert_eq!(
        agent.counted(CALLS).await,
        u64::try_from(2 * RUNS + 4).unwrap()
    );
    agent.stop().await;
    site.stop().await;
}

/// What makes the day: the messages are as old as that, by their signatures, when the first agent
/// comes. Their number is that of a small organization.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_a_day_is_called_once_and_in_the_order_of_each_key() {
    const RUNS: usize = 150;
    const REFUSED: usize = 20;
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    let mut site = Site::start("org_backlog", shared(), Script::default()).await;
    let mut relay = Relay::start(&site, |received| {
        let secret = CLIENT_SECRET.as_bytes();
        let signed_at = header_of(&received.value, "X-Port-Timestamp");
        let message = verify(&received.value, [secret], None).unwrap();
        let yesterday = signed_at.parse::<i64>().unwrap() - DAY_SECONDS;
        signed(
            message.into_tree(),
            InvocationKind::Webhook,
            secret,
            yesterday,
        )
        .value
    })
    .await;
    site.execute(RUNS).await;
    relay.copied(2 * RUNS).await;
    assert_eq!(site.api.deliveries("published").await.len(), 2 * RUNS);
    // Some are called again, so that keys have more than one message.
    site.sink.faults().next(REFUSED, Fault::status(500));
    let agents = ["a", "b", "c"].map(|id| {
        let topic = ("KAFKA_RUNS_TOPIC", relay.topic.as_str());
        site.agent_with(id, &[topic])
    });
    assert_eq!(site.balance().await, Balance::even(2 * RUNS + REFUSED));
    site.check_hooks_succeeded().await;
    let calls = Calls::of(&site.jenkins, &site.sink);
    let attempts = calls.attempts();
    for (run, attempts) in &attempts {
        assert!(
            attempts.is_sorted() && attempts[0] == 1,
            "{run}: {attempts:?}"
        );
    }
    let repeated = attempts.values().filter(|attempts| attempts.len() > 1);
    assert!(repeated.count() > 0, "each key had one message");
    for agent in agents {
        agent.stop().await;
    }
    site.stop().await;
}

/// A header of the message itself.
fn header_of(value: &[u8], name: &str) -> String {
    let message: serde_json::Value = serde_json::from_slice(value).unwrap();
    message["headers"][name].as_str().unwrap().to_owned()
}
