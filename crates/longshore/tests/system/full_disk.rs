//! A full disk: nothing new is promised, nothing is lost, and space is enough to go on.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use http::Method;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::json;
use tokio::process::Command;

use crate::api::{Answer, Api, runs_of};
use crate::receivers::{JENKINS, Receivers, WEBHOOK};
use crate::rows::{self, DONE};
use crate::server::{Home, PROGRAM, SOON, Server};
use crate::traffic::{CALLERS, Promised, Traffic};
use crate::verdict::{check_jenkins, check_webhooks};

/// Runs that are accepted before the disk is full, and after there is space again.
const RUNS: usize = 200;
/// Mounts a small disk of its own, which goes with the process, and starts the program there.
const ON_A_SMALL_DISK: &str = r#"
    mount -t tmpfs -o size=128m longshore "$LONGSHORE_DATA_DIR" && exec "$0" serve
"#;
/// A write beyond the limit on a file's size shall fail, not kill.
const UNDER_A_LIMIT: &str = r#"trap "" XFSZ; exec "$0" serve"#;

/// How a disk is filled and emptied again.
enum Disk {
    /// Every file that the process writes may have no more bytes.
    Limit(Pid, Rlimit),
    /// A file fills the process's own small disk, seen through its root directory.
    Small(PathBuf),
}

impl Disk {
    fn fill(&self) {
        match self {
            Self::Limit(pid, old) => {
                let none = Rlimit {
                    current: Some(0),
                    ..*old
                };
                prlimit(Some(*pid), Resource::Fsize, none).unwrap();
            }
            Self::Small(filler) => {
                let mut file = File::create(filler).unwrap();
                for piece in [1 << 16, 1 << 12, 1] {
                    while file.write_all(&vec![0; piece]).is_ok() {}
                }
            }
        }
    }

    fn empty(&self) {
        match self {
            Self::Limit(pid, old) => {
                prlimit(Some(*pid), Resource::Fsize, *old).unwrap();
            }
            Self::Small(filler) => std::fs::remove_file(filler).unwrap(),
        }
    }
}

async fn on_a_small_disk(home: &Home) -> (Server, Disk) {
    std::fs::create_dir(home.data()).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.args([ON_A_SMALL_DISK, PROGRAM]);
    let server = started(home, command).await;
    let root = format!("/proc/{}/root", server.pid().as_raw_nonzero());
    let filler = format!("{root}{}", home.data().join("filler").display());
    (server, Disk::Small(filler.into()))
}

async fn under_a_limit(home: &Home) -> (Server, Disk) {
    let mut command = Command::new("sh");
    command.args(["-c", UNDER_A_LIMIT, PROGRAM]);
    let server = started(home, command).await;
    let disk = Disk::Limit(server.pid(), getrlimit(Resource::Fsize));
    (server, disk)
}

async fn started(home: &Home, mut command: Command) -> Server {
    home.place(&mut command);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Server::start(command).await
}

async fn execute(api: &Api, action: &str) -> Answer {
    let body = json!({"properties": {}});
    api.call(Method::POST, &runs_of(action), Some(&body)).await
}

/// Waits until runs are refused one after the other: where a large write no longer fitted, a small one
/// still may.
async fn nothing_fits(api: &Api) {
    const IN_A_ROW: u32 = 5;
    let refused = async {
        let mut refused = 0;
        while refused < IN_A_ROW {
            refused = match execute(api, WEBHOOK).await.status {
                503 => refused + 1,
                _ => 0,
            };
        }
    };
    tokio::time::timeout(SOON, refused).await.unwrap();
}

fn assert_put_off(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    let told = answer.json();
    assert_eq!(
        (&told["ok"], &told["error"]),
        (&json!(false), &json!("unavailable"))
    );
}

/// Fills the disk under load and empties it again, twice; answers what was promised.
async fn live_through(server: &Server, disk: &Disk, receivers: &Receivers) -> Promised {
    let api = server.api().await;
    receivers.introduce(&api).await;
    let mut promised = Promised::default();
    for _ in 0..2 {
        let mut traffic = Traffic::start(&api);
        traffic.accepted(RUNS).await;
        disk.fill();
        api.answers("/readyz", 503).await;
        nothing_fits(&api).await;
        let accepted = traffic.count();
        for action in [WEBHOOK, JENKINS] {
            assert_put_off(&execute(&api, action).await);
        }
        assert_eq!(api.call(Method::GET, "/healthz", None).await.status, 200);
        let listed = api.get("/v1/actions/runs?limit=5").await;
        assert_eq!(
            listed["runs"].as_array().unwrap().len(),
            5,
            "reading goes on"
        );
        // What was under way when the disk filled up may still have fitted.
        let more = traffic.count() - accepted;
        assert!(more <= CALLERS, "{more} accepted on a full disk");

        disk.empty();
        api.answers("/readyz", 200).await;
        traffic.accepted(accepted + RUNS).await;
        traffic.end(&mut promised).await;
    }
    api.drained(SOON).await;
    promised
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_survived_under_load() {
    let home = Home::new();
    let receivers = Receivers::start().await;
    let (server, disk) = under_a_limit(&home).await;
    let promised = live_through(&server, &disk, &receivers).await;
    server.stop().await;
    let rows = rows::read(&home.database());
    check_webhooks(&rows, &receivers.webhook_arrivals(), &promised);
    let (called, _) = receivers.jenkins_calls();
    assert_eq!(check_jenkins(&rows, &called, &promised, 0), 0);
    assert!(rows.values().all(|row| row.attempt == 1), "sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_full_disk_is_survived_under_load() {
    let home = Home::new();
    if !has_mounts() {
        println!("no disk can be mounted here; a limit on files stands in for it");
        return;
    }
    let receivers = Receivers::start().await;
    let (server, disk) = on_a_small_disk(&home).await;
    let promised = live_through(&server, &disk, &receivers).await;
    let copy = copied(&server, &disk, &home);
    server.stop().await;
    let rows = rows::read(&copy);
    check_webhooks(&rows, &receivers.webhook_arrivals(), &promised);
    let (called, _) = receivers.jenkins_calls();
    assert_eq!(check_jenkins(&rows, &called, &promised, 0), 0);
}

/// The disk goes with the process: a copy, taken while it holds still, tells what was on it.
fn copied(server: &Server, disk: &Disk, home: &Home) -> PathBuf {
    let Disk::Small(filler) = disk else {
        panic!("no disk of its own")
    };
    kill_process(server.pid(), Signal::STOP).unwrap();
    for end in ["", "-wal"] {
        let name = format!("longshore.db{end}");
        let there = filler.with_file_name(&name);
        std::fs::copy(there, home.path(&name)).unwrap();
    }
    kill_process(server.pid(), Signal::CONT).unwrap();
    home.path("longshore.db")
}

/// Whether this machine lets a test mount a disk of its own.
fn has_mounts() -> bool {
    std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .args(["mount", "-t", "tmpfs", "longshore", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_while_nothing_is_under_way_is_noticed() {
    let home = Home::new();
    let receivers = Receivers::start().await;
    let (server, disk) = under_a_limit(&home).await;
    let api = server.api().await;
    receivers.introduce(&api).await;
    disk.fill();
    assert_put_off(&execute(&api, WEBHOOK).await);
    api.answers("/readyz", 503).await;
    disk.empty();
    api.answers("/readyz", 200).await;
    api.execute(WEBHOOK).await;
    api.drained(SOON).await;
    server.stop().await;
    let rows = rows::read(&home.database());
    assert_eq!(rows.len(), 1, "what was put off is not there");
    assert!(rows.values().all(|row| row.state == DONE), "{rows:?}");
}
