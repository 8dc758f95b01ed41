//! Functions, which stand behind a path: what each makes of a value and its arguments. Values are
//! never changed in place.
//!
//! Not kept of Jayway: that a call's own path argument loses a wildcard with each further call.

use super::EvaluationError;
use super::evaluate::Evaluation;
use super::step::CompiledPath;
use crate::json::{self, Layout, Node};
use crate::numbers::{self, Decimal};

const SMALLEST_ABOVE_ZERO: f64 = f64::from_bits(1);

/// A function call as written; whether there is such a function is seen on evaluation.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
    /// What `length` counts: the first argument's path, with a wildcard behind it unless that ends
    /// in a function itself.
    pub(super) children: Option<CompiledPath>,
}

/// What stands between a call's parentheses.
#[derive(Debug)]
pub(super) enum Argument {
    /// JSON text.
    Json(String),
    /// A path into the whole document.
    Path(CompiledPath),
}

/// Numbers that are put into one.
#[derive(Debug, Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
    Average,
    Deviation,
}

impl Evaluation {
    pub(super) fn call(
        &mut self,
        call: &Call,
        root: &Node,
        node: &Node,
    ) -> Result<Node, EvaluationError> {
        if !matches!(
            call.name.as_str(),
            "length"
                | "size"
                | "keys"
                | "first"
                | "last"
                | "index"
                | "append"
                | "concat"
                | "sum"
                | "min"
                | "max"
                | "avg"
                | "stddev"
        ) {
            return Err(EvaluationError::Unfit {
                expected: "the name of a function",
            });
        }
        let values = self.path_arguments(call, root)?;
        match call.name.as_str() {
            "length" | "size" => self.length(call, node),
            "keys" => self.keys(node),
            "first" => self.at_index(node, 0),
            "last" => self.at_index(node, -1),
            "index" => {
                let index = self.index(call, values)?;
                self.at_index(node, index)
            }
            "append" => self.append(call, values, node),
            "concat" => self.concat(call, values, node),
            "sum" => self.aggregate(call, values, node, Aggregate::Sum),
            "min" => self.aggregate(call, values, node, Aggregate::Min),
            "max" => self.aggregate(call, values, node, Aggregate::Max),
            "avg" => self.aggregate(call, values, node, Aggregate::Average),
            _ => self.aggregate(call, values, node, Aggregate::Deviation),
        }
    }

    /// Paths are evaluated before the function is called, whether it looks at them or not.
    fn path_arguments(
        &mut self,
        call: &Call,
        root: &Node,
    ) -> Result<Vec<Option<Node>>, EvaluationError> {
        call.arguments
            .iter()
            .map(|argument| match argument {
                Argument::Json(_) => Ok(None),
                Argument::Path(path) => self.value(path, root, root).map(Some),
            })
            .collect()
    }

    fn arguments(
        &mut self,
        call: &Call,
        values: Vec<Option<Node>>,
    ) -> Result<Vec<Node>, EvaluationError> {
        call.arguments
            .iter()
            .zip(values)
            .map(|(argument, value)| match (argument, value) {
                (_, Some(value)) => Ok(value),
                (Argument::Json(text), None) => {
                    self.spend(1 + text.len())?;
                    json::read(text).map_err(|_| EvaluationError::Refused {
                        reason: "an argument is not JSON",
                    })
                }
                (Argument::Path(_), None) => Err(EvaluationError::NotFound),
            })
            .collect()
    }

    /// Elements or members; `null` for what has none.
    fn length(&mut self, call: &Call, node: &Node) -> Result<Node, EvaluationError> {
        if let Some(children) = &call.children {
            if !children.ends_in_function()
                && let Some(wildcard) = children.steps.last()
            {
                self.forget_index(wildcard.id);
            }
            if let Node::Array(elements) = self.value(children, node, node)? {
                return Ok(Node::Number(elements.len().to_string()));
            }
        } else if !call.arguments.is_empty() {
            return Err(EvaluationError::Refused {
                reason: "length() counts what a path leads to, not JSON",
            });
        }
        Ok(match node {
            Node::Array(elements) => Node::Number(elements.len().to_string()),
            Node::Object(members) => Node::Number(members.len().to_string()),
            _ => Node::Null,
        })
    }

    fn keys(&mut self, node: &Node) -> Result<Node, EvaluationError> {
        let Node::Object(members) = node else {
            return Ok(Node::Null);
        };
        let mut names = Vec::with_capacity(members.len());
        for (name, _) in members {
            self.spend_bytes(name.len() + size_of::<String>())?;
            names.push(name.clone());
        }
        Ok(Node::Keys(names))
    }

