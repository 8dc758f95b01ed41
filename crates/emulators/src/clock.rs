//! The one place where an emulator reads the wall clock: they are programs of their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch; zero where the machine's clock stands before it.
#[expect(
    clippy::disallowed_methods,
    reason = "an emulated receiver has its own clock, as a real one would"
)]
pub(crate) fn unix_now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
