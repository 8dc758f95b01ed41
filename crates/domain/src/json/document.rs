//! A JSON value with its text, which is written once however often it is shown and stored.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::about_length;
use super::compact::{Unwritable, VERBATIM, compact_of};

/// How deep stored JSON may be; far above what the API takes and templates build.
pub const STORED_DEPTH: u32 = 512;
/// Room for a text that is written before its value is known.
const WRITTEN_BYTES: usize = 256;

/// A JSON value that remembers its text, or a text that is read when its value is asked for.
#[derive(Clone, Debug)]
pub struct JsonDocument {
    /// One of both is always there.
    value: OnceLock<Value>,
    text: OnceLock<String>,
}

impl JsonDocument {
    /// What `value` is written as; who needs no tree of it, like most, never has one.
    ///
    /// # Errors
    /// What about it cannot be written.
    pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<Self, Unwritable> {
        let text = compact_of(value, STORED_DEPTH, WRITTEN_BYTES)?;
        Ok(Self {
            value: OnceLock::new(),
            text: text.into(),
        })
    }

    /// The text of [`compact`].
    ///
    /// # Errors
    /// Where it is nested deeper than [`STORED_DEPTH`].
    pub fn text(&self) -> Result<&str, Unwritable> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let value = self.as_value();
        let text = compact_of(value, STORED_DEPTH, about_length(value))?;
        Ok(self.text.get_or_init(|| text))
    }

    /// The value.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        self.value.get_or_init(|| read(self.text.get()))
    }

    /// How long its text is, about where it is not written yet.
    pub(crate) fn about_length(&self) -> usize {
        self.text
            .get()
            .map_or_else(|| about_length(self.as_value()), String::len)
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> Value {
        let text = self.text;
        self.value.into_inner().unwrap_or_else(|| read(text.get()))
    }

    /// For [`compact`] alone: any other serializer takes a text that is there for a JSON string.
    pub(crate) const fn written(&self) -> Written<'_> {
        Written(self)
    }
}

/// The value of a text that was written here, and so can be read.
fn read(text: Option<&String>) -> Value {
    let mut parser = serde_json::Deserializer::from_str(text.map_or("null", String::as_str));
    // Written at most as deep as is allowed.
    parser.disable_recursion_limit();
    Value::deserialize(&mut parser).unwrap_or_default()
}

impl Default for JsonDocument {
    fn default() -> Self {
        Value::Null.into()
    }
}

impl From<Value> for JsonDocument {
    fn from(value: Value) -> Self {
        Self {
            value: value.into(),
            text: OnceLock::new(),
        }
    }
}

impl Deref for JsonDocument {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.as_value()
    }
}

impl PartialEq for JsonDocument {
    fn eq(&self, other: &Self) -> bool {
        self.as_value() == other.as_value()
    }
}

impl PartialEq<Value> for JsonDocument {
    fn eq(&self, other: &Value) -> bool {
        self.as_value() == other
    }
}

pub(crate) struct Written<'a>(&'a JsonDocument);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.text() {
            Ok(text) => serializer.serialize_newtype_struct(VERBATIM, text),
            Err(_) => self.0.as_value().serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::compact;

    #[test]
    fn the_text_is_the_values() {
        let document = JsonDocument::from(json!({"a": [1, "\"x\""]}));
        assert_eq!(document.text(), Ok(r#"{"a":[1,"\"x\""]}"#));
        let shown = json!([document.as_value(), 2]).to_string();
        let written = (document.written(), 2);
        assert_eq!(compact(&written, 3), Ok(shown));
    }

    #[test]
    fn what_was_written_is_read_when_it_is_asked_for() {
        let document = JsonDocument::write(&("é", [1])).unwrap();
        assert_eq!(document.text(), Ok(r#"["é",[1]]"#));
        assert_eq!(document, json!(["é", [1]]));
        let document = JsonDocument::write(&[[2]]).unwrap();
        assert_eq!(document.clone().into_value(), json!([[2]]));
        assert_eq!(document[0], json!([2]));
    }

    #[test]
    fn what_is_too_deep_has_no_text_and_is_shown_all_the_same() {
        let deep = (0..STORED_DEPTH).fold(json!([]), |inner, _| json!([inner]));
        let document = JsonDocument::from(deep);
        assert_eq!(document.text(), Err(Unwritable::TooDeep(STORED_DEPTH)));
        assert_eq!(
            compact(&document.written(), u32::MAX),
            Ok(document.to_string())
        );
    }
}
