//! Natives on arrays and objects.

use std::cmp::Ordering;
use std::rc::Rc;

use jaq_core::ValR;
use jaq_core::native::Fun;

use super::{native, unfit};
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::{Members, Value, compare, excerpt, into_elements, json, sorted};

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    vec![
        native!("length", length),
        native!(&"keys", |value: &Value| Ok(Value::array(sorted(keys(
            value
        )?)))),
        native!(&"keys_unsorted", |value: &Value| Ok(Value::array(keys(
            value
        )?))),
        native!("to_entries", to_entries),
        native!(&"has", has, key),
        native!(&"contains", contains, part),
        native!("add", add),
        native!("join", join, separator),
        native!("_flatten", flatten, depth),
        native!("reverse", reverse),
        native!("sort", |value| Ok(Value::array(sorted(sortable(value)?)))),
        native!("unique", unique),
        native!("min", |value| Ok(extreme(pairs_of(value)?, Ordering::Less))),
        native!("max", |value| Ok(extreme(
            pairs_of(value)?,
            Ordering::Greater
        ))),
        native!("_sort_by", sort_by, keys),
        native!("_group_by", group_by, keys),
        native!("_unique_by", unique_by, keys),
        native!("_min_by", min_by, keys),
        native!("_max_by", max_by, keys),
        native!(&"bsearch", binary_search, sought),
    ]
}

fn length(value: Value) -> ValR<Value> {
    let count = |count: usize| Ok(Value::Number(count as f64));
    match &value {
        Value::Null => count(0),
        Value::Number(number) => Ok(Value::Number(number.abs())),
        Value::Literal(literal) if literal.value() < 0.0 => -value,
        Value::Literal(_) => Ok(value),
        Value::String(text) => count(text.chars().count()),
        Value::Bool(_) => Err(unfit(&value, "has no length")),
        Value::Array(_) => count(value.elements().map_or(0, <[Value]>::len)),
        Value::Object(_) => count(value.members().map_or(0, Members::len)),
    }
}

fn keys(value: &Value) -> Result<Vec<Value>, jaq_core::Error<Value>> {
    match (value.members(), value.elements()) {
        (Some(members), _) => Ok(members.keys().cloned().map(Value::String).collect()),
        (_, Some(elements)) => Ok((0..elements.len())
            .map(|place| Value::Number(place as f64))
            .collect()),
        _ => Err(unfit(value, "has no keys")),
    }
}

fn to_entries(value: Value) -> ValR<Value> {
    if value.members().is_none() && value.elements().is_none() {
        return Err(unfit(&value, "has no keys"));
    }
    let (key, member) = (Rc::new("key".to_owned()), Rc::new("value".to_owned()));
    let entry = |(name, value)| {
        let entry = [(Rc::clone(&key), name), (Rc::clone(&member), value)];
        Value::object(entry.into_iter().collect())
    };
    Ok(value.entries()?.into_iter().map(entry).collect())
}

fn has(value: &Value, key: &Value) -> ValR<Value> {
    let found = match (value, key) {
        (Value::Null, _) => false,
        (Value::Object(_), Value::String(name)) => value
            .members()
            .is_some_and(|members| members.contains_key(name)),
        (Value::Array(_), Value::Number(_) | Value::Literal(_)) => {
            let length = value.elements().map_or(0, <[Value]>::len);
            key.number()
                .is_some_and(|place| place >= 0.0 && place < length as f64)
        }
        _ => {
            return Err(fail(format!(
                "Cannot check whether {} has a {} key",
                value.kind(),
                key.kind()
            )));
        }
    };
    Ok(Value::Bool(found))
}

fn contains(value: &Value, part: &Value) -> ValR<Value> {
    if value.kind() == part.kind() {
        return Ok(Value::Bool(holds(value, part)));
    }
    Err(unfit_pair(
        value,
        part,
        "cannot have their containment checked",
    ))
}

fn unfit_pair(left: &Value, right: &Value, what: &str) -> jaq_core::Error<Value> {
    fail(format!(
        "{} ({}) and {} ({}) {what}",
        left.kind(),
        excerpt(left),
        right.kind(),
        excerpt(right)
    ))
}

fn holds(value: &Value, part: &Value) -> bool {
    if let (Some(value), Some(part)) = (value.members(), part.members()) {
        let held = |(key, part)| value.get(key).is_some_and(|value| holds(value, part));
        return part.iter().all(held);
    }
    if let (Some(value), Some(part)) = (value.elements(), part.elements()) {
        return part
            .iter()
            .all(|part| value.iter().any(|value| holds(value, part)));
    }
    match (value.text(), part.text()) {
        (Some(value), Some(part)) => value.contains(part),
        _ => value == part,
    }
}

/// The sum of all children, from the first on.
fn add(value: Value) -> ValR<Value> {
    value
        .children()?
        .into_iter()
        .try_fold(Value::Null, |sum, child| sum + child)
}

