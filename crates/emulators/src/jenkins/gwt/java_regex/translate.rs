//! From a Java pattern to one of the same meaning for `fancy_regex`.

use super::class::{TERMINATORS, literal, property, range, shorthand};
use super::flags::Flags;
use super::syntax_error;
use crate::jenkins::gwt::Thrown;

/// Deepest nesting of groups and classes.
const DEPTH_LIMIT: usize = 100;

pub(super) fn translate(pattern: &str) -> Result<String, Thrown> {
    let mut translator = Translator {
        pattern,
        characters: pattern.chars().collect(),
        at: 0,
        flags: Flags::default(),
        groups: Vec::new(),
        out: String::new(),
    };
    while translator.at < translator.characters.len() {
        translator.element()?;
    }
    if translator.groups.is_empty() {
        Ok(translator.out)
    } else {
        Err(translator.error("Unclosed group"))
    }
}

struct Translator<'a> {
    pattern: &'a str,
    characters: Vec<char>,
    at: usize,
    flags: Flags,
    /// Flags to go back to at each open group's end.
    groups: Vec<Flags>,
    out: String,
}

/// What an escape stands for.
enum Escaped {
    One(char),
    /// The inside of a class, and whether it is negated.
    Class(String, bool),
    /// Text between `\Q` and `\E`.
    Quoted(Vec<char>),
    /// Something that consumes nothing, or a back-reference; only outside classes.
    Assertion(String),
}

