//! What one decision writes, all of it or nothing.

use serde_json::Value;

use super::{Documents, Run, Status, Vote};
use crate::delivery::{Attempt, Delivery};
use crate::id::{RunId, RunLogId};
use crate::template::Deferred;
use crate::time::Timestamp;

/// Everything that one decision about a run writes in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct RunChange {
    /// The run's own row.
    pub run: RunWrite,
    /// Its delivery, where that changes.
    pub delivery: Option<DeliveryWrite>,
    /// What was learned from an attempt.
    pub attempt: Option<Attempt>,
    /// What the run's timeline and the automations are told.
    pub events: Vec<Event>,
    /// Lines for the run's log; where the run's row is written, it counts them already.
    pub log: Vec<LogLine>,
    /// Makes a repeated request find this run.
    pub idempotency: Option<Idempotency>,
}

/// What happens to the run's row.
#[derive(Clone, Debug, PartialEq)]
pub enum RunWrite {
    /// It is made.
    Insert(Box<NewRun>),
    /// It is replaced, if it still has `from` as its version.
    Update {
        /// The run as it shall be, its version already counted up.
        run: Box<Run>,
        /// The version that was decided on.
        from: u32,
        /// Which documents change.
        documents: DocumentsPatch,
    },
    /// It stays as it is.
    Keep(RunId),
}

/// A run with its documents.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// The run.
    pub run: Run,
    /// Its documents.
    pub documents: Documents,
}

/// The documents that a change replaces; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentsPatch {
    /// The rendered invocation with its deferred parts.
    pub payload: Option<(Value, Vec<Deferred>)>,
    /// What the backend answered.
    pub response: Option<Value>,
    /// What approvers said.
    pub votes: Option<Vec<Vote>>,
}

impl DocumentsPatch {
    /// Whether nothing is replaced.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.payload.is_none() && self.response.is_none() && self.votes.is_none()
    }
}

/// What happens to the run's delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryWrite {
    /// It is made.
    Insert(Delivery),
    /// It is replaced, if it still has `from` as its version.
    Update {
        /// The delivery as it shall be, its version already counted up.
        delivery: Delivery,
        /// The version that was decided on.
        from: u32,
    },
}

impl DeliveryWrite {
    /// Replaces what was read as `before` by `after`.
    #[must_use]
    pub fn update(before: &Delivery, after: Delivery) -> Self {
        let from = before.version;
        Self::Update {
            delivery: Delivery {
                version: from + 1,
                ..after
            },
            from,
        }
    }

    /// The delivery as it shall be.
    #[must_use]
    pub const fn delivery(&self) -> &Delivery {
        match self {
            Self::Insert(delivery) | Self::Update { delivery, .. } => delivery,
        }
    }

    /// The delivery as it shall be, by itself.
    #[must_use]
    pub fn into_delivery(self) -> Delivery {
        match self {
            Self::Insert(delivery) | Self::Update { delivery, .. } => delivery,
        }
    }
}

/// What happened to a run, as its timeline and the automations are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Who caused it: a credential, a run token, the engine.
    pub by: String,
    /// What changed; only the keys that did.
    pub changed: Value,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was asked for.
    RunRequested,
    /// An approver spoke.
    RunApproval,
    /// A backend, or somebody for it, reported.
    RunReported,
    /// A pipeline took it.
    RunRedeemed,
    /// A report came after the run had ended.
    LateReport,
    /// The engine changed it: a delivery settled, time ran out, a person redelivered.
    RunUpdated,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::RunRequested,
        Self::RunApproval,
        Self::RunReported,
        Self::RunRedeemed,
        Self::LateReport,
        Self::RunUpdated,
    ];

    /// The name in API and storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunRequested => "run_requested",
            Self::RunApproval => "run_approval",
            Self::RunReported => "run_reported",
            Self::RunRedeemed => "run_redeemed",
            Self::LateReport => "late_report",
            Self::RunUpdated => "run_updated",
        }
    }

    /// The kind called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its public id.
    pub id: RunLogId,
    /// The text.
    pub message: String,
    /// Who wrote it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// Makes a repeated request find the run that the first one made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Credential, action and the caller's key, hashed together.
    pub key: [u8; 32],
    /// The request's body, hashed; another body with the same key is a mistake.
    pub body: [u8; 32],
    /// When the key may be used anew.
    pub expires_at: Timestamp,
}

impl RunChange {
    /// A change of nothing but what is set afterwards.
    #[must_use]
    pub const fn keep(id: RunId) -> Self {
        Self::of(RunWrite::Keep(id))
    }

    pub(super) const fn of(run: RunWrite) -> Self {
        Self {
            run,
            delivery: None,
            attempt: None,
            events: Vec::new(),
            log: Vec::new(),
            idempotency: None,
        }
    }

    /// The run as it shall be; none where it stays.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        match &self.run {
            RunWrite::Insert(new) => Some(&new.run),
            RunWrite::Update { run, .. } => Some(run),
            RunWrite::Keep(_) => None,
        }
    }

    /// The run and the delivery as they shall be; none where one of them stays.
    #[must_use]
    pub fn into_run_and_delivery(self) -> Option<(Run, Delivery)> {
        let run = match self.run {
            RunWrite::Insert(new) => new.run,
            RunWrite::Update { run, .. } => *run,
            RunWrite::Keep(_) => return None,
        };
        Some((run, self.delivery?.into_delivery()))
    }

    /// `run` and `delivery`, of which it was decided, as they shall be.
    #[must_use]
    pub fn applied_to(self, run: Run, delivery: Delivery) -> (Run, Delivery) {
        let run = match self.run {
            RunWrite::Insert(new) => new.run,
            RunWrite::Update { run, .. } => *run,
            RunWrite::Keep(_) => run,
        };
        let written = self.delivery.map(DeliveryWrite::into_delivery);
        (run, written.unwrap_or(delivery))
    }

    /// The id of the run that it is about.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        match &self.run {
            RunWrite::Insert(new) => &new.run.id,
            RunWrite::Update { run, .. } => &run.id,
            RunWrite::Keep(id) => id,
        }
    }

    /// The status that this change ends the run with.
    #[must_use]
    pub fn ended_with(&self) -> Option<Status> {
        self.run()
            .map(|run| run.status)
            .filter(|status| status.is_final())
    }
}
