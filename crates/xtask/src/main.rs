//! Developer commands: `cargo xtask test`, `dev`, `gen`, `bench`, `release`, and the checks alone.
//!
//! Reads files and starts programs; depends on no crate of ours.

mod bench;
mod generate;
mod kafka;
mod policy;
mod programs;
mod release;
mod snapshots;
mod steps;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bench::Measured;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything a change must pass: format, tidy, dependency policy, lints, generated files, tests, demo
    Test {
        /// Only what answers quickly: format, tidy, lints and unit tests
        #[arg(long)]
        fast: bool,
    },
    /// The demo server, built for debugging: SQLite, emulators, seeded data
    Dev {
        /// Passed on to `longshore demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Writes the generated files: OpenAPI document, configuration reference, error index
    Gen {
        /// Writes nothing; fails where a file would change
        #[arg(long)]
        check: bool,
    },
    /// Runs a benchmark, one of the crates' `benches`, built for release
    Bench {
        /// Its name
        name: String,
        /// Also writes the figures there
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Measures what cargo builds for release, and not the binary that is shipped: that takes half
        /// an hour to build at first
        #[arg(long)]
        plain: bool,
        /// Passed on to the benchmark
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// The broker of the tests
    Kafka {
        #[command(subcommand)]
        command: Kafka,
    },
    /// Builds the binary that is shipped
    Release {
        /// Without a run under load that says which of its code matters; half as long, and slower
        #[arg(long)]
        untrained: bool,
    },
    /// The house's rules alone
    Tidy,
    /// The dependency policy alone: deny.toml, and the lock file of the fuzz targets
    Policy,
}

#[derive(Subcommand)]
enum Kafka {
    /// Fetches Apache Kafka through Maven into the target directory, unless it is there
    Install,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Test { fast } => test::run(fast),
        Command::Dev { arguments } => {
            let mut dev = programs::cargo();
            dev.args(["run", "--package", "longshore", "--locked", "--", "demo"]);
            programs::succeed(dev.args(arguments))
        }
        Command::Gen { check } => {
            let mut build = programs::cargo();
            build.args(["build", "--package", "longshore", "--locked"]);
            programs::succeed(&mut build)?;
            generate::run(check)
        }
        Command::Bench {
            name,
            json,
            arguments,
            plain,
        } => {
            let measured = match plain {
                true => Measured::Plain,
                false => Measured::Shipped,
            };
            bench::run(&name, json.as_deref(), measured, &arguments)
        }
        Command::Kafka {
            command: Kafka::Install,
        } => kafka::install(),
        Command::Release { untrained } => release::run(!untrained).map(drop),
        Command::Tidy => tidy::run(),
        Command::Policy => policy::run(),
    }
}
