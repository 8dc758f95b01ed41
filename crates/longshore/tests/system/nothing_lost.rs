//! SIGKILL at random points under load: nothing accepted is lost, nothing harmful is repeated.

use std::cell::Cell;
use std::time::{Duration, Instant};

use longshore_emulators::{Fault, jenkins, webhook_sink};
use tokio::time::timeout;

use crate::chance::Chance;
use crate::receivers::{CONCURRENCY, Receivers};
use crate::rows;
use crate::server::{Home, SOON, Server, Starting};
use crate::traffic::{Promised, Traffic};
use crate::verdict::{check_jenkins, check_webhooks};

/// Kills under load.
const KILLS: u64 = 50;
/// Runs that are accepted at least before each of them.
const ACCEPTED_BETWEEN: usize = 200;
/// One start in so many is killed too, before anything is accepted.
const STARTS_PER_KILL: u64 = 5;
/// How long Jenkins takes for an answer: too long for all that comes, so that runs wait on disk.
const JENKINS_TAKES: Duration = Duration::from_millis(10);
/// For the rest of the work after the last start.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_repeat_nothing_harmful() {
    let mut chance = Chance::seeded("nothing_lost");
    let began = Instant::now();
    let receivers = Receivers::start().await;
    receivers
        .jenkins
        .faults()
        .always(Fault::delay(JENKINS_TAKES));
    let mut home = Home::new();
    home.set("DELIVERY__WINDOW_COUNT", "64");
    home.set("LOG__LEVEL", "warn");
    let server = home.serve().await;
    receivers.introduce(&server.api().await).await;
    server.stop().await;

    let mut promised = Promised::default();
    let (mut kills, mut unconfirmed) = (0, 0);
    for round in 0..KILLS {
        let mut kills_since = 1;
        if round % STARTS_PER_KILL == 0 {
            kill_while_starting(&home, &mut chance).await;
            kills_since += 1;
        }
        let server = home.serve().await;
        let found = server.api().await.deliveries("unconfirmed").await.len() as u64;
        assert!(
            found - unconfirmed <= CONCURRENCY * kills_since,
            "round {round}: {found} unconfirmed after {unconfirmed}"
        );
        unconfirmed = found;
        let before = promised.len();
        kill_under_load(server, &receivers, &mut chance, &mut promised).await;
        assert!(promised.len() - before >= ACCEPTED_BETWEEN);
        kills += kills_since;
    }
    let killed_for = began.elapsed();

    let server = home.serve().await;
    server.api().await.drained(PATIENCE).await;
    let mut lines = server.stop().await;
    lines.retain(|line| line.contains("ERROR"));
    assert!(lines.is_empty(), "{lines:#?}");
    println!(
        "{} runs accepted around {kills} kills in {killed_for:?}; drained after {:?}",
        promised.len(),
        began.elapsed() - killed_for
    );
    let rows = rows::read(&home.database());
    check_webhooks(&rows, &receivers.webhook_arrivals(), &promised);
    assert_eq!(receivers.sink.counts().invalid_signatures, 0);
    let (called, built) = receivers.jenkins_calls();
    assert_eq!(called, built);
    let unconfirmed = check_jenkins(&rows, &called, &promised, kills);
    println!("{unconfirmed} runs of Jenkins stand as unconfirmed");
    assert!(unconfirmed > 0, "no kill hit a call to Jenkins");
}

/// Kills a process somewhere between its start and its first answer.
async fn kill_while_starting(home: &Home, chance: &mut Chance) {
    let mut starting = Starting::spawn(home.command(&["serve"]));
    // Whether it got as far as to listen is left to chance.
    let _ = timeout(
        chance.moment(Duration::from_millis(150)),
        starting.listens(),
    )
    .await;
    starting.kill().await;
}

/// Lets callers execute runs, and kills the process at a point that chance chooses.
async fn kill_under_load(
    server: Server,
    receivers: &Receivers,
    chance: &mut Chance,
    promised: &mut Promised,
) {
    let mut traffic = Traffic::start(&server.api().await);
    let more = usize::try_from(chance.below(60)).unwrap();
    traffic.accepted(ACCEPTED_BETWEEN + more).await;
    let calls = 1 + chance.below(8);
    match chance.below(4) {
        // With the last answer.
        0 => {}
        // With a webhook's arrival.
        1 => {
            let before = receivers.sink.counts().requests;
            let arrived = |seen: &webhook_sink::Seen| seen.counts().requests >= before + calls;
            receivers.sink.wait_for(arrived, SOON).await.unwrap();
        }
        // With Jenkins called.
        2 => {
            let before = Cell::new(None);
            let called = |state: &jenkins::State| {
                let first = before.get().unwrap_or(state.call_count());
                before.set(Some(first));
                state.call_count() >= first + calls
            };
            receivers.jenkins.wait_for(called, SOON).await.unwrap();
        }
        // At any instant.
        _ => {
            let moment = chance.moment(Duration::from_millis(30));
            let _ = timeout(moment, traffic.accepted(usize::MAX)).await;
        }
    }
    let mut lines = server.kill().await;
    lines.retain(|line| line.contains("ERROR"));
    assert!(lines.is_empty(), "{lines:#?}");
    traffic.ended(promised).await;
}
