//! What each operator answers. Sides that it is not for make the whole filter false, or fail.

use std::cmp::Ordering;

use super::super::EvaluationError;
use super::super::evaluate::{Evaluation, Run};
use super::value::Value;
use super::{Operator, Predicate};
use crate::java_regex::Pattern;
use crate::json::Node;

/// Units of work for one match, beside its text; a match may backtrack for long.
const MATCH_COST: usize = 1000;

impl Evaluation {
    /// Whether the item is taken: what does not fit counts as false.
    pub(in crate::path) fn accepts(
        &mut self,
        predicate: &Predicate,
        item: &Node,
        run: &mut Run<'_>,
    ) -> Result<bool, EvaluationError> {
        match self.holds(predicate, item, run) {
            Err(EvaluationError::NotFound | EvaluationError::Unfit { .. }) => Ok(false),
            result => result,
        }
    }

    fn holds(
        &mut self,
        predicate: &Predicate,
        item: &Node,
        run: &mut Run<'_>,
    ) -> Result<bool, EvaluationError> {
        self.spend(1)?;
        match predicate {
            Predicate::Any(parts) => {
                for part in parts {
                    if self.holds(part, item, run)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Predicate::All(parts) => {
                for part in parts {
                    if !self.holds(part, item, run)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Predicate::Not(inside) => Ok(!self.holds(inside, item, run)?),
            Predicate::Exists { path, wanted } => {
                Ok(self.is_there(path, item, run.root)? == *wanted)
            }
            Predicate::Compare {
                left,
                operator,
                right,
            } => {
                let left = self.operand(left, item, run)?;
                let right = self.operand(right, item, run)?;
                self.compare(&left, *operator, &right)
            }
        }
    }

    fn compare(
        &mut self,
        left: &Value<'_>,
        operator: Operator,
        right: &Value<'_>,
    ) -> Result<bool, EvaluationError> {
        match operator {
            Operator::Equal => self.is_equal(left, right),
            Operator::NotEqual => Ok(!self.is_equal(left, right)?),
            Operator::SameTypeEqual => self.is_same(left, right),
            Operator::SameTypeNotEqual => Ok(!self.is_same(left, right)?),
            Operator::Less => self.is_ordered(left, right, Ordering::is_lt),
            Operator::LessOrEqual => self.is_ordered(left, right, Ordering::is_le),
            Operator::Greater => self.is_ordered(left, right, Ordering::is_gt),
            Operator::GreaterOrEqual => self.is_ordered(left, right, Ordering::is_ge),
            Operator::Matches => self.matches(left, right),
            Operator::In => self.is_in(left, right),
            Operator::NotIn => Ok(!self.is_in(left, right)?),
            Operator::Contains => self.contains(left, right),
            Operator::SubsetOf | Operator::AnyOf | Operator::NoneOf => {
                self.lists(left, operator, right)
            }
            Operator::Size => has_size(left, right),
            Operator::Empty => is_empty(left, right),
            Operator::Exists => exists(left, right),
            // Its right side is a list only where Java code builds the filter.
            Operator::All | Operator::Unwritable => Err(unfit("what no filter text can write")),
        }
    }

    fn is_equal(&mut self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
        if !(left.is_json() && right.is_json()) {
            return self.equals(left, right);
        }
        match (left.node()?, right.node()?) {
            // An array or object written on the left is compared as text, and equals nothing.
            (Some(node), Some(other)) if matches!(left, Value::Node(_)) => {
                self.same_node(node, other)
            }
            _ => Ok(false),
        }
    }

    fn is_same(&mut self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
        Ok(left.has_type_of(right) && self.is_equal(left, right)?)
    }

    /// Only numbers with numbers and strings with strings, these by UTF-16 units.
    fn is_ordered(
        &mut self,
        left: &Value<'_>,
        right: &Value<'_>,
        wanted: fn(Ordering) -> bool,
    ) -> Result<bool, EvaluationError> {
        let ordering = match (left, right) {
            (Value::Number(left), Value::Number(right)) => left.compare(right),
            (Value::Text(left), Value::Text(right)) => {
                self.spend_text(left.len().min(right.len()))?;
                left.encode_utf16().cmp(right.encode_utf16())
            }
            _ => return Ok(false),
        };
        Ok(wanted(ordering))
    }

    /// The whole value has to match; of a list any element.
    fn matches(&mut self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
        let (pattern, value) = match (left, right) {
            (Value::Pattern(_), Value::Pattern(_)) => return Ok(false),
            (Value::Pattern(pattern), value) | (value, Value::Pattern(pattern)) => {
                (*pattern, value)
            }
            _ => return Ok(false),
        };
        let Some(elements) = self.list(value)? else {
            return self.matches_one(pattern, value);
        };
        for element in &elements {
            if self.matches_one(pattern, element)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn matches_one(
        &mut self,
        pattern: &Pattern,
        value: &Value<'_>,
    ) -> Result<bool, EvaluationError> {
        let text = match value {
            Value::Text(text) => text.as_ref().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => String::new(),
        };
        self.spend(MATCH_COST)?;
        self.spend(text.len())?;
        Ok(pattern.is_match(&text)?)
    }

    fn is_in(&mut self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
        if !right.is_json() {
            return Err(unfit("a list after 'in' or 'nin'"));
        }
        match self.list(right)? {
            Some(elements) => self.is_among(left, &elements),
            None => Ok(false),
        }
    }

    fn is_among(
        &mut self,
        value: &Value<'_>,
        elements: &[Value<'_>],
    ) -> Result<bool, EvaluationError> {
        for element in elements {
            self.spend(1)?;
            if self.equals(value, element)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn contains(&mut self, left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
        if let (Value::Text(left), Value::Text(right)) = (left, right) {
            self.spend_text(left.len())?;
            return Ok(left.contains(right.as_ref()));
        }
        if !left.is_json() {
            return Ok(false);
        }
        match self.list(left)? {
            Some(elements) => self.is_among(right, &elements),
            None => Ok(false),
        }
    }

    fn lists(
        &mut self,
        left: &Value<'_>,
        operator: Operator,
        right: &Value<'_>,
    ) -> Result<bool, EvaluationError> {
        if !right.is_json() {
            return Err(unfit("a list on the right"));
        }
        let Some(right) = self.list(right)? else {
            return Ok(false);
        };
        if !left.is_json() {
            return Err(unfit("a list on the left"));
        }
        let Some(left) = self.list(left)? else {
            return Ok(false);
        };
        for element in &left {
            let found = self.is_among(element, &right)?;
            match (operator, found) {
                (Operator::SubsetOf, false) | (Operator::NoneOf, true) => return Ok(false),
                (Operator::AnyOf, true) => return Ok(true),
                _ => {}
            }
        }
        Ok(operator != Operator::AnyOf)
    }
}

fn unfit(expected: &'static str) -> EvaluationError {
    EvaluationError::Unfit { expected }
}

/// Strings and arrays have a size; objects have none.
fn has_size(left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
    let Value::Number(wanted) = right else {
        return Ok(false);
    };
    let size = match left {
        Value::Text(text) => text.encode_utf16().count(),
        _ => match left.node()? {
            Some(Node::Array(elements)) => elements.len(),
            Some(_) => return Ok(wanted.to_i32() == -1),
            None => return Ok(false),
        },
    };
    Ok(i32::try_from(size).is_ok_and(|size| size == wanted.to_i32()))
}

fn is_empty(left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
    let empty = match left {
        Value::Text(text) => text.is_empty(),
        _ => match left.node()? {
            Some(Node::Array(elements)) => elements.is_empty(),
            // Jayway takes an object for a collection here, and fails.
            Some(_) => {
                return Err(EvaluationError::Refused {
                    reason: "'empty' cannot be asked of an object",
                });
            }
            None => return Ok(false),
        },
    };
    match right {
        Value::Bool(wanted) => Ok(empty == *wanted),
        _ => Err(unfit("true or false after 'empty'")),
    }
}

fn exists(left: &Value<'_>, right: &Value<'_>) -> Result<bool, EvaluationError> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Bool(_), _) | (_, Value::Bool(_)) => Err(unfit("true or false on both sides")),
        _ => Err(EvaluationError::Refused {
            reason: "'exists' needs true or false",
        }),
    }
}
