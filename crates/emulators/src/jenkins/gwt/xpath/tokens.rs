//! The tokens of an expression. What `*`, `and`, `div` mean depends on the token before.

use super::syntax::Operator;
use crate::xml::{begins_name, continues_name};

/// Longest expression.
const EXPRESSION_LIMIT_BYTES: usize = 10_000;
/// Most tokens that make an expression larger; the JDK's own limit. It bounds how deep an
/// expression goes, too.
const OPERATOR_LIMIT: usize = 100;

/// An expression that is not evaluated at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// Something else was expected here.
    #[error("XPath, character {at}: expected {expected}")]
    Unexpected {
        /// Where, from 1.
        at: usize,
        /// What could stand here.
        expected: &'static str,
    },
    /// A function that there is not.
    #[error("XPath: there is no function {0}()")]
    UnknownFunction(String),
    /// A function with too few or too many arguments.
    #[error("XPath: {function}() does not take {given} arguments")]
    Arguments {
        /// Its name.
        function: &'static str,
        /// How many it was given.
        given: usize,
    },
    /// A bound; Java has bounds of the same kind.
    #[error("XPath: more than {limit} {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much is taken.
        limit: usize,
    },
    /// Java knows it, the emulator does not.
    #[error("XPath: {0} is not emulated")]
    Unsupported(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Slash,
    DoubleSlash,
    Pipe,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Dot,
    DoubleDot,
    At,
    Comma,
    /// `*` where it is a name test.
    Star,
    Operator(Operator),
    Literal(String),
    Number(f64),
    Variable(String),
    /// `name::`
    Axis(String),
    /// `name(`, the parenthesis included.
    Function(String),
    Name(String),
    /// `prefix:name` or `prefix:*`
    PrefixedName,
}

/// Splits an expression; each token with its place, from 1.
pub(super) fn split(expression: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    if expression.len() > EXPRESSION_LIMIT_BYTES {
        return Err(SyntaxError::TooMuch {
            what: "bytes",
            limit: EXPRESSION_LIMIT_BYTES,
        });
    }
    let characters: Vec<char> = expression.chars().collect();
    let mut scanner = Scanner {
        characters,
        place: 0,
    };
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    let mut operators = 0;
    loop {
        scanner.skip_blanks();
        let at = scanner.place + 1;
        let Some(first) = scanner.peek(0) else {
            return Ok(tokens);
        };
        let may_operate = tokens.last().is_some_and(|(_, token)| ends_operand(token));
        let token = scanner.token(first, may_operate)?;
        operators += usize::from(is_counted(&token));
        if operators > OPERATOR_LIMIT {
            return Err(SyntaxError::TooMuch {
                what: "operators, steps, predicates and calls",
                limit: OPERATOR_LIMIT,
            });
        }
        tokens.push((at, token));
    }
}

/// Behind such a token `*` and names are operators.
fn ends_operand(token: &Token) -> bool {
    matches!(
        token,
        Token::Close
            | Token::CloseBracket
            | Token::Dot
            | Token::DoubleDot
            | Token::Star
            | Token::Literal(_)
            | Token::Number(_)
            | Token::Variable(_)
            | Token::Name(_)
            | Token::PrefixedName
    )
}

/// What the JDK counts.
fn is_counted(token: &Token) -> bool {
    matches!(
        token,
        Token::Slash
            | Token::DoubleSlash
            | Token::Pipe
            | Token::OpenBracket
            | Token::Dot
            | Token::DoubleDot
            | Token::At
            | Token::Star
            | Token::Operator(_)
            | Token::Axis(_)
            | Token::Function(_)
    )
}