fn join(value: Value, separator: &Value) -> ValR<Value> {
    let mut joined = Value::Null;
    for child in value.children()? {
        let left = match joined {
            Value::Null => Value::string(""),
            joined => (joined + separator.clone())?,
        };
        let right = match child {
            Value::Null => Value::string(""),
            Value::Bool(_) | Value::Number(_) | Value::Literal(_) => Value::string(json(&child)),
            other => other,
        };
        joined = (left + right)?;
    }
    Ok(match joined {
        Value::Null => Value::string(""),
        joined => joined,
    })
}

/// As deep as told; all the way with a negative depth.
fn flatten(value: Value, depth: &Value) -> ValR<Value> {
    let depth = depth.number().unwrap_or(-1.0);
    let mut flat = Vec::new();
    flatten_into(&mut flat, value.children()?, depth);
    Ok(Value::array(flat))
}

fn flatten_into(flat: &mut Vec<Value>, children: Vec<Value>, depth: f64) {
    for child in children {
        match child {
            Value::Array(array) if depth != 0.0 => {
                flatten_into(flat, into_elements(array), depth - 1.0);
            }
            child => flat.push(child),
        }
    }
}

fn reverse(value: Value) -> ValR<Value> {
    match value {
        Value::Array(array) => {
            let mut elements = into_elements(array);
            elements.reverse();
            Ok(Value::array(elements))
        }
        value => {
            let last = length(value.clone())?.number().unwrap_or_default() - 1.0;
            match last < 0.0 {
                true => Ok(Value::array(Vec::new())),
                false => value.at(&Value::Number(last)),
            }
        }
    }
}

fn sortable(value: Value) -> Result<Vec<Value>, jaq_core::Error<Value>> {
    match value {
        Value::Array(array) => Ok(into_elements(array)),
        other => Err(unfit(&other, "cannot be sorted, as it is not an array")),
    }
}

/// Elements, each with what it is ordered by.
type Keyed = Vec<(Value, Value)>;

fn pairs_of(value: Value) -> Result<Keyed, jaq_core::Error<Value>> {
    let keys = value.clone();
    keyed(value, &keys, "cannot be iterated over")
}

fn keyed(value: Value, keys: &Value, otherwise: &str) -> Result<Keyed, jaq_core::Error<Value>> {
    match (value, keys.elements()) {
        (Value::Array(array), Some(keys)) => {
            Ok(keys.iter().cloned().zip(into_elements(array)).collect())
        }
        (value, _) => Err(unfit_pair(&value, keys, otherwise)),
    }
}

fn ordered(value: Value, keys: &Value) -> Result<Keyed, jaq_core::Error<Value>> {
    let mut keyed = keyed(value, keys, "cannot be sorted, as they are not both arrays")?;
    keyed.sort_by(|(left, _), (right, _)| compare(left, right));
    Ok(keyed)
}

fn elements_of(keyed: impl IntoIterator<Item = (Value, Value)>) -> Value {
    keyed.into_iter().map(|(_, element)| element).collect()
}

fn unique(value: Value) -> ValR<Value> {
    let mut elements = sorted(sortable(value)?);
    elements.dedup_by(|left, right| compare(left, right).is_eq());
    Ok(Value::array(elements))
}

fn sort_by(value: Value, keys: &Value) -> ValR<Value> {
    Ok(elements_of(ordered(value, keys)?))
}

fn group_by(value: Value, keys: &Value) -> ValR<Value> {
    let ordered = ordered(value, keys)?;
    let groups = ordered.chunk_by(|(left, _), (right, _)| compare(left, right).is_eq());
    Ok(groups.map(|group| elements_of(group.to_vec())).collect())
}

fn unique_by(value: Value, keys: &Value) -> ValR<Value> {
    let mut ordered = ordered(value, keys)?;
    ordered.dedup_by(|(left, _), (right, _)| compare(left, right).is_eq());
    Ok(elements_of(ordered))
}

fn min_by(value: Value, keys: &Value) -> ValR<Value> {
    Ok(extreme(
        keyed(value, keys, "cannot be iterated over")?,
        Ordering::Less,
    ))
}

fn max_by(value: Value, keys: &Value) -> ValR<Value> {
    Ok(extreme(
        keyed(value, keys, "cannot be iterated over")?,
        Ordering::Greater,
    ))
}

/// The first of the least, or the last of the greatest.
fn extreme(keyed: Keyed, wanted: Ordering) -> Value {
    let better = |best: (Value, Value), next: (Value, Value)| {
        let order = compare(&next.0, &best.0);
        let replaces = order == wanted || order.is_eq() && wanted == Ordering::Greater;
        if replaces { next } else { best }
    };
    let best = keyed.into_iter().reduce(better);
    best.map_or(Value::Null, |(_, element)| element)
}

/// The position of `sought`, or `-1 - position` where it would stand.
fn binary_search(value: &Value, sought: &Value) -> ValR<Value> {
    let Some(elements) = value.elements() else {
        return Err(unfit(value, "cannot be searched from"));
    };
    let place = elements.partition_point(|element| compare(element, sought).is_lt());
    let found = elements
        .get(place)
        .is_some_and(|element| compare(element, sought).is_eq());
    let place = place as f64;
    Ok(Value::Number(if found { place } else { -1.0 - place }))
}
