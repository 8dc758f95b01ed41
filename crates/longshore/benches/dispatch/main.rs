//! How fast actions are dispatched: `cargo xtask bench dispatch [--json FILE]`.
//!
//! (a) a bare loop, (b) the durable floor and (c) Longshore's release binary with default settings
//! take turns; every part is a process of its own, all on loopback.

#[path = "../rig/mod.rs"]
#[expect(dead_code, reason = "the other benchmarks need all of it")]
mod rig;

mod bare_loop;
mod floor;
mod history;
mod jenkins;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde::Serialize;
use serde_json::json;

use bare_loop::BareLoop;
use floor::Floor;
use rig::figures::{median, quantile};
use rig::role::{self, Role};
use rig::server::Longshore;
use rig::trial::{Amount, Measured, Outcome, trial};

/// The action that calls the sink.
const ACTION: &str = "deploy";
/// The action that calls the emulated Jenkins.
const JENKINS_ACTION: &str = "deploy_with_jenkins";
/// The open loop's rate.
const OPEN_PER_SECOND: f64 = 50.0;
/// Runs before those that count.
const WARM_UP: u64 = 500;
/// Below this share of (a), the floor is too slow to be compared with.
const FLOOR_SHARE: f64 = 0.15;

/// Measure how fast actions are dispatched
#[derive(Parser)]
struct Options {
    /// Write all figures to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Runs in each round
    #[arg(long, default_value_t = 20_000)]
    runs: u64,
    /// Connections to each system
    #[arg(long, default_value_t = 64)]
    connections: u64,
    /// Rounds; figures are their medians
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Calls of each system at 50/s, in all rounds together
    #[arg(long, default_value_t = 1_000)]
    open_runs: u64,
    /// Finished runs that lie there for the second table
    #[arg(long, default_value_t = 1_000_000)]
    finished: u64,
    /// Leave the second table out
    #[arg(long)]
    skip_history: bool,
    /// Do not fail where the floor is too slow to be compared with: what is measured is not looked at
    #[arg(long)]
    unjudged: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    if let Some((name, settings)) = role::asked_for() {
        return match name.as_str() {
            "floor" => floor::run(&settings),
            "jenkins" => jenkins::run(),
            shared => rig::play(shared, &settings).context("there is no such role")?,
        };
    }
    let options = Options::parse();
    let mut bench = Bench::start(&options)?;
    let mut columns = [
        "(a) bare loop",
        "(b) durable floor",
        "(c) Longshore",
        "(c) with Jenkins",
    ]
    .map(Column::new);
    for round in 1..=options.rounds {
        bench
            .round(&mut columns)
            .with_context(|| format!("round {round}"))?;
    }
    columns.iter_mut().for_each(Column::summarize);
    table::print_systems(&columns);
    let history = match options.skip_history {
        true => None,
        false => Some(bench.history()?),
    };
    if let Some(history) = &history {
        table::print_history(history);
    }
    let figures = json!({
        "runs": options.runs,
        "connections": options.connections,
        "rounds": options.rounds,
        "cores": std::thread::available_parallelism()?.get(),
        "systems": columns,
        "history": history,
    });
    rig::write_json(options.json.as_deref(), &figures)?;
    let share = columns[1].per_second / columns[0].per_second;
    if share < FLOOR_SHARE && !options.unjudged {
        bail!(
            "the floor reaches {:.1} % of the bare loop, 15 % at least",
            share * 100.0
        );
    }
    Ok(())
}

/// One system's figures over all rounds.
#[derive(Serialize)]
struct Column {
    name: &'static str,
    per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
    open_p50_micros: f64,
    open_p99_micros: f64,
    server_cpu_micros_per_run: f64,
    load_cpu_micros_per_run: f64,
    sink_cpu_micros_per_run: f64,
    server_peak_kib: u64,
    rounds: Vec<Outcome>,
    open_rounds: Vec<Outcome>,
}

impl Column {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            per_second: 0.0,
            p50_micros: 0.0,
            p99_micros: 0.0,
            open_p50_micros: 0.0,
            open_p99_micros: 0.0,
            server_cpu_micros_per_run: 0.0,
            load_cpu_micros_per_run: 0.0,
            sink_cpu_micros_per_run: 0.0,
            server_peak_kib: 0,
            rounds: Vec::new(),
            open_rounds: Vec::new(),
        }
    }

    fn summarize(&mut self) {
        let of = |figure: fn(&Outcome) -> f64| median(self.rounds.iter().map(figure));
        self.per_second = of(|round| round.per_second);
        self.p50_micros = of(|round| round.p50_micros);
        self.p99_micros = of(|round| round.p99_micros);
        self.server_cpu_micros_per_run = of(|round| round.server_cpu_micros_per_run);
        self.load_cpu_micros_per_run = of(|round| round.load_cpu_micros_per_run);
        self.sink_cpu_micros_per_run = of(|round| round.sink_cpu_micros_per_run);
        // Too few for a percentile of their own, the calls of all rounds are taken together.
        let mut open: Vec<u32> = self
            .open_rounds
            .iter()
            .flat_map(|round| round.micros.iter().copied())
            .collect();
        self.open_p50_micros = quantile(&mut open, 0.50);
        self.open_p99_micros = quantile(&mut open, 0.99);
        let all = self.rounds.iter().chain(&self.open_rounds);
        self.server_peak_kib = all.map(|round| round.server_peak_kib).max().unwrap_or(0);
    }
}

