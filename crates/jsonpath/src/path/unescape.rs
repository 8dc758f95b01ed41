//! Backslashes of names and strings within paths.

/// The text without its escapes; `None` where `\u` is not followed by hexadecimal digits. Unknown
/// escapes stand for their character, an unfinished `\u` for nothing.
pub(super) fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            '\\' => match characters.next() {
                None => '\\',
                Some('r') => '\r',
                Some('n') => '\n',
                Some('t') => '\t',
                Some('f') => '\u{c}',
                Some('b') => '\u{8}',
                Some('u') => {
                    let digits: String = characters.by_ref().take(4).collect();
                    if digits.chars().count() == 4 {
                        units.push(u16::from_str_radix(&digits, 16).ok()?);
                    }
                    continue;
                }
                Some(other) => other,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    // Halves of surrogate pairs, which only escapes can leave behind, have no place in UTF-8.
    Some(String::from_utf16_lossy(&units))
}
