//! What the interpreter asks of its values. Assignments never reach the updates here: the parser
//! makes them calls of natives.

use std::fmt;
use std::rc::Rc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Exn, ValR, ValT, ValX};

use super::{Bounds, Members, Value, excerpt, json, read_number};
use crate::interpreter::fail;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            other => f.write_str(&json(other)),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<isize> for Value {
    fn from(integer: isize) -> Self {
        match i32::try_from(integer) {
            Ok(integer) => Self::Number(f64::from(integer)),
            Err(_) => read_number(&integer.to_string()).unwrap_or_default(),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<Range<Self>> for Value {
    fn from(range: Range<Self>) -> Self {
        Bounds {
            start: &range.start.unwrap_or_default(),
            end: &range.end.unwrap_or_default(),
        }
        .key()
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(elements: I) -> Self {
        Self::array(elements.into_iter().collect())
    }
}

impl ValT for Value {
    fn from_num(text: &str) -> ValR<Self> {
        read_number(text).ok_or_else(|| fail("Invalid numeric literal"))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR<Self> {
        let mut members = Members::new();
        for (key, value) in entries {
            let Self::String(key) = key else {
                return Err(fail(format!(
                    "Cannot use {} ({}) as object key",
                    key.kind(),
                    excerpt(&key)
                )));
            };
            members.insert(key, value);
        }
        Ok(Self::object(members))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match self.entries() {
            Ok(entries) => Box::new(entries.into_iter().map(Ok)),
            Err(error) => box_once(Err(error)),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        let count = self.elements().map_or(0, <[Self]>::len);
        // what has other holders is not copied as a whole: often the first outputs are enough
        match self {
            Self::Array(array) if Rc::strong_count(&array) > 1 => {
                let element = move |place: usize| Ok(array.elements[place].clone());
                Box::new((0..count).map(element))
            }
            other => match other.children() {
                Ok(children) => Box::new(children.into_iter().map(Ok)),
                Err(error) => box_once(Err(error)),
            },
        }
    }

    fn index(self, key: &Self) -> ValR<Self> {
        self.at(key)
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        self.slice(&Bounds {
            start: range.start.unwrap_or(&Self::Null),
            end: range.end.unwrap_or(&Self::Null),
        })
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        Err(no_update())
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: &Self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        Err(no_update())
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Range<&Self>,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        Err(no_update())
    }

    fn as_bool(&self) -> bool {
        self.is_true()
    }

    fn into_string(self) -> Self {
        match self {
            Self::String(_) => self,
            other => Self::string(json(&other)),
        }
    }
}

fn no_update<'a>() -> Exn<'a, Value> {
    Exn::from(fail("values are updated by paths"))
}
