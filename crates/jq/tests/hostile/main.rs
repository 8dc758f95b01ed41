//! What expressions may do to the process, to their neighbours and to its machine: nothing.
#![cfg(test)]

mod alone;
mod bounds;
mod expressions;
mod findings;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sandbox;
mod texts;
#[cfg(target_os = "linux")]
mod workers;

use longshore_jq::{Config, Evaluator, Program, WorkerCommand};
use serde_json::{Value, json};

fn evaluator() -> Evaluator {
    Evaluator::new(config())
}

fn config() -> Config {
    Config::new(WorkerCommand {
        program: env!("CARGO_BIN_EXE_jq-worker").into(),
        args: Vec::new(),
    })
}

fn program(text: &str) -> Program {
    Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn event() -> Value {
    json!({"inputs": {"name": "svc", "n": 10}, "run": {"id": "r_1"}})
}
