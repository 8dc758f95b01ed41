//! Descends through jq's grammar, one token ahead.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::Part;

use super::lexer::{Token, token};
use super::terms::{self, Text};
use super::{Parsed, Signature};
use crate::bounds::{MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_PREFIXES};
use crate::program::CompileError;

pub(super) type Parse<T> = Result<T, CompileError>;

/// What an expression may be made of where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    /// The value of an object's entry: no comma, no binding.
    Entry,
}

/// How tightly operators bind.
pub(super) mod level {
    pub(in super::super) const PIPE: u8 = 0;
    pub(in super::super) const COMMA: u8 = 1;
    pub(in super::super) const ALTERNATIVE: u8 = 2;
    pub(in super::super) const ASSIGNMENT: u8 = 3;
    pub(in super::super) const OR: u8 = 4;
    pub(in super::super) const AND: u8 = 5;
    pub(in super::super) const COMPARISON: u8 = 6;
    pub(in super::super) const SUM: u8 = 7;
    pub(in super::super) const PRODUCT: u8 = 8;
}

pub(super) struct Parser<'s> {
    pub(super) text: &'s str,
    pub(super) current: Token<'s>,
    start: usize,
    pub(super) end: usize,
    depth: usize,
    prefixes: usize,
    calls: Vec<Signature<'s>>,
}

