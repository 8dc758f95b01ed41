//! Character classes with their unions and intersections.

use super::super::class::range;
use super::escape::Escaped;
use super::{DEPTH_LIMIT, PatternError, Translator};

impl Translator<'_> {
    /// The rest of a class whose opening bracket has been read.
    pub(super) fn bracket(&mut self, depth: usize) -> Result<String, PatternError> {
        if depth > DEPTH_LIMIT {
            return Err(PatternError::Unsupported {
                what: "a nesting of more than 100 classes",
            });
        }
        let mut out = "[".to_owned();
        if self.eat("^") {
            out.push('^');
        }
        let empty = out.len();
        loop {
            self.skip_comments();
            let first = out.len() == empty;
            match self.next() {
                None => return Err(self.error("Unclosed character class")),
                Some(']') if !first => {
                    out.push(']');
                    return Ok(out);
                }
                Some('[') => out.push_str(&self.bracket(depth + 1)?),
                Some('&') if self.eat("&") => self.intersection(&mut out, first)?,
                Some(character) => {
                    if let Some(low) = self.class_element(character, &mut out)? {
                        let high = self.range_end(low)?;
                        out.push_str(&range(low, high, self.flags));
                    }
                }
            }
        }
    }

    /// An intersection with nothing on one side is the other side.
    fn intersection(&mut self, out: &mut String, first: bool) -> Result<(), PatternError> {
        while self.eat("&&") {}
        self.skip_comments();
        match (first, self.peek()) {
            (true, Some(']')) => Err(self.error("Bad class syntax")),
            (true, _) | (false, Some(']')) => Ok(()),
            (false, _) => {
                out.push_str("&&");
                Ok(())
            }
        }
    }

    /// A single character that may begin a range, or `None` where more was written to `out`.
    fn class_element(
        &mut self,
        first: char,
        out: &mut String,
    ) -> Result<Option<char>, PatternError> {
        if first != '\\' {
            return Ok(Some(first));
        }
        // Before a hyphen `\v` still is the one character that it was in old releases.
        if self.peek() == Some('v') && self.characters.get(self.at + 1) == Some(&'-') {
            self.at += 1;
            return Ok(Some('\u{b}'));
        }
        match self.escape()? {
            Escaped::One(character) => return Ok(Some(character)),
            Escaped::Class(inside, false) => out.push_str(&inside),
            Escaped::Class(inside, true) => out.push_str(&format!("[^{inside}]")),
            Escaped::Quoted(text) => {
                out.extend(text.into_iter().map(|one| range(one, one, self.flags)));
            }
            Escaped::Assertion(_) | Escaped::Consuming(_) => {
                return Err(self.error("Illegal/unsupported escape sequence"));
            }
        }
        Ok(None)
    }

    /// A hyphen before `[` or `]` stands for itself.
    fn range_end(&mut self, low: char) -> Result<char, PatternError> {
        self.skip_comments();
        let closes = matches!(
            self.characters.get(self.at + 1),
            None | Some(']') | Some('[')
        );
        if self.peek() != Some('-') || closes {
            return Ok(low);
        }
        self.at += 1;
        self.skip_comments();
        let Some(next) = self.next() else {
            return Err(self.error("Unclosed character class"));
        };
        if next == '\\' && self.eat("v") {
            return self.ordered(low, '\u{b}');
        }
        match self.class_element(next, &mut String::new())? {
            Some(high) => self.ordered(low, high),
            None => Err(self.error("Illegal character range")),
        }
    }

    fn ordered(&self, low: char, high: char) -> Result<char, PatternError> {
        if high < low {
            return Err(self.error("Illegal character range"));
        }
        Ok(high)
    }
}
