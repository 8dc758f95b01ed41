//! Patterns as JSON Schema means them (ECMA-262), run by an engine whose time is linear.
//!
//! Where the two languages differ the pattern is translated, so that `\d` is ten digits and `[`
//! in a class is a bracket. What a linear engine cannot do (look-around, references) is refused.

use std::fmt;

use regex::{Regex, RegexBuilder};

use crate::action::shape::shown;

/// Sizes that a compiled pattern may have; it is charged as the first one that it fits into.
const PROGRAM_BYTES: [usize; 4] = [8 * 1024, 64 * 1024, 512 * 1024, MAX_PATTERN_PROGRAM_BYTES];
/// Bytes of the largest compiled pattern.
pub const MAX_PATTERN_PROGRAM_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of the states that the engine keeps between two characters.
const MAX_STATE_BYTES: usize = 256 * 1024;
/// Bytes of a pattern's source.
const MAX_SOURCE_BYTES: usize = 4 * 1024;
/// Groups and classes within one another.
const MAX_NESTING: u32 = 32;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const BLANK: &str = r"\t\n\x0B\x0C\r\x20\u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}";
const NOT_LINE_END: &str = r"[^\n\r\u{2028}\u{2029}]";

/// A compiled pattern.
pub(super) struct Pattern {
    source: String,
    program: Regex,
    program_bytes: usize,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

impl Pattern {
    /// Compiles `source`, or says why it cannot.
    pub(super) fn compile(source: &str) -> Result<Self, Refused> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(format!("it is longer than {MAX_SOURCE_BYTES} bytes").into());
        }
        let translated = Translator {
            rest: source,
            out: String::new(),
        }
        .translate()?;
        for program_bytes in PROGRAM_BYTES {
            let program = RegexBuilder::new(&translated)
                .size_limit(program_bytes)
                .dfa_size_limit(MAX_STATE_BYTES)
                .nest_limit(MAX_NESTING)
                .build();
            match program {
                Ok(program) => {
                    return Ok(Self {
                        source: source.to_owned(),
                        program,
                        program_bytes,
                    });
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(_) => return Err("it is not a regular expression, or nested too deep".into()),
            }
        }
        Err(Refused {
            why: "it is too large; lower its counts".into(),
            cost_bytes: MAX_PATTERN_PROGRAM_BYTES,
        })
    }

    /// What it costs, at most, to keep this pattern, and per byte of text to run it.
    pub(super) const fn program_bytes(&self) -> usize {
        self.program_bytes
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.program.is_match(text)
    }

    /// The source, shortened for a message.
    pub(super) fn shown(&self) -> impl fmt::Display + '_ {
        shown(&self.source)
    }
}

/// Why a pattern is not compiled.
pub(super) struct Refused {
    pub(super) why: String,
    /// What trying it cost, as the size of a compiled one.
    pub(super) cost_bytes: usize,
}

impl<T: Into<String>> From<T> for Refused {
    fn from(why: T) -> Self {
        Self {
            why: why.into(),
            cost_bytes: 0,
        }
    }
}

struct Translator<'s> {
    rest: &'s str,
    out: String,
}

/// A piece of a class.
enum Atom {
    Symbol(char),
    Set(String),
}

