//! When the next attempt may be made.

use std::time::Duration;

/// The waits between attempts. After the last one a delivery is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    waits: Vec<Duration>,
}

/// How far a wait may be moved either way, so that what failed together does not return together.
const JITTER_PERCENT: u64 = 10;

impl Default for Schedule {
    /// Ten attempts over about 24 hours.
    fn default() -> Self {
        let seconds = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 46_800];
        Self {
            waits: seconds.map(Duration::from_secs).to_vec(),
        }
    }
}

impl Schedule {
    /// A schedule of these waits; without any there is one attempt only.
    #[must_use]
    pub const fn new(waits: Vec<Duration>) -> Self {
        Self { waits }
    }

    /// The sum of all waits.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.waits.iter().sum()
    }

    /// The wait after `attempts_used` attempts, moved by `random`; none when the schedule is used up.
    #[must_use]
    pub fn wait(&self, attempts_used: u32, random: u64) -> Option<Duration> {
        let index = usize::try_from(attempts_used.saturating_sub(1)).ok()?;
        let wait = *self.waits.get(index)?;
        let percent = 100 - JITTER_PERCENT + random % (2 * JITTER_PERCENT + 1);
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        Some(Duration::from_micros(micros / 100 * percent))
    }
}
