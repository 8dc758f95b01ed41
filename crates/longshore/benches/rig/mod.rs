//! What the measurements of the whole system share: processes, load, a verifying sink, figures.

pub(crate) mod body;
pub(crate) mod clock;
pub(crate) mod figures;
pub(crate) mod load;
pub(crate) mod outbox;
pub(crate) mod procfs;
pub(crate) mod program;
pub(crate) mod role;
pub(crate) mod server;
pub(crate) mod sign;
pub(crate) mod sink;
pub(crate) mod trial;
pub(crate) mod wire;
pub(crate) mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use role::Role;
use serde_json::{Value, json};

/// The secret that every call is signed with: the only credential's client secret.
pub(crate) const SECRET: &str = "a-secret-of-forty-bytes-for-measurements";
/// The first credential's client id.
pub(crate) const CLIENT_ID: &str = "measurement";

/// A directory for databases on a real disk, where a sync is a sync.
pub(crate) fn scratch() -> Result<tempfile::TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Plays the role that this process was started with, if any.
pub(crate) fn play(name: &str, settings: &str) -> Option<Result<()>> {
    match name {
        "load" => Some(load::run()),
        "sink" => Some(sink::run(settings)),
        _ => None,
    }
}

/// A load generator.
pub(crate) fn start_load() -> Result<Role> {
    Role::start("load", &json!({}))
}

/// A verifying sink.
pub(crate) fn start_sink() -> Result<Role> {
    start_slow_sink(Duration::ZERO)
}

/// A verifying sink that answers only after `delay`.
pub(crate) fn start_slow_sink(delay: Duration) -> Result<Role> {
    let delay = u64::try_from(delay.as_millis())?;
    Role::start("sink", &json!({"secret": SECRET, "delay_ms": delay}))
}

/// Writes all figures where they were asked for.
pub(crate) fn write_json(file: Option<&Path>, figures: &Value) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, format!("{figures:#}\n"))?;
    println!("\nall figures: {}", PathBuf::from(file).display());
    Ok(())
}
