//! What one attempt at a delivery came to. No policy reads text: it reads these.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnosis::Diagnosis;

/// Whether a second call with the same delivery does harm; frozen when the delivery is made. Only an
/// agent that starts a call may add harm later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The receiver starts something anew with each call (Jenkins, Azure Pipelines).
    Harm,
    /// The receiver can recognise the delivery id.
    Allowed,
}

impl Repeat {
    /// Harm where either of both is.
    #[must_use]
    pub const fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Allowed, Self::Allowed) => Self::Allowed,
            _ => Self::Harm,
        }
    }
}

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Accepted(Acceptance),
    /// Nothing was started; try again.
    Retry(Retry),
    /// It left, and what became of it is not known.
    Unknown(Diagnosis),
    /// It will not be taken, however often it is sent.
    Refused(Diagnosis),
}

/// What an accepting answer told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// Something to tell although it was accepted.
    pub warning: Option<Diagnosis>,
    /// The receiver's own name for what it started (a Jenkins queue id).
    pub external_run_id: Option<String>,
    /// Pages about what was started, absolute.
    pub links: Vec<String>,
}

/// An attempt that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Why it did not succeed.
    pub diagnosis: Diagnosis,
    /// How long the receiver asked everybody to wait.
    pub retry_after: Option<Duration>,
    /// False where the receiver only asked to wait (429, 503 with `Retry-After`).
    pub uses_attempt: bool,
}