struct Scanner {
    characters: Vec<char>,
    place: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.place + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(0), Some(' ' | '\t' | '\r' | '\n')) {
            self.place += 1;
        }
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError::Unexpected {
            at: self.place + 1,
            expected,
        })
    }

    fn token(&mut self, first: char, may_operate: bool) -> Result<Token, SyntaxError> {
        let second = self.peek(1);
        let (length, token) = match (first, second) {
            ('/', Some('/')) => (2, Token::DoubleSlash),
            ('/', _) => (1, Token::Slash),
            ('|', _) => (1, Token::Pipe),
            ('(', _) => (1, Token::Open),
            (')', _) => (1, Token::Close),
            ('[', _) => (1, Token::OpenBracket),
            (']', _) => (1, Token::CloseBracket),
            ('@', _) => (1, Token::At),
            (',', _) => (1, Token::Comma),
            ('.', Some('.')) => (2, Token::DoubleDot),
            ('.', Some('0'..='9')) | ('0'..='9', _) => return self.number(),
            ('.', _) => (1, Token::Dot),
            ('"' | '\'', _) => return self.literal(first),
            ('=', _) => (1, Token::Operator(Operator::Equal)),
            ('!', Some('=')) => (2, Token::Operator(Operator::Unequal)),
            ('<', Some('=')) => (2, Token::Operator(Operator::AtMost)),
            ('<', _) => (1, Token::Operator(Operator::Less)),
            ('>', Some('=')) => (2, Token::Operator(Operator::AtLeast)),
            ('>', _) => (1, Token::Operator(Operator::Greater)),
            ('+', _) => (1, Token::Operator(Operator::Add)),
            ('-', _) => (1, Token::Operator(Operator::Subtract)),
            ('*', _) if may_operate => (1, Token::Operator(Operator::Multiply)),
            ('*', _) => (1, Token::Star),
            ('$', _) => return self.variable(),
            _ => return self.named(may_operate),
        };
        self.place += length;
        Ok(token)
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let start = self.place;
        while matches!(self.peek(0), Some('0'..='9' | '.')) {
            self.place += 1;
        }
        let text: String = self.characters[start..self.place].iter().collect();
        let attached = self.peek(0).is_some_and(begins_name);
        match text.parse() {
            Ok(number) if !attached => Ok(Token::Number(number)),
            _ => self.unexpected("a number"),
        }
    }

    fn literal(&mut self, quote: char) -> Result<Token, SyntaxError> {
        let start = self.place + 1;
        let rest = self.characters.get(start..).unwrap_or_default();
        let Some(length) = rest.iter().position(|character| *character == quote) else {
            return self.unexpected("the closing quote of this text");
        };
        self.place = start + length + 1;
        Ok(Token::Literal(rest[..length].iter().collect()))
    }

    fn variable(&mut self) -> Result<Token, SyntaxError> {
        self.place += 1;
        let mut name = self.name()?;
        if self.peek(0) == Some(':') {
            self.place += 1;
            name = format!("{name}:{}", self.name()?);
        }
        Ok(Token::Variable(name))
    }

    fn named(&mut self, may_operate: bool) -> Result<Token, SyntaxError> {
        let name = self.name()?;
        if may_operate {
            let operator = match name.as_str() {
                "or" => Operator::Or,
                "and" => Operator::And,
                "div" => Operator::Divide,
                "mod" => Operator::Remainder,
                _ => return self.unexpected("an operator before this name"),
            };
            return Ok(Token::Operator(operator));
        }
        if self.peek(0) == Some(':') && self.peek(1) != Some(':') {
            return self.prefixed(&name);
        }
        self.skip_blanks();
        match (self.peek(0), self.peek(1)) {
            (Some(':'), Some(':')) => {
                self.place += 2;
                Ok(Token::Axis(name))
            }
            (Some('('), _) => {
                self.place += 1;
                Ok(Token::Function(name))
            }
            _ => Ok(Token::Name(name)),
        }
    }

    /// What stands behind a prefix. Java takes whatever looks like a name, further colons included.
    fn prefixed(&mut self, prefix: &str) -> Result<Token, SyntaxError> {
        self.place += 1;
        let start = self.place;
        let goes_on = |character: char| character == ':' || continues_name(character);
        while self.peek(0).is_some_and(goes_on) {
            self.place += 1;
        }
        let mut local: String = self.characters[start..self.place].iter().collect();
        if self.peek(0) == Some('*') && (local.is_empty() || local.ends_with(':')) {
            self.place += 1;
            local.push('*');
        }
        let begins = local == "*" || local.starts_with(begins_name);
        if !begins || local.ends_with(':') || local.contains("::") {
            return self.unexpected("a name or `*` behind the prefix");
        }
        self.skip_blanks();
        if self.peek(0) == Some('(') {
            return Err(SyntaxError::UnknownFunction(format!("{prefix}:{local}")));
        }
        Ok(Token::PrefixedName)
    }

    /// A name without a colon.
    fn name(&mut self) -> Result<String, SyntaxError> {
        let start = self.place;
        let begins = |character: char| character != ':' && begins_name(character);
        if !self.peek(0).is_some_and(begins) {
            return self.unexpected("a name, a number, a text or an operator");
        }
        let continues = |character: char| character != ':' && continues_name(character);
        while self.peek(0).is_some_and(continues) {
            self.place += 1;
        }
        Ok(self.characters[start..self.place].iter().collect())
    }
}