impl<'s> Parser<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        let (current, start, end) = token(text, 0);
        Self {
            text,
            current,
            start,
            end,
            depth: 0,
            prefixes: 0,
            calls: Vec::new(),
        }
    }

    pub(super) fn program(mut self) -> Parse<Parsed<'s, Text<'s>>> {
        if let Token::Keyword("import" | "include" | "module") = self.current {
            return self.mistake("modules are not available");
        }
        if self.current == Token::End {
            return self.mistake("Top-level program not given (try \".\")");
        }
        let content = self.expression()?;
        if self.current != Token::End {
            return self.unexpected(&["end of file"]);
        }
        Ok(Parsed {
            content,
            calls: self.calls,
        })
    }

    pub(super) fn next_definition(&mut self) -> Parse<Option<Parsed<'s, Def<&'s str>>>> {
        if self.current == Token::End {
            return Ok(None);
        }
        let content = self.definition()?;
        let calls = std::mem::take(&mut self.calls);
        Ok(Some(Parsed { content, calls }))
    }

    pub(super) fn advance(&mut self) {
        self.read_from(self.end);
    }

    /// Goes on with the token at `position`.
    pub(super) fn read_from(&mut self, position: usize) {
        (self.current, self.start, self.end) = token(self.text, position);
    }

    pub(super) fn mistake<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(CompileError {
            message: message.into(),
            position: self.start,
        })
    }

    pub(super) fn unexpected<T>(&self, expected: &[&str]) -> Parse<T> {
        let expecting = if expected.is_empty() {
            ""
        } else {
            ", expecting "
        };
        self.mistake(format!(
            "syntax error, unexpected {}{expecting}{}",
            self.current.shown(),
            expected.join(" or ")
        ))
    }

    pub(super) fn is(&self, symbol: &str) -> bool {
        matches!(self.current, Token::Symbol(found) if found == symbol)
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, symbol: &str, expected: &[&str]) -> Parse<()> {
        if self.take(symbol) {
            return Ok(());
        }
        self.unexpected(expected)
    }

    pub(super) fn take_keyword(&mut self, word: &str) -> bool {
        let found = self.current == Token::Keyword(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_keyword(&mut self, word: &str) -> Parse<()> {
        if self.take_keyword(word) {
            return Ok(());
        }
        self.unexpected(&[])
    }

    fn too_deep<T>(&self) -> Parse<T> {
        self.mistake(format!(
            "the expression is nested too deep: allowed are {MAX_EXPRESSION_DEPTH} open brackets \
             and {MAX_EXPRESSION_PREFIXES} prefixes"
        ))
    }

    /// Something in brackets, up to `close`.
    pub(super) fn bracketed<T>(
        &mut self,
        close: &str,
        expected: &[&str],
        inside: impl FnOnce(&mut Self) -> Parse<T>,
    ) -> Parse<T> {
        let inside = self.nested(inside)?;
        self.expect(close, expected)?;
        Ok(inside)
    }

    pub(super) fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        self.depth += 1;
        if self.depth > MAX_EXPRESSION_DEPTH {
            return self.too_deep();
        }
        let inside = inside(self)?;
        self.depth -= 1;
        Ok(inside)
    }

    /// Something behind a sign or keyword that may repeat without a bracket.
    pub(super) fn prefixed<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        self.prefixes += 1;
        if self.prefixes > MAX_EXPRESSION_PREFIXES {
            return self.too_deep();
        }
        let inside = inside(self)?;
        self.prefixes -= 1;
        Ok(inside)
    }

    pub(super) fn call(&mut self, name: &'s str, arguments: Vec<Text<'s>>) -> Text<'s> {
        self.calls.push((name, arguments.len()));
        terms::call(name, arguments)
    }

    pub(super) fn expression(&mut self) -> Parse<Text<'s>> {
        self.operators(level::PIPE, Place::Anywhere)
    }

    /// Operands and operators that bind at least as tightly as `least`.
    pub(super) fn operators(&mut self, least: u8, place: Place) -> Parse<Text<'s>> {
        let mut left = match least {
            level::PIPE | level::COMMA => self.bound(place)?,
            _ => self.operand(place)?,
        };
        let mut unchained = None;
        while let Token::Symbol(symbol) | Token::Keyword(symbol) = self.current {
            let Some(level) = operator_level(symbol) else {
                break;
            };
            if level < least || level == level::COMMA && place == Place::Entry {
                break;
            }
            if unchained == Some(level) {
                return self.unexpected(&[]);
            }
            let alone = matches!(level, level::ASSIGNMENT | level::COMPARISON);
            unchained = alone.then_some(level);
            if matches!(level, level::PIPE | level::ALTERNATIVE) {
                left = self.chain(left, symbol, level, place)?;
                continue;
            }
            self.advance();
            let right = match level {
                level::COMMA => self.bound(place)?,
                level => self.operators(level + 1, place)?,
            };
            left = combined(left, symbol, right);
        }
        Ok(left)
    }

    /// `a | b | c` and `a // b // c`, which group from the right.
    fn chain(&mut self, first: Text<'s>, symbol: &str, level: u8, place: Place) -> Parse<Text<'s>> {
        let mut links = vec![first];
        while self.take(symbol) {
            links.push(self.operators(level + 1, place)?);
        }
        let whole = links.into_iter().rev().reduce(|right, left| match level {
            level::PIPE => terms::pipe(left, right),
            _ => terms::alternative(left, right),
        });
        Ok(whole.unwrap_or_default())
    }

    fn operand(&mut self, place: Place) -> Parse<Text<'s>> {
        match self.current {
            Token::Symbol("-") => {
                self.advance();
                let inner = self.prefixed(|p| p.operand(place))?;
                Ok(terms::negation(inner))
            }
            Token::Keyword("try") => {
                self.advance();
                self.attempt(place)
            }
            Token::Keyword("def") if place == Place::Anywhere => {
                let mut definitions = Vec::new();
                while self.current == Token::Keyword("def") {
                    definitions.push(self.definition()?);
                }
                let body = self.prefixed(Self::expression)?;
                Ok(Term::Def(definitions, Box::new(body)))
            }
            Token::Keyword("label") if place == Place::Anywhere => {
                self.advance();
                let name = self.variable(&["BINDING"])?;
                self.expect("|", &["'|'"])?;
                let body = self.prefixed(Self::expression)?;
                Ok(Term::Label(name, Box::new(body)))
            }
            _ => self.postfix(),
        }
    }

    /// `value as pattern | body`, where the value ends at a comma or `|` only.
    fn bound(&mut self, place: Place) -> Parse<Text<'s>> {
        let value = self.operators(level::ALTERNATIVE, place)?;
        if place == Place::Entry || !self.take_keyword("as") {
            return Ok(value);
        }
        let patterns = self.patterns()?;
        self.expect("|", &["'|'"])?;
        let body = self.prefixed(Self::expression)?;
        Ok(terms::destructuring(value, patterns, body))
    }

    /// `try body catch body`, whose bodies are operands.
    fn attempt(&mut self, place: Place) -> Parse<Text<'s>> {
        let body = |p: &mut Self| match p.current {
            Token::Symbol("-") | Token::Keyword("try") => p.prefixed(|p| p.operand(place)),
            _ => p.postfix(),
        };
        let tried = body(self)?;
        let caught = if self.take_keyword("catch") {
            Some(Box::new(body(self)?))
        } else {
            None
        };
        Ok(Term::TryCatch(Box::new(tried), caught))
    }

    /// A term and the indexes behind it.
    pub(super) fn postfix(&mut self) -> Parse<Text<'s>> {
        // `?` behind an index is about that index; behind all else, about the whole
        let mut is_index = match self.current {
            Token::Field(_) => true,
            Token::Symbol(".") => self.text[self.end..].trim_start().starts_with('"'),
            _ => false,
        };
        let mut term = self.term()?;
        loop {
            match self.current {
                Token::Symbol("?") => {
                    self.advance();
                    term = terms::optional(term, is_index);
                    is_index = false;
                    continue;
                }
                Token::Field(name) => {
                    self.advance();
                    term = terms::indexed(term, Part::Index(terms::string(name)));
                }
                Token::Symbol(".") => {
                    self.advance();
                    let part = match self.current {
                        Token::Quote | Token::Format(_) => Part::Index(self.whole_string()?),
                        Token::Symbol("[") => self.index()?,
                        _ => return self.unexpected(&["FORMAT", "QQSTRING_START", "'['"]),
                    };
                    term = terms::indexed(term, part);
                }
                Token::Symbol("[") => {
                    let part = self.index()?;
                    term = terms::indexed(term, part);
                }
                _ => return Ok(term),
            }
            is_index = true;
        }
    }

    /// `[]`, `[key]`, `[from:to]`
    fn index(&mut self) -> Parse<Part<Text<'s>>> {
        self.advance();
        if self.take("]") {
            return Ok(Part::Range(None, None));
        }
        self.bracketed("]", &["'|'", "','", "']'"], |p| {
            if p.take(":") {
                return Ok(Part::Range(None, Some(p.expression()?)));
            }
            let from = p.expression()?;
            if !p.take(":") {
                return Ok(Part::Index(from));
            }
            let to = if p.is("]") {
                None
            } else {
                Some(p.expression()?)
            };
            Ok(Part::Range(Some(from), to))
        })
    }

    fn term(&mut self) -> Parse<Text<'s>> {
        match self.current {
            Token::Number(text) => {
                self.advance();
                Ok(Term::Num(text))
            }
            Token::Field(name) => {
                self.advance();
                let key = Part::Index(terms::string(name));
                Ok(terms::indexed(Term::Id, key))
            }
            Token::Symbol(".") => {
                self.advance();
                match self.current {
                    Token::Quote | Token::Format(_) => {
                        let key = Part::Index(self.whole_string()?);
                        Ok(terms::indexed(Term::Id, key))
                    }
                    _ => Ok(Term::Id),
                }
            }
            Token::Symbol("..") => {
                self.advance();
                Ok(Term::Recurse)
            }
            Token::Quote | Token::Format(_) => self.string(),
            Token::Variable("$__loc__") => Ok(self.location()),
            Token::Variable(name) => {
                self.advance();
                Ok(Term::Var(name))
            }
            Token::Symbol("(") => {
                self.advance();
                self.bracketed(")", &["'|'", "','", "')'"], Self::expression)
            }
            Token::Symbol("[") => {
                self.advance();
                if self.take("]") {
                    return Ok(Term::Arr(None));
                }
                let inside = self.bracketed("]", &["'|'", "','", "']'"], Self::expression)?;
                Ok(Term::Arr(Some(Box::new(inside))))
            }
            Token::Symbol("{") => {
                self.advance();
                let entries = self.bracketed("}", &["'}'"], Self::entries)?;
                Ok(terms::object(entries))
            }
            Token::Keyword("if") => self.prefixed(Self::conditional),
            Token::Keyword(word @ ("reduce" | "foreach")) => self.prefixed(|p| p.fold(word)),
            Token::Name("break") => self.break_or_call(),
            Token::Name(name) => self.function(name),
            _ => self.unexpected(&[]),
        }
    }

    /// `{"file": …, "line": …}` of where it stands.
    pub(super) fn location(&mut self) -> Text<'s> {
        let line = 1 + self.text[..self.start].matches('\n').count();
        self.advance();
        let line = line.to_string();
        let line = Term::Str(None, line.chars().map(StrPart::Char).collect());
        let number = self.call("_tonumber", Vec::new());
        terms::object(vec![
            (terms::string("file"), terms::string("<top-level>")),
            (terms::string("line"), terms::pipe(line, number)),
        ])
    }

    fn break_or_call(&mut self) -> Parse<Text<'s>> {
        self.advance();
        match self.current {
            Token::Variable(name) => {
                self.advance();
                Ok(Term::Break(name))
            }
            _ => self.arguments("break"),
        }
    }

    fn function(&mut self, name: &'s str) -> Parse<Text<'s>> {
        self.advance();
        self.arguments(name)
    }

    fn arguments(&mut self, name: &'s str) -> Parse<Text<'s>> {
        let mut arguments = Vec::new();
        if self.take("(") {
            arguments = self.bracketed(")", &["'|'", "','", "';'", "')'"], |p| {
                let mut arguments = vec![p.expression()?];
                while p.take(";") {
                    arguments.push(p.expression()?);
                }
                Ok(arguments)
            })?;
        }
        self.calls.push((name, arguments.len()));
        Ok(terms::function(name, arguments))
    }

    fn variable(&mut self, expected: &[&str]) -> Parse<&'s str> {
        match self.current {
            Token::Variable(name) => {
                self.advance();
                Ok(name)
            }
            _ => self.unexpected(expected),
        }
    }
}

