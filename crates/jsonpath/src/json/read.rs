//! Reading as json-smart does in its permissive mode, which is what Jayway uses by default.

use std::collections::HashMap;

use super::Node;
use crate::numbers::{self, Token};

/// Deepest nesting that json-smart reads.
const DEPTH_LIMIT: usize = 400;

/// The text is not JSON even to a permissive reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing.
    #[error("the text is empty")]
    Empty,
    /// It ends within a string, array or object.
    #[error("the text ends at byte {at} before the value does")]
    Unterminated {
        /// Byte offset.
        at: usize,
    },
    /// A member's name is not followed by a colon.
    #[error("expected ':' after the member's name at byte {at}")]
    MissingColon {
        /// Byte offset.
        at: usize,
    },
    /// `\u` or `\x` without its hexadecimal digits.
    #[error("bad escape at byte {at}")]
    BadEscape {
        /// Byte offset.
        at: usize,
    },
    /// Nested too deeply.
    #[error("nested deeper than {DEPTH_LIMIT} at byte {at}")]
    TooDeep {
        /// Byte offset.
        at: usize,
    },
    /// A bracket or colon where a value or a name should stand.
    #[error("unexpected bracket or colon at byte {at}")]
    Misplaced {
        /// Byte offset.
        at: usize,
    },
    /// A member is followed by neither a comma nor a closing brace.
    #[error("expected ',' or '}}' at byte {at}")]
    NoSeparator {
        /// Byte offset.
        at: usize,
    },
    /// It begins as a number with a fraction or exponent, but is none.
    #[error("bad number at byte {at}")]
    BadNumber {
        /// Byte offset.
        at: usize,
    },
}

/// Ends the text wherever it stands outside a plain string.
const END_OF_INPUT: char = '\u{1a}';

