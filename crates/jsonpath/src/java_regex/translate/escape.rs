//! What stands behind a backslash.

use super::super::class::shorthand;
use super::super::property::{Property, property};
use super::{PatternError, Translator};

/// What an escape stands for.
pub(super) enum Escaped {
    One(char),
    /// The inside of a class, and whether it is negated.
    Class(String, bool),
    /// Text between `\Q` and `\E`.
    Quoted(Vec<char>),
    /// More than one character; only outside classes.
    Consuming(String),
    /// Something that consumes nothing; only outside classes.
    Assertion(String),
}

impl Translator<'_> {
    pub(super) fn escape(&mut self) -> Result<Escaped, PatternError> {
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
        Ok(match letter {
            'A' | 'z' | 'G' => Escaped::Assertion(format!("\\{letter}")),
            'Z' => Escaped::Assertion(self.last_line_end()),
            'b' if self.peek() == Some('{') => {
                return Err(PatternError::Unsupported { what: r"\b{g}" });
            }
            'b' => Escaped::Assertion(format!(
                "(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"
            )),
            'B' => Escaped::Assertion(format!(
                "(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}]))"
            )),
            'R' => Escaped::Consuming(r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])".to_owned()),
            'k' => self.named_reference()?,
            '1'..='9' => self.numbered_reference(letter)?,
            'X' => return Err(PatternError::Unsupported { what: r"\X" }),
            'N' => return Err(PatternError::Unsupported { what: r"\N{…}" }),
            'Q' => Escaped::Quoted(self.quoted()),
            'p' | 'P' => self.property(letter == 'P')?,
            _ => Escaped::One(self.one(letter)?),
        })
    }

    /// An escape for a single character.
    fn one(&mut self, letter: char) -> Result<char, PatternError> {
        Ok(match letter {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'c' => match self.next() {
                Some(control) => char::from_u32(u32::from(control) ^ 64)
                    .ok_or_else(|| self.error("Illegal control escape sequence"))?,
                None => return Err(self.error("Illegal control escape sequence")),
            },
            '0' => self.octal()?,
            'u' => self.unicode()?,
            'x' if self.eat("{") => {
                let code = self.digits(16, 1, 6)?;
                if !self.eat("}") {
                    return Err(self.error("Unclosed hexadecimal escape sequence"));
                }
                self.scalar(code)?
            }
            'x' => {
                let code = self.digits(16, 2, 2)?;
                self.scalar(code)?
            }
            letter if letter.is_ascii_alphabetic() => {
                return Err(self.error("Illegal/unsupported escape sequence"));
            }
            other => other,
        })
    }

    fn quoted(&mut self) -> Vec<char> {
        let mut text = Vec::new();
        while self.at < self.characters.len() && !self.eat("\\E") {
            text.extend(self.next());
        }
        text
    }

    fn property(&mut self, negated: bool) -> Result<Escaped, PatternError> {
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
        match property(&name, self.flags) {
            Property::Class(inside) => Ok(Escaped::Class(inside, negated)),
            Property::Unsupported => Err(PatternError::Unsupported {
                what: "a block of characters",
            }),
            Property::Unknown => Err(self.error("Unknown character property name")),
        }
    }

    /// The group has to stand before the reference.
    fn named_reference(&mut self) -> Result<Escaped, PatternError> {
        if !self.eat("<") {
            return Err(self.error("\\k is not followed by '<' for named capturing group"));
        }
        let name = self.group_name()?;
        let number = self
            .names
            .iter()
            .position(|known| known.as_ref() == Some(&name));
        match number {
            Some(number) => self.reference(number),
            None => Err(self.error("named capturing group does not exist")),
        }
    }

    /// Further digits belong to the number while so many groups stand before it.
    fn numbered_reference(&mut self, first: char) -> Result<Escaped, PatternError> {
        let mut number = first.to_digit(10).unwrap_or(0) as usize;
        while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer >= self.names.len() {
                break;
            }
            number = longer;
            self.at += 1;
        }
        self.reference(number)
    }

    fn reference(&mut self, number: usize) -> Result<Escaped, PatternError> {
        if self.open.iter().any(|group| group.looks_behind) {
            return Err(self.error("Look-behind group does not have an obvious maximum length"));
        }
        self.largest_reference = self.largest_reference.max(number);
        Ok(Escaped::Consuming(if number >= self.groups {
            // No such group: it never matches.
            "(?:(?!))".to_owned()
        } else if self.flags.case_insensitive {
            format!(r"(?i:\{number})")
        } else {
            format!(r"(?:\{number})")
        }))
    }

    /// One to three digits, three only up to `\0377`.
    fn octal(&mut self) -> Result<char, PatternError> {
        let most = match self.peek() {
            Some('0'..='3') => 3,
            _ => 2,
        };
        let code = self.digits(8, 1, most)?;
        self.scalar(code)
    }

    /// Two halves of a surrogate pair make one character.
    fn unicode(&mut self) -> Result<char, PatternError> {
        let unit = self.digits(16, 4, 4)?;
        if !(0xd800..0xdc00).contains(&unit) || !self.eat("\\u") {
            return self.scalar(unit);
        }
        let low = self.digits(16, 4, 4)?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(self.error("Illegal Unicode escape sequence"));
        }
        self.scalar(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
    }

    fn scalar(&self, code: u32) -> Result<char, PatternError> {
        char::from_u32(code).ok_or_else(|| self.error("Illegal escape sequence"))
    }

    fn digits(&mut self, radix: u32, least: usize, most: usize) -> Result<u32, PatternError> {
        let mut code = 0;
        let mut count = 0;
        while count < most
            && let Some(digit) = self.peek().and_then(|digit| digit.to_digit(radix))
        {
            code = code * radix + digit;
            count += 1;
            self.at += 1;
        }
        if count < least {
            return Err(self.error("Illegal escape sequence"));
        }
        Ok(code)
    }
}
