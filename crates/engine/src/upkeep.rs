//! Retention: what is old goes, in small batches between other work.

use std::sync::Arc;
use std::time::Duration;

use longshore_store::{Error as Stored, Retention};

use crate::Engine;

/// Between two batches, so that new work is not delayed.
const BREATH: Duration = Duration::from_millis(50);

impl Engine {
    /// Removes one batch of what is no longer kept; true while there is more.
    ///
    /// # Errors
    /// Where storage cannot be read or written.
    pub async fn prune_once(&self) -> Result<bool, Stored> {
        let now = self.environment.now();
        let kept = self.settings.retention;
        let retention = Retention {
            ended_before: now.minus(kept.age),
            ended_runs: kept.count,
            now,
        };
        let pruned = self.store.prune(retention, kept.batch).await?;
        if pruned.runs > 0 {
            tracing::debug!(runs = pruned.runs, "ended runs were removed");
        }
        Ok(pruned.more)
    }

    /// Keeps storage small until shutdown.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        while !self.tasks.is_stopping() {
            let pause = match self.prune_once().await {
                Ok(true) => BREATH,
                Ok(false) => self.settings.retention.interval,
                Err(error) => {
                    tracing::warn!(%error, "retention was interrupted");
                    self.settings.retention.interval
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.tasks.stopped() => {}
            }
        }
    }
}
