//! jq's grammar: an expression's text as the interpreter's terms, and mistakes in jq's words.
//!
//! It answers whatever text it is given, in a stack that the bounds of nesting limit.

mod blocks;
mod lexer;
mod objects;
mod parser;
mod strings;
mod terms;

#[cfg(test)]
mod tests;

use jaq_core::load::parse::{Def, Term};

use crate::program::CompileError;
use parser::Parser;
pub(crate) use terms::{is_compound, written};

/// A name and a number of arguments.
pub(crate) type Signature<'s> = (&'s str, usize);

/// What a text says, and every function that it names.
pub(crate) struct Parsed<'s, T> {
    pub(crate) content: T,
    pub(crate) calls: Vec<Signature<'s>>,
}

/// A program.
pub(crate) fn program(text: &str) -> Result<Parsed<'_, Term<&str>>, CompileError> {
    Parser::new(text).program()
}

/// Definitions, each with the functions that it names.
pub(super) fn definitions(text: &str) -> Result<Vec<Parsed<'_, Def<&str>>>, CompileError> {
    let mut parser = Parser::new(text);
    let mut definitions = Vec::new();
    while let Some(definition) = parser.next_definition()? {
        definitions.push(definition);
    }
    Ok(definitions)
}
