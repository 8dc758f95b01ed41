//! What keeps a pipeline's YAML from being used, and where.

use super::document::{Place, YamlFault};

/// A pipeline's YAML cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {fault}", .place.line, .place.column)]
pub struct DefinitionError {
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub fault: DefinitionFault,
}

/// What is wrong with a pipeline's YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionFault {
    /// It is no YAML that Azure Pipelines takes.
    #[error(transparent)]
    Yaml(YamlFault),
    /// A part is of the wrong kind.
    #[error("{what} is expected to be {expected}, but is {found}")]
    Kind {
        /// The part.
        what: String,
        /// Its kind as it should be.
        expected: &'static str,
        /// Its kind as it is.
        found: &'static str,
    },
    /// No webhook starts it.
    #[error(
        "the pipeline has no resources.webhooks; expected at least one entry with `webhook` (an alias) and \
         `connection` (the name of an Incoming WebHook service connection). Templates and conditional parts are not read"
    )]
    NoWebhook,
    /// A key that must be there, with a value.
    #[error("{owner} needs `{key}`: {what}")]
    Missing {
        /// Whose key it is.
        owner: &'static str,
        /// The key.
        key: &'static str,
        /// What it holds.
        what: &'static str,
    },
    /// A key that is not known there.
    #[error("{what} has the unknown key {key:?}; expected {expected}")]
    UnknownKey {
        /// Whose key it is.
        what: String,
        /// The key.
        key: String,
        /// The keys that are known.
        expected: String,
    },
    /// An alias that cannot be one.
    #[error("the alias {0:?} may hold letters, digits, `-` and `_` only")]
    Alias(String),
    /// Two webhooks with one alias.
    #[error("the alias {0:?} is already in use")]
    RepeatedAlias(String),
    /// Too many parts of a kind.
    #[error("{what} may hold at most {most}")]
    Many {
        /// What holds them.
        what: &'static str,
        /// How many it may hold.
        most: usize,
    },
}