/// Reads the first complete value; whatever follows it is ignored. Text that begins with neither
/// bracket nor quote is one value, to the end.
pub fn read(text: &str) -> Result<Node, ReadError> {
    if text.is_empty() {
        return Err(ReadError::Empty);
    }
    Reader { text, at: 0 }.value(0, None)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        let next = self.text[self.at..].chars().next();
        next.filter(|character| *character != END_OF_INPUT)
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.at += 1;
        }
    }

    /// Behind names and members, any control character is space.
    fn skip_controls(&mut self) {
        while self.peek().is_some_and(|character| character <= ' ') {
            self.at += 1;
        }
    }

    /// A value within a container that `closing` ends, or at the top.
    fn value(&mut self, depth: usize, closing: Option<char>) -> Result<Node, ReadError> {
        self.skip_space();
        let at = self.at;
        match self.peek() {
            None if closing.is_some() => Err(ReadError::Unterminated { at }),
            Some('{') => self.object(depth + 1),
            Some('[') => self.array(depth + 1),
            Some('"' | '\'') => self.string().map(Node::Text),
            Some(':' | '}' | ']') => Err(ReadError::Misplaced { at }),
            // Nothing before the comma is the empty text.
            _ => {
                let token = self.token(|character| {
                    closing.is_some_and(|closing| character == ',' || character == closing)
                });
                unquoted(token, at)
            }
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), ReadError> {
        if depth > DEPTH_LIMIT {
            return Err(ReadError::TooDeep { at: self.at });
        }
        self.at += 1;
        Ok(())
    }

    /// Commas may be missing or repeated.
    fn array(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.enter(depth)?;
        let mut elements = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => return Err(ReadError::Unterminated { at: self.at }),
                Some(']') => {
                    self.at += 1;
                    return Ok(Node::Array(elements));
                }
                Some(',') => self.at += 1,
                Some(_) => elements.push(self.value(depth, Some(']'))?),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.enter(depth)?;
        let mut members: Vec<(String, Node)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => return Err(ReadError::Unterminated { at: self.at }),
                Some('}') => {
                    self.at += 1;
                    return Ok(Node::Object(members));
                }
                Some(',') => self.at += 1,
                Some(':' | '[' | ']' | '{') => return Err(ReadError::Misplaced { at: self.at }),
                Some(_) => {
                    let (name, value) = self.member(depth)?;
                    // The last value of a name wins, at the place of its first.
                    match places.get(&name) {
                        Some(&place) => members[place].1 = value,
                        None => {
                            places.insert(name.clone(), members.len());
                            members.push((name, value));
                        }
                    }
                }
            }
        }
    }

    fn member(&mut self, depth: usize) -> Result<(String, Node), ReadError> {
        let name = match self.peek() {
            Some('"' | '\'') => self.string()?,
            _ => self.token(|character| character == ':').to_owned(),
        };
        self.skip_controls();
        match self.next() {
            Some(':') => {}
            None => return Err(ReadError::Unterminated { at: self.at }),
            Some(_) => return Err(ReadError::MissingColon { at: self.at }),
        }
        let value = self.value(depth, Some('}'))?;
        self.skip_controls();
        match self.peek() {
            Some(',' | '}') => Ok((name, value)),
            None => Err(ReadError::Unterminated { at: self.at }),
            Some(_) => Err(ReadError::NoSeparator { at: self.at }),
        }
    }

    fn token(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|character| character == END_OF_INPUT || ends(character))
            .unwrap_or(rest.len());
        self.at += length;
        rest[..length].trim_matches(is_java_space)
    }

    /// A string without backslashes is taken as it stands; of others, control characters are lost.
    fn string(&mut self) -> Result<String, ReadError> {
        let Some(quote) = self.next() else {
            return Err(ReadError::Unterminated { at: self.at });
        };
        let rest = &self.text[self.at..];
        let Some(length) = rest.find(quote) else {
            return Err(ReadError::Unterminated {
                at: self.text.len(),
            });
        };
        if !rest[..length].contains('\\') {
            self.at += length + quote.len_utf8();
            return Ok(rest[..length].to_owned());
        }
        let mut out = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return Err(ReadError::Unterminated { at }),
                Some(end) if end == quote => return Ok(out),
                Some('\\') => self.escape(&mut out)?,
                Some('\0'..='\u{1f}' | '\u{7f}') => {}
                Some(character) => out.push(character),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), ReadError> {
        let at = self.at;
        match self.next() {
            None => return Err(ReadError::Unterminated { at }),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(character @ ('"' | '\'' | '\\' | '/')) => out.push(character),
            Some('x') => {
                let code = self.hexadecimal(2)?;
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some('u') => {
                let unit = self.hexadecimal(4)?;
                out.push(self.surrogates(unit)?);
            }
            // Unknown escapes vanish whole.
            Some(_) => {}
        }
        Ok(())
    }

    /// Joins a pair of surrogates; a lone one has no place in UTF-8.
    fn surrogates(&mut self, unit: u32) -> Result<char, ReadError> {
        if !(0xd800..0xdc00).contains(&unit) || !self.text[self.at..].starts_with("\\u") {
            return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        self.at += 2;
        let low = self.hexadecimal(4)?;
        if !(0xdc00..0xe000).contains(&low) {
            self.at = before;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self, length: usize) -> Result<u32, ReadError> {
        let at = self.at;
        let digits = self.text.get(at..at + length);
        let code = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or(ReadError::BadEscape { at })?;
        self.at += length;
        Ok(code)
    }
}

/// `Character.isWhitespace`, as far as text on its way here holds it.
fn is_java_space(character: char) -> bool {
    let breaks = matches!(character, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}');
    matches!(character, '\t'..='\r' | '\u{1c}'..=' ') || character.is_whitespace() && !breaks
}

/// A value without quotes is a string unless it is exactly a number or a word.
fn unquoted(token: &str, at: usize) -> Result<Node, ReadError> {
    Ok(match token {
        "null" => Node::Null,
        "true" => Node::Bool(true),
        "false" => Node::Bool(false),
        "NaN" => Node::NotFinite,
        _ => match numbers::read(token) {
            Token::Number(digits) => Node::Number(digits),
            Token::NotFinite => Node::NotFinite,
            Token::Malformed => return Err(ReadError::BadNumber { at }),
            Token::Other => Node::Text(token.to_owned()),
        },
    })
}
