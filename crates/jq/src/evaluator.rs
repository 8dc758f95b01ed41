//! Evaluates the expressions of a call: plain ones at once, all others by workers.

mod call;
mod generations;
mod standing;

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::bounds::{
    Bound, Bounds, DEFAULT_IDLE, DEFAULT_WAIT, DEFAULT_WORKERS, MAX_EXPRESSION_BYTES,
    MAX_OUTPUT_BYTES, MAX_OUTPUT_DEPTH, MAX_PROGRAMS_KEPT,
};
use crate::input::Input;
use crate::pool::{Lane, Pool, WorkerCommand};
use crate::program::{CompileError, Evaluated, Program};
use crate::worker::Sandbox;
use call::Call;
use generations::Generations;
use standing::Memory;

/// How an [`Evaluator`] works.
#[derive(Clone, Debug)]
pub struct Config {
    /// How workers are started.
    pub worker: WorkerCommand,
    /// How many evaluate the programs that are known to be quick; at least one. Three more see to
    /// all others: one for programs on trial, one for slow ones, one for those that broke a bound.
    pub workers: usize,
    /// Time that a call waits for a free worker.
    pub wait: Duration,
    /// Time without a question after which a worker ends that is not its lane's only one.
    pub idle: Duration,
    /// How far the expressions of a call may go.
    pub bounds: Bounds,
}

impl Config {
    /// The defaults, with workers started by `worker`.
    #[must_use]
    pub fn new(worker: WorkerCommand) -> Self {
        Self {
            worker,
            workers: DEFAULT_WORKERS,
            wait: DEFAULT_WAIT,
            idle: DEFAULT_IDLE,
            bounds: Bounds::default(),
        }
    }
}

/// Evaluates programs; shared by everybody in a process.
pub struct Evaluator {
    pool: Pool,
    memory: Memory,
    programs: Mutex<Generations<Box<str>, Program>>,
    wait: Duration,
    bounds: Bounds,
}

impl Evaluator {
    /// An evaluator; its workers start when they are first needed.
    #[must_use]
    pub fn new(mut config: Config) -> Self {
        let bounds = &mut config.bounds;
        bounds.output_bytes = bounds.output_bytes.min(MAX_OUTPUT_BYTES);
        bounds.depth = bounds.depth.min(MAX_OUTPUT_DEPTH);
        bounds.expression_bytes = bounds.expression_bytes.min(MAX_EXPRESSION_BYTES);
        Self {
            memory: Memory::new(),
            programs: Mutex::new(Generations::new(MAX_PROGRAMS_KEPT)),
            wait: config.wait,
            bounds: config.bounds.clone(),
            pool: Pool::new(config),
        }
    }

    /// Has a worker ready, and tells how it is confined.
    ///
    /// # Errors
    /// Where none can be started; then expressions that need one evaluate to an error.
    pub async fn start(&self) -> io::Result<Sandbox> {
        let permit = self.pool.permit(Lane::Proven, "", self.wait).await;
        let mut permit = permit.map_err(io::Error::other)?;
        let worker = match permit.take_worker() {
            Some(worker) => worker,
            None => self.pool.start(Lane::Proven).await?,
        };
        let sandbox = worker.sandbox();
        permit.keep(worker);
        Ok(sandbox)
    }

    /// [`Program::compile`] for who cannot keep the programs: those used last are remembered.
    ///
    /// # Errors
    /// As there.
    pub fn compile(&self, text: &str) -> Result<Program, CompileError> {
        let programs = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs().get(text) {
            return Ok(program.clone());
        }
        let program = Program::compile(text)?;
        programs().put(text.into(), program.clone());
        Ok(program)
    }

    /// What each of `programs` comes to on `input`, in order. Calls that wait for a worker take
    /// turns by `owner`.
    ///
    /// Never fails: an expression that passes a bound answers which, even where it ended its
    /// worker; the others of the call are evaluated by the next one in the time left.
    pub async fn evaluate<'a>(
        &self,
        owner: &str,
        programs: &[&Program],
        input: impl Into<Input<'a>>,
    ) -> Vec<Evaluated> {
        let input = input.into();
        let mut evaluated: Vec<Option<Evaluated>> = programs
            .iter()
            .enumerate()
            .map(|(place, program)| self.without_worker(place, program, input))
            .collect();
        if evaluated.iter().any(Option::is_none) {
            let call = Call::new(self, owner, programs, &mut evaluated);
            // Boxed, since most callers never wait here and would keep the room for it.
            Box::pin(async { call.evaluate(&input.whole()).await }).await;
        }
        let mut left = self.bounds.outputs_bytes;
        let bounded = |answer: Option<Evaluated>| match answer {
            Some(answer) => within(&self.bounds, &mut left, answer),
            None => Evaluated::Exceeded(Bound::Time),
        };
        evaluated.into_iter().map(bounded).collect()
    }

    fn without_worker(
        &self,
        place: usize,
        program: &Program,
        input: Input<'_>,
    ) -> Option<Evaluated> {
        if place >= self.bounds.expressions {
            return Some(Evaluated::Exceeded(Bound::Expressions));
        }
        if program.text().len() > self.bounds.expression_bytes {
            return Some(Evaluated::Exceeded(Bound::Expression));
        }
        program.evaluate_in_process(input)
    }
}

/// `answer`, or the bound that its output passes.
fn within(bounds: &Bounds, all_left: &mut usize, answer: Evaluated) -> Evaluated {
    let Evaluated::Output(value) = &answer else {
        return answer;
    };
    let mut left = bounds.output_bytes.min(*all_left);
    let before = left;
    match take(value, &mut left, bounds.depth) {
        Ok(()) => {
            *all_left -= before - left;
            answer
        }
        Err(Bound::Output) if *all_left < bounds.output_bytes => {
            Evaluated::Exceeded(Bound::Outputs)
        }
        Err(bound) => Evaluated::Exceeded(bound),
    }
}

/// Takes about the length of `value`'s JSON from `left`.
fn take(value: &Value, left: &mut usize, depth: usize) -> Result<(), Bound> {
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(array) => array.len() + 2,
        Value::Object(object) => object.keys().map(|key| key.len() + 4).sum::<usize>() + 2,
    };
    *left = left.checked_sub(own).ok_or(Bound::Output)?;
    let inner = || depth.checked_sub(1).ok_or(Bound::Depth);
    match value {
        Value::Array(array) => {
            let depth = inner()?;
            array.iter().try_for_each(|value| take(value, left, depth))
        }
        Value::Object(object) => {
            let depth = inner()?;
            object
                .values()
                .try_for_each(|value| take(value, left, depth))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_compiled_once_while_it_is_remembered() {
        let evaluator = Evaluator::new(Config::new(WorkerCommand {
            program: "/nowhere".into(),
            args: Vec::new(),
        }));
        let first = evaluator.compile(".a | keys").unwrap();
        let again = evaluator.compile(".a | keys").unwrap();
        assert!(std::ptr::eq(first.text(), again.text()));
        for number in 0..2 * MAX_PROGRAMS_KEPT {
            evaluator.compile(&number.to_string()).unwrap();
        }
        let later = evaluator.compile(".a | keys").unwrap();
        assert!(!std::ptr::eq(first.text(), later.text()));
        assert!(evaluator.compile("|").is_err());
    }
}
