//! JSON as it stands in columns: written on the caller's side, so that the writer only binds.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// How deep stored JSON may be; far above what the API takes and templates build.
const DEPTH_LIMIT: u32 = 512;

/// `value` as JSON text.
pub(super) fn write<T: Serialize + ?Sized>(
    column: &'static str,
    value: &T,
) -> Result<String, Error> {
    let unwritable = |problem| Error::Unavailable(format!("{column} cannot be stored: {problem}"));
    let text = serde_json::to_string(value).map_err(|error| unwritable(error.to_string()))?;
    if is_deep(&text) {
        return Err(unwritable(format!(
            "it is nested deeper than {DEPTH_LIMIT} levels"
        )));
    }
    Ok(text)
}

/// The value of a JSON text.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if is_deep(text) {
        return Err(format!("it is nested deeper than {DEPTH_LIMIT} levels"));
    }
    // The parser's own limit is below what a template may build from a body at that limit.
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let value = T::deserialize(&mut parser).map_err(|error| error.to_string())?;
    parser.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn is_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0u32, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_LIMIT {
            return true;
        }
    }
    false
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
