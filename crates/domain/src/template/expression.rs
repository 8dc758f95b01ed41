//! The expressions of a template, each once, and what they came to.

use std::collections::HashMap;

use serde_json::Value;

use super::failure::Cause;
use super::{quotes, secrecy};

/// What stood in `{{ … }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// jq text: single-quoted strings rewritten, blanks around it dropped.
    pub text: String,
    /// Names `.secrets` or `.run.token`, or may, or is kept for another reason: evaluated per
    /// attempt alone.
    pub deferred: bool,
}

impl Expression {
    /// What stands between braces as `written`.
    #[must_use]
    pub fn of(written: &str) -> Self {
        let text = quotes::rewritten(written).trim().to_owned();
        let deferred = secrecy::names_secret(&text);
        Self { text, deferred }
    }
}

/// What one expression came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// Its first output.
    Value(Value),
    /// It had no output; vanishes from objects.
    Undefined,
    /// It failed, or does not compile; null.
    Failed {
        /// What kind of mistake it is.
        cause: Cause,
        /// Why.
        message: String,
    },
}

/// The place of an expression in its list.
pub(super) type ExpressionId = usize;

#[derive(Clone, Debug, Default)]
pub(super) struct Expressions {
    list: Vec<Expression>,
    by_text: HashMap<String, ExpressionId>,
}

impl Expressions {
    pub(super) fn list(&self) -> &[Expression] {
        &self.list
    }

    /// The id of what stands between braces as `written`, kept for attempts where `keeps` says so;
    /// nothing where it would be one too many.
    pub(super) fn add(
        &mut self,
        written: &str,
        most: usize,
        keeps: impl FnOnce(&str) -> bool,
    ) -> Option<ExpressionId> {
        let mut expression = Expression::of(written);
        if let Some(id) = self.by_text.get(&expression.text) {
            return Some(*id);
        }
        if self.list.len() >= most {
            return None;
        }
        expression.deferred = expression.deferred || keeps(&expression.text);
        self.by_text
            .insert(expression.text.clone(), self.list.len());
        self.list.push(expression);
        Some(self.list.len() - 1)
    }

    pub(super) fn is_deferred(&self, id: ExpressionId) -> bool {
        self.list
            .get(id)
            .is_none_or(|expression| expression.deferred)
    }

    pub(super) fn text(&self, id: ExpressionId) -> &str {
        self.list.get(id).map_or("", |expression| &expression.text)
    }
}
