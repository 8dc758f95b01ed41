//! JSON with `{{ jq }}` in its strings and keys: what it asks for, and what it becomes.
//!
//! Nothing here evaluates. A template lists its expressions; whoever can, evaluates them and hands
//! the results back. What names a secret, or is said to be kept, stays as written until each attempt.

mod expression;
mod failure;
mod fill;
mod per_attempt;
mod place;
mod quotes;
mod scan;
mod secrecy;
mod survey;
mod tree;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::violation::Violation;

pub use expression::{Evaluated, Expression};
pub use failure::{Cause, Failure};
pub use fill::{Deferred, Filled};
pub use per_attempt::{Completed, PerAttempt};
pub use survey::{Occurrence, Role, Survey};

use tree::{Parsed, Parser};

/// Arrays and objects around a string with templates.
pub const MAX_TEMPLATE_DEPTH: usize = 64;
/// Different expressions of one template.
pub const MAX_TEMPLATE_EXPRESSIONS: usize = 1000;
/// Bytes of one expression; what evaluates them has a bound of its own that is no larger.
pub const MAX_EXPRESSION_BYTES: usize = 16 * 1024;
/// Arrays and objects around any value of what a template becomes, so that it can be read again.
pub const MAX_FILLED_DEPTH: usize = 100;
/// Bytes that results may add to what a template becomes.
pub const MAX_FILLED_BYTES: usize = 8 * 1024 * 1024;
/// Mistakes listed for one template.
pub const MAX_TEMPLATE_VIOLATIONS: usize = 100;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template(Parsed);

impl Template {
    /// Parses every string and key of `value`. Never refuses: a string whose braces make no sense,
    /// or that passes a bound, is listed in [`Self::violations`] and becomes null like any
    /// expression that fails.
    #[must_use]
    pub fn parse(value: &Value) -> Self {
        Self::parse_keeping(value, &|_| false)
    }

    /// The same where expressions that `keeps` names wait for each attempt as well, as those do that
    /// name a secret.
    #[must_use]
    pub fn parse_keeping(value: &Value, keeps: &dyn Fn(&str) -> bool) -> Self {
        Self(Parser::deferring(keeps).parse(value))
    }

    /// The different expressions, in order of appearance.
    #[must_use]
    pub fn expressions(&self) -> &[Expression] {
        self.0.expressions.list()
    }

    /// What is wrong with the template's braces and bounds; paths start at the template's root.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// Puts results in: `evaluated` has one for each of [`Self::expressions`], in order. Those of
    /// deferred ones are not looked at.
    #[must_use]
    pub fn fill(&self, evaluated: &[Evaluated]) -> Filled {
        fill::fill(&self.0.root, &self.0.expressions, evaluated)
    }
}
