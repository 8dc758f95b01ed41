//! What a check found: one finding a step, in the order of a call's way.

use std::collections::BTreeMap;

use longshore_domain::delivery::Receiver;
use longshore_domain::diagnosis::{Diagnosis, Reason};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Position;

use crate::target::Target;

/// The steps of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Resolving the name.
    Name,
    /// The network rules.
    Address,
    /// The egress proxy.
    Proxy,
    /// The connection to the receiver.
    Connection,
    /// The TLS handshake.
    Tls,
    /// The receiver's certificate.
    Certificate,
    /// Our certificate.
    ClientCertificate,
    /// What stands at the address.
    Receiver,
    /// Whether the receiver admits our address.
    Sender,
    /// Whether the receiver computes the same signature.
    Signature,
    /// Azure DevOps' incoming webhook.
    Webhook,
    /// Which jobs a real call would start.
    DryRun,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It cannot be known without starting something.
    Unknown,
    /// It works, and something should be changed.
    Warning,
    /// Calls will fail here.
    Failed,
}

/// What was found at one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// How it stands.
    pub verdict: Verdict,
    /// The code of the diagnosis that a run would show; also its page under `docs/errors/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Reason>,
    /// What was found.
    pub message: String,
    /// What to change, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(crate) fn ok(step: Step, message: impl Into<String>) -> Self {
        Self::plain(step, Verdict::Ok, message)
    }

    /// Not to be known.
    pub(crate) fn unknown(step: Step, message: impl Into<String>) -> Self {
        Self::plain(step, Verdict::Unknown, message)
    }

    /// Not to be known; what to do if it fails.
    pub(crate) fn unknown_but(step: Step, found: Diagnosis) -> Self {
        Self::diagnosed(step, Verdict::Unknown, found)
    }

    /// Should be changed.
    pub(crate) fn warning(step: Step, found: Diagnosis) -> Self {
        Self::diagnosed(step, Verdict::Warning, found)
    }

    /// Fails.
    pub(crate) fn failed(step: Step, found: Diagnosis) -> Self {
        Self::diagnosed(step, Verdict::Failed, found)
    }

    fn plain(step: Step, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            step,
            verdict,
            code: None,
            message: message.into(),
            fix: None,
        }
    }

    fn diagnosed(step: Step, verdict: Verdict, found: Diagnosis) -> Self {
        Self {
            step,
            verdict,
            code: Some(found.reason),
            message: found.message,
            fix: Some(found.fix),
        }
    }
}

/// A job of which a dry run told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedJob {
    /// Its full name.
    pub name: String,
    /// Whether the call would start it.
    pub triggered: bool,
    /// The trigger's regular expression.
    pub filter_expression: String,
    /// The rendered text that it is looked for in.
    pub filter_text: String,
    /// Its variables, without what is secret.
    pub variables: BTreeMap<String, String>,
}

/// Everything that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The address, without its query.
    pub url: String,
    /// What it is, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Receiver>,
    /// The findings, in the order of a call's way.
    pub findings: Vec<Finding>,
    /// What a dry run told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<CheckedJob>,
}

impl Report {
    pub(super) fn new(target: &Target) -> Self {
        Self {
            url: target.url()[..Position::AfterPath].to_owned(),
            receiver: None,
            findings: Vec::new(),
            jobs: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// As the API shows it: the report, with its verdict.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        shown["verdict"] = serde_json::to_value(self.verdict()).unwrap_or_default();
        shown
    }

    /// The worst of its findings.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.findings.iter().map(|finding| finding.verdict);
        verdicts.max().unwrap_or(Verdict::Ok)
    }
}
