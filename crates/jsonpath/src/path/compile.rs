//! From a path's text to its steps. What Jayway overlooks (an opening bracket at the very end, one
//! last character after a step) is overlooked here; what it refuses is refused.

mod arguments;

use std::sync::Arc;

use super::cursor::Cursor;
use super::filter;
use super::function::{Argument, Call};
use super::step::{CompiledPath, Step, StepKind};
use super::unescape::unescape;
use super::{NESTING_LIMIT, PATH_LENGTH_LIMIT, PATH_STEP_LIMIT, PATTERN_LIMIT, ParseError};

/// What the paths of one compilation have in common.
#[derive(Debug, Default)]
pub(super) struct Compilation {
    paths: usize,
    steps: usize,
    patterns: usize,
    depth: usize,
    /// Whether the text is only looked at: regular expressions are not compiled then.
    only_checks: bool,
}

impl Compilation {
    /// One that only looks at texts.
    pub(super) fn of_checks() -> Self {
        Self {
            only_checks: true,
            ..Self::default()
        }
    }

    pub(super) fn only_checks(&self) -> bool {
        self.only_checks
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    fn next_step(&mut self) -> usize {
        self.steps += 1;
        self.steps - 1
    }

    pub(super) fn count_pattern(&mut self) -> Result<(), ParseError> {
        self.patterns += 1;
        if self.patterns > PATTERN_LIMIT {
            return Err(ParseError::TooManyPatterns);
        }
        Ok(())
    }

    /// Goes one level deeper, until [`leave`](Self::leave).
    pub(super) fn enter(&mut self) -> Result<(), ParseError> {
        if self.depth == NESTING_LIMIT {
            return Err(ParseError::TooDeep);
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// A whole path. The first character decides whether `$.` is put before it, so a leading blank
/// breaks a path, while blanks at the end are left out.
pub(super) fn compile(
    text: &str,
    compilation: &mut Compilation,
) -> Result<CompiledPath, ParseError> {
    if text.len() > PATH_LENGTH_LIMIT && text.chars().count() > PATH_LENGTH_LIMIT {
        return Err(ParseError::TooLong);
    }
    let characters: Vec<char> = if text.starts_with(['$', '@']) {
        text.chars().collect()
    } else {
        "$.".chars().chain(text.chars()).collect()
    };
    let mut cursor = Cursor::new(&characters);
    cursor.trim();
    if text.is_empty() || cursor.last_is('.') {
        return cursor.expected("a path that goes on after its last '.'");
    }
    read(cursor, compilation)
}

/// A path that stands as an argument: nothing is put before it or left out behind it.
fn compile_argument(
    text: &[char],
    compilation: &mut Compilation,
) -> Result<CompiledPath, ParseError> {
    read(Cursor::new(text), compilation)
}

fn read(cursor: Cursor<'_>, compilation: &mut Compilation) -> Result<CompiledPath, ParseError> {
    compilation.enter()?;
    let mut compiler = Compiler {
        cursor,
        compilation,
        kinds: Vec::new(),
    };
    let from_root = compiler.path()?;
    let kinds = compiler.kinds;
    compilation.leave();
    Ok(assemble(kinds, from_root, compilation))
}

fn assemble(kinds: Vec<StepKind>, from_root: bool, compilation: &mut Compilation) -> CompiledPath {
    let length = kinds.len();
    let mut upstream_definite = true;
    let mut steps = Vec::with_capacity(length);
    for (place, kind) in kinds.into_iter().enumerate() {
        let definite = kind.is_definite(place + 1 == length);
        steps.push(Arc::new(Step {
            id: compilation.next_step(),
            upstream_definite,
            kind,
        }));
        upstream_definite = upstream_definite && definite;
    }
    let path = numbered(steps, from_root, compilation);
    let descends = path
        .steps
        .first()
        .is_some_and(|step| matches!(step.kind, StepKind::Descent));
    if descends && path.ends_in_function() {
        function_of_descent(path, compilation)
    } else {
        path
    }
}

fn numbered(steps: Vec<Arc<Step>>, from_root: bool, compilation: &mut Compilation) -> CompiledPath {
    compilation.paths += 1;
    let length = steps.len();
    CompiledPath {
        id: compilation.paths,
        from_root,
        definite: steps
            .iter()
            .enumerate()
            .all(|(place, step)| step.kind.is_definite(place + 1 == length)),
        index_before_last: length
            .checked_sub(2)
            .and_then(|place| steps.get(place)?.kind.single_index()),
        steps,
    }
}

/// `$..x.length()` is read as `$.length($..x)`; arguments that the function had are dropped.
fn function_of_descent(path: CompiledPath, compilation: &mut Compilation) -> CompiledPath {
    let first = path
        .steps
        .iter()
        .enumerate()
        .find_map(|(place, step)| match &step.kind {
            StepKind::Function(call) => Some((place, step, call)),
            _ => None,
        });
    let Some((place, step, call)) = first else {
        return path;
    };
    let argument = numbered(path.steps[..place].to_vec(), true, compilation);
    let call = new_call(
        call.name.clone(),
        vec![Argument::Path(argument)],
        compilation,
    );
    let function = Arc::new(Step {
        id: step.id,
        upstream_definite: step.upstream_definite,
        kind: StepKind::Function(call),
    });
    let steps = std::iter::once(function)
        .chain(path.steps[place + 1..].iter().cloned())
        .collect();
    numbered(steps, true, compilation)
}

fn new_call(name: String, arguments: Vec<Argument>, compilation: &mut Compilation) -> Call {
    let children = match arguments.first() {
        Some(Argument::Path(path)) if path.ends_in_function() => Some(path.clone()),
        Some(Argument::Path(path)) => Some(path.children(compilation.next_step())),
        _ => None,
    };
    Call {
        name,
        arguments,
        children,
    }
}

struct Compiler<'t, 'c> {
    cursor: Cursor<'t>,
    compilation: &'c mut Compilation,
    kinds: Vec<StepKind>,
}

impl Compiler<'_, '_> {
    /// Whether the path begins with `$`.
    fn path(&mut self) -> Result<bool, ParseError> {
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

    fn bracket(&mut self) -> Result<(), ParseError> {
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

fn is_white(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
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
