//! Reads JSON text: input, and what `fromjson` is given.

use std::fmt;
use std::rc::Rc;

use super::{Members, Value, read_number};
use crate::bounds::MAX_VALUE_DEPTH;

/// What is wrong with a text that is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    problem: &'static str,
    /// In bytes from the start; none where it is the text as a whole.
    position: Option<usize>,
    line: usize,
    column: usize,
    at_end: bool,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem)?;
        if self.position.is_none() {
            return Ok(());
        }
        let end = if self.at_end { " at EOF" } else { "" };
        write!(f, "{end} at line {}, column {}", self.line, self.column)
    }
}

impl Value {
    /// The one value that `text` is.
    ///
    /// Beyond JSON, numbers may be written as jq reads them (`nan`, `.5`, `007`), and bytes that are
    /// no UTF-8 are replaced.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let text = String::from_utf8_lossy(text);
        let mut reader = Reader {
            text: text.strip_prefix('\u{feff}').unwrap_or(&text),
            position: 0,
        };
        reader.space();
        if reader.peek().is_none() {
            return Err(reader.whole("Expected JSON value"));
        }
        let value = reader.value(MAX_VALUE_DEPTH)?;
        reader.space();
        match reader.peek() {
            None => Ok(value),
            Some(b']') => Err(reader.mistake("Unmatched ']'", reader.position)),
            Some(b'}') => Err(reader.mistake("Unmatched '}'", reader.position)),
            Some(_) => Err(reader.whole("Unexpected extra JSON values")),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.position += 1;
        }
    }

    fn whole(&self, problem: &'static str) -> ParseError {
        ParseError {
            problem,
            position: None,
            line: 1,
            column: 0,
            at_end: false,
        }
    }

    /// A mistake that shows at `position`.
    fn mistake(&self, problem: &'static str, position: usize) -> ParseError {
        let at_end = position >= self.text.len();
        let seen = &self.text.as_bytes()[..(position + 1).min(self.text.len())];
        let newline = seen.iter().rposition(|byte| *byte == b'\n');
        ParseError {
            problem,
            position: Some(position),
            line: 1 + seen.iter().filter(|byte| **byte == b'\n').count(),
            column: seen.len() - newline.map_or(0, |newline| newline + 1),
            at_end,
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        match self.peek() {
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'"') => Ok(Value::String(Rc::new(self.string()?))),
            Some(b'\'') => Err(self.mistake(
                "Invalid string literal; expected \", but got '",
                self.text.len(),
            )),
            Some(b']') => Err(self.mistake("Unmatched ']'", self.position)),
            Some(b'}') => Err(self.mistake("Unmatched '}'", self.position)),
            Some(b',') => Err(self.mistake("Expected value before ','", self.position)),
            Some(b':') => Err(self.mistake("Expected string key before ':'", self.position)),
            Some(_) => self.word(),
            None => Err(self.mistake("Unfinished JSON term", self.text.len())),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, ParseError> {
        let inner = depth.checked_sub(1);
        inner.ok_or_else(|| self.mistake("Exceeds depth limit for parsing", self.position))
    }

    fn array(&mut self, depth: usize) -> Result<Value, ParseError> {
        let depth = self.deeper(depth)?;
        self.position += 1;
        self.space();
        let mut elements = Vec::new();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(Value::array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            if !self.another(b']', "Expected another array element")? {
                return Ok(Value::array(elements));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, ParseError> {
        let depth = self.deeper(depth)?;
        self.position += 1;
        self.space();
        let mut members = Members::new();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(Value::object(members));
        }
        loop {
            match self.peek() {
                Some(b'"') => {}
                Some(b'[' | b'{') | None => {
                    return Err(self.mistake("Unfinished JSON term", self.position));
                }
                Some(_) => {
                    self.word()?;
                    return Err(self.mistake("Object keys must be strings", self.position));
                }
            }
            let key = Rc::new(self.string()?);
            self.space();
            match self.peek() {
                Some(b':') => self.position += 1,
                None => return Err(self.mistake("Unfinished JSON term", self.position)),
                Some(_) => {
                    let problem = "Objects must consist of key:value pairs";
                    return Err(self.mistake(problem, self.position));
                }
            }
            self.space();
            members.insert(key, self.value(depth)?);
            if !self.another(b'}', "Expected another key-value pair")? {
                return Ok(Value::object(members));
            }
        }
    }

    /// Whether another element follows in an array or object that ends with `close`.
    fn another(&mut self, close: u8, missing: &'static str) -> Result<bool, ParseError> {
        self.space();
        let more = match self.peek() {
            Some(b',') => true,
            Some(byte) if byte == close => false,
            None => return Err(self.mistake("Unfinished JSON term", self.position)),
            Some(_) => {
                return Err(self.mistake("Expected separator between values", self.position));
            }
        };
        self.position += 1;
        if more {
            self.space();
            if self.peek() == Some(close) {
                return Err(self.mistake(missing, self.position));
            }
        }
        Ok(more)
    }

    /// A name of a value, or a number.
    fn word(&mut self) -> Result<Value, ParseError> {
        let rest = &self.text[self.position..];
        let ends = |c: char| " \t\r\n[]{},:\"".contains(c);
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.position += word.len();
        if let Some(number) = named_number(word) {
            return Ok(number);
        }
        match word {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => read_number(word).ok_or_else(|| {
                let named = ["t", "f", "n"].iter().any(|first| word.starts_with(first));
                let problem = if named && !word.starts_with("nan") {
                    "Invalid literal"
                } else {
                    "Invalid numeric literal"
                };
                self.mistake(problem, self.position)
            }),
        }
    }

    fn string(&mut self) -> Result<String, ParseError> {
        self.position += 1;
        let mut string = String::new();
        let mut controls = false;
        loop {
            let rest = &self.text[self.position..];
            let Some(plain) = rest.find(['"', '\\']) else {
                return Err(self.mistake("Unfinished string", self.text.len()));
            };
            string.push_str(&rest[..plain]);
            // they may stand in a string as escapes only
            controls |= rest[..plain].bytes().any(|byte| byte < 0x20);
            self.position += plain + 1;
            if rest.as_bytes()[plain] == b'"' {
                break;
            }
            let rest = &self.text[self.position..];
            match escape(rest) {
                Ok((c, length)) => {
                    string.push(c);
                    self.position += length;
                }
                Err(problem) => return Err(self.mistake(problem, self.position)),
            }
        }
        if controls {
            let problem =
                "Invalid string: control characters from U+0000 through U+001F must be escaped";
            return Err(self.mistake(problem, self.position - 1));
        }
        Ok(string)
    }
}

/// A number that has no digits: `nan`, `-infinity`.
pub(crate) fn named_number(word: &str) -> Option<Value> {
    let (sign, unsigned) = match word.strip_prefix('-') {
        Some(unsigned) => (-1.0, unsigned),
        None => (1.0, word.strip_prefix('+').unwrap_or(word)),
    };
    let is = |name: &str| unsigned.eq_ignore_ascii_case(name);
    if is("nan") {
        Some(Value::Number(f64::NAN))
    } else if is("infinity") || is("inf") {
        Some(Value::Number(f64::INFINITY * sign))
    } else {
        None
    }
}

/// The character that an escape means, and its length behind the backslash.
pub(crate) fn escape(rest: &str) -> Result<(char, usize), &'static str> {
    let simple = |c| Ok((c, 1));
    match rest.bytes().next() {
        None => Err("Expected escape character at end of string"),
        Some(b'"') => simple('"'),
        Some(b'\\') => simple('\\'),
        Some(b'/') => simple('/'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'u') => {
            let unit = code_unit(&rest[1..])?;
            if let Some(c) = char::from_u32(unit) {
                return Ok((c, 5));
            }
            if unit >= 0xdc00 {
                return Ok((char::REPLACEMENT_CHARACTER, 5));
            }
            let broken = "Invalid \\uXXXX\\uXXXX surrogate pair escape";
            let low = rest[5..].strip_prefix("\\u").ok_or(broken)?;
            let low = code_unit(low)?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(broken);
            }
            let point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            char::from_u32(point).map(|c| (c, 11)).ok_or(broken)
        }
        Some(_) => Err("Invalid escape"),
    }
}

fn code_unit(rest: &str) -> Result<u32, &'static str> {
    let digits = rest.get(..4).ok_or("Invalid \\uXXXX escape")?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("Invalid characters in \\uXXXX escape");
    }
    u32::from_str_radix(digits, 16).map_err(|_| "Invalid characters in \\uXXXX escape")
}
