//! Reading as json-smart does in its permissive mode, which is what Jayway uses by default.

use std::collections::HashMap;

use super::Node;
use crate::numbers;

/// Deepest nesting that json-smart reads.
const DEPTH_LIMIT: usize = 400;

/// The text is not JSON even to a permissive reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing, or only white space.
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
    /// A closing bracket where a value should stand, or one of the other kind.
    #[error("unexpected bracket at byte {at}")]
    Bracket {
        /// Byte offset.
        at: usize,
    },
    /// A value is followed by neither a comma nor a closing bracket.
    #[error("expected ',' or a closing bracket at byte {at}")]
    NoSeparator {
        /// Byte offset.
        at: usize,
    },
    /// Not a number, or too large for a double.
    #[error("number at byte {at} is not finite")]
    NotFinite {
        /// Byte offset.
        at: usize,
    },
}

/// Reads the first complete value; whatever follows it is ignored.
pub fn read(text: &str) -> Result<Node, ReadError> {
    let mut reader = Reader { text, at: 0 };
    reader.space();
    match reader.peek() {
        None => Err(ReadError::Empty),
        Some('{' | '[' | '"' | '\'') => reader.value(0),
        // Anything else at the top is one value, to the end.
        Some(_) => unquoted(text[reader.at..].trim(), reader.at),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, ReadError> {
        match self.peek() {
            None => Err(ReadError::Unterminated { at: self.at }),
            Some('{') => self.object(depth + 1),
            Some('[') => self.array(depth + 1),
            Some('"' | '\'') => self.string().map(Node::Text),
            Some('}' | ']') => Err(ReadError::Bracket { at: self.at }),
            // Nothing before the comma is the empty text.
            Some(',') => Ok(Node::Text(String::new())),
            Some(_) => {
                let at = self.at;
                let token = self.token(|character| matches!(character, ',' | '}' | ']'));
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

    fn array(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.enter(depth)?;
        let mut elements = Vec::new();
        loop {
            self.space();
            match self.peek() {
                None => return Err(ReadError::Unterminated { at: self.at }),
                Some(']') => {
                    self.at += 1;
                    return Ok(Node::Array(elements));
                }
                Some(',') => self.at += 1,
                Some('}') => return Err(ReadError::Bracket { at: self.at }),
                Some(_) => {
                    elements.push(self.value(depth)?);
                    self.after_value()?;
                }
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node, ReadError> {
        self.enter(depth)?;
        let mut members: Vec<(String, Node)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        loop {
            self.space();
            match self.peek() {
                None => return Err(ReadError::Unterminated { at: self.at }),
                Some('}') => {
                    self.at += 1;
                    return Ok(Node::Object(members));
                }
                Some(',') => self.at += 1,
                Some(']') => return Err(ReadError::Bracket { at: self.at }),
                Some(_) => {
                    let (name, value) = self.member(depth)?;
                    self.after_value()?;
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

    /// After a value comes a comma or a closing bracket, nothing else.
    fn after_value(&mut self) -> Result<(), ReadError> {
        self.space();
        match self.peek() {
            Some(',' | '}' | ']') => Ok(()),
            None => Err(ReadError::Unterminated { at: self.at }),
            Some(_) => Err(ReadError::NoSeparator { at: self.at }),
        }
    }

    fn member(&mut self, depth: usize) -> Result<(String, Node), ReadError> {
        let name = match self.peek() {
            Some('"' | '\'') => self.string()?,
            _ => self
                .token(|character| matches!(character, ':' | ',' | '}' | ']'))
                .to_owned(),
        };
        self.space();
        match self.next() {
            Some(':') => {}
            None => return Err(ReadError::Unterminated { at: self.at }),
            Some(_) => return Err(ReadError::MissingColon { at: self.at }),
        }
        self.space();
        Ok((name, self.value(depth)?))
    }

    fn token(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        rest[..length].trim()
    }

    fn string(&mut self) -> Result<String, ReadError> {
        let quote = self.next();
        let mut out = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return Err(ReadError::Unterminated { at }),
                end if end == quote => return Ok(out),
                Some('\\') => self.escape(&mut out)?,
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

/// A value without quotes is a string unless it is exactly a number, a word or not finite.
fn unquoted(token: &str, at: usize) -> Result<Node, ReadError> {
    match token {
        "null" => Ok(Node::Null),
        "true" => Ok(Node::Bool(true)),
        "false" => Ok(Node::Bool(false)),
        "NaN" => Err(ReadError::NotFinite { at }),
        _ => match numbers::java_text(token) {
            Some(Ok(digits)) => Ok(Node::Number(digits)),
            Some(Err(numbers::NotFinite)) => Err(ReadError::NotFinite { at }),
            None => Ok(Node::Text(token.to_owned())),
        },
    }
}
