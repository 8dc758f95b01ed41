//! The numbers that stand for states and kinds in columns. A number never changes its meaning.

use longshore_domain::delivery::{OutcomeKind, Receiver, State};
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{EventKind, Source, Status};

use crate::DocumentKind;

/// A value that is stored as a small number.
pub(super) trait Code: Copy + Sized {
    /// Its number.
    fn code(self) -> i64;
    /// The value of a number.
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($type:ty { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl Code for $type {
            fn code(self) -> i64 {
                match self { $(Self::$variant => $code),+ }
            }

            fn from_code(code: i64) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

codes!(Status {
    WaitingForApproval = 0,
    InProgress = 1,
    Success = 2,
    Failure = 3,
    Declined = 4,
});
codes!(Source { Ui = 0, Api = 1, Automation = 2 });
codes!(State {
    Due = 0,
    Owned = 1,
    Started = 2,
    Published = 3,
    Done = 4,
    Unconfirmed = 5,
    Dead = 6,
    Cancelled = 7,
});
codes!(Receiver { Webhook = 0, Jenkins = 1, AzurePipelines = 2, Agent = 3, Kafka = 4 });
codes!(Repeat { Harm = 0, Allowed = 1 });
codes!(OutcomeKind { Accepted = 0, Retry = 1, Unknown = 2, Refused = 3 });
codes!(EventKind {
    RunRequested = 0,
    RunApproval = 1,
    RunReported = 2,
    RunRedeemed = 3,
    LateReport = 4,
    RunUpdated = 5,
});
codes!(DocumentKind {
    Organization = 0,
    Credential = 1,
    Secret = 2,
    Connection = 3,
});

impl Code for bool {
    fn code(self) -> i64 {
        i64::from(self)
    }

    fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}
