//! What was deferred, evaluated for one attempt with its secrets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::expression::{Evaluated, Expression, Expressions};
use super::failure::Failure;
use super::fill::{Deferred, Filler};
use super::place::{Place, path_of};
use super::tree::{Node, Parser};

/// The deferred parts of a filled value, parsed again.
#[derive(Clone, Debug)]
pub struct PerAttempt {
    parts: Vec<(String, Node)>,
    expressions: Expressions,
    has_stand_ins: bool,
}

/// A value with nothing left to evaluate. Holds secrets: for the wire alone.
#[derive(Clone, PartialEq)]
pub struct Completed {
    /// The value.
    pub value: Value,
    /// The strings that expressions naming a secret yielded, for scrubbing; each once.
    pub yielded: Vec<String>,
    /// What failed and became null, or vanished where it was a key.
    pub failures: Vec<Failure>,
}

impl std::fmt::Debug for Completed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completed")
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl PerAttempt {
    /// Parses what was deferred.
    #[must_use]
    pub fn parse(deferred: &[Deferred]) -> Self {
        let mut parser = Parser::evaluating();
        let part = |deferred: &Deferred| {
            (
                deferred.pointer.clone(),
                parser.node(&deferred.template, &Place::root()),
            )
        };
        let parts = deferred.iter().map(part).collect();
        Self {
            parts,
            expressions: parser.into_expressions(),
            has_stand_ins: false,
        }
    }

    /// The same where every secret is only a stand-in, so that failures tell their reasons.
    #[must_use]
    pub fn with_stand_ins(self) -> Self {
        Self {
            has_stand_ins: true,
            ..self
        }
    }

    /// All expressions to evaluate for an attempt, those that name no secret included.
    #[must_use]
    pub fn expressions(&self) -> &[Expression] {
        self.expressions.list()
    }

    /// `value`, filled before, with the results in: `evaluated` has one for each of
    /// [`Self::expressions`], in order.
    #[must_use]
    pub fn complete(&self, mut value: Value, evaluated: &[Evaluated]) -> Completed {
        let mut filler = Filler::new(&self.expressions, evaluated, !self.has_stand_ins);
        for (pointer, node) in &self.parts {
            let depth = pointer.bytes().filter(|byte| *byte == b'/').count();
            let known = filler.failures.len();
            let output = filler.node(node, &Place::root(), depth);
            for failure in filler.failures.iter_mut().skip(known) {
                failure.path = joined(path_of(pointer), &failure.path);
            }
            let output = output.map(|output| output.into_value(&Place::root(), &mut Vec::new()));
            put(&mut value, pointer, output);
        }
        Completed {
            value,
            yielded: self.yielded(evaluated),
            failures: filler.failures,
        }
    }

    fn yielded(&self, evaluated: &[Evaluated]) -> Vec<String> {
        let mut strings = BTreeSet::new();
        for (expression, evaluated) in self.expressions.list().iter().zip(evaluated) {
            if let (true, Evaluated::Value(value)) = (expression.deferred, evaluated) {
                collect_strings(value, &mut strings);
            }
        }
        strings.into_iter().map(str::to_owned).collect()
    }
}

fn joined(outer: String, inner: &str) -> String {
    match inner.chars().next() {
        None => outer,
        Some('[') => outer + inner,
        Some(_) if outer.is_empty() => inner.to_owned(),
        Some(_) => format!("{outer}.{inner}"),
    }
}

fn collect_strings<'v>(value: &'v Value, strings: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(string) if !string.is_empty() => drop(strings.insert(string)),
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_strings(value, strings)),
        Value::Object(object) => object
            .values()
            .for_each(|value| collect_strings(value, strings)),
        _ => {}
    }
}

/// Replaces what stands at `pointer`; what is undefined vanishes from an object and is null elsewhere.
fn put(value: &mut Value, pointer: &str, new: Option<Value>) {
    if new.is_none()
        && let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(object)) = value.pointer_mut(parent)
    {
        object.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
        return;
    }
    if let Some(place) = value.pointer_mut(pointer) {
        *place = new.unwrap_or(Value::Null);
    }
}
