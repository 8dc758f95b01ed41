//! A receiver in a process of its own, which dies and comes back on the same port.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::chance::Chance;
use crate::receivers::{Seen, tally};
use crate::server::SOON;

const SCRIPT: &str = include_str!("receiver.py");
/// Ports that no outgoing connection is given: while the receiver is dead, nothing takes its port.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

/// A receiver's port, and what it saw in all its lives.
pub(crate) struct Mortal {
    pub(crate) port: u16,
    lines: Vec<String>,
}

/// A life of the receiver.
pub(crate) struct Life {
    child: Child,
    lines: UnboundedReceiver<String>,
    /// Reads all the time: the receiver would stop where its output is not taken.
    _reading: JoinSet<()>,
}

impl Mortal {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let mut ports = std::iter::repeat_with(|| {
            PORTS.start + u16::try_from(chance.below(PORTS.len() as u64)).unwrap()
        });
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        Self {
            port: ports.find(free).unwrap(),
            lines: Vec::new(),
        }
    }

    /// Brings it to life.
    pub(crate) async fn rise(&self) -> Life {
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT, &self.port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, mut lines) = unbounded_channel();
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            while let Some(line) = output.next_line().await.unwrap() {
                sender.send(line).unwrap();
            }
        });
        let line = timeout(SOON, lines.recv()).await.unwrap();
        assert_eq!(line, Some(format!("listening {}", self.port)));
        Life {
            child,
            lines,
            _reading: reading,
        }
    }

    /// Waits until it has seen `count` more requests.
    pub(crate) async fn sees(&mut self, life: &mut Life, count: u64) {
        for _ in 0..count {
            let line = timeout(SOON, life.lines.recv()).await.unwrap();
            self.lines.push(line.unwrap());
        }
    }

    /// Ends it with SIGKILL; what it had seen is kept.
    pub(crate) async fn dies(&mut self, mut life: Life) {
        life.child.start_kill().unwrap();
        timeout(SOON, life.child.wait()).await.unwrap().unwrap();
        while let Some(line) = timeout(SOON, life.lines.recv()).await.unwrap() {
            self.lines.push(line);
        }
    }

    /// How often it saw each run of `kind`.
    pub(crate) fn seen(&self, kind: &str) -> Seen {
        let of_kind = |line: &String| Some(line.strip_prefix(kind)?.trim().to_owned());
        tally(self.lines.iter().filter_map(of_kind))
    }
}
