//! What is wrong with something a caller sent: where, and what was expected.

use std::fmt;

use serde::Serialize;

/// One mistake in an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Where, as a path from the document's root: `trigger.userInputs.properties.name.type`,
    /// array places as `[0]`; empty for the document itself.
    pub path: String,
    /// What was wrong and what was expected; never the value of a secret.
    pub message: String,
}

impl Violation {
    /// A mistake at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}
