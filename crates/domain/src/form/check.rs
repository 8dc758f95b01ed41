//! Values against compiled schemas. Messages say what was expected, never what was sent.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::equality::{as_integer, canonical};
use super::pattern::Pattern;
use super::schema::{List, Numbers, Object, Schema, Text, Type};
use crate::action::exceeded;
use crate::action::shape::{Faults, Path};
use crate::violation::Violation;

/// Bytes of text times bytes of compiled pattern that are matched for one execution: the worst
/// case of a linear engine is their product, so this bounds the time (about 0.2 s).
pub const MAX_MATCH_WORK: usize = 1 << 30;

/// One check of one set of values.
#[derive(Debug, Default)]
pub(super) struct Check {
    faults: Faults,
    match_work: usize,
    /// Nothing of the value may be told, not even how long it is.
    is_confidential: bool,
}

impl Check {
    pub(super) fn push(&mut self, path: &Path<'_>, message: impl Into<String>) {
        self.faults.push(path, message);
    }

    pub(super) fn expected(&mut self, path: &Path<'_>, what: &str, value: &Value) {
        self.faults.expected(path, what, value);
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.faults.into_violations()
    }

    /// `value` as an object that is small enough to be looked at.
    pub(super) fn bounded_object<'v>(
        &mut self,
        value: &'v Value,
        path: &Path<'_>,
    ) -> Option<&'v Map<String, Value>> {
        let map = self.faults.object(path, value)?;
        if map
            .values()
            .any(|value| value.is_array() || value.is_object())
            && let Some(excess) = exceeded(value)
        {
            self.push(path, excess.message);
            return None;
        }
        Some(map)
    }

    /// The same for a value of which no message may tell anything.
    pub(super) fn confidential(&mut self, schema: &Schema, value: &Value, path: &Path<'_>) {
        if !value.is_object() && !value.is_array() {
            self.is_confidential = true;
            self.value(schema, value, path);
            self.is_confidential = false;
            return;
        }
        // Paths into the value would show its keys.
        let mut inside = Self {
            match_work: self.match_work,
            ..Self::default()
        };
        inside.value(schema, value, path);
        self.match_work = inside.match_work;
        if !inside.faults.is_empty() {
            self.push(
                path,
                "does not fit its schema; an encrypted input is not described",
            );
        }
    }

    pub(super) fn value(&mut self, schema: &Schema, value: &Value, path: &Path<'_>) {
        if self.faults.is_full() {
            return;
        }
        if schema.is_never {
            return self.push(path, "is not allowed here");
        }
        if !schema.types.is_empty() && !schema.types.iter().any(|&kind| is_of_type(kind, value)) {
            let what: Vec<&str> = schema.types.iter().map(|kind| kind.described()).collect();
            return self.faults.expected(path, &what.join(" or "), value);
        }
        if let Some(allowed) = schema
            .allowed
            .as_ref()
            .filter(|allowed| !allowed.contains(value))
        {
            self.push(path, format!("expected one of: {}", allowed.listed()));
        }
        match value {
            Value::String(text) => self.text(&schema.text, text, path),
            Value::Number(number) => self.number(&schema.numbers, number, path),
            Value::Array(items) => self.list(&schema.list, items, path),
            Value::Object(map) => self.object(&schema.object, map, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, rules: &Text, text: &str, path: &Path<'_>) {
        if rules.min.is_some() || rules.max.is_some() {
            self.size(
                text.chars().count(),
                rules.min,
                rules.max,
                "character",
                path,
            );
        }
        if let Some(format) = rules.format.filter(|format| !format.accepts(text)) {
            self.push(path, format!("expected {}", format.described()));
        }
        if let Some(pattern) = &rules.pattern {
            match self.matches(pattern, text) {
                Some(true) => {}
                Some(false) => {
                    self.push(
                        path,
                        format!("expected text that matches {}", pattern.shown()),
                    );
                }
                None => self.push(path, TOO_MUCH_TEXT),
            }
        }
    }

    /// Whether `text` matches; `None` where too much text was matched already.
    fn matches(&mut self, pattern: &Pattern, text: &str) -> Option<bool> {
        let work = text.len().saturating_mul(pattern.program_bytes());
        self.match_work = self.match_work.saturating_add(work);
        (self.match_work <= MAX_MATCH_WORK).then(|| pattern.matches(text))
    }

    fn number(&mut self, rules: &Numbers, number: &Number, path: &Path<'_>) {
        let mut bound = |bound: &Option<Number>, what: &str, holds: fn(Ordering) -> bool| {
            if let Some(bound) = bound
                && !compare(number, bound).is_some_and(holds)
            {
                self.push(path, format!("expected {what} {bound}"));
            }
        };
        bound(&rules.min, "at least", Ordering::is_ge);
        bound(&rules.max, "at most", Ordering::is_le);
        bound(&rules.above, "more than", Ordering::is_gt);
        bound(&rules.below, "less than", Ordering::is_lt);
        if let Some(step) = rules
            .multiple_of
            .as_ref()
            .filter(|step| !is_multiple(number, step))
        {
            self.push(path, format!("expected a multiple of {step}"));
        }
    }

    fn list(&mut self, rules: &List, items: &[Value], path: &Path<'_>) {
        self.size(items.len(), rules.min, rules.max, "item", path);
        if rules.is_unique {
            let mut seen = BTreeSet::new();
            for (at, item) in items.iter().enumerate() {
                if !seen.insert(canonical(item)) {
                    self.push(&path.index(at), "stands in this array before");
                }
            }
        }
        if let Some(schema) = &rules.items {
            for (at, item) in items.iter().enumerate() {
                self.value(schema, item, &path.index(at));
            }
        }
    }

    fn object(&mut self, rules: &Object, map: &Map<String, Value>, path: &Path<'_>) {
        self.size(map.len(), rules.min, rules.max, "property", path);
        for name in rules
            .required
            .iter()
            .filter(|name| !map.contains_key(*name))
        {
            self.push(&path.key(name), "is required");
        }
        for (name, value) in map {
            let path = path.key(name);
            let mut is_described = false;
            if let Some(schema) = rules.properties.get(name) {
                is_described = true;
                self.value(schema, value, &path);
            }
            for (pattern, schema) in &rules.patterns {
                match self.matches(pattern, name) {
                    Some(true) => {
                        is_described = true;
                        self.value(schema, value, &path);
                    }
                    Some(false) => {}
                    None => return self.push(&path, TOO_MUCH_TEXT),
                }
            }
            if let Some(schema) = rules.others.as_ref().filter(|_| !is_described) {
                self.value(schema, value, &path);
            }
        }
    }

    fn size(
        &mut self,
        size: usize,
        min: Option<usize>,
        max: Option<usize>,
        unit: &str,
        path: &Path<'_>,
    ) {
        let units = |count: usize| match (unit, count) {
            (_, 1) => unit.to_owned(),
            ("property", _) => "properties".to_owned(),
            _ => format!("{unit}s"),
        };
        let is_confidential = self.is_confidential;
        let found = || match is_confidential {
            true => String::new(),
            false => format!(", not {size}"),
        };
        if let Some(min) = min.filter(|min| size < *min) {
            self.push(
                path,
                format!("expected at least {min} {}{}", units(min), found()),
            );
        }
        if let Some(max) = max.filter(|max| size > *max) {
            self.push(
                path,
                format!("expected at most {max} {}{}", units(max), found()),
            );
        }
    }
}

const TOO_MUCH_TEXT: &str = "is too much text to be matched against patterns of this size";

fn is_of_type(kind: Type, value: &Value) -> bool {
    match (kind, value) {
        (Type::Null, Value::Null)
        | (Type::Boolean, Value::Bool(_))
        | (Type::Number, Value::Number(_))
        | (Type::String, Value::String(_))
        | (Type::Array, Value::Array(_))
        | (Type::Object, Value::Object(_)) => true,
        (Type::Integer, Value::Number(number)) => is_whole(number),
        _ => false,
    }
}

fn is_whole(number: &Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|double| double.fract() == 0.0)
}

fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    match (as_integer(left), as_integer(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn is_multiple(number: &Number, step: &Number) -> bool {
    match (as_integer(number), as_integer(step)) {
        (Some(number), Some(step)) => step != 0 && number % step == 0,
        _ => {
            let quotient = number
                .as_f64()
                .zip(step.as_f64())
                .map(|(number, step)| number / step);
            // 0.3 / 0.1 is not whole in binary: as near as the division can be told apart.
            quotient.is_some_and(|quotient| {
                (quotient - quotient.round()).abs() <= quotient.abs() * f64::EPSILON * 4.0
            })
        }
    }
}
