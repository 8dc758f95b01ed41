//! A JSON value with its text, which is written once however often it is shown and stored.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::about_length;
use super::compact::{Unwritable, VERBATIM, compact_of};

/// How deep stored JSON may be; far above what the API takes and templates build.
pub const STORED_DEPTH: u32 = 512;

/// A JSON value that remembers its text.
#[derive(Clone, Debug, Default)]
pub struct JsonDocument {
    value: Value,
    text: OnceLock<String>,
}

impl JsonDocument {
    /// The text of [`compact`].
    ///
    /// # Errors
    /// Where it is nested deeper than [`STORED_DEPTH`].
    pub fn text(&self) -> Result<&str, Unwritable> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = compact_of(&self.value, STORED_DEPTH, about_length(&self.value))?;
        Ok(self.text.get_or_init(|| text))
    }

    /// The value.
    #[must_use]
    pub const fn as_value(&self) -> &Value {
        &self.value
    }

    /// How long its text is, about where it is not written yet.
    pub(crate) fn about_length(&self) -> usize {
        self.text
            .get()
            .map_or_else(|| about_length(&self.value), String::len)
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// For [`compact`] alone: any other serializer takes a text that is there for a JSON string.
    pub(crate) const fn written(&self) -> Written<'_> {
        Written(self)
    }
}

impl From<Value> for JsonDocument {
    fn from(value: Value) -> Self {
        Self {
            value,
            text: OnceLock::new(),
        }
    }
}

impl Deref for JsonDocument {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl DerefMut for JsonDocument {
    fn deref_mut(&mut self) -> &mut Value {
        self.text.take();
        &mut self.value
    }
}

impl PartialEq for JsonDocument {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq<Value> for JsonDocument {
    fn eq(&self, other: &Value) -> bool {
        self.value == *other
    }
}

pub(crate) struct Written<'a>(&'a JsonDocument);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.text() {
            Ok(text) => serializer.serialize_newtype_struct(VERBATIM, text),
            Err(_) => self.0.value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::compact;

    #[test]
    fn the_text_follows_the_value() {
        let mut document = JsonDocument::from(json!({"a": [1, "\"x\""]}));
        assert_eq!(document.text(), Ok(r#"{"a":[1,"\"x\""]}"#));
        let shown = json!([document.written().0.value, 2]).to_string();
        let written = (document.written(), 2);
        assert_eq!(compact(&written, 3), Ok(shown));
        document["a"] = Value::Null;
        assert_eq!(document.text(), Ok(r#"{"a":null}"#));
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
