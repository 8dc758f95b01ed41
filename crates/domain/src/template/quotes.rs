//! Single-quoted strings, which jq has not: `'` at the edge of a word becomes `"`.

/// `text` after the replacement of `/(^|\s)'(?!\s|")|(?<!\s|")'(\s|$)/g` by `$1"$2`.
///
/// As there, a blank that ended one match starts no other: of `'a' 'b'` the third quote stays.
pub(super) fn rewritten(text: &str) -> String {
    if !text.contains('\'') {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let is_quote = |at: usize| characters.get(at) == Some(&'\'');
    let is_blank_at = |at: usize| characters.get(at).copied().is_some_and(is_blank);
    let bars = |at: usize| is_blank_at(at) || characters.get(at) == Some(&'"');
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        if at == 0 && is_quote(0) && !bars(1) {
            result.push('"');
        } else if is_blank(*character) && is_quote(at + 1) && !bars(at + 2) {
            result.push(*character);
            result.push('"');
            at += 1;
        } else if is_quote(at)
            && !at.checked_sub(1).is_some_and(bars)
            && (is_blank_at(at + 1) || at + 1 == characters.len())
        {
            result.push('"');
            result.extend(characters.get(at + 1));
            at += 1;
        } else {
            result.push(*character);
        }
        at += 1;
    }
    result
}

/// ECMAScript's `\s`.
fn is_blank(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_at_word_edges_are_doubled() {
        // made with the expression of the documentation above, in an ECMAScript engine
        for (text, expected) in [
            (".a", ".a"),
            ("'a'", "\"a\""),
            (" 'a' ", " \"a\" "),
            (".a == 'b c'", ".a == \"b c\""),
            (".a // 'x' | length", ".a // \"x\" | length"),
            ("split(',')", "split(',')"),
            ("split( ',' )", "split( \",\" )"),
            ("'a' 'b'", "\"a\" 'b\""),
            ("\"it's\"", "\"it's\""),
            ("\"' '\"", "\"' '\""),
            ("' a'", "\" a\""),
            ("'", "\""),
            ("' ", "\" "),
            ("''", "\"\""),
            ("'\"a\"'", "'\"a\"'"),
            ("a'", "a\""),
            ("don't", "don't"),
            (".['a']", ".['a']"),
        ] {
            assert_eq!(rewritten(text), expected, "{text}");
        }
    }
}
