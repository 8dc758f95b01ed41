//! What only time tells: silence after acceptance, receipts that never came, dead destinations.

use std::sync::Arc;
use std::time::Duration;

use longshore_domain::delivery::{Delivery, destination_down, watch};
use longshore_domain::run::{ENGINE, Run, RunChange, conclude, is_for_agents, label_silence};
use longshore_domain::time::Timestamp;
use longshore_store::{DestinationRecord, Error as Stored};

use super::destination::Destination;
use super::{Engine, lock};

/// How many runs are looked at in one read.
const BATCH: u32 = 500;
/// How often the last acceptance of a destination is written.
const ACCEPTED_EVERY: Duration = Duration::from_secs(60);
/// How often the engine looks at what time tells.
const EVERY: Duration = Duration::from_secs(5);

impl Engine {
    /// Looks once at everything that only time tells, and whether storage can be written again.
    ///
    /// # Errors
    /// Where storage cannot be read or written.
    pub async fn watch_once(self: &Arc<Self>) -> Result<(), Stored> {
        if self.dispatcher.is_blocked() && self.store.probe().await.is_ok() {
            self.unblock_dispatch();
        }
        self.watch_agents().await?;
        self.watch_silence().await?;
        self.watch_destinations().await
    }

    async fn watch_silence(self: &Arc<Self>) -> Result<(), Stored> {
        loop {
            let now = self.environment.now();
            let silent = self.store.silent(now, BATCH).await?;
            let mut moved = false;
            for (run, delivery) in &silent {
                let timeout = self.report_timeout(Some(delivery));
                let Some(silence) = watch(delivery, now, timeout) else {
                    continue;
                };
                let change = label_silence(run, delivery, silence, now);
                moved |= self.watched(run, delivery, change).await?;
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// A delivery that waited longer than its schedule lasts, for a destination that accepted
    /// nothing in that time, is dead.
    async fn watch_destinations(self: &Arc<Self>) -> Result<(), Stored> {
        for backlog in self.store.backlog().await? {
            let now = self.environment.now();
            if is_for_agents(&backlog.destination) {
                continue;
            }
            let span = self.schedule_of(&backlog.destination).span();
            let before = now.minus(span);
            let accepted = self.dispatcher.last_accepted(&backlog.destination);
            if span.is_zero() || accepted.is_some_and(|at| at > before) {
                continue;
            }
            let overdue = self
                .store
                .overdue(&backlog.destination, before, now, BATCH)
                .await?;
            for (run, delivery) in &overdue {
                let Some(dead) = destination_down(delivery, now) else {
                    continue;
                };
                let change = conclude(run, delivery, dead, ENGINE, now);
                self.watched(run, delivery, change).await?;
            }
        }
        Ok(())
    }

    async fn watched(
        &self,
        run: &Run,
        delivery: &Delivery,
        change: RunChange,
    ) -> Result<bool, Stored> {
        let change = Arc::new(change);
        match self.store.apply(Arc::clone(&change)).await {
            Ok(_) => {
                self.observe(run, Some(delivery), &change);
                Ok(true)
            }
            Err(Stored::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Watches until shutdown.
    pub(crate) async fn keep_watching(self: Arc<Self>) {
        while !self.tasks.is_stopping() {
            if let Err(error) = self.watch_once().await {
                tracing::warn!(%error, "time could not be watched");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.tasks.stopped() => {}
            }
        }
    }

    /// Notes that a destination accepted something; written at most once a minute.
    pub(super) async fn accepted_by(&self, name: &str) {
        let now = self.environment.now();
        let known = self.dispatcher.last_accepted(name);
        if known.is_some_and(|at| now.since(at) < ACCEPTED_EVERY) {
            return;
        }
        self.dispatcher.remember(name, Some(now));
        let found = lock(&self.dispatcher.destinations).get(name).cloned();
        if let Some(destination) = found {
            self.remember_destination(&destination).await;
        }
    }

    pub(super) async fn remember_destination(&self, destination: &Arc<Destination>) {
        let record = DestinationRecord {
            destination: destination.name().to_owned(),
            paused_until: destination.paused_until(),
            last_accepted_at: self.dispatcher.last_accepted(destination.name()),
        };
        if let Err(error) = self.store.save_destination(record).await {
            tracing::warn!(%error, "a destination's pause was not written");
        }
    }
}

impl super::Dispatcher {
    pub(super) fn last_accepted(&self, name: &str) -> Option<Timestamp> {
        lock(&self.accepted).get(name).copied()
    }

    pub(super) fn remember(&self, name: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            lock(&self.accepted).insert(name.to_owned(), at);
        }
    }
}
