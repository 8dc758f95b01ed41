//! The agent through its public surface, against a server of the tests' own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

mod configuration;
mod fake;
mod kafka;
mod mapping;
mod polling;
mod working;
