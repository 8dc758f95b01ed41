//! The spelling of identifiers, input names and button texts, as the published schema has it.

use std::sync::LazyLock;

use regex::Regex;

/// Characters of an identifier; the schema names no bound.
pub const MAX_IDENTIFIER_CHARS: usize = 1_000;
/// Characters of a button's text.
pub const MAX_BUTTON_CHARS: usize = 15;

static IDENTIFIER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\A[\p{L}0-9@_.+:=-]+\z").ok());

/// `^(?!\.{1,2}$)[\p{L}0-9@_.+:=-]+$`
pub(super) fn is_identifier(text: &str) -> bool {
    !matches!(text, "." | "..")
        && text.chars().nth(MAX_IDENTIFIER_CHARS).is_none()
        && IDENTIFIER
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(text))
}

/// `^[A-Za-z0-9@_=\\-]+$`
pub(super) fn is_input_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"@_=\\-".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// `^[^\s].*[^\s]$` and at most [`MAX_BUTTON_CHARS`]: at least two characters, no outer blanks.
pub(super) fn is_button_text(text: &str) -> bool {
    let chars: Vec<char> = text.chars().take(MAX_BUTTON_CHARS + 1).collect();
    let [first, middle @ .., last] = chars.as_slice() else {
        return false;
    };
    chars.len() <= MAX_BUTTON_CHARS
        && !is_ecma_blank(*first)
        && !is_ecma_blank(*last)
        && !middle.iter().any(|&symbol| is_ecma_line_end(symbol))
}

/// ECMAScript's `\s`.
fn is_ecma_blank(symbol: char) -> bool {
    symbol == '\u{feff}' || (symbol.is_whitespace() && symbol != '\u{85}')
}

/// What ECMAScript's `.` does not match.
const fn is_ecma_line_end(symbol: char) -> bool {
    matches!(symbol, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}
