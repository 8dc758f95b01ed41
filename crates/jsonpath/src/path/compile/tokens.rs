//! Steps one after the other: dots, names and calls. What stands in brackets is read elsewhere.

use super::super::cursor::Cursor;
use super::super::function::Argument;
use super::super::step::StepKind;
use super::super::{PATH_STEP_LIMIT, ParseError};
use super::{Compilation, arguments, is_white, new_call};

pub(super) struct Compiler<'t, 'c> {
    pub(super) cursor: Cursor<'t>,
    pub(super) compilation: &'c mut Compilation,
    pub(super) kinds: Vec<StepKind>,
}

impl Compiler<'_, '_> {
    /// Whether the path begins with `$`.
    pub(super) fn path(&mut self) -> Result<bool, ParseError> {
        while self.cursor.is_within(self.cursor.at) && is_white(self.cursor.current()?) {
            self.cursor.at += 1;
        }
        let from_root = match self.cursor.current()? {
            '$' => true,
            '@' => false,
            _ => return self.cursor.expected("'$' or '@'"),
        };
        if self.cursor.is_at_tail() {
            return Ok(from_root);
        }
        self.cursor.at += 1;
        if !matches!(self.cursor.current()?, '.' | '[') {
            return self.cursor.expected("'.' or '['");
        }
        loop {
            self.token()?;
            if self.kinds.len() > PATH_STEP_LIMIT {
                return Err(ParseError::TooManySteps);
            }
            if self.cursor.is_at_tail() {
                return Ok(from_root);
            }
        }
    }

    fn token(&mut self) -> Result<(), ParseError> {
        if self.cursor.current()? == '.' {
            self.dots()?;
        }
        match self.cursor.current()? {
            '[' => self.bracket(),
            '*' => {
                self.cursor.at += 1;
                self.kinds.push(StepKind::Wildcard);
                Ok(())
            }
            _ => self.name_or_function(),
        }
    }

    fn dots(&mut self) -> Result<(), ParseError> {
        self.cursor.at += 1;
        if self.cursor.is_within(self.cursor.at) && self.cursor.current()? == '.' {
            self.kinds.push(StepKind::Descent);
            self.cursor.at += 1;
        }
        if self.cursor.current()? == '.' {
            return self.cursor.expected("a name after the dots");
        }
        Ok(())
    }

    /// A name runs to the next `.`, `[` or `(`; blanks have no place in it.
    fn name_or_function(&mut self) -> Result<(), ParseError> {
        let from = self.cursor.at;
        let mut to = from;
        let mut calls = false;
        while self.cursor.is_within(to) {
            match self.cursor.character(to)? {
                ' ' => return self.cursor.expected("['…'] around a name with blanks"),
                '.' | '[' => break,
                '(' => {
                    calls = true;
                    break;
                }
                _ => to += 1,
            }
        }
        let name = self.cursor.text(from, to);
        self.cursor.at = to;
        let kind = if calls {
            let arguments = self.call_arguments(to)?;
            StepKind::Function(new_call(name, arguments, self.compilation))
        } else {
            StepKind::Names(vec![name])
        };
        self.kinds.push(kind);
        Ok(())
    }

    /// Without arguments the place stays before the `)`: more than that must not follow, or it is
    /// taken for a name.
    fn call_arguments(&mut self, open: usize) -> Result<Vec<Argument>, ParseError> {
        let mut opened = 1_usize;
        let mut closing = open + 1;
        while self.cursor.is_within(closing) && opened > 0 {
            match self.cursor.character(closing)? {
                ')' => opened -= 1,
                '(' => opened += 1,
                _ => {}
            }
            closing += 1;
        }
        if opened > 0 {
            return self.cursor.expected("a ')' that ends the arguments");
        }
        self.cursor.at = open + 1;
        if self.cursor.current()? == ')' {
            return Ok(Vec::new());
        }
        arguments::read(&mut self.cursor, self.compilation)
    }
}
