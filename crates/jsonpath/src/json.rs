//! JSON as json-smart reads it in its permissive mode and Gson writes it. A document's depth is
//! bounded on reading; what is not JSON even so is an error, never a guess.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{ReadError, read};
pub use write::{Layout, text, text_within};

/// A JSON value; numbers are kept as Java would print them.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number's text in JSON.
    Number(String),
    /// NaN or an infinity, which can be read but not written.
    NotFinite,
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Node>),
    /// An object, names in order of first appearance.
    Object(Vec<(String, Node)>),
    /// What the function `keys()` gives: in Java a set, no list. It is written as an array, but
    /// nothing looks into it.
    Keys(Vec<String>),
}

impl Node {
    /// The member of this name, where the node is an object that has it.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value)
    }

    /// Elements or members' values, in order.
    pub fn children(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Array(elements) => Box::new(elements.iter()),
            Self::Object(members) => Box::new(members.iter().map(|(_, value)| value)),
            _ => Box::new(std::iter::empty()),
        }
    }
}