impl Translator<'_> {
    fn translate(mut self) -> Result<String, String> {
        while let Some(symbol) = self.next() {
            match symbol {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                '.' => self.out.push_str(NOT_LINE_END),
                _ => self.out.push(symbol),
            }
        }
        Ok(self.out)
    }

    fn next(&mut self) -> Option<char> {
        let symbol = self.rest.chars().next()?;
        self.rest = &self.rest[symbol.len_utf8()..];
        Some(symbol)
    }

    fn eat(&mut self, start: &str) -> bool {
        let rest = self.rest.strip_prefix(start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn group(&mut self) -> Result<(), String> {
        let look_around = ["?=", "?!", "?<=", "?<!"];
        if look_around.iter().any(|start| self.rest.starts_with(start)) {
            return Err("it looks ahead or behind".into());
        }
        let is_known = self.rest.starts_with("?:") || self.rest.starts_with("?<");
        if self.rest.starts_with('?') && !is_known {
            return Err("it has a group of a kind that ECMAScript does not know".into());
        }
        self.out.push('(');
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let boundary = match self.rest.chars().next() {
            Some('b') => Some(r"(?-u:\b)"),
            Some('B') => Some(r"(?-u:\B)"),
            _ => None,
        };
        if let Some(boundary) = boundary {
            self.next();
            self.out.push_str(boundary);
            return Ok(());
        }
        match self.escaped()? {
            Atom::Symbol(symbol) => push_symbol(symbol, &mut self.out),
            Atom::Set(set) => self.out.push_str(&set),
        }
        Ok(())
    }

    /// What an escape stands for; its backslash is read already.
    fn escaped(&mut self) -> Result<Atom, String> {
        let set = |negated: &str, set: &str| Ok(Atom::Set(format!("[{negated}{set}]")));
        let Some(symbol) = self.next() else {
            return Err("it ends with a backslash".into());
        };
        let symbol = match symbol {
            'd' => return set("", DIGIT),
            'D' => return set("^", DIGIT),
            'w' => return set("", WORD),
            'W' => return set("^", WORD),
            's' => return set("", BLANK),
            'S' => return set("^", BLANK),
            'p' | 'P' => return self.property(symbol),
            't' => '\t',
            'n' => '\n',
            'v' => '\u{B}',
            'f' => '\u{C}',
            'r' => '\r',
            '0' if !self.rest.starts_with(|next: char| next.is_ascii_digit()) => '\0',
            'c' => {
                let letter = self.next().filter(char::is_ascii_alphabetic);
                letter
                    .and_then(|letter| char::from_u32(u32::from(letter) % 32))
                    .ok_or(BAD_ESCAPE)?
            }
            'x' => self.code_point(2)?,
            'u' => self.unicode()?,
            '0'..='9' | 'k' => return Err("it refers to a group".into()),
            other if other.is_alphanumeric() => return Err(BAD_ESCAPE.into()),
            other => other,
        };
        Ok(Atom::Symbol(symbol))
    }

    fn property(&mut self, letter: char) -> Result<Atom, String> {
        let name = self
            .rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'));
        let (name, rest) = name.ok_or(BAD_ESCAPE)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_=".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(BAD_ESCAPE.into());
        }
        self.rest = rest;
        Ok(Atom::Set(format!("\\{letter}{{{name}}}")))
    }

    fn unicode(&mut self) -> Result<char, String> {
        if self.eat("{") {
            let (code, rest) = self.rest.split_once('}').ok_or(BAD_ESCAPE)?;
            let code = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            self.rest = rest;
            return code.ok_or_else(|| BAD_ESCAPE.into());
        }
        let high = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| BAD_ESCAPE.into());
        }
        if !self.eat("\\u") {
            return Err(BAD_ESCAPE.into());
        }
        let low = self.hex(4)?;
        let low = low
            .checked_sub(0xDC00)
            .filter(|low| *low < 0x400)
            .ok_or(BAD_ESCAPE)?;
        let code = 0x1_0000 + ((high - 0xD800) << 10) + low;
        char::from_u32(code).ok_or_else(|| BAD_ESCAPE.into())
    }

    fn code_point(&mut self, digits: usize) -> Result<char, String> {
        char::from_u32(self.hex(digits)?).ok_or_else(|| BAD_ESCAPE.into())
    }

    fn hex(&mut self, digits: usize) -> Result<u32, String> {
        let text = self.rest.get(..digits).ok_or(BAD_ESCAPE)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BAD_ESCAPE.into());
        }
        self.rest = &self.rest[digits..];
        u32::from_str_radix(text, 16).map_err(|_| BAD_ESCAPE.into())
    }

    /// A class whose opening bracket is read already.
    fn class(&mut self) -> Result<(), String> {
        let is_negated = self.eat("^");
        if self.eat("]") {
            // ECMAScript: `[]` matches nothing, `[^]` everything.
            self.out
                .push_str(if is_negated { r"[\s\S]" } else { r"[^\s\S]" });
            return Ok(());
        }
        self.out.push_str(if is_negated { "[^" } else { "[" });
        loop {
            if self.eat("]") {
                self.out.push(']');
                return Ok(());
            }
            let first = self.class_atom()?;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            match first {
                Atom::Symbol(low) if is_range => {
                    self.eat("-");
                    let Atom::Symbol(high) = self.class_atom()? else {
                        return Err("a range in a class ends with a set".into());
                    };
                    push_symbol(low, &mut self.out);
                    self.out.push('-');
                    push_symbol(high, &mut self.out);
                }
                Atom::Symbol(symbol) => push_symbol(symbol, &mut self.out),
                Atom::Set(_) if is_range => {
                    return Err("a range in a class starts with a set".into());
                }
                Atom::Set(set) => self.out.push_str(&set),
            }
        }
    }

    fn class_atom(&mut self) -> Result<Atom, String> {
        match self.next() {
            None => Err("a class is not closed".into()),
            Some('\\') if self.eat("b") => Ok(Atom::Symbol('\u{8}')),
            Some('\\') => self.escaped(),
            Some(symbol) => Ok(Atom::Symbol(symbol)),
        }
    }
}

const BAD_ESCAPE: &str = "it has an escape that ECMAScript does not know";

/// A literal character, safe anywhere.
fn push_symbol(symbol: char, out: &mut String) {
    if symbol.is_ascii_alphanumeric() {
        out.push(symbol);
    } else {
        out.push_str(&format!("\\u{{{:X}}}", u32::from(symbol)));
    }
}
