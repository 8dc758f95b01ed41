//! From a path's text to its steps. What Jayway overlooks (an opening bracket at the very end, one
//! last character after a step) is overlooked here; what it refuses is refused.

mod arguments;
mod brackets;
mod tokens;

use std::sync::Arc;

use super::cursor::Cursor;
use super::function::{Argument, Call};
use super::step::{CompiledPath, Step, StepKind};
use super::{NESTING_LIMIT, PATH_LENGTH_LIMIT, PATTERN_LIMIT, ParseError};
use tokens::Compiler;

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

fn is_white(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}
