//! What keywords enclose: conditionals, folds and definitions.

use jaq_core::load::parse::{Def, Term};

use super::lexer::Token;
use super::parser::{Parse, Parser};
use super::terms::{self, Text};

impl<'s> Parser<'s> {
    pub(super) fn conditional(&mut self) -> Parse<Text<'s>> {
        let mut branches = Vec::new();
        loop {
            self.advance();
            let condition = self.expression()?;
            self.expect_keyword("then")?;
            branches.push((condition, self.expression()?));
            match self.current {
                Token::Keyword("elif") => {}
                Token::Keyword("else") => {
                    self.advance();
                    let otherwise = self.expression()?;
                    self.expect_keyword("end")?;
                    return Ok(Term::IfThenElse(branches, Some(Box::new(otherwise))));
                }
                _ => {
                    self.expect_keyword("end")?;
                    return Ok(Term::IfThenElse(branches, None));
                }
            }
        }
    }

    pub(super) fn fold(&mut self, word: &'s str) -> Parse<Text<'s>> {
        self.advance();
        let source = self.postfix()?;
        self.expect_keyword("as")?;
        let patterns = self.patterns()?;
        self.expect("(", &["'('"])?;
        let (init, update, extract) = self.bracketed(")", &["'|'", "','", "';'", "')'"], |p| {
            let init = p.expression()?;
            p.expect(";", &["'|'", "','", "';'"])?;
            let update = p.expression()?;
            let extract = if word == "foreach" && p.take(";") {
                Some(p.expression()?)
            } else {
                None
            };
            Ok((init, update, extract))
        })?;
        Ok(match word {
            "reduce" => terms::reduce(source, patterns, init, update),
            _ => terms::foreach(source, patterns, init, update, extract),
        })
    }

    pub(super) fn definition(&mut self) -> Parse<Def<&'s str>> {
        self.expect_keyword("def")?;
        let name = match self.current {
            Token::Name(name) | Token::Keyword(name) if !name.contains("::") => name,
            _ => return self.unexpected(&["IDENT"]),
        };
        self.advance();
        let mut arguments = Vec::new();
        if self.take("(") {
            loop {
                match self.current {
                    Token::Name(name) | Token::Variable(name) => arguments.push(name),
                    _ => return self.unexpected(&["IDENT", "BINDING"]),
                }
                self.advance();
                if !self.take(";") {
                    break;
                }
            }
            self.expect(")", &["';'", "')'"])?;
        }
        self.expect(":", &["':'", "'('"])?;
        let body = self.prefixed(Self::expression)?;
        self.expect(";", &["'|'", "','", "';'"])?;
        Ok(terms::definition(name, arguments, body))
    }
}
