//! Ending gracefully: what is under way is finished, what waits is sent after the next start.

use std::time::Duration;

use longshore_emulators::Fault;
use rustix::process::{Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::api::runs_of;
use crate::receivers::{CONCURRENCY, JENKINS, Receivers, WEBHOOK};
use crate::rows::{self, DONE};
use crate::server::{Home, SOON, Server};

/// How long receivers hold their answers back: far longer than a signal takes.
const HELD: Duration = Duration::from_millis(1500);

async fn introduced(home: &Home) -> (Server, Receivers) {
    let receivers = Receivers::start().await;
    let server = home.serve().await;
    receivers.introduce(&server.api().await).await;
    (server, receivers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_way_are_finished() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let (server, receivers) = introduced(&home).await;
        let api = server.api().await;
        receivers.sink.faults().always(Fault::delay(HELD));
        receivers.jenkins.faults().always(Fault::delay(HELD));
        for _ in 0..3 {
            api.execute(WEBHOOK).await;
            api.execute(JENKINS).await;
        }
        receivers
            .sink
            .wait_for(|seen| seen.counts().accepted == 3, SOON)
            .await
            .unwrap();
        receivers
            .jenkins
            .wait_for(|state| state.builds().len() == 3, SOON)
            .await
            .unwrap();
        kill_process(server.pid(), signal).unwrap();
        let (status, lines) = server.ended().await;
        assert!(status.success(), "{status}: {lines:#?}");
        let rows = rows::read(&home.database());
        assert_eq!(rows.len(), 6);
        for (run, row) in rows {
            assert_eq!((row.state, row.attempts.len()), (DONE, 1), "{run}: {row:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_sent_after_the_next_start() {
    const RUNS: usize = 20;
    let mut home = Home::new();
    home.set("DELIVERY__WINDOW_COUNT", "8");
    let (server, receivers) = introduced(&home).await;
    let api = server.api().await;
    receivers.jenkins.faults().always(Fault::delay(HELD));
    for _ in 0..RUNS {
        api.execute(JENKINS).await;
    }
    let slots = usize::try_from(CONCURRENCY).unwrap();
    receivers
        .jenkins
        .wait_for(|state| state.builds().len() == slots, SOON)
        .await
        .unwrap();
    server.stop().await;
    assert_eq!(
        receivers.jenkins.builds().len(),
        slots,
        "nothing new was started"
    );
    receivers.jenkins.faults().clear();

    let server = home.serve().await;
    server.api().await.drained(SOON).await;
    server.stop().await;
    let (_, built) = receivers.jenkins_calls();
    let rows = rows::read(&home.database());
    assert_eq!((built.len(), rows.len()), (RUNS, RUNS));
    assert!(built.values().all(|times| *times == 1), "{built:?}");
    assert!(rows.values().all(|row| row.state == DONE), "{rows:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_under_way_is_answered_and_a_later_one_is_not_taken() {
    let home = Home::new();
    let (server, receivers) = introduced(&home).await;
    let token = server.api().await.bearer();
    let body = r#"{"properties": {}}"#;
    let mut request = TcpStream::connect(server.address).await.unwrap();
    let (first, rest) = body.split_at(5);
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: longshore\r\nAuthorization: {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        runs_of(WEBHOOK),
        body.len()
    );
    request.write_all(head.as_bytes()).await.unwrap();
    // Answered after it: the request before it is under way by then.
    server.api().await.get("/healthz").await;
    server.terminate();
    let refused = async { while TcpStream::connect(server.address).await.is_ok() {} };
    timeout(SOON, refused).await.unwrap();

    request.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = request.read_to_string(&mut answer);
    timeout(SOON, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let (status, lines) = server.ended().await;
    assert!(status.success(), "{status}: {lines:#?}");

    let server = home.serve().await;
    server.api().await.drained(SOON).await;
    server.stop().await;
    assert_eq!(receivers.webhook_arrivals().len(), 1);
}
