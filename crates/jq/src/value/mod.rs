//! The values that expressions work on: JSON's, with jq's numbers, order and messages.
//!
//! Strings, arrays and objects are shared and copied when one holder changes them. How deep and how
//! large a value may be is bounded where it is made, so that recursion over one is safe everywhere.

mod arithmetic;
mod extent;
mod index;
mod interface;
mod number;
mod order;
mod parse;
mod paths;
mod print;

#[cfg(test)]
mod tests;

use std::mem::take;
use std::rc::Rc;

use indexmap::IndexMap;

pub(crate) use arithmetic::split;
pub(crate) use extent::Excess;
use extent::Extent;
pub(crate) use index::{Bounds, bounds};
use number::write_number;
pub(crate) use number::{Literal, read_number};
pub(crate) use order::{compare, sorted};
pub(crate) use parse::{escape, named_number};
pub(crate) use paths::{delete_paths, get_path, path_elements, set_path};
pub(crate) use print::{Format, Unprintable, excerpt, json};

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

#[derive(Clone, Debug, Default)]
pub(crate) struct Array {
    elements: Vec<Value>,
    extent: Extent,
}

/// The members of an object in the order of their insertion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    members: Members,
    extent: Extent,
}

impl Value {
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::String(Rc::new(text.into()))
    }

    pub(crate) fn array(elements: Vec<Self>) -> Self {
        let extent = Extent::around(elements.iter());
        Self::Array(Rc::new(Array { elements, extent }))
    }

    pub(crate) fn object(members: Members) -> Self {
        let mut extent = Extent::around(members.values());
        members.keys().for_each(|key| extent.add_key(key));
        Self::Object(Rc::new(Object { members, extent }))
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
}

impl Array {
    /// Takes the element at `place` out and leaves null.
    fn take(&mut self, place: usize) -> Value {
        let Some(element) = self.elements.get_mut(place) else {
            return Value::Null;
        };
        self.extent.remove(element);
        self.extent.add(&Value::Null);
        take(element)
    }

    /// Puts `value` in place of the element at `place`, or behind the last one.
    fn put(&mut self, place: usize, value: Value) {
        self.extent.add(&value);
        if let Some(element) = self.elements.get_mut(place) {
            self.extent.remove(element);
            *element = value;
            return;
        }
        for _ in self.elements.len()..place {
            self.extent.add(&Value::Null);
        }
        self.elements.resize(place, Value::Null);
        self.elements.push(value);
    }
}

impl Object {
    /// Takes the member of that name out and leaves null.
    fn take(&mut self, key: &String) -> Value {
        let Some(member) = self.members.get_mut(key) else {
            return Value::Null;
        };
        self.extent.remove(member);
        self.extent.add(&Value::Null);
        take(member)
    }

    fn put(&mut self, key: Rc<String>, value: Value) {
        self.extent.add(&value);
        match self.members.get_mut(&key) {
            Some(member) => {
                self.extent.remove(member);
                *member = value;
            }
            None => {
                self.extent.add_key(&key);
                self.members.insert(key, value);
            }
        }
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
