//! Puts results into a template's tree.

mod output;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::expression::{Evaluated, ExpressionId, Expressions};
use super::failure::{Cause, Failure};
use super::place::Place;
use super::tree::{Entry, Key, Node, Part, Text};
use super::{MAX_FILLED_BYTES, MAX_FILLED_DEPTH};
use crate::action::shape::described;
use crate::json;
use output::{Output, Pairs};

/// What a template became.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// The value; holds what is deferred as written.
    pub value: Value,
    /// What waits for each attempt.
    pub deferred: Vec<Deferred>,
    /// What failed and became null, or vanished where it was a key.
    pub failures: Vec<Failure>,
}

/// A part of a filled value that stays a template until each attempt. Only what is listed so is
/// one: text that merely looks like it came from an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// Where in the filled value, as in RFC 6901.
    pub pointer: String,
    /// The string or object as the template's author wrote it.
    pub template: Value,
}

pub(super) fn fill(root: &Node, expressions: &Expressions, evaluated: &[Evaluated]) -> Filled {
    let mut filler = Filler::new(expressions, evaluated, false);
    let output = filler
        .node(root, &Place::root(), 0)
        .unwrap_or(Output::Value(Value::Null));
    let mut deferred = Vec::new();
    let value = output.into_value(&Place::root(), &mut deferred);
    Filled {
        value,
        deferred,
        failures: filler.failures,
    }
}

pub(super) struct Filler<'e> {
    expressions: &'e Expressions,
    evaluated: &'e [Evaluated],
    /// Whether a failure may tell of a secret, so that its reason is kept back.
    tells_of_secrets: bool,
    pub(super) failures: Vec<Failure>,
    bytes_left: usize,
}

/// What a string came to.
enum Came<'e> {
    To(Cow<'e, Value>),
    Undefined,
    Failed,
}

impl<'e> Filler<'e> {
    pub(super) fn new(
        expressions: &'e Expressions,
        evaluated: &'e [Evaluated],
        tells_of_secrets: bool,
    ) -> Self {
        Self {
            expressions,
            evaluated,
            tells_of_secrets,
            failures: Vec::new(),
            bytes_left: MAX_FILLED_BYTES,
        }
    }

    /// The value of `node`, which stands `depth` deep in the result; nothing where undefined.
    pub(super) fn node(&mut self, node: &Node, place: &Place<'_>, depth: usize) -> Option<Output> {
        match node {
            Node::Constant(value) => Some(Output::Value(value.clone())),
            Node::Deferred(template) => Some(Output::Deferred(template.clone())),
            Node::Broken { message } => {
                self.fail(place, "", Cause::Template, message);
                Some(Output::Value(Value::Null))
            }
            Node::Text(text) => match self.text(text, place, depth) {
                Came::To(value) => Some(Output::Value(value.into_owned())),
                Came::Undefined => None,
                Came::Failed => Some(Output::Value(Value::Null)),
            },
            Node::Array(nodes) => {
                let values = nodes.iter().enumerate().map(|(index, node)| {
                    let output = self.node(node, &place.index(index), depth + 1);
                    output.unwrap_or(Output::Value(Value::Null))
                });
                Some(Output::Array(values.collect()))
            }
            Node::Object(entries) => {
                let mut pairs = Pairs::with_capacity(entries.len());
                if entries
                    .iter()
                    .all(|entry| matches!(entry.key, Key::Constant))
                {
                    for entry in entries {
                        let place = place.key(&entry.written);
                        if let Some(value) = self.node(&entry.value, &place, depth + 1) {
                            pairs.add(entry.written.clone(), value);
                        }
                    }
                } else {
                    for entry in entries {
                        self.entry(entry, &place.key(&entry.written), depth, &mut pairs);
                    }
                }
                Some(Output::Object(pairs))
            }
        }
    }

    fn entry(&mut self, entry: &Entry, place: &Place<'_>, depth: usize, pairs: &mut Pairs) {
        let key = match &entry.key {
            Key::Constant => Some(entry.written.clone()),
            Key::Text(text) => self.key(text, place),
            Key::Spread => return self.spread(entry, place, depth, pairs),
        };
        if let Some(key) = key
            && let Some(value) = self.node(&entry.value, place, depth + 1)
        {
            pairs.set(key, value);
        }
    }

    /// A computed key; without it, its pair vanishes.
    fn key(&mut self, text: &Text, place: &Place<'_>) -> Option<String> {
        match self.text(text, place, 0) {
            Came::Undefined | Came::Failed => None,
            Came::To(key) => match key.into_owned() {
                Value::String(key) => Some(key).filter(|key| !key.is_empty()),
                Value::Null => None,
                other => {
                    let message =
                        format!("a key must be a string, and this is {}", described(&other));
                    self.fail(place, self.whole(text), Cause::Key, &message);
                    None
                }
            },
        }
    }

