//! The real program as a child process: set up, started, asked to end, killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::Api;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_longshore");
/// Longer than anything takes on a loaded machine; a test that reaches it has failed.
pub(crate) const SOON: Duration = Duration::from_secs(90);

pub(crate) const CLIENT_ID: &str = "system-tests";
pub(crate) const CLIENT_SECRET: &str = "a client secret of the system tests, long enough";

/// A data directory, and the variables that a process on it is started with; nothing of the tests'
/// own environment reaches it.
pub(crate) struct Home {
    directory: TempDir,
    variables: BTreeMap<String, String>,
}

impl Home {
    /// With known credentials, a free port, loopback open to calls, and no metrics.
    pub(crate) fn new() -> Self {
        let mut home = Self::bare();
        home.set("BOOTSTRAP__CLIENT_ID", CLIENT_ID);
        home.set("BOOTSTRAP__CLIENT_SECRET", CLIENT_SECRET);
        home
    }

    /// Without credentials of the test's choice.
    pub(crate) fn bare() -> Self {
        let mut home = Self {
            directory: tempfile::tempdir().unwrap(),
            variables: BTreeMap::new(),
        };
        let data = home.data().display().to_string();
        home.set("DATA_DIR", &data);
        home.set("LISTEN", "127.0.0.1:0");
        home.set("NETWORK__ALLOW", "127.0.0.0/8");
        home.set("METRICS__LISTEN", "");
        home
    }

    /// Sets `LONGSHORE_<name>`.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name = format!("LONGSHORE_{name}");
        self.variables.insert(name, value.to_owned());
    }

    /// Unsets `LONGSHORE_<name>`.
    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(&format!("LONGSHORE_{name}"));
    }

    /// A place beside the data directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("longshore.db")
    }

    /// The program with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.place(&mut command);
        command
    }

    /// Gives a command the environment of this home.
    pub(crate) fn place(&self, command: &mut Command) {
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let running = self.command(arguments).output();
        Ended::of(timeout(SOON, running).await.unwrap().unwrap())
    }

    /// Starts the server and waits until it listens.
    pub(crate) async fn serve(&self) -> Server {
        Server::start(self.command(&["serve"])).await
    }

    /// Starts the server, which must refuse to run; answers what it says.
    pub(crate) async fn refused(&self) -> String {
        let ended = self.run(&["serve"]).await;
        assert!(!ended.status.success(), "it was to be refused: {ended:?}");
        assert!(!ended.stdout.contains("listening"), "{ended:?}");
        ended.stderr
    }
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// What a process printed before it ended.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where its API listens.
    pub(crate) address: SocketAddr,
    seen: Vec<String>,
    lines: UnboundedReceiver<String>,
    _reading: JoinSet<()>,
}

impl Server {
    /// Starts `command` and waits until it says that it listens.
    pub(crate) async fn start(command: Command) -> Self {
        let mut starting = Starting::spawn(command);
        let address = starting.listens().await;
        Self {
            child: starting.child,
            address,
            seen: starting.seen,
            lines: starting.lines,
            _reading: starting.reading,
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> Pid {
        pid(&self.child)
    }

    /// An authenticated client.
    pub(crate) async fn api(&self) -> Api {
        Api::connect(self.address, CLIENT_ID, CLIENT_SECRET).await
    }

    /// The first log line, from the start on, that `wanted` chooses something of.
    pub(crate) async fn logged<T>(&mut self, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let parsed = |line: &String| wanted(&serde_json::from_str(line).ok()?);
        if let Some(found) = self.seen.iter().find_map(parsed) {
            return found;
        }
        loop {
            let line = timeout(SOON, self.lines.recv()).await.unwrap().unwrap();
            let found = parsed(&line);
            self.seen.push(line);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// Ends it as a power switch would.
    pub(crate) async fn kill(mut self) -> Vec<String> {
        self.child.start_kill().unwrap();
        timeout(SOON, self.child.wait()).await.unwrap().unwrap();
        self.remaining().await
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Waits for its end; answers its log lines.
    pub(crate) async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = timeout(SOON, self.child.wait()).await.unwrap().unwrap();
        (status, self.remaining().await)
    }

    /// Asks it to end, which it must do well; answers its log lines.
    pub(crate) async fn stop(self) -> Vec<String> {
        self.terminate();
        let (status, lines) = self.ended().await;
        assert!(status.success(), "{status}: {lines:#?}");
        lines
    }

    async fn remaining(&mut self) -> Vec<String> {
        let mut lines = std::mem::take(&mut self.seen);
        while let Some(line) = timeout(SOON, self.lines.recv()).await.unwrap() {
            lines.push(line);
        }
        lines
    }
}

/// A server that does not listen yet.
pub(crate) struct Starting {
    child: Child,
    seen: Vec<String>,
    lines: UnboundedReceiver<String>,
    reading: JoinSet<()>,
}

impl Starting {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, lines) = unbounded_channel();
        let mut reading = JoinSet::new();
        let outputs: [Box<dyn tokio::io::AsyncRead + Send + Unpin>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            reading.spawn(async move {
                let mut output = BufReader::new(output).lines();
                while let Ok(Some(line)) = output.next_line().await {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Self {
            child,
            seen: Vec::new(),
            lines,
            reading,
        }
    }

    /// Reads until it says where it listens.
    pub(crate) async fn listens(&mut self) -> SocketAddr {
        loop {
            let line = timeout(SOON, self.lines.recv()).await.unwrap();
            let Some(line) = line else {
                panic!("it ended before it listened: {:#?}", self.seen);
            };
            let address = listening(&line);
            self.seen.push(line);
            if let Some(address) = address {
                return address;
            }
        }
    }

    /// Ends it as a power switch would.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().unwrap();
        timeout(SOON, self.child.wait()).await.unwrap().unwrap();
    }
}

fn pid(child: &Child) -> Pid {
    let raw = i32::try_from(child.id().unwrap()).unwrap();
    Pid::from_raw(raw).unwrap()
}

/// The address of the line that scripts wait for.
pub(crate) fn listening(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["event"] != "listening" {
        return None;
    }
    line["address"].as_str()?.parse().ok()
}

/// The permissions of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
