//! What templates cost: `cargo xtask bench templates [--json FILE]`.
//!
//! Each figure stands beside what it is measured against, both taken in turn in one run: an
//! expression beside plain jaq, a body beside the parsing of its event, a body that needs the
//! worker beside a bare round trip, and runs with templates beside runs without.

#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks need all of it")]
mod rig;

mod expressions;
mod plain_jaq;
mod runs;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde::Serialize;
use serde_json::json;

use rig::role;

/// Measure what templates cost
#[derive(Parser)]
struct Options {
    /// Write all figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Rounds; figures are their medians
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Runs of each action in each round
    #[arg(long, default_value_t = 20_000)]
    runs: u64,
    /// Leave the whole server out
    #[arg(long)]
    skip_runs: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// One figure beside what it is measured against, in microseconds.
#[derive(Serialize)]
struct Comparison {
    what: &'static str,
    micros: f64,
    against: &'static str,
    against_micros: f64,
    goal: Goal,
}

/// What is allowed.
#[derive(Clone, Copy, Serialize)]
enum Goal {
    /// So many times the other figure.
    Times(f64),
    /// So many microseconds more than the other figure.
    More(f64),
}

impl Comparison {
    fn is_met(&self) -> bool {
        match self.goal {
            Goal::Times(most) => self.micros <= most * self.against_micros,
            Goal::More(most) => self.micros - self.against_micros <= most,
        }
    }

    fn print(&self) {
        let (shown, allowed) = match self.goal {
            Goal::Times(most) => (
                format!("{:.2} times", self.micros / self.against_micros),
                format!("{most:.1} times"),
            ),
            Goal::More(most) => (
                format!("{:+.1} µs", self.micros - self.against_micros),
                format!("{most:+.1} µs"),
            ),
        };
        println!(
            "{:<46}{:>9.2} µs   {:<30}{:>9.2} µs{:>13}{:>13}",
            self.what, self.micros, self.against, self.against_micros, shown, allowed
        );
    }
}

fn main() -> Result<()> {
    if let Some((name, settings)) = role::asked_for() {
        return rig::play(&name, &settings).context("there is no such role")?;
    }
    let options = Options::parse();
    let mut comparisons = expressions::measure(options.rounds)?;
    if !options.skip_runs {
        comparisons.push(runs::measure(options.rounds, options.runs)?);
    }
    println!(
        "{:<46}{:>12}   {:<30}{:>12}{:>13}{:>13}",
        "", "costs", "against", "costs", "is", "allowed"
    );
    comparisons.iter().for_each(Comparison::print);
    let figures = json!({"rounds": options.rounds, "comparisons": comparisons});
    rig::write_json(options.json.as_deref(), &figures)?;
    match comparisons.iter().find(|found| !found.is_met()) {
        Some(missed) => bail!("{} costs more than is allowed", missed.what),
        None => Ok(()),
    }
}
