//! What stands in brackets: names, indexes, slices, `*` and filters.

use super::super::ParseError;
use super::super::filter;
use super::super::step::StepKind;
use super::super::unescape::unescape;
use super::tokens::Compiler;

impl Compiler<'_, '_> {
    pub(super) fn bracket(&mut self) -> Result<(), ParseError> {
        let first = self.cursor.next_significant_character(self.cursor.at);
        let kind = match first {
            '\'' | '"' => self.names(first)?,
            '*' => self.bracket_wildcard()?,
            '?' => self.filter()?,
            '-' | ':' | '0'..='9' => self.array()?,
            _ => {
                return self
                    .cursor
                    .expected("a name, an index, '*' or '?' after '['");
            }
        };
        self.kinds.push(kind);
        Ok(())
    }

    /// Quoted names, all in the quotes of the first.
    fn names(&mut self, quote: char) -> Result<StepKind, ParseError> {
        let mut names = Vec::new();
        let mut opened: Option<usize> = None;
        let mut closed = 0;
        let mut after_comma = false;
        let mut at = self.cursor.at + 1;
        while self.cursor.is_within(at) {
            match (self.cursor.character(at)?, opened) {
                ('\\', _) => at += 1,
                (']' | ',', None) if after_comma => {
                    return self.cursor.expected("a name after ','");
                }
                (']', None) => break,
                (',', None) => after_comma = true,
                (character, Some(from)) if character == quote => {
                    if !matches!(self.cursor.next_significant_character(at), ']' | ',') {
                        return self.cursor.expected("',' or ']' after a name");
                    }
                    match unescape(&self.cursor.text(from, at)) {
                        Some(name) => names.push(name),
                        None => return self.cursor.expected("four digits after '\\u'"),
                    }
                    (opened, closed) = (None, at);
                }
                (character, None) if character == quote => {
                    (opened, after_comma) = (Some(at + 1), false);
                }
                _ => {}
            }
            at += 1;
        }
        let end = self.cursor.next_significant(closed);
        if opened.is_some() || names.is_empty() || self.cursor.character(end)? != ']' {
            return self.cursor.expected("a name that is closed, and ']'");
        }
        self.cursor.at = end + 1;
        Ok(StepKind::Names(names))
    }

    fn bracket_wildcard(&mut self) -> Result<StepKind, ParseError> {
        let star = self.cursor.next_significant(self.cursor.at);
        if self.cursor.next_significant_character(star) != ']' {
            return self.cursor.expected("']' after '*'");
        }
        self.cursor.at = self.cursor.next_significant(star) + 1;
        Ok(StepKind::Wildcard)
    }

    fn array(&mut self) -> Result<StepKind, ParseError> {
        let from = self.cursor.at + 1;
        let Some(to) = self.cursor.find(from, ']') else {
            return self.cursor.expected("']' after an index");
        };
        let inside = self.cursor.text(from, to);
        let kind = if inside.contains(':') {
            slice(inside.trim())
        } else if inside.contains('\t') {
            None
        } else {
            inside
                .trim()
                .split(',')
                .map(|index| number(index.trim()))
                .collect::<Option<_>>()
                .map(StepKind::Indexes)
        };
        let Some(kind) = kind else {
            return self.cursor.expected("indexes or a slice");
        };
        self.cursor.at = to + 1;
        Ok(kind)
    }

    fn filter(&mut self) -> Result<StepKind, ParseError> {
        let from = self.cursor.at;
        let question = self.cursor.next_significant(from);
        let open = self.cursor.next_significant(question);
        if self.cursor.character(open)? != '(' {
            return self.cursor.expected("'(' after '?'");
        }
        let close = self.cursor.find_closing(open, ('(', ')'), true)?;
        let Some(close) = close else {
            return self.cursor.expected("')' at the filter's end");
        };
        let end = self.cursor.next_significant(close);
        if !self.cursor.is_within(end) || self.cursor.character(end)? != ']' {
            return self.cursor.expected("']' after the filter");
        }
        let criteria = self.cursor.between(from, end + 1);
        let predicate = filter::compile(criteria, self.compilation)?;
        self.cursor.at = end + 1;
        Ok(StepKind::Filter(predicate))
    }
}

/// Bounds without blanks; a third part is ignored, but not in place of both bounds.
fn slice(text: &str) -> Option<StepKind> {
    if !text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b':'))
    {
        return None;
    }
    let mut parts = text.split(':').map(|part| match part {
        "" => Some(None),
        part => number(part).map(Some),
    });
    let from = parts.next()??;
    let to = parts.next()??;
    (from.is_some() || to.is_some()).then_some(StepKind::Slice { from, to })
}

/// A Java `int`.
fn number(text: &str) -> Option<i64> {
    if text.starts_with('+') {
        return None;
    }
    text.parse::<i32>().ok().map(i64::from)
}
