//! What a claim has handed out and nobody has started: given back where it is known that nobody
//! holds it any more, and not only when its lease is over. What is started is not touched here.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use longshore_domain::agent::AttemptRef;
use longshore_domain::delivery;
use longshore_domain::id::DeliveryId;
use longshore_domain::run::{self, ENGINE};
use longshore_domain::time::Timestamp;
use longshore_store::{Error as Stored, Found};
use tokio::runtime::Handle;

use crate::Engine;
use crate::decide::About;

/// The most leases that are remembered of one session; what is claimed beyond them waits its lease.
const REMEMBERED_LIMIT: usize = 10_000;

/// What a session has claimed and not started.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: HashMap<DeliveryId, (u32, Timestamp)>,
}

impl Leases {
    pub(super) fn add(&mut self, attempts: &[AttemptRef], until: Timestamp, now: Timestamp) {
        if self.held.len() + attempts.len() > REMEMBERED_LIMIT {
            self.held.retain(|_, (_, until)| *until > now);
        }
        let room = REMEMBERED_LIMIT.saturating_sub(self.held.len());
        let added = attempts.iter().take(room);
        self.held
            .extend(added.map(|it| (it.delivery.clone(), (it.attempt, until))));
    }

    pub(super) fn end(&mut self, delivery: &DeliveryId) {
        self.held.remove(delivery);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What is still kept at `now`; what is not, is looked for like any other.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<AttemptRef> {
        let held = std::mem::take(&mut self.held).into_iter();
        held.filter(|(_, (_, until))| *until > now)
            .map(|(delivery, (attempt, _))| AttemptRef { delivery, attempt })
            .collect()
    }
}

/// What a claim has taken and not told yet: given back where its caller goes away before.
pub(super) struct Untold {
    engine: Arc<Engine>,
    attempts: Vec<AttemptRef>,
}

impl Untold {
    pub(super) fn of(engine: &Arc<Engine>, taken: &[Found]) -> Self {
        let deliveries = taken.iter().filter_map(|found| found.delivery.as_ref());
        let attempts = deliveries.map(|it| AttemptRef {
            delivery: it.id.clone(),
            attempt: it.attempt,
        });
        Self {
            engine: Arc::clone(engine),
            attempts: attempts.collect(),
        }
    }

    pub(super) fn join(&mut self, mut other: Self) {
        self.attempts.append(&mut other.attempts);
    }

    /// The answer is made: from here on its lease counts.
    pub(super) fn told(mut self) {
        self.attempts.clear();
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        let attempts = std::mem::take(&mut self.attempts);
        // Where the runtime is gone as well, leases run out by themselves.
        if attempts.is_empty() || Handle::try_current().is_err() {
            return;
        }
        let engine = Arc::clone(&self.engine);
        self.engine
            .tasks
            .spawn(async move { engine.give_back(attempts).await });
    }
}

impl Engine {
    /// Makes due again what was claimed and is not started. What cannot be written waits its lease.
    pub(super) async fn give_back(&self, attempts: Vec<AttemptRef>) {
        if attempts.is_empty() {
            return;
        }
        let given = attempts.iter().map(|attempt| self.give_one_back(attempt));
        for written in join_all(given).await {
            if let Err(error) = written {
                tracing::warn!(%error, "what nobody holds any more was not given back");
            }
        }
        self.agents.arrived();
    }

    async fn give_one_back(&self, claimed: &AttemptRef) -> Result<(), Stored> {
        let given = self.decide(About::Delivery(&claimed.delivery), |run, delivery| {
            let now = self.environment.now();
            Ok::<_, Stored>(delivery.and_then(|delivery| {
                let next = delivery::give_back(delivery, claimed.attempt, now)?;
                let change = run::moved(run, delivery, next, None, ENGINE, now);
                Some((change, ()))
            }))
        });
        given.await.map(|_| ())
    }
}
