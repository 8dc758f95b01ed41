//! From a run's request to its call, at a modest rate: by an agent that polls, and directly.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::product::{Agent, CONNECTIONS, INSIDE, create_inside};
use crate::rates::address_of;
use crate::rig::figures::quantile;
use crate::rig::server::Longshore;
use crate::rig::trial::{Amount, trial};
use crate::rig::{scratch, start_load, start_sink};
use crate::table::Goal;
use crate::{Options, POLLING_RATIO};

/// The action that the server itself calls.
const DIRECT: &str = "deploy";
const PER_SECOND: f64 = 20.0;
/// Runs by each way before those that count.
const WARM_UP: u64 = 100;

/// What both ways showed.
#[derive(Serialize)]
pub(crate) struct Polling {
    pub(crate) direct: Latency,
    pub(crate) polling: Latency,
}

/// Over the calls of all rounds.
#[derive(Default, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    #[serde(skip)]
    micros: Vec<u32>,
}

impl Latency {
    fn summarize(&mut self) {
        self.p50_micros = quantile(&mut self.micros, 0.50);
        self.p99_micros = quantile(&mut self.micros, 0.99);
    }
}

impl Polling {
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let ratio = self.polling.p50_micros / self.direct.p50_micros;
        vec![Goal::at_most(
            "polling against direct, p50",
            ratio,
            POLLING_RATIO,
            "times",
        )]
    }
}

/// Measures both ways in turn, on one server.
pub(crate) fn measure(options: &Options) -> Result<Polling> {
    let (mut load, mut sink, data) = (start_load()?, start_sink()?, scratch()?);
    let url = format!("http://{}/hook", address_of(&sink)?);
    let mut server = Longshore::start(data.path(), DIRECT)?;
    server.create_webhook(DIRECT, &url)?;
    create_inside(&mut server, &url)?;
    let mut agent = Agent::start(data.path(), &server, None)?;
    let (mut direct, mut polling) = (Latency::default(), Latency::default());
    let mut send = |action, runs, per_second| {
        server.choose(action);
        let amount = Amount {
            runs,
            connections: CONNECTIONS,
            per_second,
        };
        trial(&mut server, &mut load, &mut sink, amount).context(action)
    };
    for action in [DIRECT, INSIDE] {
        send(action, WARM_UP, None)?;
    }
    let runs = options.polling_runs.div_ceil(options.rounds);
    for _ in 0..options.rounds {
        for (action, latency) in [(DIRECT, &mut direct), (INSIDE, &mut polling)] {
            let outcome = send(action, runs, Some(PER_SECOND))?;
            latency.micros.extend(outcome.micros);
        }
    }
    agent.must_work()?;
    agent.stop()?;
    server.stop()?;
    direct.summarize();
    polling.summarize();
    Ok(Polling { direct, polling })
}
