//! Reading an expression into steps.

use super::super::json::Node;
use super::PathError;

/// Most steps in one expression.
const STEP_LIMIT: usize = 100;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Whether `..` stands before it.
    pub(super) descends: bool,
    pub(super) selector: Selector,
}

/// What a step selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector {
    Names(Vec<String>),
    Indexes(Vec<i64>),
    Slice { from: Option<i64>, to: Option<i64> },
    Wildcard,
}

impl Step {
    pub(super) fn is_definite(&self) -> bool {
        !self.descends && self.selector.is_definite()
    }
}

impl Selector {
    pub(super) fn is_definite(&self) -> bool {
        match self {
            Self::Names(names) => names.len() == 1,
            Self::Indexes(indexes) => indexes.len() == 1,
            Self::Slice { .. } | Self::Wildcard => false,
        }
    }

    /// Whether a node is of the kind that the selector looks into.
    pub(super) fn fits(&self, node: &Node) -> bool {
        match self {
            Self::Names(_) => matches!(node, Node::Object(_)),
            Self::Indexes(_) | Self::Slice { .. } => matches!(node, Node::Array(_)),
            Self::Wildcard => matches!(node, Node::Object(_) | Node::Array(_)),
        }
    }
}

/// `$` and `@` start a path; anything else is read as if `$.` stood before it.
pub(super) fn parse(path: &str) -> Result<Vec<Step>, PathError> {
    let path = path.trim_end();
    let rest = path.strip_prefix(['$', '@']);
    let owned;
    let rest = match rest {
        Some(rest) => rest,
        None => {
            owned = format!(".{path}");
            &owned
        }
    };
    let mut steps = Vec::new();
    let mut rest = rest;
    let mut after_bracket = false;
    // Jayway overlooks an opening bracket at the very end.
    while !rest.is_empty() && rest != "[" {
        if steps.len() == STEP_LIMIT {
            return Err(PathError::Invalid(format!("more than {STEP_LIMIT} steps")));
        }
        let (step, after) = step(rest, after_bracket)?;
        after_bracket = rest[..rest.len() - after.len()].ends_with(']');
        steps.push(step);
        rest = after;
    }
    Ok(steps)
}

/// A name may follow a closing bracket without a dot.
fn step(text: &str, after_bracket: bool) -> Result<(Step, &str), PathError> {
    let (descends, rest) = if let Some(rest) = text.strip_prefix("..") {
        (true, rest)
    } else if let Some(rest) = text.strip_prefix('.') {
        (false, rest)
    } else if text.starts_with('[') || after_bracket {
        (false, text)
    } else {
        return Err(PathError::Invalid(format!(
            "expected '.' or '[' at {text:?}"
        )));
    };
    let (selector, rest) = match rest.strip_prefix('[') {
        Some(inside) => bracket(inside)?,
        None => name(rest)?,
    };
    let step = Step { descends, selector };
    if descends && (step.selector != Selector::Wildcard || !rest.is_empty()) {
        let names = matches!(&step.selector, Selector::Names(names) if names.len() == 1);
        if !names {
            // Here evaluation state leaks between elements in Jayway.
            return Err(PathError::Unsupported("'..' before anything but a name"));
        }
    }
    Ok((step, rest))
}

/// A name after a dot runs to the next `.`, `[` or `(`.
fn name(text: &str) -> Result<(Selector, &str), PathError> {
    let end = text.find(['.', '[', '(']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if rest.starts_with('(') {
        return Err(PathError::Unsupported("a function"));
    }
    match name {
        "" => Err(PathError::Invalid("empty name".to_owned())),
        "*" => Ok((Selector::Wildcard, rest)),
        name if name.contains(char::is_whitespace) => {
            Err(PathError::Invalid(format!("white space in {name:?}")))
        }
        name => Ok((Selector::Names(vec![name.to_owned()]), rest)),
    }
}

fn bracket(text: &str) -> Result<(Selector, &str), PathError> {
    let inside = text.trim_start();
    if inside.starts_with(['\'', '"']) {
        return names(inside);
    }
    if inside.starts_with('?') {
        return Err(PathError::Unsupported("a filter"));
    }
    if inside.starts_with('(') {
        return Err(PathError::Unsupported("a script"));
    }
    let (inside, rest) = text
        .split_once(']')
        .ok_or_else(|| PathError::Invalid("'[' without ']'".to_owned()))?;
    let selector = match inside.trim() {
        "*" => Selector::Wildcard,
        inside if inside.contains(':') => slice(inside)?,
        inside => Selector::Indexes(
            inside
                .split(',')
                .map(|index| number(index.trim()))
                .collect::<Result<_, _>>()?,
        ),
    };
    Ok((selector, rest))
}

/// Bounds without spaces; a third part is ignored, but not in place of both bounds.
fn slice(text: &str) -> Result<Selector, PathError> {
    let mut parts = text.split(':').map(|part| match part {
        "" => Ok(None),
        part => number(part).map(Some),
    });
    let from = parts.next().transpose()?.flatten();
    let to = parts.next().transpose()?.flatten();
    if from.is_none() && to.is_none() {
        return Err(PathError::Invalid(format!(
            "slice without bounds: {text:?}"
        )));
    }
    Ok(Selector::Slice { from, to })
}

fn number(text: &str) -> Result<i64, PathError> {
    text.parse::<i32>()
        .map(i64::from)
        .map_err(|_| PathError::Invalid(format!("not an index: {text:?}")))
}

fn names(text: &str) -> Result<(Selector, &str), PathError> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = quoted(rest)?;
        names.push(name);
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix(']') {
            return Ok((Selector::Names(names), after));
        }
        rest = after
            .strip_prefix(',')
            .ok_or_else(|| PathError::Invalid("expected ',' or ']' after a name".to_owned()))?
            .trim_start();
    }
}

fn quoted(text: &str) -> Result<(String, &str), PathError> {
    let mut characters = text.char_indices();
    let quote = match characters.next() {
        Some((_, quote @ ('\'' | '"'))) => quote,
        _ => return Err(PathError::Invalid("expected a quoted name".to_owned())),
    };
    let mut name = String::new();
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped)) => name.push(escaped),
                None => break,
            },
            character if character == quote => {
                return Ok((name, &text[place + character.len_utf8()..]));
            }
            character => name.push(character),
        }
    }
    Err(PathError::Invalid("a quote is not closed".to_owned()))
}
