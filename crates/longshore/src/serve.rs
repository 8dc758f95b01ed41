//! `longshore serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::wiring::Running;
use crate::{config, logging};

/// Serves until a signal ends it.
pub(crate) fn run(file: Option<&Path>) -> anyhow::Result<()> {
    let settings = config::load(file)?;
    logging::start(&settings.log);
    runtime()?.block_on(async {
        // Before anything is open: whoever reads the address may end the server at once.
        let signals = Signals::catch()?;
        let running = Running::start(settings).await?;
        announce(running.address)?;
        signals.ended().await;
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

/// SIGTERM and SIGINT, which end a server gracefully once they are caught.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them, or for one that came since they are caught.
    pub(crate) async fn ended(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
