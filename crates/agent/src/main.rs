//! `longshore-agent`: the agent as a program of its own.

use std::process::ExitCode;

use clap::Parser;
use longshore_agent::cli::{Arguments, JQ_WORKER};
use longshore_jq::Metered;

/// Metered in the processes that evaluate expressions.
#[global_allocator]
static ALLOCATOR: Metered = Metered;

/// Longshore's execution agent
#[derive(Parser)]
#[command(name = "longshore-agent", version)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == JQ_WORKER)
    {
        return longshore_jq::worker::run();
    }
    match Command::parse().arguments.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("longshore-agent: {error}");
            ExitCode::FAILURE
        }
    }
}
