//! Paths: compiled once, evaluated on any document, both within named limits.
//!
//! Jayway's evaluation is reproduced with its state and its exceptions, because what a filter makes
//! of a failure, and what `..` gives, depends on them.

mod compile;
mod cursor;
mod evaluate;
mod filter;
mod function;
mod step;
#[cfg(test)]
mod tests;
mod unescape;

use crate::java_regex::{MatchError, PatternError};
use crate::json::Node;
use compile::{Compilation, compile};
use evaluate::Evaluation;
use step::CompiledPath;

/// Longest path, in characters.
const PATH_LENGTH_LIMIT: usize = 4096;
/// Most steps of one path.
const PATH_STEP_LIMIT: usize = 100;
/// Deepest nesting of paths, parentheses and negations within each other.
const NESTING_LIMIT: usize = 24;
/// Most regular expressions within one path.
const PATTERN_LIMIT: usize = 16;
/// Most units of work of one evaluation: a node, a comparison, 16 bytes of text that is compared or
/// 64 bytes that are copied take one each.
const EVALUATION_STEP_LIMIT: usize = 4_000_000;
/// Deepest recursion of one evaluation, steps and levels of the document together.
const EVALUATION_DEPTH_LIMIT: usize = 1000;
/// Most bytes that one evaluation may copy, for results and what filters look at.
const COPIED_LIMIT_BYTES: usize = 64 << 20;

/// The text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text cannot be read on.
    #[error("at character {at}: expected {expected}")]
    Syntax {
        /// Characters before the place; within a filter or an argument, counted from its beginning.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A regular expression of a filter is none in Java.
    #[error("a filter's regular expression: {0}")]
    Pattern(#[from] PatternError),
    /// The path is too long.
    #[error("longer than {PATH_LENGTH_LIMIT} characters")]
    TooLong,
    /// The path has too many steps.
    #[error("more than {PATH_STEP_LIMIT} steps")]
    TooManySteps,
    /// The path has too many regular expressions.
    #[error("more than {PATTERN_LIMIT} regular expressions")]
    TooManyPatterns,
    /// Paths, parentheses or negations are nested too deeply.
    #[error("nested deeper than {NESTING_LIMIT}")]
    TooDeep,
}

/// The path gives no value for this document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A definite path leads nowhere.
    #[error("the path leads nowhere")]
    NotFound,
    /// A filter or a function meets what it is not for; within a filter this counts as false.
    #[error("expected {expected}")]
    Unfit {
        /// What should have been met.
        expected: &'static str,
    },
    /// A function's list is shorter than what it asks for.
    #[error("the list has no element {index}")]
    OutOfRange {
        /// The element asked for.
        index: i64,
    },
    /// What Jayway answers by an exception that it catches nowhere.
    #[error("{reason}")]
    Refused {
        /// What was met.
        reason: &'static str,
    },
    /// A regular expression gave up.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// The evaluation takes too much work.
    #[error("more than {EVALUATION_STEP_LIMIT} units of work")]
    TooMuchWork,
    /// The evaluation goes too deep.
    #[error("deeper than {EVALUATION_DEPTH_LIMIT} steps and levels")]
    TooDeep,
    /// The evaluation copies too much.
    #[error("more than {COPIED_LIMIT_BYTES} bytes of results")]
    TooLarge,
}

/// A compiled path.
///
/// ```
/// use longshore_jsonpath::{Path, json};
///
/// let document = json::read(r#"{"items": [{"id": 1, "name": "a"}, {"id": "2", "name": "b"}]}"#)?;
/// let path = Path::parse("$.items[?(@.id == 2)].name")?;
/// let names = path.evaluate(&document)?;
/// assert_eq!(json::text(&names, json::Layout::Compact).as_deref(), Some(r#"["b"]"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Path {
    compiled: CompiledPath,
    /// How many steps there are, those within filters and arguments included.
    steps: usize,
}

impl Path {
    /// Compiles a path. Without `$` or `@` in front it is read as if `$.` stood there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut compilation = Compilation::default();
        let compiled = compile(text, &mut compilation)?;
        Ok(Self {
            compiled,
            steps: compilation.steps(),
        })
    }

    /// Whether the path gives the value itself; any other gives the list of what it selects.
    pub fn is_definite(&self) -> bool {
        self.compiled.definite
    }

    /// The value of a definite path, or the list of what an indefinite one selects.
    pub fn evaluate(&self, document: &Node) -> Result<Node, EvaluationError> {
        Evaluation::new(self.steps).value(&self.compiled, document, document)
    }
}
