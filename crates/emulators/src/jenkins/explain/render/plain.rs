//! Texts of callers as plain text.

/// How much of a value is shown.
const SHOWN_CHARACTERS: usize = 200;
/// How much of an answer is shown.
pub(super) const ANSWER_CHARACTERS: usize = 600;

/// A text on one line: control characters and what turns the direction of writing are spelt out.
pub(super) fn plain(text: &str) -> String {
    cut(text, SHOWN_CHARACTERS)
}

/// The same, at most this long, with a note of what is left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for character in text.chars().take(most) {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' => shown.push_str(&spelt(character)),
            control if control.is_control() => shown.push_str(&spelt(control)),
            other => shown.push(other),
        }
    }
    let left = text.chars().skip(most).count();
    if left > 0 {
        shown.push_str(&format!("… ({left} more characters)"));
    }
    shown
}

fn spelt(character: char) -> String {
    format!("\\u{{{:x}}}", u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_text_reaches_the_terminal() {
        let cases = [
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{9b}2J\u{7f}\0", "\\u{9b}2J\\u{7f}\\u{0}"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("é 😀 \\d \"q\"", "é 😀 \\d \"q\""),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_with_a_note() {
        let shown = plain(&"x".repeat(1_000));
        assert!(shown.ends_with("x… (800 more characters)"), "{shown}");
        assert_eq!(plain(&"x".repeat(200)).len(), 200);
    }
}
