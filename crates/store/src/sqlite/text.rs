//! JSON as it stands in columns: written on the caller's side, so that the writer only binds.

use longshore_domain::json::{self, JsonDocument, STORED_DEPTH, Unwritable};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// `value` as JSON text.
pub(super) fn write<T: Serialize + ?Sized>(
    column: &'static str,
    value: &T,
) -> Result<String, Error> {
    json::compact(value, STORED_DEPTH).map_err(|problem| unwritable(column, &problem))
}

/// The text of `document`.
pub(super) fn of<'d>(column: &'static str, document: &'d JsonDocument) -> Result<&'d str, Error> {
    document
        .text()
        .map_err(|problem| unwritable(column, &problem))
}

/// The text of `document`, where there is one.
pub(super) fn maybe_of<'d>(
    column: &'static str,
    document: Option<&'d JsonDocument>,
) -> Result<Option<&'d str>, Error> {
    document.map(|it| of(column, it)).transpose()
}

fn unwritable(column: &'static str, problem: &Unwritable) -> Error {
    Error::Unavailable(format!("{column} cannot be stored: {problem}"))
}

/// The value of a JSON text.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if is_deep(text) {
        return Err(format!("it is nested deeper than {STORED_DEPTH} levels"));
    }
    // The parser's own limit is below what a template may build from a body at that limit.
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let value = T::deserialize(&mut parser).map_err(|error| error.to_string())?;
    parser.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn is_deep(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let mut depth = 0u32;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_string(after),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > STORED_DEPTH {
            return true;
        }
    }
    false
}

/// What follows the string that `text` starts in.
fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', text) {
        let escapes = text[at] == b'\\';
        text = text
            .get(at + 1 + usize::from(escapes)..)
            .unwrap_or_default();
        if !escapes {
            return text;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn depth_is_bounded_and_strings_do_not_count() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read::<Value>(&nested(512)).is_ok());
        assert!(read::<Value>(&nested(513)).unwrap_err().contains("deeper"));
        assert!(
            read::<Value>(&nested(1_000_000))
                .unwrap_err()
                .contains("deeper")
        );
        assert!(read::<Value>(&format!("\"{}\"", r#"[\"{"#.repeat(2_000))).is_ok());
        assert!(read::<Value>("{} x").is_err());
    }
}
