//! Template expressions in a pipeline's text: `${{ … }}`, and what they read from a webhook's
//! payload. They are found, not evaluated. The lexical rules are the vendor's:
//! <https://learn.microsoft.com/azure/devops/pipelines/process/expressions>.

use std::ops::Range;

use crate::azure_devops::path::{Path, Segment};

/// An expression, and the parameters that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    /// Bytes of the text, braces included.
    pub(super) range: Range<usize>,
    pub(super) references: Vec<Reference>,
    /// It is a reference and nothing else, so that its value takes its place.
    pub(super) bare: bool,
    /// `}}` stands behind it.
    pub(super) closed: bool,
}

/// `parameters.<name>.<path>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// A webhook's alias, or one of the pipeline's own parameters.
    pub(super) name: String,
    /// Below it.
    pub(super) path: Path,
}

/// The first expressions, in order, at most `most` of them.
pub(super) fn find(text: &str, most: usize) -> Vec<Expression> {
    const OPENING: &str = "${{";
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < most
        && let Some(at) = text[from..].find(OPENING)
    {
        let start = from + at;
        let mut scanner = Scanner {
            text,
            at: start + OPENING.len(),
        };
        let (references, bare, closed) = scanner.expression();
        // What is never closed is text; an expression may begin inside it.
        from = match closed {
            true => scanner.at,
            false => start + OPENING.len(),
        };
        found.push(Expression {
            range: start..from,
            references,
            bare,
            closed,
        });
    }
    found
}

/// A bound on how far the end of an expression is looked for.
const EXPRESSION_BYTES: usize = 4096;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Reads to `}}`; gives the references, whether one is all there is, and whether it ended.
    fn expression(&mut self) -> (Vec<Reference>, bool, bool) {
        let end = self.at.saturating_add(EXPRESSION_BYTES);
        let mut references = Vec::new();
        let mut others = false;
        let mut after_dot = false;
        while self.at < end {
            self.skip_space();
            if self.takes("}}") {
                let bare = references.len() == 1 && !others;
                return (references, bare, true);
            }
            let Some(next) = self.rest().chars().next() else {
                break;
            };
            if next == '\'' {
                if self.quoted().is_none() {
                    break;
                }
                others = true;
            } else if let Some(word) = self.word() {
                let reads = word.eq_ignore_ascii_case("parameters") && !after_dot;
                match reads.then(|| self.reference()).flatten() {
                    Some(reference) => references.push(reference),
                    None => others = true,
                }
            } else {
                self.at += next.len_utf8();
                others = true;
            }
            after_dot = next == '.';
        }
        (Vec::new(), false, false)
    }

    /// What follows `parameters`; `None` where no name does.
    fn reference(&mut self) -> Option<Reference> {
        let Segment::Name(name) = self.segment()? else {
            return None;
        };
        let mut segments = Vec::new();
        while let Some(segment) = self.segment() {
            segments.push(segment);
        }
        Some(Reference {
            name,
            path: Path::new(segments),
        })
    }

    /// `.name`, `['name']` or `[1]`; otherwise nothing is taken.
    fn segment(&mut self) -> Option<Segment> {
        let start = self.at;
        let segment = self.taken_segment();
        if segment.is_none() {
            self.at = start;
        }
        segment
    }

    fn taken_segment(&mut self) -> Option<Segment> {
        self.skip_space();
        if self.takes(".") {
            self.skip_space();
            return self.word().map(|name| Segment::Name(name.to_owned()));
        }
        if !self.takes("[") {
            return None;
        }
        self.skip_space();
        let segment = if self.rest().starts_with('\'') {
            Segment::Name(self.quoted()?)
        } else {
            Segment::Index(self.word()?.parse().ok()?)
        };
        self.skip_space();
        self.takes("]").then_some(segment)
    }

    /// Letters, digits, `_` and `-`: also what an alias may be made of.
    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let is_part = |character: char| character.is_alphanumeric() || "_-".contains(character);
        let end = rest
            .find(|character| !is_part(character))
            .unwrap_or(rest.len());
        self.at += end;
        (end > 0).then(|| &rest[..end])
    }

    /// A text in single quotes, a doubled quote standing for one.
    fn quoted(&mut self) -> Option<String> {
        let inner = self.rest().strip_prefix('\'')?;
        let mut text = String::new();
        let mut characters = inner.char_indices().peekable();
        while let Some((place, character)) = characters.next() {
            if place > EXPRESSION_BYTES {
                return None;
            }
            if character != '\'' {
                text.push(character);
            } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
                text.push('\'');
            } else {
                self.at += place + 2;
                return Some(text);
            }
        }
        None
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    /// Each expression as `name:path`, several joined by `+`; `!` where more than that stands in
    /// it, `?` where it does not end.
    fn shown(text: &str) -> String {
        let found = find(text, 100).into_iter().map(|expression| {
            let references: Vec<_> = expression
                .references
                .iter()
                .map(|reference| format!("{}:{}", reference.name, reference.path))
                .collect();
            let mark = match (expression.closed, expression.bare) {
                (false, _) => "?",
                (true, true) => "",
                (true, false) => "!",
            };
            references.join("+") + mark
        });
        found.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn references_are_found_however_they_are_written() {
        let cases = [
            ("${{ parameters.call.name }}", "call:name"),
            ("${{parameters.call.name}}", "call:name"),
            ("${{\n  parameters . call . name\n}}", "call:name"),
            ("${{ parameters['call']['a b'].c }}", "call:a b.c"),
            ("${{ parameters.call['a.b'][0] }}", "call:['a.b'][0]"),
            ("${{ Parameters.call.it['it''s'] }}", "call:it['it\\'s']"),
            ("${{ parameters.my-call.a-b }}", "my-call:a-b"),
            ("a ${{ parameters.x.a }}b${{ parameters.y.b }}", "x:a y:b"),
            ("${{ variables.name }}", "!"),
            ("${{ if eq(parameters.x.a, 'b') }}:", "x:a!"),
            ("${{ and(parameters.x.a, parameters.y.b) }}", "x:a+y:b!"),
            ("${{ eq('parameters.x.a }} ', 'b') }}", "!"),
            ("${{ a.parameters.x }}", "!"),
            ("${{ each p in parameters }}", "!"),
            ("${{ parameters.x[variables.y].z }}", "x:!"),
            ("${{ parameters.x.* }}", "x:!"),
            ("${{ parameters.x", "?"),
            ("${{ ${{ parameters.x.a }}", "x:a!"),
            ("${{ 'open }} ${{ parameters.x.a }}", "? x:a"),
            ("$(parameters.x) $[parameters.x] {{ parameters.x }}", ""),
            ("${{}}", "!"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
