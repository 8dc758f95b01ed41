//! A template's tree: values without templates as they are, strings and keys in pieces.

use serde_json::{Map, Value};

use super::expression::{ExpressionId, Expressions};
use super::place::Place;
use super::scan::{Piece, scan};
use super::{
    MAX_EXPRESSION_BYTES, MAX_TEMPLATE_DEPTH, MAX_TEMPLATE_EXPRESSIONS, MAX_TEMPLATE_VIOLATIONS,
};
use crate::action::shape::described;
use crate::violation::Violation;

/// A value of the template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Without templates.
    Constant(Value),
    Text(Text),
    Array(Vec<Self>),
    Object(Vec<Entry>),
    /// As written, for each attempt.
    Deferred(Value),
    /// Passes a bound; null.
    Broken {
        message: String,
    },
}

impl Node {
    /// What it certainly is instead of an object.
    fn never_an_object(&self) -> Option<&'static str> {
        match self {
            Self::Constant(Value::Object(_))
            | Self::Object(_)
            | Self::Deferred(_)
            | Self::Broken { .. }
            | Self::Text(Text::Whole(_) | Text::Broken { .. }) => None,
            Self::Constant(other) => Some(described(other)),
            Self::Text(Text::Mixed(_)) => Some("a string"),
            Self::Array(_) => Some("an array"),
        }
    }
}

/// A string with templates.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// Nothing but one template: keeps its type.
    Whole(ExpressionId),
    Mixed(Vec<Part>),
    /// Makes no sense; null.
    Broken {
        message: String,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    Expression(ExpressionId),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As written.
    pub(super) written: String,
    pub(super) key: Key,
    pub(super) value: Node,
}

#[derive(Clone, Debug)]
pub(super) enum Key {
    Constant,
    Text(Text),
    /// `{{ spreadValue() }}`.
    Spread,
}

/// A value's tree, with what was found on the way.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub(super) root: Node,
    pub(super) expressions: Expressions,
    pub(super) violations: Vec<Violation>,
}

pub(super) struct Parser<'k> {
    expressions: Expressions,
    violations: Vec<Violation>,
    /// What stays as written beside what names a secret; none where everything is evaluated.
    keeps: Option<&'k dyn Fn(&str) -> bool>,
}

impl<'k> Parser<'k> {
    /// For templates whose secrets come later.
    pub(super) fn deferring(keeps: &'k dyn Fn(&str) -> bool) -> Self {
        Self {
            expressions: Expressions::default(),
            violations: Vec::new(),
            keeps: Some(keeps),
        }
    }

    /// For what was deferred: everything is evaluated.
    pub(super) fn evaluating() -> Self {
        Self {
            expressions: Expressions::default(),
            violations: Vec::new(),
            keeps: None,
        }
    }

    /// The whole of a template.
    pub(super) fn parse(mut self, value: &Value) -> Parsed {
        let root = self.node(value, &Place::root());
        Parsed {
            root,
            expressions: self.expressions,
            violations: self.violations,
        }
    }

    pub(super) fn into_expressions(self) -> Expressions {
        self.expressions
    }

    pub(super) fn node(&mut self, value: &Value, place: &Place<'_>) -> Node {
        self.node_at(value, place, 0)
    }

