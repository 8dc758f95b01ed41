//! Expressions that are evaluated in-process on a borrowed value: paths, literals, `//`, `|`, `if`,
//! comparisons, `and`, `or`, `not`, interpolation, and arrays and objects of those.
//!
//! Such an expression has at most one output, so no generator machinery is needed. What is not
//! recognised here is no mistake: it is left to the full language.

mod compare;
mod evaluate;
mod parse;

#[cfg(test)]
mod property;

#[cfg(test)]
mod tests;

use jaq_core::ops::Cmp;
use serde_json::Value;

pub(crate) use evaluate::{Fault, evaluate};
pub(crate) use parse::parse;

/// A plain expression.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Identity,
    Literal(Value),
    /// `base` followed by indexes.
    Path(Box<Path>),
    /// `(…)?`: nothing where it fails.
    Try(Box<Self>),
    /// `a // b // c`.
    Alternatives(Vec<Self>),
    /// `a | b | c`.
    Pipeline(Vec<Self>),
    Array(Option<Box<Self>>),
    Object(Vec<(Self, Self)>),
    /// `"…\(…)…"`
    Text(Vec<Piece>),
    Comparison(Box<(Self, Cmp, Self)>),
    /// `a and b and c`
    All(Vec<Self>),
    /// `a or b or c`
    Any(Vec<Self>),
    Not,
    /// Conditions, each with what follows from it, and what follows from none.
    If(Vec<(Self, Self)>, Option<Box<Self>>),
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Written(String),
    Interpolated(Expression),
}

#[derive(Clone, Debug)]
pub(crate) struct Path {
    base: Expression,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    key: Key,
    /// `.a?`: hides the mistake of this index only, as in jq.
    optional: bool,
}

#[derive(Clone, Debug)]
enum Key {
    Name(String),
    /// Evaluated on the input of the whole path.
    Computed(Expression),
}
