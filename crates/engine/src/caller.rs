//! Who asks, and what that caller may do.

use longshore_domain::id::RunId;
use longshore_domain::run::Reporter;

use crate::error::Error;

/// What a credential may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everything; acts as Admin.
    Full,
    /// Redeeming, logging, answering and patching runs, after their first attempt.
    Report,
    /// Signing only: it obtains no token.
    Sign,
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// An organisation credential with the scope `full`.
    Machine {
        /// The credential's client id.
        credential: String,
    },
    /// An organisation credential with the scope `report`.
    ReportCredential {
        /// The credential's client id.
        credential: String,
    },
    /// The pipeline of one attempt, for its own run.
    RunToken {
        /// The run.
        run: RunId,
        /// The attempt whose call carried the token.
        attempt: u32,
    },
}

impl Caller {
    /// The name in `createdBy`, events and log lines.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Machine { credential } | Self::ReportCredential { credential } => {
                credential.clone()
            }
            Self::RunToken { run, attempt } => format!("run token of {run}, attempt {attempt}"),
        }
    }

    /// The credential, where this caller acts as Admin.
    ///
    /// # Errors
    /// `Forbidden` for every other caller.
    pub fn admin(&self) -> Result<&str, Error> {
        match self {
            Self::Machine { credential } => Ok(credential),
            Self::ReportCredential { .. } => Err(Error::forbidden(
                "a credential with the scope report may only redeem, log, answer and patch runs",
            )),
            Self::RunToken { .. } => Err(Error::forbidden(
                "a run token may only redeem, log, answer and patch its own run",
            )),
        }
    }

    /// Who reports on `run`.
    ///
    /// # Errors
    /// `Forbidden` where it is a token of another run.
    pub fn reporter(&self, run: &RunId) -> Result<Reporter, Error> {
        match self {
            Self::Machine { credential } => Ok(Reporter::Machine(credential.clone())),
            Self::ReportCredential { credential } => {
                Ok(Reporter::ReportCredential(credential.clone()))
            }
            Self::RunToken { run: own, attempt } if own == run => {
                Ok(Reporter::RunToken { attempt: *attempt })
            }
            Self::RunToken { .. } => Err(Error::forbidden("this run token belongs to another run")),
        }
    }
}
