//! What stands in `[?( … )]`: comparisons, joined by `&&`, `||` and `!`.

mod compare;
mod compile;
mod list;
mod value;

use std::sync::Arc;

use super::step::CompiledPath;
use crate::java_regex::Pattern;
use crate::json::Node;
use crate::numbers::Decimal;

pub(super) use compile::compile;

/// A condition on one value.
#[derive(Debug)]
pub(super) enum Predicate {
    Any(Vec<Predicate>),
    All(Vec<Predicate>),
    Not(Box<Predicate>),
    Exists {
        path: CompiledPath,
        wanted: bool,
    },
    Compare {
        left: Operand,
        operator: Operator,
        right: Operand,
    },
}

/// One side of a comparison.
#[derive(Debug)]
pub(super) enum Operand {
    Path(CompiledPath),
    Text(String),
    Number(Decimal),
    Bool(bool),
    Null,
    /// An array or object as written, and what it is read as; `None` where it is not JSON.
    Json(Arc<Literal>),
    /// `None` where the path is only checked.
    Pattern(Option<Pattern>),
}

/// An array or object within a filter.
#[derive(Debug)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) node: Option<Node>,
}

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    SameTypeEqual,
    NotEqual,
    SameTypeNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    Contains,
    All,
    Size,
    Empty,
    SubsetOf,
    AnyOf,
    NoneOf,
    Exists,
    /// `type` and `matches`, for which no literal can be written.
    Unwritable,
}

impl Operator {
    /// Words are read in any case.
    fn read(text: &str) -> Option<Self> {
        Some(match text.to_uppercase().as_str() {
            "==" => Self::Equal,
            "===" => Self::SameTypeEqual,
            "!=" => Self::NotEqual,
            "!==" => Self::SameTypeNotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "=~" => Self::Matches,
            "IN" => Self::In,
            "NIN" => Self::NotIn,
            "CONTAINS" => Self::Contains,
            "ALL" => Self::All,
            "SIZE" => Self::Size,
            "EMPTY" => Self::Empty,
            "SUBSETOF" => Self::SubsetOf,
            "ANYOF" => Self::AnyOf,
            "NONEOF" => Self::NoneOf,
            "EXISTS" => Self::Exists,
            "TYPE" | "MATCHES" => Self::Unwritable,
            _ => return None,
        })
    }
}