    fn node_at(&mut self, value: &Value, place: &Place<'_>, depth: usize) -> Node {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Node::Constant(value.clone()),
            Value::String(text) => match self.text(text, place) {
                None => Node::Constant(value.clone()),
                Some(text) if self.defers(&text) => Node::Deferred(value.clone()),
                Some(text) => Node::Text(text),
            },
            Value::Array(_) | Value::Object(_) if depth >= MAX_TEMPLATE_DEPTH => {
                let message = format!("nested deeper than {MAX_TEMPLATE_DEPTH} arrays and objects");
                self.violation(place, message.clone());
                Node::Broken { message }
            }
            Value::Array(values) => {
                let nodes: Vec<Node> = (values.iter().enumerate())
                    .map(|(index, value)| self.node_at(value, &place.index(index), depth + 1))
                    .collect();
                if nodes.iter().all(|node| matches!(node, Node::Constant(_))) {
                    return Node::Constant(value.clone());
                }
                Node::Array(nodes)
            }
            Value::Object(object) => self.object(value, object, place, depth),
        }
    }

    fn object(
        &mut self,
        value: &Value,
        object: &Map<String, Value>,
        place: &Place<'_>,
        depth: usize,
    ) -> Node {
        let mut constant = true;
        let mut deferred = false;
        let mut entries = Vec::with_capacity(object.len());
        for (written, value) in object {
            // an empty key drops its pair, written or computed
            if written.is_empty() {
                constant = false;
                continue;
            }
            let place = place.key(written);
            let key = if is_spread(written) {
                Key::Spread
            } else {
                self.key(written, &place)
            };
            let value = self.node_at(value, &place, depth + 1);
            if let (Key::Spread, Some(other)) = (&key, value.never_an_object()) {
                let message =
                    format!("spreadValue() takes the entries of an object, and this is {other}");
                self.violation(&place, message);
            }
            constant &= matches!((&key, &value), (Key::Constant, Node::Constant(_)));
            deferred |= match &key {
                Key::Constant => false,
                Key::Text(text) => self.defers(text),
                Key::Spread => matches!(value, Node::Deferred(_)),
            };
            entries.push(Entry {
                written: written.clone(),
                key,
                value,
            });
        }
        if constant {
            Node::Constant(value.clone())
        } else if deferred {
            Node::Deferred(value.clone())
        } else {
            Node::Object(entries)
        }
    }

    fn key(&mut self, written: &str, place: &Place<'_>) -> Key {
        self.text(written, place).map_or(Key::Constant, Key::Text)
    }

    fn defers(&self, text: &Text) -> bool {
        let deferred = |id: &ExpressionId| self.expressions.is_deferred(*id);
        self.keeps.is_some()
            && match text {
                Text::Whole(id) => deferred(id),
                Text::Mixed(parts) => parts.iter().any(|part| match part {
                    Part::Literal(_) => false,
                    Part::Expression(id) => deferred(id),
                }),
                Text::Broken { .. } => false,
            }
    }

    /// The parts of `text`; nothing where it has no template.
    fn text(&mut self, text: &str, place: &Place<'_>) -> Option<Text> {
        let pieces = match scan(text) {
            Ok(pieces) => pieces,
            Err(error) => return Some(self.broken(place, error.to_string())),
        };
        let mut written = pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Expression(written) => Some(*written),
        });
        let first = written.next()?;
        if let Some(long) = [first].into_iter().chain(written.clone()).find(is_too_long) {
            let message = format!(
                "the expression has {} bytes, allowed are {MAX_EXPRESSION_BYTES}",
                long.len()
            );
            return Some(self.broken(place, message));
        }
        let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let parsed =
            if written.next().is_none() && trimmed.starts_with("{{") && trimmed.ends_with("}}") {
                self.add(first).map(Text::Whole)
            } else {
                let part = |piece| match piece {
                    Piece::Text(text) => Some(Part::Literal(text.to_owned())),
                    Piece::Expression(written) => self.add(written).map(Part::Expression),
                };
                pieces
                    .into_iter()
                    .map(part)
                    .collect::<Option<_>>()
                    .map(Text::Mixed)
            };
        Some(parsed.unwrap_or_else(|| {
            let message = format!(
                "more than {MAX_TEMPLATE_EXPRESSIONS} different expressions in one template"
            );
            self.broken(place, message)
        }))
    }

    fn add(&mut self, written: &str) -> Option<ExpressionId> {
        let keeps = |text: &str| self.keeps.is_some_and(|keeps| keeps(text));
        self.expressions
            .add(written, MAX_TEMPLATE_EXPRESSIONS, keeps)
    }

    fn broken(&mut self, place: &Place<'_>, message: String) -> Text {
        self.violation(place, message.clone());
        Text::Broken { message }
    }

    fn violation(&mut self, place: &Place<'_>, message: String) {
        if self.violations.len() < MAX_TEMPLATE_VIOLATIONS {
            self.violations.push(Violation::new(place.path(), message));
        }
    }
}

fn is_too_long(written: &&str) -> bool {
    written.len() > MAX_EXPRESSION_BYTES
}

/// `{{ spreadValue() }}` and nothing else, blanks allowed between the words.
fn is_spread(key: &str) -> bool {
    let inside = key
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    let call = inside.and_then(|inside| inside.trim().strip_prefix("spreadValue("));
    call.and_then(|rest| rest.strip_suffix(')'))
        .is_some_and(|blanks| blanks.trim().is_empty())
}
