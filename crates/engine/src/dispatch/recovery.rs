//! At start: what a dead process held is taken back, and what waits in storage is remembered.

use std::sync::Arc;

use longshore_domain::delivery::{OutcomeKind, recover};
use longshore_domain::run::{is_for_agents, recovered};
use longshore_store::{Backlog, DestinationRecord, Error as Stored};

use super::Engine;

/// How many deliveries are taken back in one read.
const BATCH: u32 = 500;

impl Engine {
    /// Takes back what the process before this one held; called before anything is sent.
    ///
    /// # Errors
    /// Where storage cannot be read or written.
    pub(crate) async fn recover(self: &Arc<Self>) -> Result<(), Stored> {
        let mut taken_back = 0_usize;
        loop {
            let lost = self.store.lost(BATCH).await?;
            if lost.is_empty() {
                break;
            }
            let now = self.environment.now();
            let changes = lost.iter().filter_map(|(run, delivery)| {
                let lost = recover(delivery, now)?;
                let may_have_left = lost.attempt.is_some();
                let change = recovered(run, delivery, lost, now);
                Some(async move {
                    let written = self.store.apply(Arc::new(change)).await;
                    if written.is_ok() && may_have_left {
                        let label = self.label_of(&delivery.destination);
                        self.metrics.came_to(label, OutcomeKind::Unknown);
                    }
                    written
                })
            });
            let written = futures_util::future::join_all(changes).await;
            taken_back += written.len();
            for outcome in written {
                match outcome {
                    Ok(_) | Err(Stored::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if taken_back > 0 {
            tracing::info!(
                deliveries = taken_back,
                "took back what the process before held"
            );
        }
        Ok(())
    }

    /// Remembers pauses and what waits in storage.
    ///
    /// # Errors
    /// Where storage cannot be read.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<(), Stored> {
        let now = self.environment.now();
        for DestinationRecord {
            destination,
            paused_until,
            last_accepted_at,
        } in self.store.destinations().await?
        {
            self.dispatcher.remember(&destination, last_accepted_at);
            if let Some(until) = paused_until.filter(|until| *until > now) {
                let limits = self.limits_of_name(&destination);
                self.dispatcher
                    .destination(&destination, limits, now)
                    .pause(until);
            }
        }
        for Backlog {
            destination,
            first_due_at,
        } in self.store.backlog().await?
        {
            if !is_for_agents(&destination) {
                self.note_stored(&destination, first_due_at);
            }
        }
        Ok(())
    }
}
