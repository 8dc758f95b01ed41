//! What a call to the server came to where it was no success.

use std::time::Duration;

/// Why a call to the server failed. Holds no token and no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// It could not be reached, or gave no whole answer.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It cannot answer now.
    #[error("the server answered {status}: {message}")]
    Busy {
        /// The status.
        status: u16,
        /// Its words.
        message: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// It takes neither the credential nor its secrets.
    #[error("the server does not accept the credential: {0}")]
    Unauthorized(String),
    /// It will not do this, however often it is asked.
    #[error("the server answered {status} {code}: {message}")]
    Refused {
        /// The status.
        status: u16,
        /// The stable code.
        code: String,
        /// Its words.
        message: String,
    },
    /// The answer is longer than what is read.
    #[error("the server's answer is longer than what is read")]
    TooLong,
    /// What came back is not what was asked for.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
}

impl ApiError {
    /// Whether the call itself was judged, so that no repeat changes it.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::TooLong)
    }

    /// How long the server asked to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
