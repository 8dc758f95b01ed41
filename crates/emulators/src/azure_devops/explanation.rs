//! What an organisation makes of one call, and why: data that the decision itself leaves behind.
//! It holds no secrets; what callers wrote is cut and escaped.

mod display;
#[cfg(test)]
mod tests;

use http::Method;

use super::answer::Answer;
use super::shown::Shown;
use super::signature::SignatureFinding;

/// How a call was understood, from its address to the runs that it starts. `Display` is a block of
/// lines for terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: Shown,
    /// The webhook that the address names.
    pub webhook: WebhookFinding,
    /// The signature.
    pub signature: SignatureFinding,
    /// The body's length in bytes.
    pub body_bytes: usize,
    /// What is odd about the payload, whatever the pipelines.
    pub warnings: Vec<String>,
    /// Every pipeline, in the order of the configuration; none of a call that was refused.
    pub pipelines: Vec<PipelineFinding>,
    /// What is answered.
    pub answer: Answer,
}

/// Which webhook a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookFinding {
    /// The address is not a webhook's.
    NoAddress {
        /// Why, and the form that was expected.
        message: String,
    },
    /// No connection has a webhook of this name.
    Unknown {
        /// The name in the address.
        name: Shown,
        /// The webhook of the connection that has this name.
        meant: Option<String>,
        /// The webhooks that there are.
        known: Vec<String>,
    },
    /// A connection has it, but no pipeline that uses it has run yet.
    Unregistered {
        /// WebHook Name.
        name: String,
        /// The name of the connection.
        connection: String,
    },
    /// Calls of it reach pipelines.
    Registered {
        /// WebHook Name.
        name: String,
        /// The name of the connection.
        connection: String,
    },
}

/// What becomes of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineFinding {
    /// Its name.
    pub name: String,
    /// Its file; empty where it was not read from one.
    pub file: String,
    /// Its webhook resources of the called connection.
    pub webhooks: Vec<ResourceFinding>,
    /// What is put into its YAML; empty where it does not come that far.
    pub parameters: Vec<ParameterFinding>,
    /// What works otherwise than it looks.
    pub warnings: Vec<String>,
    /// What becomes of it.
    pub outcome: PipelineOutcome,
}

/// A webhook resource of the called connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFinding {
    /// Its alias.
    pub alias: String,
    /// Its line in the YAML.
    pub line: usize,
    /// Its filters; all must match.
    pub filters: Vec<FilterFinding>,
}

impl ResourceFinding {
    /// Whether all filters match.
    pub fn matches(&self) -> bool {
        self.filters.iter().all(|filter| filter.matches)
    }
}

/// A filter against a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterFinding {
    /// The path as written.
    pub path: String,
    /// The text that must stand there.
    pub expected: Shown,
    /// What stands there.
    pub found: ValueFinding,
    /// Whether it does.
    pub matches: bool,
}

/// An expression that reads the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterFinding {
    /// `<alias>.<path>`.
    pub name: String,
    /// Its line in the YAML.
    pub line: usize,
    /// What stands there in the payload.
    pub value: ValueFinding,
    /// Whether the value takes the place of the whole expression; larger ones are not evaluated.
    pub bare: bool,
}

/// What stands at a place of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueFinding {
    /// Nothing: an empty text is put in.
    Missing,
    /// Null: an empty text is put in.
    Null,
    /// A text, number or boolean, as a text.
    Scalar(Shown),
    /// An array, which makes the YAML invalid.
    Array,
    /// An object, which makes the YAML invalid.
    Object,
    /// The webhook of the expression was not called, or its filters do not match.
    OtherWebhook,
}

/// What becomes of a pipeline of a call that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineOutcome {
    /// None of its webhook resources names the called connection.
    OtherConnection {
        /// The connections that they name.
        connections: Vec<String>,
    },
    /// Its YAML does not stand on the repository's default branch, which alone is read.
    OtherBranch {
        /// Where it stands.
        branch: String,
        /// What is read.
        default_branch: String,
    },
    /// Not all filters match.
    FilteredOut,
    /// The YAML is invalid with this payload; the pipeline's page "Trigger issues" says so.
    TriggerIssue(String),
    /// A run starts.
    Starts,
    /// The emulator starts no more runs; the real service would.
    RunLimit,
}
