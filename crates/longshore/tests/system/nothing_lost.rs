//! SIGKILL at random points under load: nothing accepted is lost, nothing harmful is repeated.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::chance::Chance;
use crate::receivers::{CONCURRENCY, JENKINS, Receivers, WEBHOOK};
use crate::rows::{self, ACCEPTED, DONE, Row, UNCONFIRMED};
use crate::server::{Home, SOON, Server, Starting};
use crate::traffic::{Promised, Traffic};

/// Kills under load.
const KILLS: u64 = 50;
/// Runs that are accepted at least before each of them.
const ACCEPTED_BETWEEN: usize = 200;
/// One start in so many is killed too, before anything is accepted.
const STARTS_PER_KILL: u64 = 5;
/// For the rest of the work after the last start.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_repeat_nothing_harmful() {
    let mut chance = Chance::seeded("nothing_lost");
    let began = Instant::now();
    let receivers = Receivers::start().await;
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
    let lines = server.stop().await;
    assert!(!lines.iter().any(|line| line.contains("ERROR")), "{lines:#?}");
    println!(
        "{} runs accepted around {kills} kills in {killed_for:?}; drained after {:?}",
        promised.len(),
        began.elapsed() - killed_for
    );
    let rows = rows::read(&home.database());
    check_webhooks(&rows, &receivers, &promised);
    check_jenkins(&rows, &receivers, &promised, kills);
}

/// Kills a process somewhere between its start and its first answer.
async fn kill_while_starting(home: &Home, chance: &mut Chance) {
    let mut starting = Starting::spawn(home.command(&["serve"]));
    // Whether it got as far as to listen is left to chance.
    let _ = timeout(chance.moment(Duration::from_millis(150)), starting.listens()).await;
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
            let arrived = |seen: &longshore_emulators::webhook_sink::Seen| {
                seen.counts().requests >= before + calls
            };
            receivers.sink.wait_for(arrived, SOON).await.unwrap();
        }
        // With Jenkins called.
        2 => {
            let before = std::cell::Cell::new(None);
            let called = |state: &longshore_emulators::jenkins::State| {
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
    server.kill().await;
    traffic.ended(promised).await;
}

fn of_action<'a>(
    rows: &'a BTreeMap<String, Row>,
    action: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Row)> {
    rows.iter().filter(move |(_, row)| row.action == action)
}

/// Every webhook run on disk, answered with 202 or not, was delivered at least once.
pub(crate) fn check_webhooks(
    rows: &BTreeMap<String, Row>,
    receivers: &Receivers,
    promised: &Promised,
) {
    let arrivals = receivers.webhook_arrivals();
    for run in &promised.webhook {
        assert!(rows.contains_key(run), "{run} was promised and is not on disk");
        assert!(arrivals.contains_key(run), "{run} was promised and never sent");
    }
    for run in arrivals.keys() {
        assert!(rows.contains_key(run), "{run} was sent before it was on disk");
    }
    for (run, row) in of_action(rows, WEBHOOK) {
        assert_eq!(row.state, DONE, "{run}: {row:?}");
        assert!(arrivals.contains_key(run), "{run}: {row:?}");
        check_attempts(run, row);
    }
    assert_eq!(receivers.sink.counts().invalid_signatures, 0);
}

/// Every Jenkins run was delivered exactly once, or stands as unconfirmed and was seen at most once.
fn check_jenkins(
    rows: &BTreeMap<String, Row>,
    receivers: &Receivers,
    promised: &Promised,
    kills: u64,
) {
    let (called, built) = receivers.jenkins_calls();
    for run in &promised.jenkins {
        assert!(rows.contains_key(run), "{run} was promised and is not on disk");
    }
    for (run, times) in called.iter().chain(&built) {
        assert!(rows.contains_key(run), "{run} was sent before it was on disk");
        assert_eq!(*times, 1, "{run} reached Jenkins {times} times");
    }
    let mut unconfirmed = 0;
    for (run, row) in of_action(rows, JENKINS) {
        match row.state {
            DONE => assert!(built.contains_key(run), "{run} is done and was not built"),
            UNCONFIRMED => unconfirmed += 1,
            _ => panic!("{run} is stuck: {row:?}"),
        }
        check_attempts(run, row);
    }
    println!("{unconfirmed} runs of Jenkins stand as unconfirmed after {kills} kills");
    assert!(unconfirmed <= kills * CONCURRENCY);
    assert!(unconfirmed > 0, "no kill hit a call to Jenkins");
}

/// Each attempt was settled once, and at most the last one was accepted.
pub(crate) fn check_attempts(run: &str, row: &Row) {
    let mut last = 0;
    for (number, outcome) in &row.attempts {
        assert!(*number > last, "{run}: {row:?}");
        assert!(*outcome != ACCEPTED || *number == row.attempt, "{run}: {row:?}");
        last = *number;
    }
    let accepted = row.attempts.iter().filter(|(_, outcome)| *outcome == ACCEPTED);
    assert_eq!(accepted.count(), usize::from(row.state == DONE), "{run}: {row:?}");
    assert!(row.state != DONE || last == row.attempt, "{run}: {row:?}");
}
