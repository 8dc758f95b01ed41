//! A target that takes a second for each call: how many calls the agent has in flight.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::broker::Broker;
use crate::product::{Agent, publishing, request};
use crate::rates::address_of;
use crate::rig::clock::monotonic_nanos;
use crate::rig::sink::Arrived;
use crate::rig::trial::Measured as _;
use crate::rig::{scratch, start_load, start_slow_sink};
use crate::table::Goal;
use crate::{CALLS_AT_ONCE, MEMORY_BYTES};

const DELAY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE_NANOS: u64 = 300_000_000_000;

/// What it showed.
#[derive(Serialize)]
pub(crate) struct Slow {
    pub(crate) runs: u64,
    pub(crate) most_at_once: u64,
    /// From the first look after the agent's start to the last report.
    pub(crate) seconds: f64,
    pub(crate) agent_peak_kib: u64,
    pub(crate) workers_peak_kib: u64,
}

impl Slow {
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let bytes = self.agent_peak_kib as f64 * 1024.0;
        let calls = self.most_at_once as f64;
        vec![
            Goal::at_least("calls in flight of 1 s", calls, CALLS_AT_ONCE as f64, ""),
            Goal::at_most("memory meanwhile", bytes / 1e6, MEMORY_BYTES / 1e6, "MB"),
        ]
    }
}

/// Publishes `runs`, and lets an agent with default settings call for them.
pub(crate) fn measure(broker: &Broker, runs: u64) -> Result<Slow> {
    let (mut load, mut sink) = (start_load()?, start_slow_sink(DELAY)?);
    let (data, organization) = (scratch()?, "slow");
    let url = format!("http://{}/hook", address_of(&sink)?);
    let mut server = publishing(data.path(), broker, organization, &url)?;
    request(&server, &mut load, runs)?;
    while !server.has_none(&["due", "owned"])? {
        std::thread::sleep(LOOK_EVERY);
    }
    let began = monotonic_nanos();
    let mut agent = Agent::start(data.path(), &server, Some(organization))?;
    while !server.is_settled(runs)? {
        agent.must_work()?;
        if monotonic_nanos() > began + PATIENCE_NANOS {
            bail!("not all of {runs} calls were reported");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let seconds = (monotonic_nanos() - began) as f64 / 1e9;
    let arrived: Arrived = serde_json::from_value(sink.ask(&().into())?)?;
    if arrived.distinct != runs || arrived.refused > 0 {
        bail!("{} of {runs} calls arrived", arrived.distinct);
    }
    let (agent_peak_kib, workers_peak_kib) = agent.peak_kib()?;
    agent.stop()?;
    server.stop()?;
    Ok(Slow {
        runs,
        most_at_once: arrived.most_at_once,
        seconds,
        agent_peak_kib,
        workers_peak_kib,
    })
}
