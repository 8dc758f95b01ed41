//! The plain part of Jayway's JSONPath: root, members, indexes, slices, wildcards, unions, `..`.
//!
//! Filters, functions and scripts are told by [`unsupported`], never guessed. The seam for the whole
//! dialect is [`evaluate`].

mod parse;

use super::json::Node;
use parse::{Selector, Step};

/// Most nodes that one expression may select.
const SELECTED_LIMIT: usize = 200_000;

/// Why an expression gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The expression cannot be read.
    #[error("invalid path: {0}")]
    Invalid(String),
    /// The expression uses what is not emulated.
    #[error("{0} is not emulated")]
    Unsupported(&'static str),
    /// A definite path leads nowhere.
    #[error("no results for the path")]
    NotFound,
    /// More is selected than an emulator is willing to hold.
    #[error("more than {SELECTED_LIMIT} nodes are selected")]
    TooMany,
}

/// What the expression uses that is not emulated, if anything.
pub fn unsupported(path: &str) -> Option<&'static str> {
    match parse::parse(path) {
        Err(PathError::Unsupported(what)) => Some(what),
        _ => None,
    }
}

/// The value of a definite path itself, or the list of what an indefinite one selects.
pub fn evaluate(document: &Node, path: &str) -> Result<Node, PathError> {
    let steps = parse::parse(path)?;
    let mut selected = vec![document];
    let mut definite = true;
    for (place, step) in steps.iter().enumerate() {
        let last = place + 1 == steps.len();
        if let (Selector::Names(names), true, false) = (&step.selector, last, step.descends)
            && names.len() > 1
        {
            return merged(&selected, names, definite);
        }
        selected = apply(step, &selected, definite)?;
        definite = definite && step.is_definite();
        if selected.len() > SELECTED_LIMIT {
            return Err(PathError::TooMany);
        }
    }
    if !definite {
        return Ok(Node::Array(selected.into_iter().cloned().collect()));
    }
    selected
        .first()
        .map(|node| (*node).clone())
        .ok_or(PathError::NotFound)
}

/// Several names at the end give one object of those that are present, for each node.
fn merged(selected: &[&Node], names: &[String], definite: bool) -> Result<Node, PathError> {
    let objects = selected.iter().filter_map(|node| match node {
        Node::Object(_) => Some(Node::Object(
            names
                .iter()
                .filter_map(|name| Some((name.clone(), node.member(name)?.clone())))
                .collect(),
        )),
        _ => None,
    });
    if definite {
        objects.into_iter().next().ok_or(PathError::NotFound)
    } else {
        Ok(Node::Array(objects.collect()))
    }
}

fn apply<'a>(step: &Step, from: &[&'a Node], definite: bool) -> Result<Vec<&'a Node>, PathError> {
    let mut out = Vec::new();
    for node in from {
        if step.descends {
            let reachable = matches!(node, Node::Object(_) | Node::Array(_));
            if definite && !reachable {
                return Err(PathError::NotFound);
            }
            descend(node, &step.selector, &mut out)?;
        } else {
            let before = out.len();
            select(node, &step.selector, &mut out);
            let wrong_kind = !step.selector.fits(node);
            let absent = out.len() == before && step.selector.is_definite();
            if definite && (wrong_kind || absent) {
                return Err(PathError::NotFound);
            }
        }
        if out.len() > SELECTED_LIMIT {
            return Err(PathError::TooMany);
        }
    }
    Ok(out)
}

fn select<'a>(node: &'a Node, selector: &Selector, out: &mut Vec<&'a Node>) {
    match selector {
        Selector::Names(names) => out.extend(names.iter().filter_map(|name| node.member(name))),
        Selector::Wildcard => out.extend(node.children()),
        Selector::Indexes(indexes) => {
            if let Node::Array(elements) = node {
                let length = elements.len();
                let places = indexes.iter().filter_map(|index| place(*index, length));
                out.extend(places.filter_map(|place| elements.get(place)));
            }
        }
        Selector::Slice { from, to } => {
            if let Node::Array(elements) = node {
                let range = slice(*from, *to, elements.len());
                let places = range.filter_map(|index| place(index, elements.len()));
                out.extend(places.filter_map(|place| elements.get(place)));
            }
        }
    }
}

/// Pre-order: what a node has itself, then what its children have.
fn descend<'a>(
    node: &'a Node,
    selector: &Selector,
    out: &mut Vec<&'a Node>,
) -> Result<(), PathError> {
    select(node, selector, out);
    if out.len() > SELECTED_LIMIT {
        return Err(PathError::TooMany);
    }
    for child in node.children() {
        if matches!(child, Node::Object(_) | Node::Array(_)) {
            descend(child, selector, out)?;
        }
    }
    Ok(())
}

fn place(index: i64, length: usize) -> Option<usize> {
    let from_end = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 {
        length.checked_sub(from_end)
    } else {
        (from_end < length).then_some(from_end)
    }
}

/// Jayway's own slices: an upper bound below zero works only without a lower one; a negative lower
/// bound with an upper one walks from there through zero.
fn slice(from: Option<i64>, to: Option<i64>, length: usize) -> std::ops::Range<i64> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    match (from, to) {
        (None, Some(to)) if to < 0 => 0..length.saturating_add(to),
        (None, Some(to)) => 0..to.min(length),
        (Some(from), None) if from < 0 => length.saturating_add(from).max(0)..length,
        (Some(from), None) => from..length,
        (Some(from), Some(to)) => from.max(-length)..to.min(length),
        (None, None) => 0..0,
    }
}
