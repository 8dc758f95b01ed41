//! Limits and defaults that the operator's configuration sets.

use std::time::Duration;

use longshore_domain::connection::Defaults;

use crate::dispatch::Window;
use crate::routing::AzureSettings;

/// Limits and defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How deliveries are sent where no connection says otherwise.
    pub delivery: Defaults,
    /// How much of one destination's deliveries waits in memory.
    pub window: Window,
    /// The bytes of bodies that all destinations together hold in memory.
    pub memory_bytes: u64,
    /// Failures in a row after which a destination is left alone for a while.
    pub breaker_failures: u32,
    /// How Azure DevOps is reached.
    pub azure: AzureSettings,
    /// The addresses that calls come from, for receivers' allow-lists.
    pub egress_addresses: Vec<String>,
    /// What is kept of ended runs.
    pub retention: RetentionSettings,
}

/// What is kept of ended runs; whichever bound is reached first.
#[derive(Clone, Copy, Debug)]
pub struct RetentionSettings {
    /// How long after their end.
    pub age: Duration,
    /// How many.
    pub count: u64,
    /// How long after one round the next one begins.
    pub interval: Duration,
    /// How many runs go in one transaction.
    pub batch: u32,
}
