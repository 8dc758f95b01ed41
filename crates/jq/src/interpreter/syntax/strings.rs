//! Strings of an expression's text: escapes, interpolation and formats.

use jaq_core::load::lex::StrPart;

use super::lexer::Token;
use super::parser::{Parse, Parser};
use super::terms::{self, Text};
use crate::program::CompileError;
use crate::value::escape;

/// Formats that are known; others are a mistake once they are evaluated, as in jq.
pub(in crate::interpreter) const FORMATS: [&str; 10] = [
    "@base64", "@base64d", "@csv", "@html", "@json", "@sh", "@text", "@tsv", "@uri", "@urid",
];

impl<'s> Parser<'s> {
    /// `"…"`, `@format "…"`
    pub(super) fn whole_string(&mut self) -> Parse<Text<'s>> {
        if let Token::Format(_) = self.current
            && !self.text[self.end..].trim_start().starts_with('"')
        {
            self.read_from(self.end);
            return self.unexpected(&["QQSTRING_START"]);
        }
        self.string()
    }

    /// `"…"`, `@format`, `@format "…"`
    pub(super) fn string(&mut self) -> Parse<Text<'s>> {
        let Token::Format(name) = self.current else {
            let parts = self.parts()?;
            return Ok(terms::interpolation(None, parts));
        };
        self.read_from(self.end);
        let format = if FORMATS.contains(&name) {
            self.call(name, Vec::new())
        } else {
            let name = terms::string(&name[1..]);
            self.call("format", vec![name])
        };
        if self.current != Token::Quote {
            return Ok(format);
        }
        let parts = self.parts()?;
        Ok(terms::interpolation(Some(&format), parts))
    }

    /// What stands in the string whose quote is the current token.
    fn parts(&mut self) -> Parse<Vec<StrPart<&'s str, Text<'s>>>> {
        let mut parts = Vec::new();
        let mut position = self.end;
        loop {
            let rest = &self.text[position..];
            let Some(plain) = rest.find(['"', '\\']) else {
                self.read_from(self.text.len());
                return self.unexpected(&[
                    "QQSTRING_TEXT",
                    "QQSTRING_INTERP_START",
                    "QQSTRING_END",
                ]);
            };
            if plain > 0 {
                parts.push(StrPart::Str(&rest[..plain]));
            }
            position += plain + 1;
            if rest.as_bytes()[plain] == b'"' {
                self.read_from(position);
                return Ok(parts);
            }
            if self.text[position..].starts_with('(') {
                self.read_from(position + 1);
                parts.push(StrPart::Term(self.interpolated()?));
                position = self.end;
                continue;
            }
            match escape(&self.text[position..]) {
                Ok((c, length)) => {
                    parts.push(StrPart::Char(c));
                    position += length;
                }
                Err(message) => {
                    return Err(CompileError {
                        message: message.to_owned(),
                        position: position - 1,
                    });
                }
            }
        }
    }

    /// The expression of an interpolation; the current token is then its closing parenthesis.
    fn interpolated(&mut self) -> Parse<Text<'s>> {
        let term = self.nested(Self::expression)?;
        match self.current {
            Token::Symbol(")") => Ok(term),
            _ => self.unexpected(&["QQSTRING_INTERP_END", "'|'", "','"]),
        }
    }
}
