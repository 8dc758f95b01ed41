//! Finds the measured program, and ends it as an operator would.

use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Names another `longshore` to be measured than the one that was built with the benchmark.
const MEASURED: &str = "LONGSHORE_MEASURED";

/// The `longshore` that is measured.
#[expect(
    clippy::disallowed_methods,
    reason = "who starts a benchmark says what it measures, to it and the parts that it starts"
)]
pub(crate) fn measured() -> PathBuf {
    let named = std::env::var_os(MEASURED);
    named.map_or_else(|| env!("CARGO_BIN_EXE_longshore").into(), PathBuf::from)
}

/// Asks a program to end, and waits; false where it does not in time.
pub(crate) fn end(child: &mut Child) -> Result<bool> {
    kill_process(Pid::from_child(child), Signal::TERM)?;
    let begin = Instant::now();
    while child.try_wait()?.is_none() {
        if begin.elapsed() > PATIENCE {
            return Ok(false);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(true)
}
