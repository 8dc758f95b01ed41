//! Outputs as strict JSON text, and messages of errors, within bounds.

use crate::bounds::{MAX_OUTPUT_BYTES, MAX_OUTPUT_DEPTH};
use crate::value::{Format, Unprintable, Value};

/// Characters of an error's message.
const MESSAGE_CHARS: usize = 200;

/// How outputs are printed: as what reads them can represent.
const OUTPUT: Format = Format {
    max_bytes: MAX_OUTPUT_BYTES,
    max_depth: MAX_OUTPUT_DEPTH,
    any_number: false,
};

/// `value` as JSON text.
pub(super) fn json(value: &Value) -> Result<Vec<u8>, Unprintable> {
    let mut text = Vec::new();
    OUTPUT.write(value, &mut text).map(|()| text)
}

/// What an error says: a string as it is, all else as JSON; its beginning where it is long.
pub(super) fn message(error: &Value) -> String {
    let text = match error.text() {
        Some(text) => text.to_owned(),
        None => {
            let mut text = Vec::new();
            // what does not fit is cut off
            let _ = OUTPUT.write(error, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
    };
    text.chars().take(MESSAGE_CHARS).collect()
}
