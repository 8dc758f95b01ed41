//! jq's order over all values: by kind, then by content.

use std::cmp::Ordering;

use super::{Members, Value};

/// The order of two values; a number that is none is below all others, and like itself.
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let differing = left
                .elements
                .iter()
                .zip(&right.elements)
                .map(|(left, right)| compare(left, right))
                .find(|order| order.is_ne());
            differing.unwrap_or_else(|| left.elements.len().cmp(&right.elements.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            compare_members(&left.members, &right.members)
        }
        (Value::Literal(left), Value::Literal(right)) => left.order(right),
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => left
                .partial_cmp(&right)
                .unwrap_or_else(|| right.is_nan().cmp(&left.is_nan())),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

/// First the sorted keys, then the values in that order.
fn compare_members(left: &Members, right: &Members) -> Ordering {
    let (left_keys, right_keys) = (sorted_keys(left), sorted_keys(right));
    left_keys.cmp(&right_keys).then_with(|| {
        let value = |members: &Members, key: &String| members.get(key).cloned();
        left_keys
            .into_iter()
            .map(|key| match (value(left, key), value(right, key)) {
                (Some(left), Some(right)) => compare(&left, &right),
                (left, right) => left.is_some().cmp(&right.is_some()),
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

fn sorted_keys(members: &Members) -> Vec<&String> {
    let mut keys: Vec<&String> = members.keys().map(AsRef::as_ref).collect();
    keys.sort();
    keys
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) | Value::Literal(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

/// `values` from the least to the greatest; equal ones stay in their order.
pub(crate) fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by(compare);
    values
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(left), Self::String(right)) => left == right,
            (Self::Array(left), Self::Array(right)) => left.elements == right.elements,
            (Self::Object(left), Self::Object(right)) => left.members == right.members,
            _ => compare(self, other).is_eq() && !is_nan(self),
        }
    }
}

impl PartialOrd for Value {
    /// What `<` and its kin see: a number that is none is below all, itself included.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if is_nan(self) && is_nan(other) {
            return Some(Ordering::Less);
        }
        Some(compare(self, other))
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.is_nan())
}
