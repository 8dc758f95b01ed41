//! Objects, and the patterns that take values apart.

use jaq_core::load::parse::{Pattern, Term};

use super::lexer::Token;
use super::parser::{Parse, Parser, Place, level};
use super::terms::{self, Text, TextPattern};

impl<'s> Parser<'s> {
    pub(super) fn patterns(&mut self) -> Parse<Vec<TextPattern<'s>>> {
        let mut patterns = vec![self.pattern()?];
        while self.take("?//") {
            patterns.push(self.pattern()?);
        }
        Ok(patterns)
    }

    fn pattern(&mut self) -> Parse<TextPattern<'s>> {
        match self.current {
            Token::Variable(name) => {
                self.advance();
                Ok(Pattern::Var(name))
            }
            Token::Symbol("[") => {
                self.advance();
                self.bracketed("]", &["','", "']'"], |p| {
                    let mut patterns = vec![p.pattern()?];
                    while p.take(",") {
                        patterns.push(p.pattern()?);
                    }
                    Ok(Pattern::Arr(patterns))
                })
            }
            Token::Symbol("{") => {
                self.advance();
                self.bracketed("}", &["','", "'}'"], |p| {
                    let mut entries = Vec::new();
                    p.pattern_entry(&mut entries)?;
                    while p.take(",") {
                        p.pattern_entry(&mut entries)?;
                    }
                    Ok(Pattern::Obj(entries))
                })
            }
            _ => self.unexpected(&["BINDING", "'['", "'{'"]),
        }
    }

    /// `$name`, `$name: pattern`, `name: pattern`, `"name": pattern`, `(expression): pattern`
    fn pattern_entry(&mut self, entries: &mut Vec<(Text<'s>, TextPattern<'s>)>) -> Parse<()> {
        let key = match self.current {
            Token::Variable(name) => {
                self.advance();
                let key = terms::string(&name[1..]);
                entries.push((key.clone(), Pattern::Var(name)));
                if !self.is(":") {
                    return Ok(());
                }
                key
            }
            _ => self.key()?,
        };
        self.expect(":", &["':'"])?;
        entries.push((key, self.pattern()?));
        Ok(())
    }

    /// A key that is not a variable: a word, a string, or an expression in parentheses.
    fn key(&mut self) -> Parse<Text<'s>> {
        match self.current {
            Token::Name(name) | Token::Keyword(name) => {
                self.advance();
                Ok(terms::string(name))
            }
            Token::Quote | Token::Format(_) => self.whole_string(),
            Token::Symbol("(") => {
                self.advance();
                self.bracketed(")", &["'|'", "','", "')'"], Self::expression)
            }
            _ => self.unexpected(&[]),
        }
    }

    pub(super) fn entries(&mut self) -> Parse<Vec<(Text<'s>, Text<'s>)>> {
        let mut entries = Vec::new();
        while !self.is("}") {
            entries.push(self.entry()?);
            if !self.take(",") {
                break;
            }
        }
        Ok(entries)
    }

    fn entry(&mut self) -> Parse<(Text<'s>, Text<'s>)> {
        match self.current {
            Token::Variable("$__loc__") => Ok((terms::string("__loc__"), self.location())),
            Token::Variable(name) => {
                self.advance();
                let value = Term::Var(name);
                if self.take(":") {
                    return Ok((value, self.entry_value()?));
                }
                Ok((terms::string(&name[1..]), value))
            }
            Token::Symbol("(") => {
                let key = self.key()?;
                self.expect(":", &["':'"])?;
                Ok((key, self.entry_value()?))
            }
            _ => {
                let key = self.key()?;
                if self.take(":") {
                    return Ok((key, self.entry_value()?));
                }
                Ok(terms::member_entry(key))
            }
        }
    }

    fn entry_value(&mut self) -> Parse<Text<'s>> {
        self.operators(level::PIPE, Place::Entry)
    }
}