    fn index(&mut self, call: &Call, values: Vec<Option<Node>>) -> Result<i64, EvaluationError> {
        let arguments = self.arguments(call, values)?;
        match numbers_of(&arguments).next() {
            Some(digits) => Ok(Decimal::parse(digits).map_or(0, |it| i64::from(it.to_i32()))),
            None => Err(EvaluationError::OutOfRange { index: 0 }),
        }
    }

    /// From the end Jayway never reaches the first element.
    fn at_index(&mut self, node: &Node, index: i64) -> Result<Node, EvaluationError> {
        let Node::Array(elements) = node else {
            return Err(EvaluationError::Refused {
                reason: "only a list has a first, last or indexed element",
            });
        };
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        let place = if index < 0 { length + index } else { index };
        if index < 0 && place <= 0 {
            return Err(EvaluationError::Refused {
                reason: "the index from the end is larger than the list",
            });
        }
        let element = usize::try_from(place)
            .ok()
            .and_then(|place| elements.get(place));
        match element {
            Some(element) => self.copy(element),
            None => Err(EvaluationError::OutOfRange { index }),
        }
    }

    fn append(
        &mut self,
        call: &Call,
        values: Vec<Option<Node>>,
        node: &Node,
    ) -> Result<Node, EvaluationError> {
        let mut result = self.copy(node)?;
        if let Node::Array(elements) = &mut result {
            elements.extend(self.arguments(call, values)?);
        }
        Ok(result)
    }

    /// Strings of the list, then the arguments and the elements of lists among them as texts.
    fn concat(
        &mut self,
        call: &Call,
        values: Vec<Option<Node>>,
        node: &Node,
    ) -> Result<Node, EvaluationError> {
        let mut text = String::new();
        if let Node::Array(elements) = node {
            for element in elements {
                if let Node::Text(part) = element {
                    text.push_str(part);
                }
            }
        }
        for argument in self.arguments(call, values)? {
            for part in elements_or_itself(&argument) {
                if *part != Node::Null {
                    text.push_str(&java_text(part));
                }
            }
        }
        self.spend_bytes(text.len())?;
        Ok(Node::Text(text))
    }

    fn aggregate(
        &mut self,
        call: &Call,
        values: Vec<Option<Node>>,
        node: &Node,
        aggregate: Aggregate,
    ) -> Result<Node, EvaluationError> {
        let arguments = self.arguments(call, values)?;
        let own = match node {
            Node::Array(_) => std::slice::from_ref(node),
            _ => &[],
        };
        let mut doubles: Vec<f64> = Vec::new();
        for digits in numbers_of(own).chain(numbers_of(&arguments)) {
            self.spend_text(digits.len())?;
            doubles.extend(digits.parse::<f64>());
        }
        if doubles.is_empty() {
            return Err(EvaluationError::Refused {
                reason: "there are no numbers to put together",
            });
        }
        let result = aggregate.of(&doubles);
        if result.is_finite() {
            Ok(Node::Number(numbers::double(result)))
        } else {
            Err(EvaluationError::Refused {
                reason: "the numbers put together are no finite number",
            })
        }
    }
}

impl Aggregate {
    fn of(self, doubles: &[f64]) -> f64 {
        // Not `Iterator::sum`, which begins at −0.0.
        let sum = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |sum, it| sum + it);
        let count = doubles.len() as f64;
        let total = sum(&mut doubles.iter().copied());
        match self {
            Self::Sum => total,
            Self::Average => total / count,
            Self::Min => doubles.iter().copied().fold(f64::MAX, f64::min),
            // Jayway begins at `Double.MIN_VALUE`, which is the smallest number above zero.
            Self::Max => doubles.iter().copied().fold(SMALLEST_ABOVE_ZERO, f64::max),
            Self::Deviation => {
                let squares = sum(&mut doubles.iter().map(|value| value * value));
                (squares / count - total * total / count / count).sqrt()
            }
        }
    }
}

/// The numbers among arguments, and those of lists among them.
fn numbers_of(arguments: &[Node]) -> impl Iterator<Item = &str> {
    arguments
        .iter()
        .flat_map(elements_or_itself)
        .filter_map(|node| match node {
            Node::Number(digits) => Some(digits.as_str()),
            Node::NotFinite => Some("NaN"),
            _ => None,
        })
}

fn elements_or_itself(node: &Node) -> &[Node] {
    match node {
        Node::Array(elements) => elements,
        other => std::slice::from_ref(other),
    }
}

/// What Java's `toString` gives: an object's members with `=`, lists as JSON.
fn java_text(node: &Node) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(truth) => truth.to_string(),
        Node::Number(text) | Node::Text(text) => text.clone(),
        Node::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{name}={}", java_text(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Node::NotFinite => "NaN".to_owned(),
        Node::Array(_) => json::text(node, Layout::Compact).unwrap_or_default(),
        Node::Keys(names) => format!("[{}]", names.join(", ")),
    }
}
