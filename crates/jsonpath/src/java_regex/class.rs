//! Pieces of character classes: shorthands, ranges and single characters.

use super::flags::Flags;

/// The inside of a class for a shorthand escape, and whether it is negated; ASCII only, as Java's
/// are unless `(?U)` holds.
pub(super) fn shorthand(letter: char, flags: Flags) -> Option<(&'static str, bool)> {
    let inside = match (letter.to_ascii_lowercase(), flags.unicode_class) {
        ('d', false) => "0-9",
        ('d', true) => r"\d",
        ('w', false) => "0-9A-Z_a-z",
        ('w', true) => r"\w",
        ('s', false) => r" \t\n\x0B\f\r",
        ('s', true) => r"\s",
        ('h', _) => r" \t\xA0\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}",
        ('v', _) => r"\n\x0B\f\r\x{85}\x{2028}\x{2029}",
        _ => return None,
    };
    Some((inside, letter.is_ascii_uppercase()))
}

/// The inside of a class for all characters from `low` to `high`, case folded where asked.
pub(super) fn range(low: char, high: char, flags: Flags) -> String {
    let mut inside = if low == high {
        literal(low)
    } else {
        format!("{}-{}", literal(low), literal(high))
    };
    if flags.case_insensitive && !flags.unicode_case {
        for (first, last, shift) in [('a', 'z', -32_i32), ('A', 'Z', 32)] {
            let (from, to) = (low.max(first), high.min(last));
            if from <= to {
                inside.push_str(&format!("{}-{}", shifted(from, shift), shifted(to, shift)));
            }
        }
    }
    inside
}

fn shifted(letter: char, by: i32) -> char {
    u32::from(letter)
        .checked_add_signed(by)
        .and_then(char::from_u32)
        .unwrap_or(letter)
}

/// A character that stands for itself, inside a class or outside.
pub(super) fn literal(character: char) -> String {
    if character.is_ascii_alphanumeric() || !character.is_ascii() {
        character.to_string()
    } else {
        format!(r"\x{{{:x}}}", u32::from(character))
    }
}
