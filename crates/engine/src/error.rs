//! Why a use case refuses. Knows no HTTP: one place in the server turns these into answers.

use std::time::Duration;

use longshore_domain::delivery::RedeliverRejection;
use longshore_domain::run::{ApprovalRejection, ReportRejection, Status};
use longshore_domain::violation::Violation;

/// Why a use case did not do what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nobody, or a token that does not hold (any more).
    #[error("{0}")]
    Unauthorized(&'static str),
    /// A caller that may not.
    #[error("{0}")]
    Forbidden(String),
    /// No such thing.
    #[error("{what} {name:?} was not found")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The name is taken, or the thing has moved.
    #[error("{0}")]
    Conflict(String),
    /// The input breaks rules.
    #[error("{}", list(.0))]
    Invalid(Vec<Violation>),
    /// The action's invocation is stored, but not executed by this version.
    #[error("{0}")]
    InvocationNotAvailable(String),
    /// The idempotency key was used with another body.
    #[error("this Idempotency-Key was used before with another body")]
    IdempotencyConflict,
    /// A report that the run does not take.
    #[error("{}", report_rejection(.0))]
    Report(ReportRejection),
    /// An approval that the run does not take.
    #[error("{}", approval_rejection(*.0))]
    Approval(ApprovalRejection),
    /// A redelivery that is refused.
    #[error("{}", redelivery_rejection(*.0))]
    Redelivery(RedeliverRejection),
    /// Too many checks of connections in a short time.
    #[error("at most {most} checks within {} s; try again later", within.as_secs())]
    TooManyChecks {
        /// How many there may be.
        most: usize,
        /// Within which time.
        within: Duration,
    },
    /// Too much work waits; nothing was stored.
    #[error("too much work is waiting; try again")]
    Overloaded,
    /// The database cannot be used now; nothing was stored.
    #[error("the database cannot be written now; try again")]
    Unavailable(String),
    /// A stored thing cannot be read.
    #[error("a stored record cannot be read")]
    Corrupt(String),
}

impl Error {
    /// A refusal with its reason.
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::Forbidden(reason.into())
    }

    /// Nothing is called `name`.
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.into(),
        }
    }

    /// One broken rule.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(path, message)])
    }
}

impl From<longshore_store::Error> for Error {
    fn from(error: longshore_store::Error) -> Self {
        use longshore_store::Error as Stored;
        match error {
            Stored::NotFound(what) => Self::not_found(what, ""),
            Stored::Conflict(what) => {
                Self::Conflict(format!("{what} exists already, or has changed meanwhile"))
            }
            Stored::IdempotencyReplay { .. } => Self::IdempotencyConflict,
            Stored::Overloaded => Self::Overloaded,
            Stored::Unavailable(cause) => Self::Unavailable(cause),
            corrupt @ Stored::Corrupt { .. } => Self::Corrupt(corrupt.to_string()),
        }
    }
}

fn list(violations: &[Violation]) -> String {
    const SHOWN: usize = 20;
    let mut text = violations
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ");
    if violations.len() > SHOWN {
        text.push_str(&format!("; and {} more", violations.len() - SHOWN));
    }
    text
}

fn report_rejection(rejection: &ReportRejection) -> String {
    match rejection {
        ReportRejection::RunEnded(_) => "the run has ended; it takes no more reports".into(),
        ReportRejection::NotInProgress(status) => waits(*status),
        ReportRejection::Superseded { holder } => {
            format!("the run was already redeemed by {holder}")
        }
        ReportRejection::NotStarted => "no attempt of the run has been made yet".into(),
        ReportRejection::Full => "the run's log is full; it takes no more reports".into(),
    }
}

fn waits(status: Status) -> String {
    format!("the run is {}, not IN_PROGRESS", status.name())
}

fn approval_rejection(rejection: ApprovalRejection) -> String {
    match rejection {
        ApprovalRejection::NotWaiting(status) => {
            format!("the run is {}, not WAITING_FOR_APPROVAL", status.name())
        }
        ApprovalRejection::AlreadyAnswered => "this approver has answered already".into(),
    }
}

fn redelivery_rejection(rejection: RedeliverRejection) -> String {
    match rejection {
        RedeliverRejection::InFlight => "an attempt is under way".into(),
        RedeliverRejection::RunEnded => "the run has ended; use rerun for a new one".into(),
        RedeliverRejection::WaitsForAgent => "the delivery waits for an agent".into(),
    }
}
