//! The delivery state machine: what may happen to a call that has to leave the system.
//!
//! The states and every move between them are tables of `docs/design/delivery.md`; the functions
//! here are those tables and nothing else. They decide; the store writes; workers send.

mod agents;
mod looks;
mod moves;
mod schedule;
mod settle;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::diagnosis::Diagnosis;
use crate::id::{ConnectionId, DeliveryId, RunId};
use crate::outcome::Repeat;
use crate::time::Timestamp;

pub use agents::{
    CLAIM_LEASE, Position, Publication, StartedByAgent, Way, give_back, hand_over,
    is_taken_by_report, lose_agent, not_publishable, not_published, positioned, publish,
    start_by_agent,
};
pub use looks::{PUBLICATION_CHECK, PUBLICATIONS_LIMIT, Reading, unstarted};
pub use moves::{
    LostWorker, RedeliverRejection, Silence, destination_down, elsewhere, give_up, on_receipt,
    on_report, on_run_end, recover, redeliver, start, watch,
};
pub use schedule::Schedule;
pub use settle::{Settled, Settling, UNCONFIRMED_FOR, settle};

/// Who receives a delivery, and so how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// Any URL.
    Webhook,
    /// Jenkins' Generic Webhook Trigger.
    Jenkins,
    /// An incoming webhook of Azure DevOps.
    AzurePipelines,
    /// An execution agent inside a private network, which makes the call.
    Agent,
    /// The organisation's topic, whose reader does the work.
    Kafka,
}

/// Where a delivery stands. The names are those of the API and of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// May be taken from `Delivery::due_at` on.
    Due,
    /// In a live worker's memory; where a repeat is harm, nothing has left.
    Owned,
    /// Attempt `Delivery::attempt` may have left; only where a repeat is harm, or an agent calls.
    Started,
    /// Attempt `Delivery::attempt` is handed to agents, and not started.
    Published,
    /// Accepted.
    Done,
    /// Only where a repeat is harm: sent, no answer.
    Unconfirmed,
    /// Refused, or given up.
    Dead,
    /// Its run ended first.
    Cancelled,
}

impl State {
    /// Every state, in the order of the table.
    pub const ALL: [Self; 8] = [
        Self::Due,
        Self::Owned,
        Self::Started,
        Self::Published,
        Self::Done,
        Self::Unconfirmed,
        Self::Dead,
        Self::Cancelled,
    ];

    /// The name in API, metrics and storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Owned => "owned",
            Self::Started => "started",
            Self::Published => "published",
            Self::Done => "done",
            Self::Unconfirmed => "unconfirmed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing is left to do for the delivery.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

/// A call that has to leave the system; exactly one for each run that calls somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its public id, sent along as `X-Longshore-Delivery-Id`.
    pub id: DeliveryId,
    /// The run it belongs to.
    pub run: RunId,
    /// How its answer is read.
    pub receiver: Receiver,
    /// What its limits, breaker and pause are shared by: a connection's id, else the origin of the URL.
    pub destination: String,
    /// The connection that matched the rendered URL.
    pub connection: Option<ConnectionId>,
    /// Frozen when the delivery is made; harm may be added by the agent that starts a call.
    pub repeat: Repeat,
    /// Whether the run takes its end and response from the answer.
    pub synchronized: bool,
    /// Where it stands.
    pub state: State,
    /// `due`: when it may be taken. `done` of a run that is still open: when its silence becomes
    /// notable. `unconfirmed`: when it is given up. `published`: when it is looked for. Absent in
    /// every other state.
    pub due_at: Option<Timestamp>,
    /// The number of the newest attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// How many places of the schedule are used up.
    pub attempts_used: u32,
    /// Whether any attempt may have reached the receiver.
    pub left: bool,
    /// Since when the schedule runs: creation, or the newest redelivery.
    pub scheduled_since: Timestamp,
    /// The newest finding about it.
    pub diagnosis: Option<Diagnosis>,
    /// How it was last given to agents.
    pub publication: Option<Box<Publication>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Counts writes; a change is applied only to the version that it was decided on.
    pub version: u32,
}

/// What was learned from one attempt; kept whatever became of its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number within the delivery, from 1.
    pub number: u32,
    /// When the call was signed.
    pub started_at: Timestamp,
    /// From signing until the outcome was known.
    pub duration_micros: u64,
    /// The answer's HTTP status.
    pub status: Option<u16>,
    /// What it came to.
    pub outcome: OutcomeKind,
    /// The id of the secret that signed it, never the secret.
    pub signed_with: Option<String>,
    /// The finding, where there is one.
    pub diagnosis: Option<Diagnosis>,
    /// The beginning of the answer, scrubbed; at most 4 KiB.
    pub answer: Option<String>,
}

/// The kind of an [`Outcome`](crate::outcome::Outcome), as it is kept and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The receiver took it.
    Accepted,
    /// Nothing was started.
    Retry,
    /// Sent, and what became of it is not known.
    Unknown,
    /// It will not be taken.
    Refused,
}

impl OutcomeKind {
    /// The name in API, metrics and storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Retry => "retry",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Accepted, Self::Retry, Self::Unknown, Self::Refused]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}
