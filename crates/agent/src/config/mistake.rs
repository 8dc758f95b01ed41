//! What is wrong in an agent's configuration: where it stands and what was expected.

use std::fmt;

/// The longest excerpt of a wrong value that a message repeats.
const EXCERPT_CHARS: usize = 80;

/// One thing that is wrong in a configuration. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file or variable.
    pub origin: String,
    /// The setting meant, as `section.key`; empty where the file as a whole is meant.
    pub setting: String,
    /// What was found and what was expected.
    pub message: String,
}

impl Mistake {
    pub(crate) fn new(
        origin: impl Into<String>,
        setting: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            origin: origin.into(),
            setting: setting.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

/// `text` as one line, with its end cut off where it is long.
pub(super) fn excerpt(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(EXCERPT_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(EXCERPT_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
