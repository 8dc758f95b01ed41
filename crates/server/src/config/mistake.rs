//! What can be wrong in a configuration: where it stands, what was found, what was expected.

use std::fmt;
use std::path::PathBuf;

/// The longest excerpt of a wrong value that a message repeats.
const EXCERPT_CHARS: usize = 80;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The defaults that are compiled in.
    Default,
    /// A configuration file, and the line where known.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line, counted from 1.
        line: Option<usize>,
    },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => {
                write!(f, "{}", path.display())?;
                line.map_or(Ok(()), |line| write!(f, ":{line}"))
            }
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    /// Where it stands.
    pub origin: Origin,
    /// The setting meant, as `section.key`; empty where the file as a whole is meant.
    pub setting: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a setting. Values of secrets never stand in here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// No setting or section has this name.
    Unknown {
        /// The known name most like it.
        nearest: Option<String>,
    },
    /// The value has another type or form.
    Invalid {
        /// What was found, cut to an excerpt.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A number outside its bounds.
    OutOfRange {
        /// The number.
        found: i64,
        /// The least allowed.
        least: u64,
        /// The greatest allowed.
        most: u64,
    },
    /// A list with more entries than allowed.
    TooMany {
        /// How many there are.
        found: usize,
        /// The most allowed.
        most: usize,
    },
    /// A secret given both as itself and as the name of a file.
    GivenTwice {
        /// The other form's name.
        other: String,
    },
    /// A file that cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file is not TOML.
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// Planned, and not there yet.
    NotBuilt {
        /// What is missing.
        what: &'static str,
        /// What to use meanwhile.
        instead: &'static str,
    },
    /// Valid alone, but not beside another setting.
    Conflict {
        /// The other setting.
        with: &'static str,
        /// What must hold between them.
        rule: &'static str,
    },
}

impl Problem {
    pub(super) fn invalid(found: &str, expected: &str) -> Self {
        Self::Invalid {
            found: format!("`{}`", excerpt(found)),
            expected: expected.to_owned(),
        }
    }
}

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

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        write!(f, "{}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { nearest: None } => f.write_str("there is no such setting"),
            Self::Unknown {
                nearest: Some(name),
            } => write!(f, "there is no such setting; the nearest is {name}"),
            Self::Invalid { found, expected } => write!(f, "found {found}, expected {expected}"),
            Self::OutOfRange { found, least, most } => {
                write!(f, "found {found}, expected a number from {least} to {most}")
            }
            Self::TooMany { found, most } => {
                write!(f, "found {found} entries, expected at most {most}")
            }
            Self::GivenTwice { other } => {
                write!(f, "is given as {other} too; expected only one of them")
            }
            Self::Unreadable { path, cause } => {
                write!(f, "cannot read {}: {cause}", path.display())
            }
            Self::Syntax { message } => write!(f, "not TOML: {message}"),
            Self::NotBuilt { what, instead } => {
                write!(f, "{what} is not built yet; expected {instead}")
            }
            Self::Conflict { with, rule } => write!(f, "does not fit {with}: {rule}"),
        }
    }
}

impl std::error::Error for ConfigMistake {}
