//! What an execution agent and the server say to each other; both ends use these types.
//!
//! One message, one attempt (`docs/design/delivery.md`, Agents): the server publishes or hands out
//! attempt n of a delivery, the agent starts it, calls, and settles it. A session is one life of
//! one agent process; only the session that started an attempt may call for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::id::{DeliveryId, RunId};
use crate::outcome::{Acceptance, Outcome, Repeat, Retry};
use crate::run::Status;
use crate::time::Timestamp;

/// The record headers of a published run: run, delivery, and the attempt's number in decimal.
pub mod header {
    /// The run's id.
    pub const RUN: &str = "X-Longshore-Run-Id";
    /// The delivery's id.
    pub const DELIVERY: &str = "X-Longshore-Delivery-Id";
    /// The attempt's number.
    pub const ATTEMPT: &str = "X-Longshore-Attempt";
}

/// The installation id by which execution agents claim.
pub const EXECUTION_AGENT: &str = "_PORT_EXEC_AGENT";
/// The most items of one start or settle.
pub const BATCH_LIMIT: usize = 500;
/// The most characters of an agent's or a session's name.
pub const NAME_CHARS_LIMIT: usize = 128;
/// The most log lines that one settlement carries.
pub const LOGS_LIMIT: usize = 50;
/// The most actions and types that one claim leaves out.
pub const EXCLUDED_LIMIT: usize = 500;
/// The most characters of each of them: no action's identifier is longer.
pub const EXCLUDED_CHARS_LIMIT: usize = 200;
/// The longest that a claim waits for work, in seconds.
pub const CLAIM_WAIT_LIMIT_SECONDS: u64 = 20;

/// Which process speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Session {
    /// The agent's name, the same in all its lives.
    pub agent: String,
    /// Random; another one after each start.
    pub session: String,
}

/// One attempt of one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AttemptRef {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt's number, from 1.
    pub attempt: u32,
}

/// An attempt to start, and what the agent knows of the call that it is about to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartItem {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptRef,
    /// The run that the message names. A record's headers are not signed, so that they could name
    /// another run's delivery: with this the server refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// `false` where a repeat of this call is harm, whatever the action says: a mapping may lead a
    /// plain webhook's call to Jenkins. It adds harm; nothing that an agent says takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_unknown: Option<bool>,
}

impl StartItem {
    /// Whether the agent knows that a repeat of its call is harm.
    #[must_use]
    pub fn repeat(&self) -> Repeat {
        repeat(self.repeat_unknown)
    }
}

/// Whoever says nothing adds no harm.
fn repeat(repeat_unknown: Option<bool>) -> Repeat {
    match repeat_unknown {
        Some(false) => Repeat::Harm,
        Some(true) | None => Repeat::Allowed,
    }
}

/// `POST /v1/deliveries/start`: may these calls be made?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// Who asks.
    #[serde(flatten)]
    pub by: Session,
    /// The attempts, at most [`BATCH_LIMIT`].
    pub items: Vec<StartItem>,
}

/// The answer to one item of a [`Start`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartAnswer {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptRef,
    /// Whether it is started; the same session that asks again gets the same answer, and calls once.
    pub answer: StartVerdict,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<StartRefusal>,
    /// Of a call that is started: `false` where a repeat is harm for the server, so that the agent
    /// reads its answer by the same rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_unknown: Option<bool>,
}

impl StartAnswer {
    /// Whether a repeat of the call is harm for the server.
    #[must_use]
    pub fn repeat(&self) -> Repeat {
        repeat(self.repeat_unknown)
    }
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartVerdict {
    /// The call is this session's.
    Started,
    /// It must not be made.
    No,
}

/// Why a call must not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartRefusal {
    /// There is no such delivery, or it is not for agents.
    NotFound,
    /// Another attempt took its place, or it is settled.
    Superseded,
    /// Another session has started it.
    StartedElsewhere,
    /// The run has ended.
    RunEnded,
}

/// `POST /v1/deliveries/settle`: what became of these calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settle {
    /// Who tells.
    #[serde(flatten)]
    pub by: Session,
    /// What became of each, at most [`BATCH_LIMIT`].
    pub items: Vec<Settlement>,
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptRef,
    /// What it came to.
    pub outcome: Reported,
    /// When the call was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Milliseconds from signing until the outcome was known.
    #[serde(default)]
    pub duration_ms: u64,
    /// The answer's HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The beginning of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The whole answer of a synchronous call: JSON where it is, else text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// Lines for the run's log, at most [`LOGS_LIMIT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
    /// What a mapping reports about the run beside the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<RunReport>,
}

/// What a mapping reports about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// The run's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Pages about it: a string or a list of strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Value>,
    /// A summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The backend's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_run_id: Option<String>,
}

