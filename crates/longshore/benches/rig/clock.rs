//! Clocks that all processes on one machine share.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds on the monotonic clock, which is the same in every process.
pub(crate) fn monotonic_nanos() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    tv_sec.unsigned_abs() * 1_000_000_000 + tv_nsec.unsigned_abs()
}

/// Seconds since 1970, as signatures carry them.
pub(crate) fn unix_seconds() -> u64 {
    clock_gettime(ClockId::Realtime).tv_sec.unsigned_abs()
}
