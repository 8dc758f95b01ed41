//! XPath 1.0 as the plugin uses it: Java's evaluator over a tree that knows no namespaces.
//!
//! An evaluator of our own, because the work must have a bound (the expression and the content meet
//! from different hands) and because Java's tree differs: a prefix is a part of a name, adjacent
//! text and CDATA are one text to expressions and several nodes to variables.

mod evaluate;
mod functions;
mod leaves;
mod parse;
mod serialize;
mod syntax;
mod tokens;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::filter::Filter;
use super::flatten::FlattenError;
use crate::xml::{self, Document, NodeId};

use syntax::Expression;
pub use tokens::SyntaxError;

/// Why an expression yields no variables. The plugin swallows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XPathError {
    /// The content is no XML that is read.
    #[error("the content is not XML: {0}")]
    Content(String),
    /// The expression is not XPath.
    #[error("{0}")]
    Syntax(#[from] SyntaxError),
    /// It yields something else than nodes.
    #[error("the expression gives {0}, not nodes")]
    NotNodes(&'static str),
    /// A `$variable`, of which there are none.
    #[error("there is no variable ${0}")]
    Variable(String),
    /// The evaluation was ended by its bound.
    #[error("the evaluation takes more than {0} steps")]
    TooLong(usize),
    /// The first node cannot be written.
    #[error("the prefix of the attribute {0:?} is not declared within the node")]
    Prefix(String),
    /// The nodes cannot be made into variables.
    #[error("{0}")]
    Flatten(#[from] FlattenError),
}

/// A post content that was read as XML.
pub struct Content(Result<Document, String>);

impl Content {
    /// Reads a post content.
    pub fn read(text: &str) -> Self {
        Self(xml::read(text).map_err(|error| error.to_string()))
    }
}

/// What of an expression the emulator does not know, although Java does.
pub fn unsupported(expression: &str) -> Option<&'static str> {
    match parse::parse(expression) {
        Err(SyntaxError::Unsupported(what)) => Some(what),
        _ => None,
    }
}

/// The variables of an expression. Without nodes it is one, empty.
pub fn variables(
    key: &str,
    content: &Content,
    expression: &str,
    filter: &Filter,
) -> Result<BTreeMap<String, String>, XPathError> {
    let document = content
        .0
        .as_ref()
        .map_err(|error| XPathError::Content(error.clone()))?;
    let nodes = select(document, &parse::parse(expression)?)?;
    let mut variables = BTreeMap::new();
    let whole = match nodes.first() {
        None => String::new(),
        Some(first) => serialize::serialize(document, *first)?,
    };
    variables.insert(key.to_owned(), whole);
    leaves::add(&mut variables, key, document, &nodes, filter)?;
    Ok(variables)
}

/// The selected nodes in document order.
fn select(document: &Document, expression: &Expression) -> Result<Vec<NodeId>, XPathError> {
    match evaluate::evaluate(document, expression)? {
        value::Value::Nodes(nodes) => Ok(nodes),
        other => Err(XPathError::NotNodes(other.kind())),
    }
}
