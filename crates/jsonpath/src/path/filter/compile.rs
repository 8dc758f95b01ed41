//! From a filter's text to its condition.

mod literal;

use super::super::ParseError;
use super::super::compile::{Compilation, compile as compile_path};
use super::super::cursor::Cursor;
use super::super::step::CompiledPath;
use super::{Operand, Operator, Predicate};

/// Reads `[?( … )]`, brackets included.
pub(in crate::path) fn compile(
    criteria: &[char],
    compilation: &mut Compilation,
) -> Result<Predicate, ParseError> {
    let mut cursor = Cursor::new(criteria);
    // The caller has found the brackets; what counts is that parentheses enclose the whole.
    cursor.at += 1;
    cursor.drop_last();
    cursor.trim();
    cursor.take('?', "'?'")?;
    cursor.trim();
    if cursor.current()? != '(' || !cursor.last_is(')') {
        return cursor.expected("parentheses around the whole filter");
    }
    let mut reader = Reader {
        cursor,
        compilation,
    };
    let predicate = reader.any()?;
    reader.cursor.skip_blanks();
    if reader.cursor.is_within(reader.cursor.at) {
        return reader.cursor.expected("the filter's end");
    }
    Ok(predicate)
}

struct Reader<'t, 'c> {
    cursor: Cursor<'t>,
    compilation: &'c mut Compilation,
}

impl Reader<'_, '_> {
    fn any(&mut self) -> Result<Predicate, ParseError> {
        self.joined("||", Self::all, Predicate::Any)
    }

    fn all(&mut self) -> Result<Predicate, ParseError> {
        self.joined("&&", Self::term, Predicate::All)
    }

    fn joined(
        &mut self,
        by: &str,
        part: fn(&mut Self) -> Result<Predicate, ParseError>,
        join: fn(Vec<Predicate>) -> Predicate,
    ) -> Result<Predicate, ParseError> {
        let first = part(self)?;
        if !self.take_operator(by) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.take_operator(by) {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn take_operator(&mut self, operator: &str) -> bool {
        let before = self.cursor.at;
        let taken = self.cursor.take_text(operator);
        if !taken {
            self.cursor.at = before;
        }
        taken
    }

    fn term(&mut self) -> Result<Predicate, ParseError> {
        self.cursor.skip_blanks();
        let negated = self.cursor.current()? == '!' && {
            let after = self.cursor.next_significant_character(self.cursor.at);
            !matches!(after, '$' | '@')
        };
        if negated {
            self.cursor.at += 1;
            let inside = self.nested(Self::term)?;
            return Ok(Predicate::Not(Box::new(inside)));
        }
        if self.cursor.current()? == '(' {
            self.cursor.at += 1;
            let inside = self.nested(Self::any)?;
            self.cursor.take(')', "')'")?;
            return Ok(inside);
        }
        self.comparison()
    }

    fn nested(
        &mut self,
        inside: fn(&mut Self) -> Result<Predicate, ParseError>,
    ) -> Result<Predicate, ParseError> {
        self.compilation.enter()?;
        let result = inside(self)?;
        self.compilation.leave();
        Ok(result)
    }

    /// A path alone asks whether it is there. `!` before a path in a comparison means nothing.
    fn comparison(&mut self) -> Result<Predicate, ParseError> {
        self.cursor.skip_blanks();
        let wanted = self.cursor.current()? != '!';
        if !wanted {
            self.cursor.at += 1;
            self.cursor.skip_blanks();
        }
        let left = self.operand()?;
        let after_left = self.cursor.at;
        if let Some(operator) = self.operator()? {
            let right = self.right_operand()?;
            return Ok(Predicate::Compare {
                left,
                operator,
                right,
            });
        }
        self.cursor.at = after_left;
        match left {
            Operand::Path(path) => Ok(Predicate::Exists { path, wanted }),
            _ => self.cursor.expected("an operator"),
        }
    }

    fn right_operand(&mut self) -> Result<Operand, ParseError> {
        self.cursor.skip_blanks();
        if self.cursor.current()? == '!' {
            self.cursor.at += 1;
            self.cursor.skip_blanks();
            if !matches!(self.cursor.current()?, '$' | '@') {
                return self.cursor.expected("a path after '!'");
            }
        }
        self.operand()
    }

    /// A run of `<>=~!`, or whatever stands before the next blank.
    fn operator(&mut self) -> Result<Option<Operator>, ParseError> {
        self.cursor.skip_blanks();
        let from = self.cursor.at;
        let sign = is_sign(self.cursor.current()?);
        while self.cursor.is_within(self.cursor.at) {
            let character = self.cursor.current()?;
            if if sign {
                !is_sign(character)
            } else {
                character == ' '
            } {
                break;
            }
            self.cursor.at += 1;
        }
        Ok(Operator::read(&self.cursor.text(from, self.cursor.at)))
    }

    fn operand(&mut self) -> Result<Operand, ParseError> {
        self.cursor.skip_blanks();
        match self.cursor.current()? {
            '$' | '@' => self.path().map(Operand::Path),
            quote @ ('\'' | '"') => self.string(quote),
            '[' => self.json('[', ']'),
            '{' => self.json('{', '}'),
            '/' => self.pattern(),
            't' => self.word("true", Operand::Bool(true)),
            'f' => self.word("false", Operand::Bool(false)),
            'n' => self.word("null", Operand::Null),
            _ => self.number(),
        }
    }

    /// A path runs to a blank, a sign of comparison or a parenthesis that no function call explains;
    /// what stands in brackets is passed over.
    fn path(&mut self) -> Result<CompiledPath, ParseError> {
        let from = self.cursor.at;
        self.cursor.at += 1;
        while self.cursor.is_within(self.cursor.at) {
            if self.cursor.current()? == '[' {
                let close = self
                    .cursor
                    .find_closing(self.cursor.at, ('[', ']'), false)?;
                let Some(close) = close else {
                    return self.cursor.expected("a bracket that is closed");
                };
                self.cursor.at = close + 1;
            }
            let character = self.cursor.current()?;
            let ends_group = character == ')' && !self.closes_call(from)?;
            let within = self.cursor.is_within(self.cursor.at);
            if !within || is_sign(character) || character == ' ' || ends_group {
                break;
            }
            self.cursor.at += 1;
        }
        let text = self.cursor.text(from, self.cursor.at);
        compile_path(&text, self.compilation)
    }

    /// Only `()` with a dot before it, within the path, is a call.
    fn closes_call(&self, from: usize) -> Result<bool, ParseError> {
        let Some(before) = self.cursor.previous_significant(self.cursor.at) else {
            return Ok(false);
        };
        let opens = self.cursor.character(before)? == '(';
        let name = self.cursor.between(from + 1, before);
        Ok(opens && name.contains(&'.'))
    }
}

fn is_sign(character: char) -> bool {
    matches!(character, '<' | '>' | '=' | '~' | '!')
}
