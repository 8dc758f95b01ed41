//! The execution agent: claims runs, makes their calls inside a private network, and reports.
//!
//! Decides no retry and stores nothing: the server schedules (`docs/design/delivery.md`, Agents).

mod agent;
pub mod api;
pub mod call;
pub mod cli;
mod clock;
pub mod config;
pub mod doctor;
mod heartbeat;
mod kafka;
mod listen;
pub mod mapping;
pub mod metrics;
mod polling;
pub mod work;

pub use agent::{Agent, Failure};
pub use kafka::KafkaFailure;
