//! One side of a comparison once its path is evaluated, and when two are equal.

use std::borrow::Cow;
use std::rc::Rc;

use super::super::EvaluationError;
use super::super::evaluate::{Evaluation, Run};
use super::{Literal, Operand};
use crate::java_regex::Pattern;
use crate::json::Node;
use crate::numbers::Decimal;

/// A value as filters see it.
#[derive(Debug)]
pub(super) enum Value<'v> {
    Text(Cow<'v, str>),
    Number(Cow<'v, Decimal>),
    Bool(bool),
    Null,
    /// What a path that leads nowhere gives; equal to nothing, itself included.
    Undefined,
    /// An array or object that a path gave.
    Node(Rc<Node>),
    /// An array or object as written in the filter.
    Literal(&'v Literal),
    /// A string of a list that looks like an array or object.
    LikeJson(&'v str),
    /// A string of a list that looks like a path; equal to nothing.
    LikePath,
    Pattern(&'v Pattern),
}

impl<'v> Value<'v> {
    fn of_node(node: Rc<Node>) -> Result<Self, EvaluationError> {
        Ok(match node.as_ref() {
            Node::Null => Self::Null,
            Node::Bool(truth) => Self::Bool(*truth),
            Node::Number(digits) => Self::Number(Cow::Owned(decimal(digits)?)),
            Node::Text(text) => Self::Text(Cow::Owned(text.clone())),
            Node::Array(_) | Node::Object(_) => Self::Node(node),
            Node::Keys(_) | Node::NotFinite => {
                return Err(EvaluationError::Refused {
                    reason: "neither NaN nor the result of keys() can be compared",
                });
            }
        })
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Node(_) | Self::Literal(_) | Self::LikeJson(_))
    }

    /// The array or object, where the value is one.
    pub(super) fn node(&self) -> Result<Option<&Node>, EvaluationError> {
        match self {
            Self::Node(node) => Ok(Some(node)),
            Self::Literal(literal) => match &literal.node {
                Some(node) => Ok(Some(node)),
                None => Err(EvaluationError::Refused {
                    reason: "an array or object within a filter is not JSON",
                }),
            },
            _ => Ok(None),
        }
    }

    /// Whether `===` takes both for the same type.
    pub(super) fn has_type_of(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            || self.is_json() && other.is_json()
    }
}

fn decimal(digits: &str) -> Result<Decimal, EvaluationError> {
    Decimal::parse(digits).ok_or(EvaluationError::Refused {
        reason: "a number cannot be compared",
    })
}

impl Evaluation {
    /// The operand's value for the item; a `$` path is evaluated once per run.
    pub(super) fn operand<'p>(
        &mut self,
        operand: &'p Operand,
        item: &Node,
        run: &mut Run<'_>,
    ) -> Result<Value<'p>, EvaluationError> {
        Ok(match operand {
            Operand::Path(path) => match self.value_for_filter(path, item, run) {
                Ok(node) => {
                    if let Node::Text(text) | Node::Number(text) = node.as_ref() {
                        self.spend_text(text.len())?;
                    }
                    Value::of_node(node)?
                }
                Err(EvaluationError::NotFound) => Value::Undefined,
                Err(error) => return Err(error),
            },
            Operand::Text(text) => Value::Text(Cow::Borrowed(text)),
            Operand::Number(number) => Value::Number(Cow::Borrowed(number)),
            Operand::Bool(truth) => Value::Bool(*truth),
            Operand::Null => Value::Null,
            Operand::Json(literal) => Value::Literal(literal),
            Operand::Pattern(Some(pattern)) => Value::Pattern(pattern),
            Operand::Pattern(None) => Value::Undefined,
        })
    }

    /// Java's `equals` of the left side: a number reads a string as a number, a string reads a
    /// number as its text.
    pub(super) fn equals(
        &mut self,
        left: &Value<'_>,
        right: &Value<'_>,
    ) -> Result<bool, EvaluationError> {
        Ok(match (left, right) {
            (Value::Text(left), Value::Text(right)) => {
                self.spend_text(left.len().min(right.len()))?;
                left == right
            }
            (Value::Text(left), Value::Number(right)) => {
                self.spend_text(left.len())?;
                left.as_ref() == right.to_string()
            }
            (Value::Number(left), Value::Number(right)) => {
                self.spend(1)?;
                left.is_as_large_as(right)
            }
            (Value::Number(left), Value::Text(right)) => {
                self.spend_text(right.len())?;
                Decimal::parse(right).is_some_and(|right| left.is_as_large_as(&right))
            }
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Null, Value::Null) => true,
            (Value::Node(left), Value::Node(right)) => self.same_node(left, right)?,
            (Value::Literal(left), Value::Literal(right)) => left.text == right.text,
            (Value::Literal(left), Value::LikeJson(right)) => left.text == *right,
            (Value::LikeJson(left), Value::Literal(right)) => *left == right.text,
            (Value::LikeJson(left), Value::LikeJson(right)) => left == right,
            _ => false,
        })
    }

    /// Members may stand in any order; numbers are equal where they are of one Java type.
    pub(super) fn same_node(&mut self, left: &Node, right: &Node) -> Result<bool, EvaluationError> {
        self.spend(1)?;
        match (left, right) {
            (Node::Text(left), Node::Text(right)) => {
                self.spend_text(left.len().min(right.len()))?;
                Ok(left == right)
            }
            (Node::Array(left), Node::Array(right)) if left.len() == right.len() => {
                for (left, right) in left.iter().zip(right) {
                    if !self.same_node(left, right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Node::Object(left), Node::Object(right)) if left.len() == right.len() => {
                for (place, (name, left)) in left.iter().enumerate() {
                    let at_same_place = right.get(place).filter(|(given, _)| given == name);
                    let found = match at_same_place {
                        Some((_, value)) => Some(value),
                        None => {
                            self.spend(right.len())?;
                            right
                                .iter()
                                .find(|(given, _)| given == name)
                                .map(|it| &it.1)
                        }
                    };
                    match found {
                        Some(right) if self.same_node(left, right)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (Node::Array(_) | Node::Object(_), _) => Ok(false),
            (left, right) => Ok(left == right),
        }
    }
}
