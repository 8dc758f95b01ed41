//! The clock and the dice of the agent.

use std::time::{SystemTime, UNIX_EPOCH};

use longshore_domain::time::Timestamp;

/// Bytes of a session's id.
const SESSION_BYTES: usize = 16;

/// The present instant.
#[expect(
    clippy::disallowed_methods,
    reason = "the agent's one place that reads the clock"
)]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// Bits that differ from process to process.
pub(crate) fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| now().as_micros().unsigned_abs())
}

/// A name that no other process has.
pub(crate) fn session() -> String {
    let mut bytes = [0; SESSION_BYTES];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness the instant and the process tell two sessions apart.
        let id = u64::from(std::process::id());
        let instant = now().as_micros().unsigned_abs();
        let (first, second) = bytes.split_at_mut(SESSION_BYTES / 2);
        first.copy_from_slice(&instant.to_be_bytes());
        second.copy_from_slice(&id.to_be_bytes());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
