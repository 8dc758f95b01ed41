//! Every expression of a template with the places where it stands, for whoever looks for mistakes
//! before anything is evaluated. Here what names a secret is an expression like any other.

use serde_json::Value;

use super::expression::{Expression, ExpressionId, Expressions};
use super::place::Place;
use super::tree::{Entry, Key, Node, Parsed, Parser, Part, Text};
use crate::violation::Violation;

/// A template, looked through.
#[derive(Clone, Debug)]
pub struct Survey(Parsed);

/// An expression at a place.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'s> {
    /// The expression.
    pub expression: &'s Expression,
    /// Its place in [`Survey::expressions`].
    pub index: usize,
    /// What its value becomes.
    pub role: Role,
    place: &'s Place<'s>,
}

/// What the value of an expression becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A value, in its own type.
    Whole,
    /// A part of a text, of a value or a key.
    Part,
    /// The key of an object.
    Key,
    /// An object whose entries are taken over.
    Spread,
}

impl Occurrence<'_> {
    /// Where it stands, as in violations; a key stands where its value does.
    #[must_use]
    pub fn path(&self) -> String {
        self.place.path()
    }

    /// Whether it stands below the key `first` of the root.
    #[must_use]
    pub fn is_below(&self, first: &str) -> bool {
        self.place.first_key() == Some(first)
    }
}

impl Survey {
    /// Looks through `value`.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        Self(Parser::evaluating().parse(value))
    }

    /// The different expressions, in order of appearance.
    #[must_use]
    pub fn expressions(&self) -> &[Expression] {
        self.0.expressions.list()
    }

    /// What is wrong with the template's braces, bounds and spreads.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// Shows `look` each place where an expression stands, in order.
    pub fn each(&self, mut look: impl FnMut(Occurrence<'_>)) {
        let mut visit = Visit {
            expressions: &self.0.expressions,
            look: &mut look,
        };
        visit.node(&self.0.root, &Place::root(), Role::Whole);
    }
}

struct Visit<'v> {
    expressions: &'v Expressions,
    look: &'v mut dyn FnMut(Occurrence<'_>),
}

impl Visit<'_> {
    fn node(&mut self, node: &Node, place: &Place<'_>, role: Role) {
        match node {
            Node::Constant(_) | Node::Deferred(_) | Node::Broken { .. } => {}
            Node::Text(text) => self.text(text, place, role),
            Node::Array(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    self.node(node, &place.index(index), Role::Whole);
                }
            }
            Node::Object(entries) => {
                for entry in entries {
                    self.entry(entry, &place.key(&entry.written));
                }
            }
        }
    }

    fn entry(&mut self, entry: &Entry, place: &Place<'_>) {
        let role = match &entry.key {
            Key::Spread => Role::Spread,
            Key::Constant => Role::Whole,
            Key::Text(text) => {
                self.text(text, place, Role::Key);
                Role::Whole
            }
        };
        self.node(&entry.value, place, role);
    }

    fn text(&mut self, text: &Text, place: &Place<'_>, role: Role) {
        match text {
            Text::Whole(id) => self.found(*id, place, role),
            Text::Mixed(parts) => {
                for part in parts {
                    if let Part::Expression(id) = part {
                        self.found(*id, place, Role::Part);
                    }
                }
            }
            Text::Broken { .. } => {}
        }
    }

    fn found(&mut self, index: ExpressionId, place: &Place<'_>, role: Role) {
        if let Some(expression) = self.expressions.list().get(index) {
            (self.look)(Occurrence {
                expression,
                index,
                role,
                place,
            });
        }
    }
}
