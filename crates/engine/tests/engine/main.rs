//! The engine from end to end: a real database, real calls, emulated receivers, a clock that tests
//! move, and workers that tests pump.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something fails"
)]

mod agents;
mod crash;
mod diagnoses;
mod limits;
mod outcomes;
mod receipts;
mod recovery;
mod retries;
mod secrets;
mod signatures;
mod storage;
mod support;
mod templates;
