//! A JSON value of a mapping in which strings are expressions.

use longshore_jq::Evaluated;
use serde_json::{Map, Value};

use super::expression::Expression;

/// A part of a mapping.
#[derive(Debug)]
pub(super) enum Tree {
    /// Stays as it is.
    Literal(Value),
    /// Becomes what it gives, with its place in the mapping.
    Expression(String, Expression),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Tree {
    /// Reads `value` at `place`, noting what is wrong.
    pub(super) fn read(value: &Value, place: &str, mistakes: &mut Vec<String>) -> Self {
        match value {
            Value::String(text) => match Expression::compile(text) {
                Ok(expression) => Self::Expression(place.to_owned(), expression),
                Err(error) => {
                    mistakes.push(format!("{place}: {error}"));
                    Self::Literal(Value::Null)
                }
            },
            Value::Array(items) => {
                let read = |(index, item): (usize, &Value)| {
                    Self::read(item, &format!("{place}[{index}]"), mistakes)
                };
                Self::Array(items.iter().enumerate().map(read).collect())
            }
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(key, value)| {
                        let place = format!("{place}.{key}");
                        (key.clone(), Self::read(value, &place, mistakes))
                    })
                    .collect(),
            ),
            literal => Self::Literal(literal.clone()),
        }
    }

    /// Adds the expressions, in the order in which [`Tree::fill`] takes their answers.
    pub(super) fn expressions<'a>(&'a self, found: &mut Vec<&'a Expression>) {
        match self {
            Self::Literal(_) => {}
            Self::Expression(_, expression) => found.push(expression),
            Self::Array(items) => items.iter().for_each(|item| item.expressions(found)),
            Self::Object(members) => {
                members.iter().for_each(|(_, item)| item.expressions(found));
            }
        }
    }

    /// The value with the answers in their places; null, and a note, where there is none.
    pub(super) fn fill(
        &self,
        answers: &mut impl Iterator<Item = Evaluated>,
        notes: &mut Vec<String>,
    ) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Expression(place, _) => match answers.next() {
                Some(Evaluated::Output(value)) => value,
                answer => {
                    notes.push(format!(
                        "{place} {}, so null is sent.",
                        why(answer.as_ref())
                    ));
                    Value::Null
                }
            },
            Self::Array(items) => {
                let mut filled = Vec::with_capacity(items.len());
                for item in items {
                    filled.push(item.fill(answers, notes));
                }
                Value::Array(filled)
            }
            Self::Object(members) => {
                let mut filled = Map::with_capacity(members.len());
                for (key, item) in members {
                    filled.insert(key.clone(), item.fill(answers, notes));
                }
                Value::Object(filled)
            }
        }
    }

    /// Whether the whole is one expression.
    pub(super) const fn is_expression(&self) -> bool {
        matches!(self, Self::Expression(..))
    }

    /// Whether an expression in it names the environment.
    pub(super) fn names_environment(&self) -> bool {
        let mut found = Vec::new();
        self.expressions(&mut found);
        found.iter().any(|expression| expression.names_environment)
    }
}

/// Why there is no value. The interpreter's own words may repeat parts of a message, so they stay
/// out.
pub(super) fn why(answer: Option<&Evaluated>) -> String {
    match answer {
        Some(Evaluated::Output(_)) => "gives another type than expected".to_owned(),
        Some(Evaluated::Error(_)) => "fails on this message".to_owned(),
        Some(Evaluated::Exceeded(bound)) => format!("gives nothing: {bound}"),
        Some(Evaluated::Empty) | None => "gives nothing".to_owned(),
    }
}
