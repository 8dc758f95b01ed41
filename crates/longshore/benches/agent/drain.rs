//! One system empties a topic: watched from the message after the warm-up to the last that is
//! reported back, so that joining the group does not count.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::product::Agent;
use crate::rig::clock::monotonic_nanos;
use crate::rig::procfs::{cpu_micros, peak_memory_kib};
use crate::rig::role::Role;
use crate::rig::server::Longshore;
use crate::rig::sink::Arrived;
use crate::rig::trial::Measured as _;

const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long a topic may take.
const PATIENCE_NANOS: u64 = 300_000_000_000;

/// What empties a topic.
pub(crate) trait System {
    /// The process that reads it.
    fn reader(&self) -> u32;
    /// The server behind that, where there is one.
    fn server(&self) -> Option<u32>;
    /// Whether `messages` are reported back; an error where that can no more become so.
    fn is_done(&mut self, messages: u64) -> Result<bool>;
    /// The most memory of the processes that evaluate expressions, in kibibytes.
    fn workers_peak_kib(&self) -> Result<u64>;
}

/// What it showed. Processor time is counted for each message after the warm-up.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Drained {
    pub(crate) per_second: f64,
    pub(crate) reader_cpu_micros: f64,
    pub(crate) server_cpu_micros: f64,
    pub(crate) sink_cpu_micros: f64,
    pub(crate) reader_peak_kib: u64,
    pub(crate) workers_peak_kib: u64,
    pub(crate) repeated: u64,
}

/// Waits until `system` has called `sink` for all `messages` and reported that.
pub(crate) fn drain(
    system: &mut dyn System,
    sink: &mut Role,
    messages: u64,
    warm_up: u64,
) -> Result<Drained> {
    let deadline = monotonic_nanos() + PATIENCE_NANOS;
    let mut arrived = Arrived::default();
    let used = |system: &dyn System, sink: &Role| -> Result<[u64; 3]> {
        let server = system.server().map_or(Ok(0), cpu_micros)?;
        Ok([
            cpu_micros(system.reader())?,
            server,
            cpu_micros(sink.pid())?,
        ])
    };
    until(system, sink, &mut arrived, warm_up, deadline)?;
    let (began, warm, before) = (monotonic_nanos(), arrived.distinct, used(system, sink)?);
    until(system, sink, &mut arrived, messages, deadline)?;
    while !system.is_done(messages)? {
        if monotonic_nanos() > deadline {
            bail!("all {messages} messages were called, and not all reported");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let took_nanos = monotonic_nanos() - began;
    let after = used(system, sink)?;
    let counted = messages.saturating_sub(warm).max(1) as f64;
    let [reader, server, receiver] = [0, 1, 2].map(|at| (after[at] - before[at]) as f64 / counted);
    Ok(Drained {
        per_second: counted * 1e9 / took_nanos as f64,
        reader_cpu_micros: reader,
        server_cpu_micros: server,
        sink_cpu_micros: receiver,
        reader_peak_kib: peak_memory_kib(system.reader())?,
        workers_peak_kib: system.workers_peak_kib()?,
        repeated: arrived.repeated,
    })
}

/// Waits until so many have arrived.
fn until(
    system: &mut dyn System,
    sink: &mut Role,
    arrived: &mut Arrived,
    count: u64,
    deadline: u64,
) -> Result<()> {
    loop {
        let more: Arrived = serde_json::from_value(sink.ask(&().into())?)?;
        arrived.distinct += more.distinct;
        arrived.repeated += more.repeated;
        if more.refused > 0 {
            bail!("the sink refused {} calls", more.refused);
        }
        if arrived.distinct >= count {
            return Ok(());
        }
        if monotonic_nanos() > deadline {
            bail!("{} of {count} messages arrived", arrived.distinct);
        }
        // One that has ended says so.
        if more.distinct == 0 {
            system.is_done(u64::MAX)?;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// (a) or (b).
pub(crate) struct Compared(pub(crate) Role);

impl System for Compared {
    fn reader(&self) -> u32 {
        self.0.pid()
    }

    fn server(&self) -> Option<u32> {
        None
    }

    fn is_done(&mut self, messages: u64) -> Result<bool> {
        let said = self.0.ask(&().into())?;
        Ok(said["done"].as_u64().is_some_and(|done| done >= messages))
    }

    fn workers_peak_kib(&self) -> Result<u64> {
        Ok(0)
    }
}

/// (c).
pub(crate) struct Product<'a> {
    pub(crate) server: &'a mut Longshore,
    pub(crate) agent: Agent,
}

impl System for Product<'_> {
    fn reader(&self) -> u32 {
        self.agent.pid()
    }

    fn server(&self) -> Option<u32> {
        self.server.pid()
    }

    fn is_done(&mut self, messages: u64) -> Result<bool> {
        self.agent.must_work()?;
        // The server is not asked while it has other work.
        Ok(messages != u64::MAX && self.server.is_settled(messages)?)
    }

    fn workers_peak_kib(&self) -> Result<u64> {
        Ok(self.agent.peak_kib()?.1)
    }
}
