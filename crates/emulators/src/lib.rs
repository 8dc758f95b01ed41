//! Emulated Jenkins, Azure DevOps and webhook receivers, for demos, tests and benchmarks.
//!
//! Written from what the vendors document; of Longshore's own crates it imports `longshore-jsonpath`
//! alone, which Longshore itself does not use: so no mistake in what is tested can hide behind the
//! same mistake here. Never a server for production.

pub mod azure_devops;
mod body;
mod call;
mod clock;
mod connection;
mod fault;
pub mod jenkins;
mod pipeline;
mod plan;
mod secret;
mod server;
mod signature;
mod tasks;
mod watched;
pub mod webhook_sink;
mod xml;

pub use call::{Call, Verdict};
pub use fault::{Fault, FaultKind};
pub use pipeline::{Gates, Report, ReportOutcome, Reporting, Script, ScriptEnd, Step, Timing};
pub use plan::Plan;
pub use secret::Secret;
pub use server::{Listen, StartError};
pub use watched::WaitExpired;
