//! How fast the execution agent works: `cargo xtask bench agent [--json FILE]`.
//!
//! (a) a bare consumer, (b) the durable floor and (c) server and agent empty the same topic of a
//! real broker in turn; then a slow target, and polling against direct deliveries.

#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks need all of it")]
mod rig;

mod bare;
#[path = "../../tests/kafka/broker/mod.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the broker of the tests, of which less is asked here, fails like a test"
)]
mod broker;
mod drain;
mod floor;
mod polling;
#[path = "../../tests/system/ports.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "those of the tests, of which the broker alone asks here"
)]
mod ports;
mod product;
mod rates;
mod reader;
mod slow;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::json;

use broker::Broker;
use rig::role;

/// The goals: (c) against (b), the agent's memory, calls at once, polling against direct.
const FLOOR_SHARE: f64 = 0.5;
const MEMORY_BYTES: f64 = 60e6;
const CALLS_AT_ONCE: u64 = 500;
const POLLING_RATIO: f64 = 3.0;

/// Measure how fast the execution agent works
#[derive(Parser)]
struct Options {
    /// Write all figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Messages on the topic in each round
    #[arg(long, default_value_t = 20_000)]
    runs: u64,
    /// Rounds; figures are their medians
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Runs for the target that takes a second
    #[arg(long, default_value_t = 2_500)]
    slow_runs: u64,
    /// Calls at 20/s by each way, in all rounds together
    #[arg(long, default_value_t = 1_000)]
    polling_runs: u64,
    /// Leave the rates out
    #[arg(long)]
    skip_rates: bool,
    /// Leave the slow target out
    #[arg(long)]
    skip_slow: bool,
    /// Leave polling out
    #[arg(long)]
    skip_polling: bool,
    /// Do not fail where a goal is missed: what is measured is not looked at
    #[arg(long)]
    unjudged: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    if let Some((name, settings)) = role::asked_for() {
        return match name.as_str() {
            "bare" => bare::run(&settings),
            "floor" => floor::run(&settings),
            shared => rig::play(shared, &settings).context("there is no such role")?,
        };
    }
    let options = Options::parse();
    let broker = (!options.skip_rates || !options.skip_slow).then(Broker::start);
    let (mut rates, mut slow, mut polling) = (None, None, None);
    if let (Some(broker), false) = (&broker, options.skip_rates) {
        rates = Some(rates::measure(broker, &options)?);
    }
    if let (Some(broker), false) = (&broker, options.skip_slow) {
        slow = Some(slow::measure(broker, options.slow_runs)?);
    }
    if !options.skip_polling {
        polling = Some(polling::measure(&options)?);
    }
    let mut goals = Vec::new();
    if let Some(rates) = &rates {
        table::print_rates(rates);
        goals.extend(rates.goals());
    }
    if let Some(slow) = &slow {
        table::print_slow(slow);
        goals.extend(slow.goals());
    }
    if let Some(polling) = &polling {
        table::print_polling(polling);
        goals.extend(polling.goals());
    }
    table::print_goals(&goals);
    let figures = json!({
        "runs": options.runs,
        "rounds": options.rounds,
        "cores": std::thread::available_parallelism()?.get(),
        "rates": rates,
        "slow": slow,
        "polling": polling,
        "goals": goals,
    });
    rig::write_json(options.json.as_deref(), &figures)?;
    match goals.iter().find(|goal| !goal.holds && !options.unjudged) {
        Some(missed) => bail!("missed: {}", missed.name),
        None => Ok(()),
    }
}
