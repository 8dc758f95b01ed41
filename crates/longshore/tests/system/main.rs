//! The whole system from outside: the real program, receivers, and what is left on disk.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

mod agent;
#[expect(dead_code, reason = "the tests on a broker ask for more")]
mod agents;
mod api;
mod backup;
#[expect(dead_code, reason = "the tests on a broker ask for more")]
mod balance;
mod chance;
mod configuration;
mod demo;
mod doctor;
mod emulate_azure;
mod emulate_jenkins;
mod emulator;
mod examples;
mod full_disk;
mod health;
mod mortal;
mod nothing_lost;
mod openapi;
mod ports;
mod receiver_killed;
mod receivers;
mod rows;
mod samples;
mod server;
mod startup;
mod stopping;
mod traffic;
mod trying;
mod verdict;
mod verify;
