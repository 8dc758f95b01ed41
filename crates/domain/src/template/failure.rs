//! Why an expression came to nothing.

/// An expression, or the braces of a string, that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where in the template, as in violations; of a key, the place of its value.
    pub path: String,
    /// The expression; empty where it is not one expression's fault.
    pub expression: String,
    /// What kind of mistake it is.
    pub cause: Cause,
    /// Why; never holds a secret, but may hold parts of inputs.
    pub message: String,
}

/// The kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A string whose braces make no sense, or a template beyond its bounds.
    Template,
    /// The expression does not compile.
    Compile {
        /// Where its text goes wrong, in characters from 0.
        position: usize,
    },
    /// It passed a bound of time, memory or size.
    Bound,
    /// It failed on the values that it met.
    Error,
    /// It came to a key that is none.
    Key,
    /// It came to something whose entries cannot be taken over.
    Spread,
    /// It names a secret, so that nothing more is told.
    Secret,
}

impl Cause {
    /// The name in API and storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Compile { .. } => "compile",
            Self::Bound => "bound",
            Self::Error => "error",
            Self::Key => "key",
            Self::Spread => "spread",
            Self::Secret => "failed",
        }
    }

    /// Where the expression's text goes wrong, in characters from 0.
    #[must_use]
    pub const fn position(self) -> Option<usize> {
        match self {
            Self::Compile { position } => Some(position),
            _ => None,
        }
    }
}
