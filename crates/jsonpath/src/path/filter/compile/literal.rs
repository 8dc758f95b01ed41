//! Literals of a filter: words, numbers, strings, JSON and regular expressions.

use std::sync::Arc;

use super::super::super::ParseError;
use super::super::super::unescape::unescape;
use super::super::{Literal, Operand};
use super::Reader;
use crate::java_regex::{Flags, Pattern};
use crate::json;
use crate::numbers::Decimal;

/// Flags that may follow a regular expression.
const PATTERN_FLAGS: &str = "idsmuxU";

impl Reader<'_, '_> {
    pub(super) fn word(
        &mut self,
        word: &'static str,
        operand: Operand,
    ) -> Result<Operand, ParseError> {
        if self.cursor.take_text(word) {
            Ok(operand)
        } else {
            self.cursor.expected("true, false or null")
        }
    }

    pub(super) fn number(&mut self) -> Result<Operand, ParseError> {
        let from = self.cursor.at;
        while self.cursor.is_within(self.cursor.at)
            && matches!(self.cursor.current()?, '0'..='9' | '-' | '.' | 'e' | 'E')
        {
            self.cursor.at += 1;
        }
        match Decimal::parse(&self.cursor.text(from, self.cursor.at)) {
            Some(number) => Ok(Operand::Number(number)),
            None => self.cursor.expected("a path or a literal"),
        }
    }

    pub(super) fn string(&mut self, quote: char) -> Result<Operand, ParseError> {
        let from = self.cursor.at + 1;
        let Some(to) = self.cursor.find_unescaped(self.cursor.at, quote) else {
            return self.cursor.expected("a string that is closed");
        };
        self.cursor.at = to + 1;
        match unescape(&self.cursor.text(from, to)) {
            Some(text) => Ok(Operand::Text(text)),
            None => self.cursor.expected("four digits after '\\u'"),
        }
    }

    pub(super) fn json(&mut self, open: char, close: char) -> Result<Operand, ParseError> {
        let from = self.cursor.at;
        let end = self.cursor.find_closing(from, (open, close), false)?;
        let Some(end) = end else {
            return self.cursor.expected("an array or object that is closed");
        };
        self.cursor.at = end + 1;
        let text = self.cursor.text(from, end + 1);
        let node = json::read(&text).ok();
        Ok(Operand::Json(Arc::new(Literal { text, node })))
    }

    pub(super) fn pattern(&mut self) -> Result<Operand, ParseError> {
        let from = self.cursor.at + 1;
        let Some(to) = self.cursor.find_unescaped(self.cursor.at, '/') else {
            return self.cursor.expected("a regular expression that is closed");
        };
        self.cursor.at = to + 1;
        let mut letters = String::new();
        while self.cursor.is_within(self.cursor.at)
            && PATTERN_FLAGS.contains(self.cursor.current()?)
        {
            letters.push(self.cursor.current()?);
            self.cursor.at += 1;
        }
        let text = self.cursor.text(from, to);
        let flags = Flags::from_letters(&letters).unwrap_or_default();
        self.compilation.count_pattern()?;
        if self.compilation.only_checks() {
            Pattern::check(&text, flags)?;
            return Ok(Operand::Pattern(None));
        }
        let pattern = Pattern::compile_whole(&text, flags)?;
        Ok(Operand::Pattern(Some(pattern)))
    }
}
