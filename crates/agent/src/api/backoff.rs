//! How long to wait before the server is asked again.

use std::time::Duration;

use super::ApiError;
use crate::clock;

/// The wait after the first failure.
pub const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
pub const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// How far a wait may be moved either way, so that many agents do not return at once.
const JITTER_PERCENT: u64 = 10;

/// Waits that double with each failure in a row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The server answered.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to wait after another failure, at least what the server asked for.
    pub fn next(&mut self, error: &ApiError) -> Duration {
        let wait = self.wait(clock::random());
        wait.max(error.retry_after().unwrap_or_default().min(LONGEST_WAIT))
    }

    fn wait(&mut self, random: u64) -> Duration {
        let doubled = SHORTEST_WAIT.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let percent = 100 - JITTER_PERCENT + random % (2 * JITTER_PERCENT + 1);
        let percent = u32::try_from(percent).unwrap_or(100);
        doubled.min(LONGEST_WAIT) * percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..12).map(|_| backoff.wait(10).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        backoff.reset();
        assert_eq!(backoff.wait(0), Duration::from_millis(900));
        assert_eq!(backoff.wait(20), Duration::from_millis(2200));
    }
}