/// An [`Outcome`] as an agent tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Reported {
    /// The receiver took it.
    Accepted {
        /// Something to tell although it was accepted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warning: Option<Diagnosis>,
        /// The receiver's own name for what it started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_run_id: Option<String>,
        /// Pages about what was started, absolute.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        links: Vec<String>,
    },
    /// Nothing was started; the server schedules another attempt.
    Retry {
        /// Why it did not succeed.
        diagnosis: Diagnosis,
        /// How many seconds the receiver asked everybody to wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
        /// False where the receiver only asked to wait.
        #[serde(default = "yes")]
        uses_attempt: bool,
    },
    /// It left, and what became of it is not known.
    Unknown {
        /// What happened.
        diagnosis: Diagnosis,
    },
    /// It will not be taken, however often it is sent.
    Refused {
        /// Why.
        diagnosis: Diagnosis,
    },
    /// The message failed verification, so nothing was started; it is published anew.
    Unverified {
        /// What did not fit.
        diagnosis: Diagnosis,
    },
}

const fn yes() -> bool {
    true
}

impl From<Outcome> for Reported {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted(Acceptance {
                warning,
                external_run_id,
                links,
            }) => Self::Accepted {
                warning,
                external_run_id,
                links,
            },
            Outcome::Retry(Retry {
                diagnosis,
                retry_after,
                uses_attempt,
            }) => Self::Retry {
                diagnosis,
                retry_after_seconds: retry_after.map(|wait| wait.as_secs()),
                uses_attempt,
            },
            Outcome::Unknown(diagnosis) => Self::Unknown { diagnosis },
            Outcome::Refused(diagnosis) => Self::Refused { diagnosis },
        }
    }
}

impl From<Reported> for Outcome {
    fn from(reported: Reported) -> Self {
        match reported {
            Reported::Accepted {
                warning,
                external_run_id,
                links,
            } => Self::Accepted(Acceptance {
                warning,
                external_run_id,
                links,
            }),
            Reported::Retry {
                diagnosis,
                retry_after_seconds,
                uses_attempt,
            } => Self::Retry(Retry {
                diagnosis,
                retry_after: retry_after_seconds.map(Duration::from_secs),
                uses_attempt,
            }),
            Reported::Unverified { diagnosis } => Self::Retry(Retry {
                diagnosis,
                retry_after: None,
                uses_attempt: true,
            }),
            Reported::Unknown { diagnosis } => Self::Unknown(diagnosis),
            Reported::Refused { diagnosis } => Self::Refused(diagnosis),
        }
    }
}

/// The answer to one item of a [`Settle`]. Whichever it is, the agent may forget the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleAnswer {
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptRef,
    /// What was made of it.
    pub answer: SettleVerdict,
}

/// What the server made of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleVerdict {
    /// It moved the delivery.
    Settled,
    /// The delivery had moved on: it is kept beside it.
    Recorded,
    /// There is no such delivery or attempt.
    NotFound,
}

/// `POST /v1/agents/heartbeat`: a session lives, and how it is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Who lives.
    #[serde(flatten)]
    pub by: Session,
    /// The agent's version.
    pub version: String,
    /// How it gets its work.
    pub streamer: Streamer,
    /// How many calls it has started and not settled.
    #[serde(default)]
    pub in_flight: u32,
    /// Its consumer group, on Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it reads, on Kafka.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<PartitionPosition>,
    /// The session takes no more: what it has claimed and not started is given back, what it has
    /// started goes on.
    #[serde(default)]
    pub draining: bool,
    /// The session ends now: what it had claimed is given back, and what it had started and not
    /// settled is not known to have been called.
    #[serde(default)]
    pub leaving: bool,
}

/// How far an agent's group has come in one partition of the organisation's topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionPosition {
    /// The partition.
    pub partition: i32,
    /// The offset that the group has committed: the first one that it has not finished.
    pub committed: i64,
    /// The first offset after the partition's end.
    pub end: i64,
}

/// The answer to a [`Heartbeat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatAnswer {
    /// After how many seconds the next one is expected.
    pub heartbeat_seconds: u64,
    /// After how many silent seconds the session counts as lost.
    pub session_seconds: u64,
}

/// How agents get their work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Streamer {
    /// From the organisation's topic.
    Kafka,
    /// They claim it over HTTP.
    Polling,
}

impl Streamer {
    /// The name in API and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kafka => "KAFKA",
            Self::Polling => "POLLING",
        }
    }
}

/// `POST /v1/actions/runs/claim-pending`. What names a session is answered with
/// [`ClaimedDelivery`]s beside the runs; without one the runs have to be acknowledged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// [`EXECUTION_AGENT`], or an integration's id.
    pub installation_id: String,
    /// At most how many runs.
    pub limit: u32,
    /// Only runs of this kind of invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation_method: Option<String>,
    /// Who claims (extension).
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub by: Option<Session>,
    /// Actions, and types of integrations' actions, whose runs are left alone: the claimer has as
    /// many of them as it can do. At most [`EXCLUDED_LIMIT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// How many seconds to wait until there is work (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

/// Beside `runs[i]` of a claim that named a session: the attempt that was handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedDelivery {
    /// The run.
    pub run: RunId,
    /// The attempt.
    #[serde(flatten)]
    pub attempt: AttemptRef,
}
