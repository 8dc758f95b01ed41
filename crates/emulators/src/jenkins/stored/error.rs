//! What is wrong with a stored file: where, what, and what was expected. Never a token's value.

use std::path::PathBuf;

/// A file that is not read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The system does not give it.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is longer than what is read.
    #[error("{} is larger than {limit} bytes", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// How much is read.
        limit: u64,
    },
    /// It is no UTF-8.
    #[error("{}, line {line}: expected text in UTF-8", file.display())]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// Line of the first other byte, from 1.
        line: usize,
    },
    /// It is no XML.
    #[error("{}, line {line}: {problem}", file.display())]
    NotXml {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// An element that does not belong there, or twice.
    #[error("{}, line {line}: expected {expected}, not <{element}>", file.display())]
    Element {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Name of the element.
        element: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A value that Jenkins would not have written.
    #[error("{}, line {line}: expected {expected} in <{element}>, not {found:?}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Name of the element.
        element: String,
        /// What stands there, cut.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The job is not triggered by the plugin.
    #[error(
        "{} has no Generic Webhook Trigger here; a Jenkinsfile that declares it must have run once",
        file.display()
    )]
    NoTrigger {
        /// The file.
        file: PathBuf,
    },
}
