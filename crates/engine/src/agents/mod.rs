//! Execution agents and integrations: what they claim, start and settle, and which of them live.
//!
//! What is true of a delivery is in storage; here is only who was heard of, which attempts a session
//! has started, so that they can be taken back when it falls silent, and what these looked like when
//! they were written, so that they need not be read again.

mod claim;
mod leases;
mod publish;
mod remembered;
mod sessions;
mod settle;
mod start;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_domain::agent::{Heartbeat, HeartbeatAnswer, NAME_CHARS_LIMIT, Session, Streamer};
use longshore_domain::delivery::{Delivery, Settling};
use longshore_store::Error as Stored;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::Engine;
use crate::caller::Caller;
use crate::error::Error;
use remembered::Remembered;
use sessions::{KnownAgent, Left, Sessions};

pub use claim::Claimed;

/// After how long a session is expected to be heard of again.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// After how long without a word a session is lost.
const SESSION: Duration = Duration::from_secs(60);

/// Who was heard of.
#[derive(Default)]
pub(crate) struct Agents {
    sessions: Mutex<Sessions>,
    remembered: Mutex<Remembered>,
    work: Notify,
}

impl Agents {
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Something may be claimed or published now, or at another time than before.
    pub(crate) fn arrived(&self) {
        self.work.notify_waiters();
    }
}

impl Engine {
    /// Takes note of a session, and tells how often to say so.
    ///
    /// # Errors
    /// Where the caller may not, a name is empty or too long, the session has taken leave, or a
    /// newer one of the same agent its place.
    pub async fn heartbeat(
        self: &Arc<Self>,
        caller: &Caller,
        heartbeat: Heartbeat,
    ) -> Result<HeartbeatAnswer, Error> {
        caller.admin()?;
        if heartbeat.leaving {
            named(&heartbeat.by)?;
            let now = self.environment.now();
            let left = self.agents.sessions().leave(&heartbeat.by, now);
            self.lose_to_the_end(heartbeat.by, left).await?;
        } else {
            self.meet(&heartbeat.by).await?;
            let drained = match heartbeat.draining {
                true => {
                    let now = self.environment.now();
                    self.agents.sessions().drain(&heartbeat.by, now)
                }
                false => Vec::new(),
            };
            let by = heartbeat.by.clone();
            self.agents.sessions().describe(heartbeat);
            let left = Left::claimed(drained);
            self.lose_to_the_end(by, left).await?;
        }
        Ok(HeartbeatAnswer {
            heartbeat_seconds: HEARTBEAT.as_secs(),
            session_seconds: SESSION.as_secs(),
        })
    }

    /// The agents that were heard of within a session's silence, by name.
    ///
    /// # Errors
    /// Where the caller may not.
    pub fn known_agents(&self, caller: &Caller) -> Result<Vec<Value>, Error> {
        caller.admin()?;
        let now = self.environment.now();
        let sessions = self.agents.sessions();
        let alive = sessions.alive(now);
        Ok(alive.map(|(name, known)| shown(name, known)).collect())
    }

    /// How many agents are connected that could take `delivery`.
    pub(crate) fn connected_agents(&self) -> usize {
        let now = self.environment.now();
        self.agents.sessions().alive(now).count()
    }

    /// How agents get their work now: as the organisation says, where that can be.
    pub(crate) fn streamer(&self) -> Streamer {
        match (&self.kafka, self.organization.streamer()) {
            (Some(_), None | Some(Streamer::Kafka)) => Streamer::Kafka,
            _ => Streamer::Polling,
        }
    }

    /// A session speaks that may claim or start: an older one of the same agent is over.
    async fn meet(self: &Arc<Self>, by: &Session) -> Result<(), Error> {
        named(by)?;
        let now = self.environment.now();
        let replaced = self.agents.sessions().meet(by, now)?;
        if let Some((older, left)) = replaced {
            self.lose_to_the_end(older, left).await?;
        }
        Ok(())
    }

    /// Nobody else knows what a session leaves: whoever brought its end about may go away.
    async fn lose_to_the_end(self: &Arc<Self>, by: Session, left: Left) -> Result<(), Error> {
        let engine = Arc::clone(self);
        let lost = self
            .tasks
            .finish(async move { engine.lose(&by, left).await });
        let broke_off = || Stored::Unavailable("what a session left was not looked at".into());
        Ok(lost.await.unwrap_or_else(|| Err(broke_off()))?)
    }

    /// By what an agent's attempt is settled: the connection that its URL matched, else defaults.
    fn settling_of<T>(&self, delivery: &Delivery, work: impl FnOnce(&Settling<'_>) -> T) -> T {
        let connection = delivery.connection.as_ref();
        let name = connection.map_or("", |id| id.as_str());
        work(&Settling {
            now: self.environment.now(),
            schedule: &self.schedule_of(name),
            report_timeout: self.report_timeout(Some(delivery)),
            random: self.environment.random_u64(),
        })
    }
}

fn named(by: &Session) -> Result<(), Error> {
    for (path, name) in [("agent", &by.agent), ("session", &by.session)] {
        let chars = name.chars().count();
        if !(1..=NAME_CHARS_LIMIT).contains(&chars) {
            let expected = format!("expected 1 to {NAME_CHARS_LIMIT} characters");
            return Err(Error::invalid(path, &expected));
        }
    }
    Ok(())
}

fn shown(name: &str, known: &KnownAgent) -> Value {
    let told = known.told.as_ref();
    let partitions = told.map(|told| told.partitions.as_slice());
    let partitions = partitions.unwrap_or_default().iter().map(|position| {
        json!({
            "partition": position.partition,
            "committed": position.committed,
            "lag": (position.end - position.committed).max(0),
        })
    });
    json!({
        "id": name,
        "session": known.session,
        "version": told.map(|told| told.version.as_str()),
        "streamer": known.streamer.name(),
        "group": told.and_then(|told| told.group.as_deref()),
        "lastSeenAt": known.last_seen_at,
        "partitions": partitions.collect::<Vec<_>>(),
        "inFlight": told.map_or(known.started.len(), |told| told.in_flight as usize),
    })
}
