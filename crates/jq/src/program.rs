//! A compiled expression, and what evaluating it comes to.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::bounds::Bound;
use crate::input::Input;
use crate::needs::Needs;
use crate::plain::{self, Fault};
use crate::{check, frame};

/// An expression without mistakes, as far as can be known before it runs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Program {
    text: Arc<str>,
    plain: Option<Arc<plain::Expression>>,
    needs: Arc<Needs>,
}

/// A mistake in an expression's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {position})")]
pub struct CompileError {
    /// What was found and what was expected.
    pub message: String,
    /// Where, in bytes from the start of the text.
    pub position: usize,
}

/// What an expression's first output is.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// A value.
    Output(Value),
    /// There was none.
    Empty,
    /// It failed, or no worker was to be had. May hold parts of the input.
    Error(String),
    /// It passed a bound.
    Exceeded(Bound),
}

impl Program {
    /// Compiles `text`.
    ///
    /// # Errors
    /// Where `text` is no expression, names what does not exist, or passes a bound of its length
    /// or depth.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        check::bounds(text)?;
        let plain = plain::parse(text).map(Arc::new);
        let needs = match &plain {
            // values that it leaves to a worker are seldom met
            Some(_) => Needs::whole(),
            None => check::compiles(text)?,
        };
        Ok(Self {
            text: text.into(),
            plain,
            needs: Arc::new(needs),
        })
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a worker must know of the input to evaluate it.
    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Whether what it comes to may depend on what stands at one of `paths` of its input, however it
    /// gets there. In doubt it may; compiles the text once more.
    #[must_use]
    pub fn may_read(&self, paths: &[&[&str]]) -> bool {
        let may_read = |needs: &Needs| paths.iter().any(|path| needs.reaches(path));
        match &self.plain {
            Some(_) => check::compiles(&self.text).map_or(true, |needs| may_read(&needs)),
            None => may_read(&self.needs),
        }
    }

    /// Evaluates here and now, where the expression and the values it meets are plain ones.
    #[must_use]
    pub fn evaluate_in_process<'a>(&self, input: impl Into<Input<'a>>) -> Option<Evaluated> {
        match plain::evaluate(self.plain.as_deref()?, input.into()) {
            Ok(Some(value)) => Some(Evaluated::Output(value)),
            Ok(None) => Some(Evaluated::Empty),
            Err(Fault::Error(message)) => Some(Evaluated::Error(message)),
            Err(Fault::Beyond) => None,
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<frame::Reply> for Evaluated {
    fn from(reply: frame::Reply) -> Self {
        match reply {
            frame::Reply::Output(value) => Self::Output(value),
            frame::Reply::Empty => Self::Empty,
            frame::Reply::Error(message) => Self::Error(message),
            frame::Reply::Exceeded(bound) => Self::Exceeded(bound),
        }
    }
}
