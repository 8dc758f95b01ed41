//! Runs: what they are and every rule by which they change.
//!
//! A run changes only through a [`RunChange`], which carries its events, so no status moves
//! without a trace. Deciding is pure; the store applies a change whole or not at all.

mod accept;
mod agent_message;
mod agents;
mod approval;
mod change;
mod conclude;
mod encrypted;
mod report;
mod templates;
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::RunId;
use crate::json::JsonDocument;
use crate::time::Timestamp;

pub use crate::action::{ApprovalType, RequiredApproval};
pub use accept::{
    AGENT_DESTINATION, Entry, GITLAB_DESTINATION, INTEGRATION_PREFIX, KAFKA_DESTINATION,
    NewDelivery, Rendered, Request, accept, dispatch, is_for_agents,
};
pub use agent_message::{
    CallOutline, Freshness, MessageText, ReadMessage, SignedMessage, Unverified, agent_message,
    has_room_for_message, is_on, signed, verify,
};
pub use agents::{AgentReport, handed_over, moved, settled_by_agent, started_by_agent};
pub use approval::{ApprovalRejection, Approved, Decision, Vote, approve};
pub use change::{
    DeliveryWrite, DocumentsPatch, Event, EventKind, Idempotency, LogLine, NewRun, RunChange,
    RunWrite,
};
pub use conclude::{
    ENGINE, cancel_waiting, conclude, label_silence, recovered, redelivered, settled,
};
pub use encrypted::{EncryptedInputs, censor, defer_in_message};
pub use report::{
    LOG_LINES_LIMIT, LogEntry, Redeem, RedeemAnswer, Report, ReportRejection, Reporter, Reporting,
    WRITES_LIMIT, log, redeem, report, respond,
};
pub use templates::{FailedTemplates, MAX_FAILURES_TOLD, MAX_TOLD_CHARS, tell_failed_templates};
pub use view::{Message, RunView, standard_message};

/// The labels that the engine itself puts on a run; a label that a report set is never replaced.
pub mod label {
    /// The delivery failed and will be tried again.
    pub const RETRYING: &str = "Retrying";
    /// The run waits until an agent claims it.
    pub const WAITING_FOR_AGENT: &str = "Waiting for an agent";
    /// Sent, and no answer came.
    pub const UNCONFIRMED: &str = "Delivery unconfirmed";
    /// Accepted, and nobody reported since.
    pub const NO_REPORT: &str = "No report";
    /// The action was deleted while the run waited for approval.
    pub const ACTION_DELETED: &str = "Action deleted";
}

/// Where a run stands; the five values of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not yet executed.
    WaitingForApproval,
    /// Executed, and not ended.
    InProgress,
    /// Ended well.
    Success,
    /// Ended badly.
    Failure,
    /// Refused by an approver.
    Declined,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::WaitingForApproval,
        Self::InProgress,
        Self::Success,
        Self::Failure,
        Self::Declined,
    ];

    /// The name in API, metrics and storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WaitingForApproval => "WAITING_FOR_APPROVAL",
            Self::InProgress => "IN_PROGRESS",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Declined => "DECLINED",
        }
    }

    /// The status called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing about the run may change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Declined)
    }
}

/// Where a run was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Source {
    /// The web pages.
    Ui,
    /// The REST API.
    Api,
    /// An automation.
    Automation,
}

impl Source {
    /// The name in API and storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ui => "UI",
            Self::Api => "API",
            Self::Automation => "AUTOMATION",
        }
    }

    /// The source called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ui, Self::Api, Self::Automation]
            .into_iter()
            .find(|source| source.name() == name)
    }
}

/// What a run shows beside its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The text.
    pub text: String,
    /// Whether the engine set it; only such a label is replaced or cleared by the engine.
    pub by_engine: bool,
}

/// Which attempt's pipeline took the run, so that no second one goes on with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The attempt whose run token redeemed; none where a credential did.
    pub attempt: Option<u32>,
    /// Who it said to be, say a build's URL.
    pub by: Option<String>,
}

/// A run without its documents: all that rules about it need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its public id.
    pub id: RunId,
    /// The action's identifier when the run was requested.
    pub action: String,
    /// The action's revision that was requested, and runs.
    pub action_revision: i64,
    /// The action's blueprint.
    pub blueprint: Option<String>,
    /// The identifier of the entity that it is about.
    pub entity: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// What it shows beside its status.
    pub label: Option<Label>,
    /// Where it was asked for.
    pub source: Source,
    /// Whether it had to be approved.
    pub required_approval: RequiredApproval,
    /// Pages about it, as the last report gave them: a string or a list of strings.
    pub link: Option<Value>,
    /// The last report's summary.
    pub summary: Option<String>,
    /// The backend's own name for it.
    pub external_run_id: Option<String>,
    /// Who asked for it.
    pub created_by: String,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The run that it repeats.
    pub rerun_of: Option<RunId>,
    /// Which pipeline took it.
    pub redemption: Option<Redemption>,
    /// How many log lines it has.
    pub log_lines: u32,
    /// Counts writes; a change is applied only to the version that it was decided on.
    pub version: u32,
}

/// A run's larger parts, kept apart so that the row that changes often stays small.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// The inputs, defaults filled in; what the server encrypts is censored, here and as it was
    /// sent.
    pub properties: JsonDocument,
    /// The inputs as they were sent, where they differ.
    pub raw_properties: Option<JsonDocument>,
    /// Who asked for it, from where and when: the `trigger` of templates.
    pub trigger: JsonDocument,
    /// What the run is about, `{identifier}`.
    pub entity: Option<Value>,
    /// The rendered invocation; what names a secret stands in it as it was written.
    pub payload: Option<JsonDocument>,
    /// The parts of `payload` that are evaluated for each attempt anew.
    pub deferred: Vec<crate::template::Deferred>,
    /// What the backend answered.
    pub response: Option<Value>,
    /// What approvers said.
    pub votes: Vec<Vote>,
    /// The encrypted inputs, where there are some.
    pub encrypted: Option<Box<EncryptedInputs>>,
}
