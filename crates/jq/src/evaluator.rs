//! Evaluates the expressions of a call: plain ones at once, all others by one question to a worker.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use crate::bounds::{
    DEFAULT_DEADLINE, DEFAULT_WAIT, DEFAULT_WORKERS, MAX_FRAME_BYTES, MAX_OUTPUTS_BYTES,
    MAX_WAITING,
};
use crate::frame;
use crate::plain;
use crate::pool::{Pool, WorkerCommand};
use crate::program::{Evaluated, Program};

/// How an [`Evaluator`] works.
#[derive(Clone, Debug)]
pub struct Config {
    /// How workers are started.
    pub worker: WorkerCommand,
    /// How many may run at once; at least one.
    pub workers: usize,
    /// Time for all expressions of one call, from the moment a worker is free.
    pub deadline: Duration,
    /// Time that a call waits for a free worker.
    pub wait: Duration,
}

impl Config {
    /// The defaults, with workers started by `worker`.
    #[must_use]
    pub fn new(worker: WorkerCommand) -> Self {
        Self {
            worker,
            workers: DEFAULT_WORKERS,
            deadline: DEFAULT_DEADLINE,
            wait: DEFAULT_WAIT,
        }
    }
}

/// Evaluates programs; shared by everybody in a process.
pub struct Evaluator {
    pool: Pool,
    slots: Semaphore,
    waiting: Semaphore,
    deadline: Duration,
    wait: Duration,
}

impl Evaluator {
    /// An evaluator; its workers start when they are first needed.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            pool: Pool::new(config.worker),
            slots: Semaphore::new(config.workers.max(1)),
            waiting: Semaphore::new(MAX_WAITING),
            deadline: config.deadline,
            wait: config.wait,
        }
    }

    /// What each of `programs` comes to on `input`, in order.
    ///
    /// Never fails: an expression that crashes its worker, or is not done in time, answers an
    /// error, and the others of the call are evaluated by the next worker in the time left.
    pub async fn evaluate(&self, programs: &[&Program], input: &Value) -> Vec<Evaluated> {
        let mut evaluated: Vec<Option<Evaluated>> = programs
            .iter()
            .map(|program| program.evaluate_in_process(input))
            .collect();
        let open: Vec<usize> = (0..programs.len())
            .filter(|place| evaluated[*place].is_none())
            .collect();
        if !open.is_empty() {
            let texts: Vec<&str> = open.iter().map(|place| programs[*place].text()).collect();
            let answers = self.by_workers(&texts, input).await;
            for (place, answer) in open.into_iter().zip(answers) {
                evaluated[place] = Some(answer);
            }
        }
        let mut left = MAX_OUTPUTS_BYTES;
        let bounded = |answer: Option<Evaluated>| match answer {
            Some(answer) => within(&mut left, answer),
            None => Evaluated::Error("not evaluated".to_owned()),
        };
        evaluated.into_iter().map(bounded).collect()
    }

    async fn by_workers(&self, texts: &[&str], input: &Value) -> Vec<Evaluated> {
        let refused = |why: &str| vec![Evaluated::Error(why.to_owned()); texts.len()];
        let Ok(_place) = self.waiting.try_acquire() else {
            return refused("too many calls wait for a worker");
        };
        let Ok(Ok(_slot)) = timeout(self.wait, self.slots.acquire()).await else {
            return refused("no worker became free in time");
        };
        let Ok(input) = serde_json::to_vec(input) else {
            return refused("the input is no JSON");
        };
        let end = Instant::now() + self.deadline;
        let mut answers = Vec::with_capacity(texts.len());
        while answers.len() < texts.len() {
            match self.round(texts, &input, end, &mut answers).await {
                Ok(()) => {}
                Err(stop) => answers.resize(texts.len(), Evaluated::Error(stop.to_string())),
            }
        }
        answers
    }

    /// One question to one worker about what is not answered yet. Answers at least one expression,
    /// or uses up a worker that had ended while it waited.
    async fn round(
        &self,
        texts: &[&str],
        input: &[u8],
        end: Instant,
        answers: &mut Vec<Evaluated>,
    ) -> Result<(), Stop> {
        let left = end.saturating_duration_since(Instant::now());
        let question = frame::question(left, &texts[answers.len()..], input).ok_or(Stop::Size)?;
        let (mut worker, fresh) = match self.pool.reuse() {
            Some(worker) => (worker, false),
            None => (self.pool.start().map_err(Stop::Start)?, true),
        };
        match timeout_at(end, worker.ask(&question)).await {
            Err(_) => return Err(Stop::Time),
            Ok(Err(error)) if fresh => return Err(Stop::Start(error)),
            Ok(Err(_)) => return Ok(()),
            Ok(Ok(())) => {}
        }
        while answers.len() < texts.len() {
            match timeout_at(end, worker.answer()).await {
                Err(_) => return Err(Stop::Time),
                Ok(Ok(reply)) => answers.push(reply.into()),
                Ok(Err(_)) => {
                    let why = "the expression needs more memory or stack than allowed";
                    answers.push(Evaluated::Error(why.to_owned()));
                    return Ok(());
                }
            }
        }
        self.pool.give_back(worker);
        Ok(())
    }
}

/// Why the rest of a call stays unanswered.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("the expressions take longer than the allowed time")]
    Time,
    #[error("input and expressions together are larger than {MAX_FRAME_BYTES} bytes")]
    Size,
    #[error("no worker could be started: {0}")]
    Start(io::Error),
}

fn within(left: &mut usize, answer: Evaluated) -> Evaluated {
    match &answer {
        Evaluated::Output(value) if !plain::take_size(value, left) => Evaluated::Error(format!(
            "the outputs together are larger than {MAX_OUTPUTS_BYTES} bytes"
        )),
        _ => answer,
    }
}