impl Translator<'_> {
    fn error(&self, description: &str) -> Thrown {
        syntax_error(self.pattern, Some(self.at), description)
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn eat(&mut self, text: &str) -> bool {
        let length = text.chars().count();
        let found = self
            .characters
            .get(self.at..self.at + length)
            .is_some_and(|found| found.iter().copied().eq(text.chars()));
        if found {
            self.at += length;
        }
        found
    }

    fn element(&mut self) -> Result<(), Thrown> {
        let Some(character) = self.next() else {
            return Ok(());
        };
        match character {
            '\\' => match self.escape()? {
                Escaped::One(character) => self.character(character),
                Escaped::Class(inside, negated) => self.class(&inside, negated),
                Escaped::Quoted(text) => text.into_iter().for_each(|one| self.character(one)),
                Escaped::Assertion(text) => self.out.push_str(&text),
            },
            '[' => {
                let class = self.bracket(1)?;
                let folds = self.flags.case_insensitive && self.flags.unicode_case;
                self.out.push_str(&if folds {
                    format!("(?i:{class})")
                } else {
                    class
                });
            }
            '(' => self.group()?,
            ')' => {
                let Some(flags) = self.groups.pop() else {
                    return Err(self.error("Unmatched closing ')'"));
                };
                self.flags = flags;
                self.out.push(')');
            }
            '.' => self.dot(),
            '^' => self.out.push_str(&self.line_start()),
            '$' => self.out.push_str(&self.line_end()),
            '{' => self.repetition()?,
            '*' | '+' | '?' | '|' => self.out.push(character),
            '#' if self.flags.comments => {
                while self.next().is_some_and(|skipped| skipped != '\n') {}
            }
            blank if self.flags.comments && blank.is_ascii_whitespace() => {}
            character => self.character(character),
        }
        Ok(())
    }

    fn character(&mut self, character: char) {
        if !self.flags.case_insensitive {
            self.out.push_str(&literal(character));
        } else if self.flags.unicode_case {
            self.out.push_str(&format!("(?i:{})", literal(character)));
        } else {
            self.class(&range(character, character, self.flags), false);
        }
    }

    fn class(&mut self, inside: &str, negated: bool) {
        let not = if negated { "^" } else { "" };
        self.out.push_str(&format!("[{not}{inside}]"));
    }

    fn dot(&mut self) {
        if self.flags.dot_all {
            self.out.push_str("(?s:.)");
        } else if self.flags.unix_lines {
            self.class(r"\n", true);
        } else {
            self.class(TERMINATORS, true);
        }
    }

    fn line_start(&self) -> String {
        if !self.flags.multiline {
            return r"\A".to_owned();
        }
        let terminators = self.terminators();
        format!(r"(?:(?:\A|(?<=[{terminators}]))(?!\z)(?!(?<=\r)\n))")
    }

    /// `$` holds before a last line terminator too, but not within `\r\n`.
    fn line_end(&self) -> String {
        let terminators = self.terminators();
        let terminator = format!(r"\r\n|(?!(?<=\r)\n)[{terminators}]");
        if self.flags.multiline {
            format!(r"(?={terminator}|\z)")
        } else {
            format!(r"(?=(?:{terminator})?\z)")
        }
    }

    fn terminators(&self) -> &'static str {
        if self.flags.unix_lines {
            r"\n"
        } else {
            TERMINATORS
        }
    }

    /// `{n}`, `{n,}` or `{n,m}`; a brace is nothing else in Java.
    fn repetition(&mut self) -> Result<(), Thrown> {
        let rest = &self.characters[self.at..];
        let length = rest.iter().position(|character| *character == '}');
        let inside: String = rest.iter().take(length.unwrap_or(0)).collect();
        let (low, high) = inside.split_once(',').unwrap_or((&inside, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if self.out.is_empty() || low.is_empty() || !digits(low) || !digits(high) {
            return Err(self.error("Illegal repetition"));
        }
        self.at += inside.chars().count() + 1;
        self.out.push_str(&format!("{{{inside}}}"));
        Ok(())
    }

    fn group(&mut self) -> Result<(), Thrown> {
        if self.groups.len() == DEPTH_LIMIT {
            return Err(self.error("Groups nested too deeply"));
        }
        if !self.eat("?") {
            self.groups.push(self.flags);
            self.out.push('(');
            return Ok(());
        }
        for opening in ["<=", "<!", "<", ":", "=", "!", ">"] {
            if self.eat(opening) {
                self.groups.push(self.flags);
                self.out.push_str(&format!("(?{opening}"));
                if opening == "<" {
                    self.group_name()?;
                }
                return Ok(());
            }
        }
        let before = self.flags;
        let mut on = true;
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some(')') => return Ok(()),
                Some(':') => {
                    self.groups.push(before);
                    self.out.push_str("(?:");
                    return Ok(());
                }
                Some(letter) if self.flags.set(letter, on).is_some() => {}
                Some(_) => return Err(self.error("Unknown inline modifier")),
                None => return Err(self.error("Unclosed group")),
            }
        }
    }

    fn group_name(&mut self) -> Result<(), Thrown> {
        loop {
            match self.next() {
                Some('>') => break,
                Some(letter) if letter.is_ascii_alphanumeric() => self.out.push(letter),
                _ => return Err(self.error("named capturing group is missing trailing '>'")),
            }
        }
        self.out.push('>');
        Ok(())
    }

    fn escape(&mut self) -> Result<Escaped, Thrown> {
        let Some(letter) = self.next() else {
            return Err(self.error("Unexpected internal error"));
        };
        if let Some((inside, negated)) = shorthand(letter, self.flags) {
            return Ok(Escaped::Class(inside.to_owned(), negated));
        }
        let word = if self.flags.unicode_class {
            r"\w"
        } else {
            "0-9A-Z_a-z"
        };
        let assertion = match letter {
            'A' | 'z' | 'G' => format!("\\{letter}"),
            'Z' => format!(r"(?=(?:\r\n|(?!(?<=\r)\n)[{TERMINATORS}])?\z)"),
            'R' => r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])".to_owned(),
            'b' => format!("(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"),
            'B' => format!("(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}]))"),
            'k' if self.eat("<") => {
                let mut name = String::new();
                while let Some(letter) = self.next().filter(|letter| *letter != '>') {
                    name.push(letter);
                }
                format!(r"\k<{name}>")
            }
            '1'..='9' => format!(r"(?:\{letter})"),
            _ => return self.plain_escape(letter),
        };
        Ok(Escaped::Assertion(assertion))
    }

    fn plain_escape(&mut self, letter: char) -> Result<Escaped, Thrown> {
        let one = match letter {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'Q' => return Ok(Escaped::Quoted(self.quoted())),
            'p' | 'P' => return self.property(letter == 'P'),
            '0' => self.number(8, 1, 3)?,
            'u' => self.number(16, 4, 4)?,
            'x' if self.eat("{") => {
                let character = self.number(16, 1, 6)?;
                if !self.eat("}") {
                    return Err(self.error("Unclosed hexadecimal escape sequence"));
                }
                character
            }
            'x' => self.number(16, 2, 2)?,
            letter if letter.is_ascii_alphabetic() => {
                return Err(self.error("Illegal/unsupported escape sequence"));
            }
            other => other,
        };
        Ok(Escaped::One(one))
    }

    fn quoted(&mut self) -> Vec<char> {
        let mut text = Vec::new();
        while self.at < self.characters.len() && !self.eat("\\E") {
            text.extend(self.next());
        }
        text
    }

    fn property(&mut self, negated: bool) -> Result<Escaped, Thrown> {
        let mut name = String::new();
        if self.eat("{") {
            loop {
                match self.next() {
                    Some('}') => break,
                    Some(letter) => name.push(letter),
                    None => return Err(self.error("Unclosed character family")),
                }
            }
        } else {
            name.extend(self.next());
        }
        Ok(Escaped::Class(property(&name), negated))
    }

    fn number(&mut self, radix: u32, least: usize, most: usize) -> Result<char, Thrown> {
        let mut code = 0;
        let mut count = 0;
        while count < most
            && let Some(digit) = self.peek().and_then(|digit| digit.to_digit(radix))
        {
            code = code * radix + digit;
            count += 1;
            self.at += 1;
        }
        char::from_u32(code)
            .filter(|_| count >= least)
            .ok_or_else(|| self.error("Illegal escape sequence"))
    }

    /// The rest of a class whose opening bracket has been read.
    fn bracket(&mut self, depth: usize) -> Result<String, Thrown> {
        if depth > DEPTH_LIMIT {
            return Err(self.error("Classes nested too deeply"));
        }
        let mut out = "[".to_owned();
        if self.eat("^") {
            out.push('^');
        }
        let empty = out.len();
        loop {
            let first = out.len() == empty;
            match self.next() {
                None => return Err(self.error("Unclosed character class")),
                Some(']') if !first => {
                    out.push(']');
                    return Ok(out);
                }
                Some('[') => out.push_str(&self.bracket(depth + 1)?),
                Some('&') if self.eat("&") => out.push_str("&&"),
                Some(character) => {
                    let low = match self.class_element(character, &mut out)? {
                        Some(low) => low,
                        None => continue,
                    };
                    let high = self.range_end(low, &mut out)?;
                    out.push_str(&range(low, high, self.flags));
                }
            }
        }
    }

    /// A single character that may begin a range, or `None` where more was written to `out`.
    fn class_element(&mut self, first: char, out: &mut String) -> Result<Option<char>, Thrown> {
        if first != '\\' {
            return Ok(Some(first));
        }
        match self.escape()? {
            Escaped::One(character) => return Ok(Some(character)),
            Escaped::Class(inside, false) => out.push_str(&inside),
            Escaped::Class(inside, true) => out.push_str(&format!("[^{inside}]")),
            Escaped::Quoted(text) => {
                out.extend(text.into_iter().map(|one| range(one, one, self.flags)));
            }
            Escaped::Assertion(_) => {
                return Err(self.error("Illegal/unsupported escape sequence"));
            }
        }
        Ok(None)
    }

    fn range_end(&mut self, low: char, out: &mut String) -> Result<char, Thrown> {
        let closes = matches!(
            self.characters.get(self.at + 1),
            None | Some(']') | Some('[')
        );
        if self.peek() != Some('-') || closes {
            return Ok(low);
        }
        self.at += 1;
        let Some(next) = self.next() else {
            return Err(self.error("Unclosed character class"));
        };
        let mut other = String::new();
        match self.class_element(next, &mut other)? {
            Some(high) if high < low => Err(self.error("Illegal character range")),
            Some(high) => Ok(high),
            None => {
                // `[a-\d]`: the hyphen stands for itself.
                out.push_str(&literal('-'));
                out.push_str(&other);
                Ok(low)
            }
        }
    }
}
