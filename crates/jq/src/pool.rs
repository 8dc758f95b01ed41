//! Worker processes: started when needed, reused, killed when late.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::frame::{self, LENGTH_BYTES, MAX_ANSWER_BYTES, Reply};

/// How a worker is started; the program must call [`crate::worker::run`] when so called.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Workers that wait for questions.
pub(crate) struct Pool {
    command: WorkerCommand,
    idle: Mutex<Vec<Worker>>,
}

/// A running worker. Dropping it kills it: whoever stops halfway leaves none in an unknown state.
pub(crate) struct Worker {
    _process: Child,
    questions: ChildStdin,
    answers: ChildStdout,
}

impl Pool {
    pub(crate) fn new(command: WorkerCommand) -> Self {
        Self {
            command,
            idle: Mutex::new(Vec::new()),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker that waited, where there is one.
    pub(crate) fn reuse(&self) -> Option<Worker> {
        self.idle().pop()
    }

    /// Gives back a worker that owes no answer.
    pub(crate) fn give_back(&self, worker: Worker) {
        self.idle().push(worker);
    }

    /// Starts a worker.
    pub(crate) fn start(&self) -> io::Result<Worker> {
        let mut process = Command::new(&self.command.program)
            .args(&self.command.args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(questions), Some(answers)) => Ok(Worker {
                _process: process,
                questions,
                answers,
            }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Worker {
    pub(crate) async fn ask(&mut self, question: &[u8]) -> io::Result<()> {
        self.questions.write_all(question).await?;
        self.questions.flush().await
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
        let mut frame = vec![0; length];
        self.answers.read_exact(&mut frame).await?;
        frame::reply(&frame).ok_or_else(malformed)
    }
}
