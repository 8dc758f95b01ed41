//! One trial: a load against one system, watched from its first request to its last settled
//! delivery.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use super::clock::monotonic_nanos;
use super::figures::quantile;
use super::load::{Load, Sent};
use super::procfs::{cpu_micros, peak_memory_kib};
use super::role::Role;
use super::sink::Arrived;

const POLL_EVERY: Duration = Duration::from_millis(2);
/// How long after the last request deliveries may still be under way.
const SETTLE_NANOS: u64 = 120_000_000_000;

/// A system that takes requests and sends deliveries.
pub(crate) trait Measured {
    /// What one request to it looks like.
    fn load(&self) -> Result<Load>;
    /// Its process, where it has one of its own.
    fn pid(&self) -> Option<u32>;
    /// Whether nothing of the `runs` requested since the last trial is under way.
    fn is_settled(&mut self, runs: u64) -> Result<bool>;
}

/// How much to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    pub(crate) runs: u64,
    pub(crate) connections: u64,
    pub(crate) per_second: Option<f64>,
}

/// What a trial showed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    pub(crate) server_cpu_micros_per_run: f64,
    pub(crate) load_cpu_micros_per_run: f64,
    pub(crate) sink_cpu_micros_per_run: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) server_peak_kib: u64,
    pub(crate) deliveries: u64,
    pub(crate) repeated: u64,
    #[serde(skip)]
    pub(crate) micros: Vec<u32>,
}

/// Sends `amount` to `system` and waits until all of it is settled; an error where anything was
/// refused, or where the sink counts fewer distinct deliveries than there were runs.
pub(crate) fn trial(
    system: &mut dyn Measured,
    load: &mut Role,
    sink: &mut Role,
    amount: Amount,
) -> Result<Outcome> {
    let Amount {
        runs,
        connections,
        per_second,
    } = amount;
    let job = Load {
        runs,
        connections,
        per_second,
        ..system.load()?
    };
    let _before: Arrived = serde_json::from_value(sink.ask(&().into())?)?;
    let used = |system: &dyn Measured, load: &Role, sink: &Role| -> Result<[u64; 3]> {
        let server = system.pid().map_or(Ok(0), cpu_micros)?;
        Ok([server, cpu_micros(load.pid())?, cpu_micros(sink.pid())?])
    };
    let before = used(system, load, sink)?;
    let sent: Sent = serde_json::from_value(load.ask(&serde_json::to_value(job)?)?)?;
    while !system.is_settled(runs)? {
        if monotonic_nanos() > sent.ended_nanos + SETTLE_NANOS {
            bail!("deliveries were not settled in {SETTLE_NANOS} ns");
        }
        std::thread::sleep(POLL_EVERY);
    }
    let took_nanos = monotonic_nanos() - sent.began_nanos;
    let after = used(system, load, sink)?;
    let mut arrived: Arrived = serde_json::from_value(sink.ask(&().into())?)?;
    if let Some(refusal) = sent.refusal {
        bail!(
            "{} of {runs} requests were refused, the first with {refusal}",
            sent.refused
        );
    }
    if arrived.distinct < runs || arrived.refused > 0 {
        let Arrived {
            distinct, refused, ..
        } = arrived;
        bail!("the sink counts {distinct} distinct deliveries of {runs}, and {refused} refused");
    }
    let per_run = |at: usize| (after[at] - before[at]) as f64 / runs as f64;
    Ok(Outcome {
        per_second: runs as f64 * 1e9 / took_nanos as f64,
        server_cpu_micros_per_run: per_run(0),
        load_cpu_micros_per_run: per_run(1),
        sink_cpu_micros_per_run: per_run(2),
        p50_micros: quantile(&mut arrived.micros, 0.50),
        p99_micros: quantile(&mut arrived.micros, 0.99),
        server_peak_kib: system.pid().map_or(Ok(0), peak_memory_kib)?,
        deliveries: arrived.distinct,
        repeated: arrived.repeated,
        micros: arrived.micros,
    })
}
