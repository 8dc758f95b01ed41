//! Where the reading of a path or filter stands. Knows quotes and escapes, not what is read.
//!
//! The end may stand before the end of the text: a filter is read without its closing bracket, and
//! Jayway still looks at what follows.

use super::ParseError;

pub(super) struct Cursor<'t> {
    characters: &'t [char],
    pub(super) at: usize,
    end: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(characters: &'t [char]) -> Self {
        Self {
            characters,
            at: 0,
            end: characters.len(),
        }
    }

    pub(super) fn expected<T>(&self, expected: &'static str) -> Result<T, ParseError> {
        Err(ParseError::Syntax {
            at: self.at,
            expected,
        })
    }

    /// The character at a place, also behind the end.
    pub(super) fn character(&self, at: usize) -> Result<char, ParseError> {
        self.characters.get(at).copied().ok_or(ParseError::Syntax {
            at,
            expected: "more characters",
        })
    }

    pub(super) fn current(&self) -> Result<char, ParseError> {
        self.character(self.at)
    }

    pub(super) fn is_within(&self, at: usize) -> bool {
        at < self.end
    }

    /// Whether this is the last character, or behind it: what stands here is not read any more.
    pub(super) fn is_at_tail(&self) -> bool {
        self.at + 1 >= self.end
    }

    pub(super) fn between(&self, from: usize, to: usize) -> &'t [char] {
        self.characters.get(from..to).unwrap_or_default()
    }

    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.between(from, to).iter().collect()
    }

    pub(super) fn last_is(&self, character: char) -> bool {
        self.end > 0 && self.characters.get(self.end - 1) == Some(&character)
    }

    /// Takes the last character away.
    pub(super) fn drop_last(&mut self) {
        self.end = self.end.saturating_sub(1);
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.at + 1 < self.end && self.characters.get(self.at) == Some(&' ') {
            self.at += 1;
        }
    }

    /// Leaves blanks out on both sides; only spaces are blanks.
    pub(super) fn trim(&mut self) {
        self.skip_blanks();
        while self.at + 1 < self.end && self.last_is(' ') {
            self.end -= 1;
        }
    }

    /// The first place behind `from` that holds no blank.
    pub(super) fn next_significant(&self, from: usize) -> usize {
        let mut at = from + 1;
        while at < self.end && self.characters.get(at) == Some(&' ') {
            at += 1;
        }
        at
    }

    /// What stands there; a blank behind the end.
    pub(super) fn next_significant_character(&self, from: usize) -> char {
        let at = self.next_significant(from);
        if at < self.end {
            self.characters.get(at).copied().unwrap_or(' ')
        } else {
            ' '
        }
    }

    /// The last place before `from` that holds no blank.
    pub(super) fn previous_significant(&self, from: usize) -> Option<usize> {
        let before = self.characters.get(..from)?;
        before.iter().rposition(|character| *character != ' ')
    }

    pub(super) fn find(&self, from: usize, wanted: char) -> Option<usize> {
        let rest = self.characters.get(from..self.end)?;
        rest.iter()
            .position(|character| *character == wanted)
            .map(|place| from + place)
    }

    /// The next `wanted` behind `from` that no backslash stands before.
    pub(super) fn find_unescaped(&self, from: usize, wanted: char) -> Option<usize> {
        let mut at = from + 1;
        while at < self.end {
            match self.characters.get(at)? {
                '\\' => at += 1,
                character if *character == wanted => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The place that closes what opens at `from`; strings are passed over, on demand also `/…/`.
    pub(super) fn find_closing(
        &self,
        from: usize,
        (open, close): (char, char),
        over_patterns: bool,
    ) -> Result<Option<usize>, ParseError> {
        let mut opened = 1_usize;
        let mut at = from + 1;
        while at < self.end {
            let character = self.character(at)?;
            if matches!(character, '\'' | '"') {
                at = self.closing_quote(at, character)? + 1;
            }
            if over_patterns && self.character(at)? == '/' {
                at = self.closing_quote(at, '/')? + 1;
            }
            let character = self.character(at)?;
            if character == open {
                opened += 1;
            }
            if character == close {
                opened -= 1;
                if opened == 0 {
                    return Ok(Some(at));
                }
            }
            at += 1;
        }
        Ok(None)
    }

    fn closing_quote(&self, at: usize, quote: char) -> Result<usize, ParseError> {
        self.find_unescaped(at, quote).ok_or(ParseError::Syntax {
            at,
            expected: "a quote that is closed",
        })
    }

    /// Passes over `text` where it stands here.
    pub(super) fn take_text(&mut self, text: &str) -> bool {
        self.skip_blanks();
        let length = text.chars().count();
        let found = self.at + length <= self.end
            && self
                .between(self.at, self.at + length)
                .iter()
                .copied()
                .eq(text.chars());
        if found {
            self.at += length;
        }
        found
    }

    pub(super) fn take(
        &mut self,
        character: char,
        expected: &'static str,
    ) -> Result<(), ParseError> {
        self.skip_blanks();
        if self.current()? != character {
            return self.expected(expected);
        }
        self.at += 1;
        Ok(())
    }
}