/// Figures with a history and without.
#[derive(Serialize)]
struct History {
    finished: u64,
    seconds_to_seed: f64,
    empty: WithHistory,
    full: WithHistory,
}

/// Medians over the rounds.
#[derive(Default, Serialize)]
struct WithHistory {
    per_second: f64,
    list_micros: f64,
    server_peak_kib: u64,
    #[serde(skip)]
    rates: Vec<f64>,
    #[serde(skip)]
    lists: Vec<f64>,
}

impl WithHistory {
    fn add(&mut self, outcome: &Outcome, list_micros: f64) {
        self.rates.push(outcome.per_second);
        self.lists.push(list_micros);
        self.per_second = median(self.rates.iter().copied());
        self.list_micros = median(self.lists.iter().copied());
        self.server_peak_kib = self.server_peak_kib.max(outcome.server_peak_kib);
    }
}

struct Bench<'a> {
    options: &'a Options,
    load: Role,
    sink: Role,
    sink_address: String,
}

impl<'a> Bench<'a> {
    fn start(options: &'a Options) -> Result<Self> {
        let sink = rig::start_sink()?;
        let sink_address = sink.ready["address"]
            .as_str()
            .context("no address")?
            .to_owned();
        Ok(Self {
            options,
            load: rig::start_load()?,
            sink,
            sink_address,
        })
    }

    fn sink_url(&self) -> String {
        format!("http://{}/hook", self.sink_address)
    }

    /// Every system once, in turn.
    fn round(&mut self, columns: &mut [Column; 4]) -> Result<()> {
        let [bare, floor, longshore, with_jenkins] = columns;
        let mut system = BareLoop {
            sink: self.sink_address.parse()?,
        };
        self.both(&mut system, bare)?;

        let data = rig::scratch()?;
        let mut system = Floor::start(data.path(), &self.sink_address)?;
        self.both(&mut system, floor)?;
        drop(system);

        let data = rig::scratch()?;
        let mut system = self.longshore(data.path())?;
        self.both(&mut system, longshore)?;
        system.stop()?;

        let data = rig::scratch()?;
        let mut receiver = Role::start("jenkins", &json!({}))?;
        let url = receiver.ready["url"].as_str().context("no URL")?.to_owned();
        let mut system = Longshore::start(data.path(), JENKINS_ACTION)?;
        system.create_action(JENKINS_ACTION, &jenkins::invocation(&url))?;
        std::mem::swap(&mut self.sink, &mut receiver);
        let measured = self.both(&mut system, with_jenkins);
        std::mem::swap(&mut self.sink, &mut receiver);
        measured?;
        system.stop()
    }

    fn longshore(&self, data: &Path) -> Result<Longshore> {
        let mut server = Longshore::start(data, ACTION)?;
        server.create_webhook(ACTION, &self.sink_url())?;
        Ok(server)
    }

    /// Flat out, then at a fixed rate.
    fn both(&mut self, system: &mut dyn Measured, column: &mut Column) -> Result<()> {
        let flat_out = self.flat_out(system).context(column.name)?;
        let runs = self.options.open_runs.div_ceil(self.options.rounds);
        let open = self
            .trial(system, runs, Some(OPEN_PER_SECOND))
            .context(column.name)?;
        eprintln!(
            "{:<18} {:>9.0}/s   50/s: p50 {:>6.0} µs",
            column.name, flat_out.per_second, open.p50_micros
        );
        column.rounds.push(flat_out);
        column.open_rounds.push(open);
        Ok(())
    }

    fn flat_out(&mut self, system: &mut dyn Measured) -> Result<Outcome> {
        self.trial(system, WARM_UP, None)?;
        self.trial(system, self.options.runs, None)
    }

    fn trial(
        &mut self,
        system: &mut dyn Measured,
        runs: u64,
        per_second: Option<f64>,
    ) -> Result<Outcome> {
        let amount = Amount {
            runs,
            connections: self.options.connections,
            per_second,
        };
        trial(system, &mut self.load, &mut self.sink, amount)
    }

    /// The same load on an empty database and on one with a history, in turn.
    fn history(&mut self) -> Result<History> {
        let full = rig::scratch()?;
        let (url, finished) = (self.sink_url(), self.options.finished);
        let (load, sink) = (&mut self.load, &mut self.sink);
        let took = history::seed(full.path(), ACTION, &url, load, sink, finished)?;
        eprintln!("{finished} finished runs written in {took:.1?}");
        let mut found = History {
            finished,
            seconds_to_seed: took.as_secs_f64(),
            empty: WithHistory::default(),
            full: WithHistory::default(),
        };
        for _ in 0..self.options.rounds {
            let empty = rig::scratch()?;
            let mut system = self.longshore(empty.path())?;
            let outcome = self.flat_out(&mut system).context("an empty database")?;
            found
                .empty
                .add(&outcome, history::list_micros(&mut system)?);
            system.stop()?;
            let mut system = Longshore::start(full.path(), ACTION)?;
            let outcome = self.flat_out(&mut system).context("a history")?;
            found.full.add(&outcome, history::list_micros(&mut system)?);
            system.stop()?;
        }
        Ok(found)
    }
}
