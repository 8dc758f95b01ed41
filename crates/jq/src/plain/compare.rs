//! jq's order over JSON values, numbers by what they are worth exactly.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

/// Integers up to here are doubles too.
const EXACT: i128 = 1 << 53;
/// Doubles from here on are integers that have more digits than those of 64 bits.
const HUGE: f64 = 1e30;

/// By kind, then by content.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let differing = left
                .iter()
                .zip(right)
                .map(|(left, right)| compare(left, right))
                .find(|order| order.is_ne());
            differing.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => compare_members(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// First the sorted keys, then the values in that order.
fn compare_members(left: &Map<String, Value>, right: &Map<String, Value>) -> Ordering {
    let sorted = |object: &Map<String, Value>| {
        let mut keys: Vec<String> = object.keys().cloned().collect();
        keys.sort();
        keys
    };
    let keys = sorted(left);
    keys.cmp(&sorted(right)).then_with(|| {
        let mut orders = keys
            .iter()
            .map(|key| match (left.get(key), right.get(key)) {
                (Some(left), Some(right)) => compare(left, right),
                (left, right) => left.is_some().cmp(&right.is_some()),
            });
        orders
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    let doubles = || {
        let double = |number: &Number| number.as_f64().unwrap_or(f64::MAX);
        double(left).total_cmp(&double(right))
    };
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(integer), None) if integer.abs() > EXACT => against_double(integer, right),
        (None, Some(integer)) if integer.abs() > EXACT => against_double(integer, left).reverse(),
        _ if left.as_f64() == right.as_f64() => Ordering::Equal,
        _ => doubles(),
    }
}

fn integer(number: &Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from);
    integer.or_else(|| number.as_u64().map(i128::from))
}

/// An integer that is no double, against one.
fn against_double(integer: i128, number: &Number) -> Ordering {
    let double = number.as_f64().unwrap_or(f64::MAX);
    if double.abs() >= HUGE {
        return 0.0_f64.total_cmp(&double);
    }
    let whole = double.floor();
    let order = integer.cmp(&(whole as i128));
    order.then_with(|| whole.total_cmp(&double))
}
