//! What only time tells of agents: sessions that fell silent, attempts that nobody started.

use std::sync::Arc;

use futures_util::future::join_all;
use longshore_domain::agent::{Session, Streamer};
use longshore_domain::delivery::{self, Reading, Way};
use longshore_domain::id::DeliveryId;
use longshore_domain::run::{self, ENGINE};
use longshore_domain::time::Timestamp;
use longshore_store::Error as Stored;

use super::sessions::{Left, StartedSet};
use crate::Engine;
use crate::decide::About;

/// How many deliveries are looked at in one read.
const BATCH: u32 = 500;

impl Engine {
    /// Looks once at everything about agents that only time tells.
    pub(crate) async fn watch_agents(self: &Arc<Self>) -> Result<(), Stored> {
        let lost = self.agents.sessions().lost(self.environment.now());
        let mut failed = None;
        for (by, left) in lost {
            if !left.started.is_empty() {
                tracing::warn!(
                    agent = by.agent,
                    "an agent fell silent with calls under way"
                );
            }
            // The others are looked at all the same: nobody else knows of them.
            failed = self.lose(&by, left).await.err().or(failed);
        }
        failed.map_or(Ok(()), Err)?;
        self.watch_unstarted().await
    }

    /// The session is over: what it had claimed is given back; of what it had started nobody knows
    /// whether it was called.
    pub(super) async fn lose(&self, by: &Session, left: Left) -> Result<(), Stored> {
        self.give_back(left.claimed).await;
        if left.started.is_empty() {
            return Ok(());
        }
        let lost = left.started.into_iter().map(|id| async move {
            let written = self.lose_one(by, &id).await;
            written.map_err(|error| (id, error))
        });
        let (mut left, mut failed) = (StartedSet::new(), None);
        for (id, error) in join_all(lost).await.into_iter().filter_map(Result::err) {
            left.insert(id);
            failed = Some(error);
        }
        self.agents.sessions().look_again(by, left);
        self.agents.arrived();
        failed.map_or(Ok(()), Err)
    }

    pub(super) async fn lose_one(&self, by: &Session, id: &DeliveryId) -> Result<(), Stored> {
        let lost = self.decide(About::Delivery(id), |run, delivery| {
            Ok::<_, Stored>(delivery.and_then(|delivery| {
                let lost = self.settling_of(delivery, |settling| {
                    delivery::lose_agent(delivery, by, settling)
                })?;
                let now = self.environment.now();
                let change = run::moved(run, delivery, lost.delivery, lost.attempt, ENGINE, now);
                Some((change, ()))
            }))
        });
        lost.await.map(|_| ())
    }

    async fn watch_unstarted(self: &Arc<Self>) -> Result<(), Stored> {
        loop {
            let now = self.environment.now();
            let found = self.store.unstarted(now, BATCH).await?;
            let changes = found.iter().filter_map(|(run, delivery)| {
                let reading = self.reading(delivery.publication.as_ref()?.way, now);
                let next = self.settling_of(delivery, |settling| {
                    delivery::unstarted(delivery, reading, settling)
                })?;
                let change = Arc::new(run::moved(run, delivery, next, None, ENGINE, now));
                Some(async move {
                    match self.store.apply(Arc::clone(&change)).await {
                        Ok(_) => {
                            self.observe(run, Some(delivery), &change);
                            Ok(true)
                        }
                        Err(Stored::Conflict(_)) => Ok(false),
                        Err(error) => Err(error),
                    }
                })
            });
            let mut moved = false;
            for written in join_all(changes).await {
                moved |= written?;
            }
            if !moved {
                return Ok(());
            }
            self.agents.arrived();
        }
    }

    /// What is known of those who read a message, or would.
    fn reading(&self, way: Way, now: Timestamp) -> Reading {
        let position = match way {
            Way::Claim => None,
            Way::Topic(position) => position,
        };
        match self.agents.sessions().reading(position, now) {
            Reading::Unseen if self.streamer() == Streamer::Polling => Reading::LeftOnTopic,
            seen => seen,
        }
    }

    /// Remembers what agents had started before this process did.
    pub(crate) async fn remember_agents(&self) -> Result<(), Stored> {
        let mut after = None;
        loop {
            let found = self.store.started_by_agents(after.as_ref(), BATCH).await?;
            let now = self.environment.now();
            for (_, delivery) in &found {
                let publication = delivery.publication.as_deref();
                if let Some(by) = publication.and_then(|given| given.started_by.as_ref()) {
                    let mut sessions = self.agents.sessions();
                    sessions.remember(by, &delivery.id, now);
                }
            }
            match found.last() {
                Some((run, _)) => after = Some(run.id.clone()),
                None => return Ok(()),
            }
        }
    }
}
