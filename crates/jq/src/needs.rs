//! Which parts of its input an expression may look at, so that a worker is sent no others.
//!
//! Errs on the side of more: what is not followed needs its input whole.

mod walk;

#[cfg(test)]
mod property;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use walk::needs;

/// Keys of one path that are followed; what stands deeper is needed whole.
const MAX_DEPTH: usize = 16;
/// Keys that are followed in one expression; of one that has more, all is needed.
const MAX_KEYS: usize = 1024;

/// The part of a value that is needed: all of it, or these of its members where it is an object. What
/// is no object is needed as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs<Key = Box<str>> {
    whole: bool,
    members: BTreeMap<Key, Self>,
}

impl<Key> Default for Needs<Key> {
    fn default() -> Self {
        Self {
            whole: false,
            members: BTreeMap::new(),
        }
    }
}

impl<Key: Ord> Needs<Key> {
    pub(crate) fn whole() -> Self {
        Self {
            whole: true,
            ..Self::default()
        }
    }

    /// Whether any of what stands at `path` is needed.
    pub(crate) fn reaches(&self, path: &[&str]) -> bool
    where
        Key: Borrow<str>,
    {
        let [first, rest @ ..] = path else {
            return true;
        };
        let member = || self.members.get(*first);
        self.whole || member().is_some_and(|needs| needs.reaches(rest))
    }

    fn need_whole(&mut self) {
        *self = Self::whole();
    }

    /// What is needed of a member, to add to it; nothing where all is.
    fn member(&mut self, key: Key) -> Option<&mut Self> {
        (!self.whole).then(|| self.members.entry(key).or_default())
    }
}

impl<'n> Needs<&'n str> {
    /// What any of `all` needs.
    pub(crate) fn union(all: impl Iterator<Item = &'n Needs>) -> Self {
        let mut union = Self::default();
        all.for_each(|needs| union.add(needs));
        union
    }

    fn add(&mut self, other: &'n Needs) {
        if other.whole {
            self.need_whole();
        }
        for (key, other) in &other.members {
            if let Some(needs) = self.member(key) {
                needs.add(other);
            }
        }
    }

    /// Appends `value` without what is not needed of it, as JSON. The members of an object stand in any
    /// order: who could tell needs it whole.
    pub(crate) fn write(&self, value: &Value, json: &mut Vec<u8>) -> serde_json::Result<()> {
        let object = match value {
            Value::Object(object) if !self.whole => object,
            value => return serde_json::to_writer(json, value),
        };
        json.push(b'{');
        let mut comma = false;
        for (key, needs) in &self.members {
            if let Some(value) = object.get(*key) {
                if comma {
                    json.push(b',');
                }
                comma = true;
                serde_json::to_writer(&mut *json, key)?;
                json.push(b':');
                needs.write(value, json)?;
            }
        }
        json.push(b'}');
        Ok(())
    }
}
