//! `longshore serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::wiring::Running;
use crate::{config, logging};

/// Serves until a signal ends it.
pub(crate) fn run(file: Option<&Path>) -> anyhow::Result<()> {
    let settings = config::load(file)?;
    logging::start(&settings.log);
    runtime()?.block_on(async {
        let running = Running::start(settings).await?;
        announce(running.address)?;
        ended().await?;
        running.stop().await;
        Ok(())
    })
}

/// The threads of the server.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads")
}

/// Says where the API listens, in a form that scripts read whatever the log's form is.
fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let line = serde_json::json!({"event": "listening", "address": address});
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn ended() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
