//! The exact bytes that are signed and sent: JSON as other languages' writers print it.
//!
//! Receivers that check a signature over what they parsed print it again, so these writers follow
//! ECMAScript's `JSON.stringify` and Python's `json.dumps` byte for byte. Nothing here parses.

mod compact;
mod document;
mod number;
mod stringified;
mod write;

use serde_json::Value;

pub(crate) use compact::compact_of;
pub use compact::{Unwritable, compact};
pub(crate) use document::Written;
pub use document::{JsonDocument, STORED_DEPTH};
pub use stringified::is_stringified;
use write::{Ecma, Python, PythonAscii, PythonAsciiCompact};

/// About how long the text of `value` is; more where text has to be escaped. What is written into
/// room for as much is seldom moved.
#[must_use]
pub fn about_length(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 6,
        Value::String(text) => text.len() + 3,
        Value::Array(items) => items.iter().map(about_length).sum::<usize>() + 3,
        Value::Object(map) => {
            let pairs = map.iter();
            let pairs = pairs.map(|(key, item)| key.len() + 3 + about_length(item));
            pairs.sum::<usize>() + 3
        }
    }
}

/// `value` as ECMAScript prints it: `JSON.stringify(JSON.parse(text))`.
#[must_use]
pub fn stringify(value: &Value) -> String {
    write::to_string::<Ecma>(value)
}

/// Appends what [`stringify`] returns.
pub fn write_stringify(value: &Value, out: &mut Vec<u8>) {
    write::value::<Ecma>(value, out);
}

/// `value` as Python prints it compactly, text raw:
/// `json.dumps(value, separators=(",", ":"), ensure_ascii=False)`.
///
/// A `-0` without fraction was read as a float already and prints as `-0.0`.
#[must_use]
pub fn python_compact(value: &Value) -> String {
    write::to_string::<Python>(value)
}

/// Appends what [`python_compact`] returns.
pub fn write_python_compact(value: &Value, out: &mut Vec<u8>) {
    write::value::<Python>(value, out);
}

/// `value` as Python prints it compactly with ASCII escapes:
/// `json.dumps(value, separators=(",", ":"))`.
#[must_use]
pub fn python_compact_ascii(value: &Value) -> String {
    write::to_string::<PythonAsciiCompact>(value)
}

/// `value` as Python prints it when asked for nothing else: `json.dumps(value)`.
#[must_use]
pub fn python_default(value: &Value) -> String {
    write::to_string::<PythonAscii>(value)
}

#[cfg(test)]
pub(crate) mod tests;
