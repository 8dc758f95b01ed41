//! A filled value while it still knows which of its parts are deferred.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Deferred;
use crate::template::place::Place;

/// A value under construction.
#[derive(Clone, Debug)]
pub(in crate::template) enum Output {
    Value(Value),
    Array(Vec<Self>),
    Object(Pairs),
    /// A template, as written.
    Deferred(Value),
}

/// An object under construction: a later value of a key replaces the earlier one in its place.
#[derive(Clone, Debug, Default)]
pub(in crate::template) struct Pairs {
    list: Vec<(String, Output)>,
    /// Of all pairs that a later one may replace.
    by_key: HashMap<String, usize>,
}

impl Pairs {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            list: Vec::with_capacity(capacity),
            by_key: HashMap::new(),
        }
    }

    pub(super) fn set(&mut self, key: String, value: Output) {
        match self
            .by_key
            .get(&key)
            .and_then(|place| self.list.get_mut(*place))
        {
            Some((_, old)) => *old = value,
            None => {
                self.by_key.insert(key.clone(), self.list.len());
                self.list.push((key, value));
            }
        }
    }

    /// Adds a pair where no two of all have the same key.
    pub(super) fn add(&mut self, key: String, value: Output) {
        self.list.push((key, value));
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (String, Output)> {
        self.list.into_iter()
    }
}

impl Output {
    /// The value, its deferred parts as written and listed.
    pub(in crate::template) fn into_value(
        self,
        place: &Place<'_>,
        deferred: &mut Vec<Deferred>,
    ) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Array(outputs) => {
                let values = outputs.into_iter().enumerate();
                values
                    .map(|(index, output)| output.into_value(&place.index(index), deferred))
                    .collect()
            }
            Self::Object(pairs) => {
                let mut object = Map::with_capacity(pairs.list.len());
                for (key, output) in pairs.into_iter() {
                    let value = output.into_value(&place.key(&key), deferred);
                    object.insert(key, value);
                }
                Value::Object(object)
            }
            Self::Deferred(template) => {
                deferred.push(Deferred {
                    pointer: place.pointer(),
                    template: template.clone(),
                });
                template
            }
        }
    }
}

/// Takes about the length of `value`'s JSON from `left`; false where that does not suffice, or the
/// value has more levels than `depth_left`.
pub(super) fn take_size(value: &Value, left: &mut usize, depth_left: usize) -> bool {
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.len() + 2,
        Value::Object(object) => object.keys().map(|key| key.len() + 4).sum::<usize>() + 2,
    };
    match left.checked_sub(own) {
        None => return false,
        Some(rest) => *left = rest,
    }
    let mut inner = |value: &Value| {
        depth_left
            .checked_sub(1)
            .is_some_and(|depth_left| take_size(value, left, depth_left))
    };
    match value {
        Value::Array(values) => depth_left > 0 && values.iter().all(&mut inner),
        Value::Object(object) => depth_left > 0 && object.values().all(&mut inner),
        _ => true,
    }
}
