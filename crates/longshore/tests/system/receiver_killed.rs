//! The receiver dies under load, again and again: nothing is lost, nothing harmful is repeated.

use std::time::Duration;

use crate::chance::Chance;
use crate::mortal::Mortal;
use crate::receivers::{WEBHOOK, introduce_jenkins, introduce_webhook};
use crate::rows;
use crate::server::Home;
use crate::traffic::{Promised, Traffic};
use crate::verdict::{check_jenkins, check_webhooks};

const KILLS: u64 = 10;
const ACCEPTED_BETWEEN: usize = 200;
/// Runs that are accepted while it is dead.
const ACCEPTED_MEANWHILE: usize = 50;
const PATIENCE: Duration = Duration::from_secs(180);
/// Retries every second, for longer than the test takes.
const RETRIES: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_keeps_dying_gets_everything() {
    let mut chance = Chance::seeded("receiver_killed");
    let mut receiver = Mortal::new(&mut chance);
    let mut home = Home::new();
    home.set("DELIVERY__WINDOW_COUNT", "64");
    home.set(
        "DELIVERY__RETRY_DELAYS_SECONDS",
        &vec!["1"; RETRIES].join(","),
    );
    home.set("LOG__LEVEL", "warn");
    let server = home.serve().await;
    let api = server.api().await;
    let origin = format!("http://127.0.0.1:{}", receiver.port);
    let jenkins = format!("{origin}/generic-webhook-trigger");
    introduce_jenkins(&api, &jenkins, &format!("{jenkins}/invoke")).await;
    introduce_webhook(&api, WEBHOOK, &format!("{origin}/hook")).await;

    let mut promised = Promised::default();
    for _ in 0..KILLS {
        let mut life = receiver.rise().await;
        let mut traffic = Traffic::start(&api);
        traffic.accepted(ACCEPTED_BETWEEN).await;
        receiver.sees(&mut life, 1 + chance.below(100)).await;
        receiver.dies(life).await;
        let accepted = traffic.count();
        traffic.accepted(accepted + ACCEPTED_MEANWHILE).await;
        traffic.end(&mut promised).await;
    }
    let life = receiver.rise().await;
    api.drained(PATIENCE).await;
    receiver.dies(life).await;
    let mut lines = server.stop().await;
    lines.retain(|line| line.contains("ERROR"));
    assert!(lines.is_empty(), "{lines:#?}");

    let rows = rows::read(&home.database());
    let webhooks = receiver.seen("webhook");
    check_webhooks(&rows, &webhooks, &promised);
    let unconfirmed = check_jenkins(&rows, &receiver.seen("jenkins"), &promised, KILLS);
    let repeated = webhooks.values().filter(|times| **times > 1).count();
    let retried = rows.values().filter(|row| row.attempt > 1).count();
    println!(
        "{} runs around {KILLS} kills: {retried} retried, {repeated} webhooks repeated, \
         {unconfirmed} runs of Jenkins unconfirmed",
        rows.len()
    );
    assert!(
        retried > 0 && repeated > 0 && unconfirmed > 0,
        "no kill hit a call"
    );
}
