//! Parts that run as processes of their own: this program, started again with a role.
//!
//! A role says one line of JSON when it is ready, then answers each line that it is asked. It ends
//! when nobody can ask any more.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The argument before a role's name.
const ROLE: &str = "--role";

/// A running role.
pub(crate) struct Role {
    name: &'static str,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub(crate) ready: Value,
}

impl Role {
    pub(crate) fn start(name: &'static str, settings: &Value) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ROLE, name, &settings.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} was not started"))?;
        let questions = child.stdin.take().context("no pipe")?;
        let answers = BufReader::new(child.stdout.take().context("no pipe")?);
        let mut role = Self {
            name,
            child,
            questions,
            answers,
            ready: Value::Null,
        };
        role.ready = role.answer()?;
        Ok(role)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.questions, "{question}")?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("{} ended without an answer", self.name))?;
        if let Some(error) = answer.get("error").and_then(Value::as_str) {
            bail!("{}: {error}", self.name);
        }
        Ok(answer)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// The role and settings that this process was started with.
pub(crate) fn asked_for() -> Option<(String, String)> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next()? != ROLE {
        return None;
    }
    Some((arguments.next()?, arguments.next()?))
}

/// The threads of a role that shares the machine with what is measured: half of them at most.
pub(crate) fn half_the_machine() -> Result<Runtime> {
    let threads = std::thread::available_parallelism()?.get() / 2;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    Ok(runtime
        .worker_threads(threads.max(1))
        .enable_all()
        .build()?)
}

/// Says `ready`, and then answers every question.
pub(crate) fn converse(
    ready: &Value,
    mut answer: impl FnMut(Value) -> Result<Value>,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let question = serde_json::from_str(&line?)?;
        let said = answer(question).unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
        writeln!(out, "{said}")?;
        out.flush()?;
    }
    Ok(())
}
