//! Messages a second from topic to target and reported back: every system on the same backlog, in
//! turn, each in a group of its own.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::broker::Broker;
use crate::drain::{Compared, Drained, Product, drain};
use crate::product::{Agent, address, publishing, request};
use crate::reader::Settings;
use crate::rig::clock::monotonic_nanos;
use crate::rig::figures::median;
use crate::rig::role::Role;
use crate::rig::server::Longshore;
use crate::rig::{scratch, start_load, start_sink};
use crate::table::Goal;
use crate::{FLOOR_SHARE, MEMORY_BYTES, Options};

/// The share of the messages before those that count.
const WARM_UP_SHARE: u64 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(20);
const NAMES: [&str; 3] = ["(a) bare consumer", "(b) durable floor", "(c) Longshore"];

/// Every system's figures.
#[derive(Serialize)]
pub(crate) struct Rates {
    /// Messages a second that the server publishes while it takes the requests for their runs.
    pub(crate) published_per_second: f64,
    pub(crate) systems: [Column; 3],
}

/// One system's figures over all rounds.
#[derive(Default, Serialize)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Medians; of memory the most.
    pub(crate) all: Drained,
    rounds: Vec<Drained>,
}

impl Column {
    fn summarize(&mut self) {
        let of = |figure: fn(&Drained) -> f64| median(self.rounds.iter().map(figure));
        let most = |figure: fn(&Drained) -> u64| self.rounds.iter().map(figure).max().unwrap_or(0);
        self.all = Drained {
            per_second: of(|round| round.per_second),
            reader_cpu_micros: of(|round| round.reader_cpu_micros),
            server_cpu_micros: of(|round| round.server_cpu_micros),
            sink_cpu_micros: of(|round| round.sink_cpu_micros),
            reader_peak_kib: most(|round| round.reader_peak_kib),
            workers_peak_kib: most(|round| round.workers_peak_kib),
            repeated: most(|round| round.repeated),
        };
    }
}

impl Rates {
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let [_, floor, product] = &self.systems;
        let share = product.all.per_second / floor.all.per_second;
        let bytes = product.all.reader_peak_kib as f64 * 1024.0;
        vec![
            Goal::at_least("(c) of (b)", share * 100.0, FLOOR_SHARE * 100.0, "%"),
            Goal::at_most("memory of the agent", bytes / 1e6, MEMORY_BYTES / 1e6, "MB"),
        ]
    }
}

/// Measures in rounds; which system begins changes with each.
pub(crate) fn measure(broker: &Broker, options: &Options) -> Result<Rates> {
    let mut load = start_load()?;
    let mut systems = NAMES.map(|name| Column {
        name,
        ..Column::default()
    });
    let mut published = Vec::new();
    for number in 0..options.rounds {
        let round = Round::publish(broker, number, options.runs, &mut load);
        let mut round = round.with_context(|| format!("the backlog of round {}", number + 1))?;
        published.push(round.published_per_second);
        for turn in 0..systems.len() {
            let at = (turn + usize::try_from(number)?) % systems.len();
            let drained = round.drain(at).context(NAMES[at])?;
            eprintln!("{:<20} {:>9.0}/s", NAMES[at], drained.per_second);
            systems[at].rounds.push(drained);
        }
        round.server.stop()?;
    }
    systems.iter_mut().for_each(Column::summarize);
    Ok(Rates {
        published_per_second: median(published),
        systems,
    })
}

/// A backlog, and a sink for each system.
struct Round<'a> {
    broker: &'a Broker,
    organization: String,
    runs: u64,
    data: tempfile::TempDir,
    server: Longshore,
    sinks: [Role; 3],
    published_per_second: f64,
}

impl<'a> Round<'a> {
    fn publish(broker: &'a Broker, number: u64, runs: u64, load: &mut Role) -> Result<Self> {
        let sinks = [start_sink()?, start_sink()?, start_sink()?];
        let [.., sink] = &sinks;
        let url = format!("http://{}/hook", address_of(sink)?);
        let data = scratch()?;
        let organization = format!("round_{number}");
        let mut server = publishing(data.path(), broker, &organization, &url)?;
        let sent = request(&server, load, runs)?;
        while !server.has_none(&["due", "owned"])? {
            std::thread::sleep(LOOK_EVERY);
        }
        let took_nanos = monotonic_nanos() - sent.began_nanos;
        Ok(Self {
            broker,
            organization,
            runs,
            data,
            server,
            sinks,
            published_per_second: runs as f64 * 1e9 / took_nanos as f64,
        })
    }

    fn drain(&mut self, at: usize) -> Result<Drained> {
        let (runs, warm_up) = (self.runs, self.runs / WARM_UP_SHARE);
        if at == 2 {
            let organization = Some(self.organization.as_str());
            let agent = Agent::start(self.data.path(), &self.server, organization)?;
            let server = &mut self.server;
            let mut system = Product { server, agent };
            let drained = drain(&mut system, &mut self.sinks[at], runs, warm_up)?;
            system.agent.stop()?;
            return Ok(drained);
        }
        let name = ["bare", "floor"][at];
        let settings = Settings {
            brokers: address(self.broker),
            topic: format!("{}.runs", self.organization),
            group: format!("{}.{name}", self.organization),
            sink: address_of(&self.sinks[at])?,
            data: self.data.path().display().to_string(),
        };
        let mut system = Compared(Role::start(name, &serde_json::to_value(settings)?)?);
        drain(&mut system, &mut self.sinks[at], runs, warm_up)
    }
}

/// Host and port of a sink.
pub(crate) fn address_of(sink: &Role) -> Result<String> {
    let address = sink.ready["address"].as_str().context("no address")?;
    Ok(address.to_owned())
}
