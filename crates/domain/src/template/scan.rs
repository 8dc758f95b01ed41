//! Finds the `{{ … }}` of a string. What stands between is not looked at beyond quotes and
//! backslashes, which hide braces there.

use std::fmt;
use std::ops::Range;

/// A piece of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// What stands between the braces, as written.
    Expression(&'t str),
}

/// Why a string's braces make no sense; places count characters from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScanError {
    Nested { inner: usize, outer: usize },
    Stray { at: usize },
    Unterminated { at: usize },
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nested { inner, outer } => write!(
                f,
                "`{{{{` at character {inner} stands inside the template that opens at character {outer}; \
                 expected `}}}}` first"
            ),
            Self::Stray { at } => {
                write!(
                    f,
                    "`}}}}` at character {at} closes no template; expected `{{{{` before it"
                )
            }
            Self::Unterminated { at } => {
                write!(
                    f,
                    "`{{{{` at character {at} is never closed; expected `}}}}` after it"
                )
            }
        }
    }
}

/// The pieces of `text`, in order.
///
/// Of three braces in a row the extra one belongs to the expression. A pair is seen by its second
/// brace, so four closing ones are a pair and a stray pair.
pub(super) fn scan(text: &str) -> Result<Vec<Piece<'_>>, ScanError> {
    let expressions = expressions(text)?;
    let mut pieces = Vec::new();
    let mut end = 0;
    for expression in expressions {
        let literal = &text[end..expression.start - BRACES];
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        end = expression.end + BRACES;
        pieces.push(Piece::Expression(&text[expression]));
    }
    if end < text.len() {
        pieces.push(Piece::Text(&text[end..]));
    }
    Ok(pieces)
}

const BRACES: usize = 2;

/// Where the expressions stand. Braces, quotes and backslashes are ASCII, so bytes can be looked at.
fn expressions(text: &str) -> Result<Vec<Range<usize>>, ScanError> {
    let bytes = text.as_bytes();
    let character = |byte: usize| text[..byte].chars().count();
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let mut quote: Option<u8> = None;
    let mut at = 0;
    while at < bytes.len() {
        let doubled = at > 0 && bytes[at - 1] == bytes[at];
        match (bytes[at], open) {
            (b'\\', Some(_)) => at += 1,
            (byte @ (b'"' | b'\''), Some(_)) => match quote {
                None => quote = Some(byte),
                Some(opened) if opened == byte => quote = None,
                Some(_) => {}
            },
            (b'{', None) if doubled => {
                open = Some(at + 1);
                at += usize::from(bytes.get(at + 1) == Some(&b'{'));
            }
            (b'{', Some(start)) if doubled && quote.is_none() => {
                return Err(ScanError::Nested {
                    inner: character(at - 1),
                    outer: character(start - BRACES),
                });
            }
            (b'}', None) if doubled => {
                return Err(ScanError::Stray {
                    at: character(at - 1),
                });
            }
            (b'}', Some(start)) if doubled && quote.is_none() => {
                at += usize::from(bytes.get(at + 1) == Some(&b'}'));
                found.push(start..at - 1);
                open = None;
            }
            _ => {}
        }
        at += 1;
    }
    match open {
        Some(start) => Err(ScanError::Unterminated {
            at: character(start - BRACES),
        }),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Expression, Text};

    #[test]
    fn braces_quotes_and_backslashes() {
        for (text, pieces) in [
            ("", vec![]),
            ("plain { a: } text", vec![Text("plain { a: } text")]),
            ("{{ .a }}", vec![Expression(" .a ")]),
            (
                "x{{.a}}y{{.b}}",
                vec![Text("x"), Expression(".a"), Text("y"), Expression(".b")],
            ),
            ("{{.a}}{{.b}}", vec![Expression(".a"), Expression(".b")]),
            ("{{}}", vec![Expression("")]),
            ("{{{a: 1}}}", vec![Expression("{a: 1}")]),
            ("{{ {a: 1}}}", vec![Expression(" {a: 1}")]),
            ("{{ \"}}\" }}", vec![Expression(" \"}}\" ")]),
            ("{{ '{{' }}", vec![Expression(" '{{' ")]),
            ("{{ \"it's }}\" }}", vec![Expression(" \"it's }}\" ")]),
            ("{{ \"a\\\"}}\" }}", vec![Expression(" \"a\\\"}}\" ")]),
            // the brace after a backslash is skipped, and still the first of a pair
            ("{{ .a \\}}", vec![Expression(" .a \\")]),
            ("{{ \\} }}", vec![Expression(" \\} ")]),
            (
                "don't {{ .a }} won't",
                vec![Text("don't "), Expression(" .a "), Text(" won't")],
            ),
            ("\\{{ .a }}", vec![Text("\\"), Expression(" .a ")]),
            (
                "é{{ \"ü\" }}ß",
                vec![Text("é"), Expression(" \"ü\" "), Text("ß")],
            ),
        ] {
            assert_eq!(scan(text), Ok(pieces), "{text}");
        }
    }

    #[test]
    fn the_three_errors_have_their_places() {
        for (text, error) in [
            ("a {{ .a {{ .b }}", ScanError::Nested { inner: 8, outer: 2 }),
            ("{{{{ .a }}", ScanError::Nested { inner: 2, outer: 0 }),
            ("é }} {{ .a }}", ScanError::Stray { at: 2 }),
            ("{{ .a }} }}", ScanError::Stray { at: 9 }),
            ("{{ {a:{b:1}}}}", ScanError::Stray { at: 12 }),
            ("{\"a\":{\"b\":1}}", ScanError::Stray { at: 11 }),
            ("é {{ .a", ScanError::Unterminated { at: 2 }),
            ("{{ \"}}", ScanError::Unterminated { at: 0 }),
            ("{{ .a }", ScanError::Unterminated { at: 0 }),
        ] {
            assert_eq!(scan(text), Err(error), "{text}");
        }
    }
}