    /// The entries of an object, in the place of `entry`.
    fn spread(&mut self, entry: &Entry, place: &Place<'_>, depth: usize, pairs: &mut Pairs) {
        // its entries stand where it does, so it is no level of its own
        match self.node(&entry.value, place, depth) {
            Some(Output::Object(inner)) => {
                for (key, value) in inner.into_iter() {
                    pairs.set(key, value);
                }
            }
            Some(Output::Value(Value::Object(inner))) => {
                for (key, value) in inner {
                    pairs.set(key, Output::Value(value));
                }
            }
            other => {
                let other = match &other {
                    None => "nothing",
                    Some(Output::Value(value)) => described(value),
                    Some(Output::Array(_)) => "an array",
                    Some(Output::Object(_) | Output::Deferred(_)) => "a template",
                };
                let message =
                    format!("spreadValue() takes the entries of an object, and this is {other}");
                self.fail(place, "spreadValue()", Cause::Spread, &message);
            }
        }
    }

    fn text(&mut self, text: &Text, place: &Place<'_>, depth: usize) -> Came<'e> {
        match text {
            Text::Whole(id) => self.whole_value(*id, place, depth),
            Text::Mixed(parts) => self.mixed(parts, place),
            Text::Broken { message } => {
                self.fail(place, "", Cause::Template, message);
                Came::Failed
            }
        }
    }

    fn whole_value(&mut self, id: ExpressionId, place: &Place<'_>, depth: usize) -> Came<'e> {
        match self.evaluated(id, place) {
            Evaluated::Undefined => Came::Undefined,
            Evaluated::Failed { .. } => Came::Failed,
            Evaluated::Value(value) => {
                let depth_left = MAX_FILLED_DEPTH.saturating_sub(depth);
                if output::take_size(value, &mut self.bytes_left, depth_left) {
                    return Came::To(Cow::Borrowed(value));
                }
                self.too_large(id, place);
                Came::Failed
            }
        }
    }

    fn mixed(&mut self, parts: &[Part], place: &Place<'_>) -> Came<'e> {
        let mut text = String::new();
        for part in parts {
            let id = match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Expression(id) => *id,
            };
            let shown = match self.evaluated(id, place) {
                Evaluated::Value(Value::String(string)) => Cow::Borrowed(string.as_str()),
                Evaluated::Value(value) => Cow::Owned(json::stringify(value)),
                // what `"" + JSON.stringify(undefined)` is
                Evaluated::Undefined => Cow::Borrowed("undefined"),
                Evaluated::Failed { .. } => Cow::Borrowed("null"),
            };
            match self.bytes_left.checked_sub(shown.len()) {
                Some(left) => self.bytes_left = left,
                None => {
                    self.too_large(id, place);
                    return Came::Failed;
                }
            }
            text.push_str(&shown);
        }
        Came::To(Cow::Owned(Value::String(text)))
    }

    fn evaluated(&mut self, id: ExpressionId, place: &Place<'_>) -> &'e Evaluated {
        let Some(evaluated) = self.evaluated.get(id) else {
            const MISSING: &Evaluated = &Evaluated::Failed {
                cause: Cause::Error,
                message: String::new(),
            };
            let text = self.expressions.text(id);
            self.fail(place, text, Cause::Error, "it was not evaluated");
            return MISSING;
        };
        if let Evaluated::Failed { cause, message } = evaluated {
            self.fail(place, self.expressions.text(id), *cause, message);
        }
        evaluated
    }

    fn whole(&self, text: &Text) -> &'e str {
        match text {
            Text::Whole(id) => self.expressions.text(*id),
            Text::Mixed(_) | Text::Broken { .. } => "",
        }
    }

    fn too_large(&mut self, id: ExpressionId, place: &Place<'_>) {
        let message = format!(
            "the result would make the whole larger than {MAX_FILLED_BYTES} bytes or deeper than \
             {MAX_FILLED_DEPTH} levels"
        );
        self.fail(place, self.expressions.text(id), Cause::Bound, &message);
    }

    fn fail(&mut self, place: &Place<'_>, expression: &str, cause: Cause, message: &str) {
        if self.failures.len() >= MAX_FAILURES {
            return;
        }
        // jq puts values into its messages, and a computed key or spread tells of its kind
        let (cause, message) = match self.tells_of_secrets {
            true => (
                Cause::Secret,
                "what it names is secret, so nothing more is told",
            ),
            false => (cause, message),
        };
        self.failures.push(Failure {
            path: place.path(),
            expression: expression.to_owned(),
            cause,
            message: message.to_owned(),
        });
    }
}

/// Failures listed for one template.
const MAX_FAILURES: usize = 100;
