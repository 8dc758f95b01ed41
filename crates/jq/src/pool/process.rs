//! One worker process, as its owner sees it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::WorkerCommand;
use crate::bounds::WORKER_PATIENCE;
use crate::frame::{self, GREETING_BYTES, LENGTH_BYTES, MAX_ANSWER_BYTES, Reply, Terms};
use crate::worker::Sandbox;

/// Capacity of the buffer that a worker's owner keeps between answers.
const KEPT_ANSWER_BYTES: usize = 64 << 10;

/// A running worker. Dropping it kills it: whoever stops halfway leaves none in an unknown state.
pub(crate) struct Worker {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    answer: Vec<u8>,
    sandbox: Sandbox,
    /// Whether it was asked before.
    used: bool,
    _mark: Arc<()>,
}

/// Why a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It had nothing to do.
    Idle,
    /// Memory or stack.
    Crash,
    /// It asked the system for what it may not have.
    Forbidden,
    /// Somebody killed it.
    Killed,
    /// What none of ours does, or it still runs.
    Other,
}

fn spawn(command: &WorkerCommand) -> io::Result<Child> {
    Command::new(&command.program)
        .args(&command.args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

impl Worker {
    /// Starts a worker and waits until it is ready.
    pub(super) async fn start(
        command: &WorkerCommand,
        terms: Terms,
        mark: Arc<()>,
    ) -> io::Result<Self> {
        let command = command.clone();
        // the thread that starts a process waits for a moment; none that serves others may
        let spawned = spawn_blocking(move || spawn(&command)).await;
        let mut process = spawned.map_err(io::Error::other)??;
        let (Some(mut questions), Some(answers)) = (process.stdin.take(), process.stdout.take())
        else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut answers = BufReader::new(answers);
        let mut greeting = [0; GREETING_BYTES];
        timeout(WORKER_PATIENCE, async {
            questions.write_all(&terms.frame()).await?;
            answers.read_exact(&mut greeting).await
        })
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
        let sandbox = frame::read_greeting(greeting).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            process,
            questions,
            answers,
            answer: Vec::new(),
            sandbox,
            used: false,
            _mark: mark,
        })
    }

    pub(crate) const fn sandbox(&self) -> Sandbox {
        self.sandbox
    }

    pub(crate) const fn was_used(&self) -> bool {
        self.used
    }

    pub(crate) async fn ask(&mut self, question: &[u8]) -> io::Result<()> {
        self.used = true;
        self.questions.write_all(question).await
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> io::Result<Reply> {
        let malformed = || io::Error::from(io::ErrorKind::InvalidData);
        let mut length = [0; LENGTH_BYTES];
        self.answers.read_exact(&mut length).await?;
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_ANSWER_BYTES {
            return Err(malformed());
        }
        self.answer.clear();
        self.answer.resize(length, 0);
        self.answers.read_exact(&mut self.answer).await?;
        let reply = Reply::parse(&self.answer).ok_or_else(malformed);
        self.answer.shrink_to(KEPT_ANSWER_BYTES);
        reply
    }

    /// Why it ended, of one that answers no more.
    pub(crate) async fn ending(mut self) -> Ending {
        match timeout(WORKER_PATIENCE, self.process.wait()).await {
            Ok(Ok(status)) => Ending::of(status),
            Ok(Err(_)) | Err(_) => Ending::Other,
        }
    }
}

impl Ending {
    fn of(status: ExitStatus) -> Self {
        let died_of = |signal: Signal| status.signal() == Some(signal.as_raw());
        if status.success() {
            Self::Idle
        } else if died_of(Signal::ABORT) || died_of(Signal::SEGV) || died_of(Signal::BUS) {
            Self::Crash
        } else if died_of(Signal::SYS) {
            Self::Forbidden
        } else if died_of(Signal::KILL) || died_of(Signal::TERM) {
            Self::Killed
        } else {
            Self::Other
        }
    }
}
