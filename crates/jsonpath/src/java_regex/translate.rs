//! From a Java pattern to one of the same meaning for `fancy_regex`. Every character is written
//! in a form that the engine below cannot take for an operator of its own.

mod bracket;
mod escape;
mod group;
mod quantifier;

use super::PatternError;
use super::class::{literal, range};
use super::flags::Flags;
use escape::Escaped;
use group::Group;

/// Longest pattern, in characters.
const PATTERN_LENGTH_LIMIT: usize = 16_384;
/// Deepest nesting of groups and classes.
const DEPTH_LIMIT: usize = 100;

pub(super) fn translate(pattern: &str, flags: Flags) -> Result<String, PatternError> {
    if pattern.chars().count() > PATTERN_LENGTH_LIMIT {
        return Err(PatternError::Unsupported {
            what: "a pattern of more than 16384 characters",
        });
    }
    let first = run(pattern, flags, usize::MAX)?;
    // Only at the end it is known which numbers name a group.
    if first.largest_reference < first.names.len() {
        return Ok(first.out);
    }
    let groups = first.names.len();
    run(pattern, flags, groups).map(|translator| translator.out)
}

fn run(pattern: &str, flags: Flags, groups: usize) -> Result<Translator<'_>, PatternError> {
    let mut translator = Translator {
        pattern,
        characters: pattern.chars().collect(),
        at: 0,
        flags,
        open: Vec::new(),
        names: vec![None],
        groups,
        largest_reference: 0,
        out: String::new(),
        atom: Atom::None,
    };
    while translator.at < translator.characters.len() {
        translator.element()?;
    }
    if translator.open.is_empty() {
        Ok(translator)
    } else {
        Err(translator.error("Unclosed group"))
    }
}

struct Translator<'a> {
    pattern: &'a str,
    characters: Vec<char>,
    at: usize,
    flags: Flags,
    open: Vec<Group>,
    /// Names of the groups that are open or closed so far, by number; 0 is the whole match.
    names: Vec<Option<String>>,
    /// How many groups there are in all, the whole match included, where that is known.
    groups: usize,
    largest_reference: usize,
    out: String,
    atom: Atom,
}

/// What a quantifier would repeat, and where it begins in what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Atom {
    None,
    /// One character.
    Character {
        from: usize,
    },
    /// A group, or what is written as one.
    Group {
        from: usize,
    },
    Assertion {
        from: usize,
    },
}

impl Translator<'_> {
    fn error(&self, description: &'static str) -> PatternError {
        PatternError::Syntax {
            description,
            index: self.at,
            pattern: self.pattern.to_owned(),
        }
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

    /// White space and comments, which `(?x)` leaves out, also within classes.
    fn skip_comments(&mut self) {
        while self.flags.comments {
            match self.peek() {
                Some(' ' | '\t'..='\r') => self.at += 1,
                Some('#') => {
                    let unix = self.flags.unix_lines;
                    while self.next().is_some_and(|skipped| match skipped {
                        '\n' => false,
                        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => unix,
                        _ => true,
                    }) {}
                }
                _ => return,
            }
        }
    }

    fn element(&mut self) -> Result<(), PatternError> {
        self.skip_comments();
        let from = self.out.len();
        let Some(character) = self.next() else {
            return Ok(());
        };
        match character {
            '\\' => return self.escaped(),
            '[' => {
                let class = self.bracket(1)?;
                self.class_with_case(&class);
            }
            '(' => return self.group(),
            ')' => return self.close(),
            '.' => self.dot(),
            '^' => return self.assert(&self.line_start()),
            '$' => return self.assert(&self.line_end()),
            '{' => return self.counted(),
            '*' => return self.quantifier("*", 0, true),
            '+' => return self.quantifier("+", 1, true),
            '?' => return self.quantifier("?", 0, false),
            '|' => {
                self.out.push('|');
                self.atom = Atom::None;
                return Ok(());
            }
            character => self.character(character),
        }
        self.atom = Atom::Character { from };
        Ok(())
    }

    fn escaped(&mut self) -> Result<(), PatternError> {
        let mut from = self.out.len();
        match self.escape()? {
            Escaped::One(character) => self.character(character),
            Escaped::Class(inside, negated) => self.class(&inside, negated),
            Escaped::Consuming(text) => {
                self.out.push_str(&text);
                self.atom = Atom::Group { from };
                return Ok(());
            }
            Escaped::Assertion(text) => return self.assert(&text),
            Escaped::Quoted(text) if text.is_empty() => return Ok(()),
            Escaped::Quoted(text) => {
                for character in text {
                    from = self.out.len();
                    self.character(character);
                }
            }
        }
        self.atom = Atom::Character { from };
        Ok(())
    }

    fn assert(&mut self, text: &str) -> Result<(), PatternError> {
        self.atom = Atom::Assertion {
            from: self.out.len(),
        };
        self.out.push_str(text);
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

    fn class_with_case(&mut self, class: &str) {
        if self.flags.case_insensitive && self.flags.unicode_case {
            self.out.push_str(&format!("(?i:{class})"));
        } else {
            self.out.push_str(class);
        }
    }

    fn dot(&mut self) {
        if self.flags.dot_all {
            self.out.push_str("(?s:.)");
        } else {
            self.class(self.flags.terminators(), true);
        }
    }

    /// `^` never holds at the text's end, and with `(?m)` not within `\r\n`.
    fn line_start(&self) -> String {
        let terminators = self.flags.terminators();
        if !self.flags.multiline {
            r"\A".to_owned()
        } else if self.flags.unix_lines {
            format!(r"(?:(?:\A|(?<=[{terminators}]))(?!\z))")
        } else {
            format!(r"(?:(?:\A|(?<=[{terminators}]))(?!\z)(?!(?<=\r)\n))")
        }
    }

    /// `$` holds before a last line terminator too, but not within `\r\n`.
    fn line_end(&self) -> String {
        if self.flags.multiline {
            format!(r"(?={}|\z)", self.terminator())
        } else {
            self.last_line_end()
        }
    }

    fn last_line_end(&self) -> String {
        format!(r"(?=(?:{})?\z)", self.terminator())
    }

    fn terminator(&self) -> String {
        let terminators = self.flags.terminators();
        if self.flags.unix_lines {
            format!("[{terminators}]")
        } else {
            format!(r"\r\n|(?!(?<=\r)\n)[{terminators}]")
        }
    }
}
