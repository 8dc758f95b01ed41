//! Ends the measured programs as an operator would.

use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(10);

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
