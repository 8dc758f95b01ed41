//! The values that expressions work on: JSON's, with jq's numbers, order and messages.
//!
//! Strings, arrays and objects are shared and copied when one holder changes them. No value is
//! nested deeper than [`MAX_VALUE_DEPTH`], so that recursion over one is safe everywhere.

mod arithmetic;
mod index;
mod interface;
mod number;
mod order;
mod parse;
mod paths;
mod print;

#[cfg(test)]
mod tests;

use std::panic::resume_unwind;
use std::rc::Rc;

use indexmap::IndexMap;

pub(crate) use arithmetic::split;
pub(crate) use index::{Bounds, bounds};
use number::write_number;
pub(crate) use number::{Literal, read_number};
pub(crate) use order::{compare, sorted};
pub(crate) use parse::{escape, named_number};
pub(crate) use paths::{delete_paths, get_path, path_elements, set_path};
pub(crate) use print::{Format, Unprintable, excerpt, json};

use crate::bounds::MAX_VALUE_DEPTH;

/// A JSON value; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    /// A number that was computed, or whose text says no more than the double.
    Number(f64),
    /// A number as it was written.
    Literal(Rc<Literal>),
    String(Rc<String>),
    Array(Rc<Array>),
    Object(Rc<Object>),
}

pub(crate) type Members = IndexMap<Rc<String>, Value>;

/// The elements of an array; its depth counts itself, and is never too small.
#[derive(Clone, Debug, Default)]
pub(crate) struct Array {
    elements: Vec<Value>,
    depth: usize,
}

/// The members of an object in the order of their insertion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    members: Members,
    depth: usize,
}

/// Unwinding with this ends the evaluation of an expression that builds too deep a value.
#[derive(Debug)]
pub(crate) struct TooDeep;

impl Value {
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::String(Rc::new(text.into()))
    }

    pub(crate) fn array(elements: Vec<Self>) -> Self {
        let depth = around(elements.iter());
        Self::Array(Rc::new(Array { elements, depth }))
    }

    pub(crate) fn object(members: Members) -> Self {
        let depth = around(members.values());
        Self::Object(Rc::new(Object { members, depth }))
    }

    /// An object of a few members, for answers of natives.
    pub(crate) fn record<const N: usize>(members: [(&str, Self); N]) -> Self {
        let member = |(name, value): (&str, Self)| (Rc::new(name.to_owned()), value);
        Self::object(members.into_iter().map(member).collect())
    }

    /// What jq calls its type.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) | Self::Literal(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Literal(literal) => Some(literal.value()),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn elements(&self) -> Option<&[Self]> {
        match self {
            Self::Array(array) => Some(&array.elements),
            _ => None,
        }
    }

    pub(crate) fn members(&self) -> Option<&Members> {
        match self {
            Self::Object(object) => Some(&object.members),
            _ => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn depth(&self) -> usize {
        match self {
            Self::Array(array) => array.depth,
            Self::Object(object) => object.depth,
            _ => 0,
        }
    }
}

/// The depth of a container around `children`.
fn around<'v>(children: impl Iterator<Item = &'v Value>) -> usize {
    let depth = 1 + children.map(Value::depth).max().unwrap_or_default();
    if depth > MAX_VALUE_DEPTH {
        too_deep();
    }
    depth
}

/// The fold of an array into a value has no place for an error.
fn too_deep() -> ! {
    resume_unwind(Box::new(TooDeep))
}

impl Array {
    /// Puts `value` in place of the element at `place`, or behind the last one.
    fn put(&mut self, place: usize, value: Value) {
        self.depth = self.depth.max(around([&value].into_iter()));
        match self.elements.get_mut(place) {
            Some(element) => *element = value,
            None => {
                self.elements.resize(place, Value::Null);
                self.elements.push(value);
            }
        }
    }
}

impl Object {
    fn put(&mut self, key: Rc<String>, value: Value) {
        self.depth = self.depth.max(around([&value].into_iter()));
        self.members.insert(key, value);
    }
}

/// The elements of an array, moved out where it has no other holder.
pub(crate) fn into_elements(array: Rc<Array>) -> Vec<Value> {
    match Rc::try_unwrap(array) {
        Ok(array) => array.elements,
        Err(array) => array.elements.clone(),
    }
}

/// The members of an object, moved out where it has no other holder.
pub(crate) fn into_members(object: Rc<Object>) -> Members {
    match Rc::try_unwrap(object) {
        Ok(object) => object.members,
        Err(object) => object.members.clone(),
    }
}