fn operator_level(symbol: &str) -> Option<u8> {
    Some(match symbol {
        "|" => level::PIPE,
        "," => level::COMMA,
        "//" => level::ALTERNATIVE,
        "=" | "|=" | "+=" | "-=" | "*=" | "/=" | "%=" | "//=" => level::ASSIGNMENT,
        "or" => level::OR,
        "and" => level::AND,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => level::COMPARISON,
        "+" | "-" => level::SUM,
        "*" | "/" | "%" => level::PRODUCT,
        _ => return None,
    })
}

fn combined<'s>(left: Text<'s>, symbol: &str, right: Text<'s>) -> Text<'s> {
    let math = match symbol.trim_end_matches('=') {
        "+" => Some(Math::Add),
        "-" => Some(Math::Sub),
        "*" => Some(Math::Mul),
        "/" => Some(Math::Div),
        "%" => Some(Math::Rem),
        _ => None,
    };
    match (symbol, math) {
        (",", _) => terms::binary(left, BinaryOp::Comma, right),
        ("or", _) => terms::binary(left, BinaryOp::Or, right),
        ("and", _) => terms::binary(left, BinaryOp::And, right),
        ("=", _) => terms::assignment(left, right),
        ("|=", _) => terms::update(left, right),
        ("//=", _) => terms::compound(left, right, terms::alternative),
        ("==", _) => terms::comparison(left, Cmp::Eq, right),
        ("!=", _) => terms::comparison(left, Cmp::Ne, right),
        ("<", _) => terms::comparison(left, Cmp::Lt, right),
        ("<=", _) => terms::comparison(left, Cmp::Le, right),
        (">", _) => terms::comparison(left, Cmp::Gt, right),
        (">=", _) => terms::comparison(left, Cmp::Ge, right),
        (symbol, Some(math)) if symbol.len() == 2 => {
            terms::compound(left, right, |old, new| terms::arithmetic(old, math, new))
        }
        (_, Some(math)) => terms::arithmetic(left, math, right),
        (_, None) => terms::pipe(left, right),
    }
}
