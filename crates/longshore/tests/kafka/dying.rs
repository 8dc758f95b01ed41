//! Agents, the broker and the server are killed under load: nothing is lost, nothing harmful is
//! repeated.

use std::time::Duration;

use longshore_emulators::{Fault, Script};

use crate::balance::Balance;
use crate::broker::Broker;
use crate::cluster::shared;
use crate::site::Site;

/// How long receivers take for an answer, so that kills hit calls.
const RECEIVERS_TAKE: Duration = Duration::from_millis(20);
/// Between two looks at what receivers saw.
const LOOK_EVERY: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_are_killed_lose_nothing_and_start_no_build_twice() {
    const KILLS: usize = 20;
    const RUNS: usize = 10;
    let mut site = Site::start("org_killed", shared(), Script::default()).await;
    slow_down(&site);
    let names = ["odd", "even"];
    let mut agents = names.map(|id| Some(site.returning_agent(id)));
    let mut looks = tokio::time::interval(LOOK_EVERY);
    for round in 0..KILLS {
        let (at, seen) = (round % 2, arrivals(&site));
        site.execute(RUNS).await;
        // Somewhere in the middle of them: as soon as one more is there.
        while arrivals(&site) <= seen {
            looks.tick().await;
        }
        agents[at].take().unwrap().kill().await;
        agents[at] = Some(site.returning_agent(names[at]));
    }
    let balance = site.balance().await;
    assert_eq!(balance.dead, 0, "{balance:?}");
    assert!(balance.reported < balance.started, "no kill hit a call");
    // Each kill hits at most what an agent may have under way to one Jenkins.
    assert!(balance.unconfirmed <= KILLS * 8, "{balance:?}");
    site.check_hooks_succeeded().await;
    for agent in agents.into_iter().flatten() {
        agent.stop().await;
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_and_comes_under_load_loses_nothing() {
    const RUNS: usize = 25;
    let mut broker = Broker::start();
    let mut site = Site::start("org_broker", &broker, Script::default()).await;
    let agents = ["odd", "even"].map(|id| site.agent(id));
    for end in [Broker::stop, Broker::kill] {
        site.execute(RUNS).await;
        tokio::task::block_in_place(|| end(&mut broker));
        // What is accepted meanwhile cannot be published.
        site.execute(RUNS).await;
        tokio::task::block_in_place(|| broker.rise());
        site.execute(RUNS).await;
    }
    let balance = site.balance().await;
    let runs = site.executed.len();
    // What was not confirmed in time is published again, and may stand on the topic twice.
    assert!(balance.published > runs, "{balance:?}");
    let expected = Balance {
        published: balance.published,
        ..Balance::even(runs)
    };
    assert_eq!(balance, expected);
    site.check_hooks_succeeded().await;
    for agent in agents {
        agent.stop().await;
    }
    site.stop().await;
}

fn slow_down(site: &Site) {
    site.jenkins.faults().always(Fault::delay(RECEIVERS_TAKE));
    site.sink.faults().always(Fault::delay(RECEIVERS_TAKE));
}

fn arrivals(site: &Site) -> usize {
    site.jenkins.calls().len() + site.sink.deliveries().len()
}
