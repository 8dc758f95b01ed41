//! What is published to and read from a real Apache Kafka, through every listener and through its
//! ends and starts.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

mod absent;
#[path = "../system/agents.rs"]
#[expect(dead_code, reason = "these tests ask for less")]
mod agents;
mod agents_over_kafka;
#[path = "../system/api.rs"]
#[expect(dead_code, reason = "these tests ask for less")]
mod api;
#[path = "../system/balance.rs"]
mod balance;
mod broker;
mod cluster;
mod consuming;
mod dying;
mod existing_agent;
mod groups;
mod login;
mod poison;
#[path = "../system/ports.rs"]
mod ports;
#[path = "../system/receivers.rs"]
#[expect(dead_code, reason = "these tests ask for less")]
mod receivers;
mod relay;
mod restarting;
#[path = "../system/server.rs"]
#[expect(dead_code, reason = "these tests ask for less")]
mod server;
mod serving;
mod site;
mod topics;
