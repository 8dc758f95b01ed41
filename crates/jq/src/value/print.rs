//! Values as JSON text.

use super::{Value, write_number};

/// Bytes of a value that stands in an error's text.
const EXCERPT_BYTES: usize = 29;

/// How a value is printed, and how far.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) max_bytes: usize,
    pub(crate) max_depth: usize,
    /// Whether a number as it was written may be beyond the range of doubles.
    pub(crate) any_number: bool,
}

/// Why a value has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprintable {
    TooLarge,
    TooDeep,
}

/// `value` as JSON text, numbers as they were written.
pub(crate) fn json(value: &Value) -> String {
    let mut text = Vec::new();
    let unlimited = Format {
        max_bytes: usize::MAX,
        max_depth: usize::MAX,
        any_number: true,
    };
    // nothing stops it without a limit
    let _ = unlimited.write(value, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

impl Format {
    /// Appends `value` as JSON.
    pub(crate) fn write(self, value: &Value, text: &mut Vec<u8>) -> Result<(), Unprintable> {
        match value {
            Value::Null => text.extend(b"null"),
            Value::Bool(true) => text.extend(b"true"),
            Value::Bool(false) => text.extend(b"false"),
            Value::Number(number) => write_number(*number, text),
            Value::Literal(literal) if literal.value().is_infinite() && !self.any_number => {
                write_number(literal.value(), text);
            }
            Value::Literal(literal) => text.extend(literal.text().bytes()),
            Value::String(string) => write_string(string, text),
            Value::Array(array) => {
                let inner = self.inner()?;
                text.push(b'[');
                for (place, element) in array.elements.iter().enumerate() {
                    if place > 0 {
                        text.push(b',');
                    }
                    inner.write(element, text)?;
                }
                text.push(b']');
            }
            Value::Object(object) => {
                let inner = self.inner()?;
                text.push(b'{');
                for (place, (key, member)) in object.members.iter().enumerate() {
                    if place > 0 {
                        text.push(b',');
                    }
                    write_string(key, text);
                    text.push(b':');
                    inner.write(member, text)?;
                }
                text.push(b'}');
            }
        }
        if text.len() > self.max_bytes {
            return Err(Unprintable::TooLarge);
        }
        Ok(())
    }

    fn inner(self) -> Result<Self, Unprintable> {
        let max_depth = self.max_depth.checked_sub(1).ok_or(Unprintable::TooDeep)?;
        Ok(Self { max_depth, ..self })
    }
}

/// Appends `string` in quotes, what JSON forbids in it escaped, and the delete character too.
fn write_string(string: &str, text: &mut Vec<u8>) {
    text.push(b'"');
    let mut plain = 0;
    for (place, byte) in string.bytes().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\t' => b"\\t",
            b'\r' => b"\\r",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0x00..=0x1f | 0x7f => b"",
            _ => continue,
        };
        text.extend(&string.as_bytes()[plain..place]);
        plain = place + 1;
        if escape.is_empty() {
            text.extend(format!("\\u{byte:04x}").bytes());
        } else {
            text.extend(escape);
        }
    }
    text.extend(&string.as_bytes()[plain..]);
    text.push(b'"');
}

/// The beginning of a value's JSON, as messages show it.
pub(crate) fn excerpt(value: &Value) -> String {
    let mut text = Vec::new();
    let beginning = Format {
        max_bytes: EXCERPT_BYTES,
        max_depth: usize::MAX,
        any_number: true,
    };
    // what does not fit is cut off
    let _ = beginning.write(value, &mut text);
    if text.len() <= EXCERPT_BYTES {
        return String::from_utf8(text).unwrap_or_default();
    }
    let close = match value {
        Value::String(_) => "\"",
        Value::Array(_) => "]",
        Value::Object(_) => "}",
        _ => "",
    };
    text.truncate(EXCERPT_BYTES - 3 - close.len());
    let whole = match std::str::from_utf8(&text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    format!("{whole}...{close}")
}
