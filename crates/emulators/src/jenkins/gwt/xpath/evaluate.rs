//! Evaluation of an expression over a document, within a bound of steps.

mod axes;
mod compare;

use std::cell::Cell;

use super::XPathError;
use super::functions::{self, Function, of_texts, plain_number, plain_text, substring};
use super::syntax::{Axis, Expression, Operator, Path, Start, Step, Test};
use super::value::Value;
use crate::xml::{Document, Kind, NodeId};

/// Most nodes that are looked at, and pieces of text that are compared, for one expression.
const STEP_LIMIT: usize = 2_000_000;
/// So many bytes of text count as one step.
const STEP_BYTES: usize = 16;

/// Evaluates with the document as context.
pub(super) fn evaluate(document: &Document, expression: &Expression) -> Result<Value, XPathError> {
    let evaluation = Evaluation {
        document,
        left: Cell::new(STEP_LIMIT),
    };
    let context = Context {
        node: NodeId::DOCUMENT,
        position: 1,
        size: 1,
    };
    evaluation.value(expression, context)
}

#[derive(Clone, Copy)]
struct Context {
    node: NodeId,
    position: usize,
    size: usize,
}

struct Evaluation<'a> {
    document: &'a Document,
    left: Cell<usize>,
}

impl Evaluation<'_> {
    fn spend(&self, steps: usize) -> Result<(), XPathError> {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(XPathError::TooLong(STEP_LIMIT))
    }

    fn value(&self, expression: &Expression, context: Context) -> Result<Value, XPathError> {
        self.spend(1)?;
        match expression {
            Expression::Literal(text) => Ok(Value::Text(text.clone())),
            Expression::Number(number) => Ok(Value::Number(*number)),
            Expression::Variable(name) => Err(XPathError::Variable(name.clone())),
            Expression::Negative(inner) => {
                let value = self.value(inner, context)?;
                Ok(Value::Number(-self.number(&value)?))
            }
            Expression::Union(left, right) => {
                let mut nodes = self.nodes(left, context)?;
                nodes.extend(self.nodes(right, context)?);
                Ok(Value::Nodes(in_order(nodes)))
            }
            Expression::Path(path) => Ok(Value::Nodes(self.path(path, context)?)),
            Expression::Call(function, arguments) => self.call(*function, arguments, context),
            Expression::Binary(operator, left, right) => {
                self.binary(*operator, left, right, context)
            }
        }
    }

    fn binary(
        &self,
        operator: Operator,
        left: &Expression,
        right: &Expression,
        context: Context,
    ) -> Result<Value, XPathError> {
        let left = self.value(left, context)?;
        match operator {
            Operator::Or if left.boolean() => return Ok(Value::Boolean(true)),
            Operator::And if !left.boolean() => return Ok(Value::Boolean(false)),
            _ => {}
        }
        let right = self.value(right, context)?;
        let calculate: fn(f64, f64) -> f64 = match operator {
            Operator::Or | Operator::And => return Ok(Value::Boolean(right.boolean())),
            Operator::Add => |left, right| left + right,
            Operator::Subtract => |left, right| left - right,
            Operator::Multiply => |left, right| left * right,
            Operator::Divide => |left, right| left / right,
            Operator::Remainder => |left, right| left % right,
            comparison => {
                let holds = self.compare(comparison, &left, &right)?;
                return Ok(Value::Boolean(holds));
            }
        };
        Ok(Value::Number(calculate(
            self.number(&left)?,
            self.number(&right)?,
        )))
    }

    fn nodes(&self, expression: &Expression, context: Context) -> Result<Vec<NodeId>, XPathError> {
        match self.value(expression, context)? {
            Value::Nodes(nodes) => Ok(nodes),
            other => Err(XPathError::NotNodes(other.kind())),
        }
    }

    fn path(&self, path: &Path, context: Context) -> Result<Vec<NodeId>, XPathError> {
        let mut nodes = match &path.start {
            Start::Root => vec![NodeId::DOCUMENT],
            Start::Context => vec![context.node],
            Start::Nodes(inner, predicates) => {
                let nodes = self.nodes(inner, context)?;
                self.narrowed(nodes, predicates)?
            }
        };
        let by_index = path.asks_the_index();
        for step in &path.steps {
            let mut found = Vec::new();
            for node in nodes {
                found.extend(self.step(step, node, by_index)?);
            }
            nodes = in_order(found);
        }
        Ok(nodes)
    }

    fn step(&self, step: &Step, from: NodeId, by_index: bool) -> Result<Vec<NodeId>, XPathError> {
        let mut found = Vec::new();
        for node in axes::along(self.document, step.axis, from) {
            self.spend(1)?;
            let is_seen = axes::is_seen(self.document, step.axis, from, node);
            if is_seen && self.passes(step, node, by_index) {
                found.push(node);
            }
        }
        self.narrowed(found, &step.predicates)
    }

    /// Names and `*` are asked of attributes on their axis, on every other of elements.
    fn passes(&self, step: &Step, node: NodeId, by_index: bool) -> bool {
        let kind = self.document.kind(node);
        let name = match kind {
            Kind::Attribute { name, .. } if step.axis == Axis::Attribute => Some(name),
            Kind::Element { name } if step.axis != Axis::Attribute => Some(name),
            _ => None,
        };
        match &step.test {
            Test::Node => true,
            Test::Text => match kind {
                Kind::Text(_) => true,
                Kind::CharacterData(_) => !by_index || axes::has_text(self.document, node),
                _ => false,
            },
            Test::Comment => matches!(kind, Kind::Comment(_)),
            Test::Instruction(None) => matches!(kind, Kind::Instruction { .. }),
            Test::Instruction(Some(asked)) => {
                matches!(kind, Kind::Instruction { target, .. } if target == asked)
            }
            Test::Star => name.is_some(),
            Test::Name(asked) if by_index => name == Some(asked),
            Test::Name(asked) => name.is_some_and(|name| local(name) == asked),
            Test::Prefixed => false,
        }
    }

    fn narrowed(
        &self,
        mut nodes: Vec<NodeId>,
        predicates: &[Expression],
    ) -> Result<Vec<NodeId>, XPathError> {
        for predicate in predicates {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (index, node) in nodes.into_iter().enumerate() {
                let position = index + 1;
                let context = Context {
                    node,
                    position,
                    size,
                };
                let holds = match self.value(predicate, context)? {
                    Value::Number(asked) => asked == position as f64,
                    other => other.boolean(),
                };
                if holds {
                    kept.push(node);
                }
            }
            nodes = kept;
        }
        Ok(nodes)
    }

    fn call(
        &self,
        function: Function,
        arguments: &[Expression],
        context: Context,
    ) -> Result<Value, XPathError> {
        match function {
            Function::Last => return Ok(Value::Number(context.size as f64)),
            Function::Position => return Ok(Value::Number(context.position as f64)),
            Function::True => return Ok(Value::Boolean(true)),
            Function::False => return Ok(Value::Boolean(false)),
            Function::Current => return Ok(Value::Nodes(vec![NodeId::DOCUMENT])),
            _ => {}
        }
        let mut values = Vec::new();
        for argument in arguments {
            values.push(self.value(argument, context)?);
        }
        if values.is_empty() {
            values.push(Value::Nodes(vec![context.node]));
        }
        let first = &values[0];
        match function {
            Function::Count => Ok(Value::Number(nodes_of(first)?.len() as f64)),
            Function::Sum => {
                let mut sum = 0.0;
                for node in nodes_of(first)? {
                    sum += plain_number(&Value::Text(self.text_of(*node)?));
                }
                Ok(Value::Number(sum))
            }
            // Without a document type no attribute is an identifier, and no node has a language.
            Function::Id => Ok(Value::Nodes(Vec::new())),
            Function::Lang => Ok(Value::Boolean(false)),
            Function::NamespaceUri => nodes_of(first).map(|_| Value::Text(String::new())),
            Function::Name | Function::LocalName => {
                let name = nodes_of(first)?.first().map_or("", |node| self.name(*node));
                let name = match function {
                    Function::Name => name,
                    _ => local(name),
                };
                Ok(Value::Text(name.to_owned()))
            }
            Function::Boolean => Ok(Value::Boolean(first.boolean())),
            Function::Not => Ok(Value::Boolean(!first.boolean())),
            Function::Number => Ok(Value::Number(self.number(first)?)),
            Function::Floor => Ok(Value::Number(self.number(first)?.floor())),
            Function::Ceiling => Ok(Value::Number(self.number(first)?.ceil())),
            Function::Round => Ok(Value::Number(functions::round(self.number(first)?))),
            Function::Substring => self.substring(&values),
            _ => {
                let mut texts = Vec::new();
                for value in &values {
                    texts.push(self.text(value)?);
                }
                self.spend(cost(function, &texts))?;
                Ok(of_texts(function, &texts))
            }
        }
    }

    fn substring(&self, values: &[Value]) -> Result<Value, XPathError> {
        let number = |index: usize| {
            values
                .get(index)
                .map(|value| self.number(value))
                .transpose()
        };
        let text = self.text(&values[0])?;
        let start = number(1)?.unwrap_or(f64::NAN);
        Ok(Value::Text(substring(&text, start, number(2)?)))
    }

    fn name(&self, node: NodeId) -> &str {
        match self.document.kind(node) {
            Kind::Element { name } | Kind::Attribute { name, .. } => name,
            Kind::Instruction { target, .. } => target,
            _ => "",
        }
    }

    /// Nodes become the text of their first.
    fn text(&self, value: &Value) -> Result<String, XPathError> {
        match value {
            Value::Nodes(nodes) => match nodes.first() {
                Some(first) => self.text_of(*first),
                None => Ok(String::new()),
            },
            plain => Ok(plain_text(plain)),
        }
    }

    fn number(&self, value: &Value) -> Result<f64, XPathError> {
        match value {
            Value::Nodes(_) => Ok(plain_number(&Value::Text(self.text(value)?))),
            plain => Ok(plain_number(plain)),
        }
    }

    fn text_of(&self, node: NodeId) -> Result<String, XPathError> {
        self.spend(axes::extent(self.document, node))?;
        let text = axes::text(self.document, node);
        self.spend(text.len() / STEP_BYTES)?;
        Ok(text)
    }
}

fn nodes_of(value: &Value) -> Result<&[NodeId], XPathError> {
    match value {
        Value::Nodes(nodes) => Ok(nodes),
        other => Err(XPathError::NotNodes(other.kind())),
    }
}

/// What stands behind the prefix.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

fn in_order(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Steps of a function of texts: each is read once, but translating looks each character up.
fn cost(function: Function, texts: &[String]) -> usize {
    let bytes: usize = texts.iter().map(String::len).sum();
    let each = match function {
        Function::Translate => texts.get(1).map_or(1, |from| from.len().max(1)),
        _ => 1,
    };
    bytes.saturating_mul(each) / STEP_BYTES
}
