//! Longshore's command line: one file per command.

mod agent;
mod api;
mod backup;
mod config;
mod data_dir;
mod demo;
mod doctor;
mod emulate;
mod jq;
mod kafka;
mod logging;
mod openapi;
mod render;
mod scratch;
mod secret_file;
mod serve;
mod try_out;
mod trying;
mod verify;
mod wiring;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use longshore_jq::Metered;

/// A run allocates some hundred times; with the system's allocator a seventh of a run's CPU was
/// spent in it. In a worker it is metered.
#[global_allocator]
static ALLOCATOR: Metered = Metered;

/// The argument with which this program is started to evaluate expressions for another one.
const JQ_WORKER: &str = "jq-worker";

/// Self-service actions and automations for the pipelines that you have
#[derive(Parser)]
#[command(name = "longshore", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        /// The configuration file
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Make calls inside a private network: claim runs, call, report
    Agent(longshore_agent::cli::Arguments),
    /// Run everything at once: server, emulated Jenkins and Azure DevOps, two actions
    Demo {
        /// Invoke both actions, print their timelines, and end
        #[arg(long)]
        once: bool,
    },
    /// Check a receiver before anything is sent to it in earnest; starts nothing
    Doctor(doctor::Doctor),
    /// Run an emulated receiver with a configuration of yours, and explain each call to it
    Emulate {
        #[command(subcommand)]
        receiver: emulate::Emulate,
    },
    /// Show what an action would send, and what a receiver with your configuration would make of it;
    /// without a server
    Try(try_out::TryOut),
    /// Check a signature and explain why it does not hold; the body comes on standard input
    Verify(verify::Verify),
    /// Evaluate a jq expression as templates do; its input comes from a file or on standard input
    Jq(jq::Jq),
    /// Fill a body or an action's invocation in, without a server
    Render(render::Render),
    /// Show or check the configuration
    Config {
        #[command(subcommand)]
        command: config::Config,
    },
    /// Copy the database, also while a server uses it
    Backup {
        /// The configuration file
        #[arg(long)]
        config: Option<PathBuf>,
        /// The new file
        file: PathBuf,
    },
    /// Print the OpenAPI document of the API
    Openapi,
}

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == JQ_WORKER)
    {
        return longshore_jq::worker::run();
    }
    let done = match Arguments::parse().command {
        Command::Serve { config } => serve::run(config.as_deref()),
        Command::Agent(arguments) => agent::run(&arguments),
        Command::Demo { once } => demo::run(once),
        Command::Doctor(doctor) => return trying::ended(doctor.run()),
        Command::Emulate { receiver } => receiver.run(),
        Command::Try(try_out) => return trying::ended(try_out.run()),
        Command::Verify(verify) => return verify.run(),
        Command::Jq(jq) => return trying::ended(jq.run()),
        Command::Render(render) => return trying::ended(render.run()),
        Command::Config { command } => config::run(&command),
        Command::Backup { config, file } => backup::run(config.as_deref(), &file),
        Command::Openapi => openapi::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("longshore: {error:#}");
            ExitCode::FAILURE
        }
    }
}
