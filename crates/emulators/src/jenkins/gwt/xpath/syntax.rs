//! The shape of an XPath expression.

use super::functions::Function;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Binary(Operator, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Union(Box<Expression>, Box<Expression>),
    Path(Path),
    Literal(String),
    Number(f64),
    Call(Function, Vec<Expression>),
    Variable(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) start: Start,
    pub(super) steps: Vec<Step>,
}

/// Where a path begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    Root,
    Context,
    /// The nodes of an expression, which the predicates narrow.
    Nodes(Box<Expression>, Vec<Expression>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) axis: Axis,
    pub(super) test: Test,
    pub(super) predicates: Vec<Expression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Child,
    Descendant,
    DescendantOrSelf,
    Itself,
    Parent,
    Ancestor,
    AncestorOrSelf,
    Following,
    FollowingSibling,
    Preceding,
    PrecedingSibling,
    Attribute,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// Any node.
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
    /// Any element, or on its axis any attribute.
    Star,
    Name(String),
    /// A name with a prefix: no node is in a namespace, so that none has it.
    Prefixed,
}

impl Path {
    /// Whether it is `//name`, `.//name` or `/descendant::name` and no more, with predicates that do
    /// not count. Java looks up such a test in an index: of whole names, where it else compares what
    /// stands behind the prefix, and of text without CDATA.
    pub(super) fn asks_the_index(&self) -> bool {
        let steps = match (&self.start, self.steps.as_slice()) {
            (Start::Root, steps) => steps,
            (Start::Context, [first, rest @ ..]) if first.is_plain(Axis::Itself) => rest,
            _ => return false,
        };
        let last = match steps {
            [last] if matches!(last.axis, Axis::Descendant | Axis::DescendantOrSelf) => last,
            [below, last] if below.is_plain(Axis::DescendantOrSelf) && last.axis == Axis::Child => {
                last
            }
            _ => return false,
        };
        !last.predicates.iter().any(counts)
    }
}

impl Step {
    /// `axis::node()` without predicates.
    pub(super) fn any(axis: Axis) -> Self {
        Self {
            axis,
            test: Test::Node,
            predicates: Vec::new(),
        }
    }

    fn is_plain(&self, axis: Axis) -> bool {
        *self == Self::any(axis)
    }
}

/// Whether Java takes a predicate for one that may look at positions.
fn counts(predicate: &Expression) -> bool {
    match predicate {
        Expression::Path(path) => !matches!(path.start, Start::Root | Start::Context),
        Expression::Call(function, arguments) => {
            function.looks_at_positions() || arguments.iter().any(may_count)
        }
        Expression::Binary(operator, left, right) => {
            !operator.is_comparison() || may_count(left) || may_count(right)
        }
        _ => true,
    }
}

fn may_count(part: &Expression) -> bool {
    match part {
        Expression::Literal(_) | Expression::Number(_) | Expression::Variable(_) => false,
        other => counts(other),
    }
}

impl Operator {
    fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::Less | Self::AtMost | Self::Greater | Self::AtLeast
        )
    }
}
