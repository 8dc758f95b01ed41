//! What expressions read.

use std::borrow::Cow;

use serde_json::Value;

/// What expressions read: a value, or an object that is made as far as they name its parts.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A value.
    Value(&'a Value),
    /// An object: most expressions name a member or two of it, and need none of the others.
    Object(&'a dyn Members),
}

/// An object's members, each made when it is asked for.
pub trait Members: Sync {
    /// The member `name`; none is null to whoever asks.
    fn member(&self, name: &str) -> Option<Cow<'_, Value>>;

    /// The object with all its members, the same as each of them alone.
    fn whole(&self) -> Value;
}

impl<'a> Input<'a> {
    /// All of it.
    #[must_use]
    pub fn whole(self) -> Cow<'a, Value> {
        match self {
            Self::Value(value) => Cow::Borrowed(value),
            Self::Object(members) => Cow::Owned(members.whole()),
        }
    }
}

impl<'a> From<&'a Value> for Input<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(value)
    }
}
