//! Steps on a document, in Jayway's order. Spends the evaluation's bounds; decides no comparison.
//!
//! `..` leaves behind, at the step after the one it tries, the index of the array element it was at.
//! A last step that selects a member gives nothing while that index is not the one before it.

mod descent;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::step::{CompiledPath, Step, StepKind};
use super::{COPIED_LIMIT_BYTES, EVALUATION_DEPTH_LIMIT, EVALUATION_STEP_LIMIT, EvaluationError};
use crate::json::Node;

/// What one evaluation has left, and what `..` has left behind.
#[derive(Debug)]
pub(super) struct Evaluation {
    /// For each step the index that `..` has left there.
    left_indexes: Vec<Option<i64>>,
    work: usize,
    bytes: usize,
    depth: usize,
}

/// One path on one document; those of filters and arguments have runs of their own.
#[derive(Debug)]
pub(super) struct Run<'r> {
    path: &'r CompiledPath,
    pub(super) root: &'r Node,
    /// Whether it is only asked if the path is there. A name that is missing is an error then.
    only_asks: bool,
    found: usize,
    results: Vec<Node>,
    /// Results of `$` paths in filters, by the path's number.
    of_root: HashMap<usize, Rc<Node>>,
}

type Done = Result<(), EvaluationError>;

impl Evaluation {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            left_indexes: vec![None; steps],
            work: EVALUATION_STEP_LIMIT,
            bytes: COPIED_LIMIT_BYTES,
            depth: 0,
        }
    }

    pub(super) fn spend(&mut self, work: usize) -> Done {
        self.work = self
            .work
            .checked_sub(work)
            .ok_or(EvaluationError::TooMuchWork)?;
        Ok(())
    }

    pub(super) fn spend_text(&mut self, bytes: usize) -> Done {
        self.spend(1 + bytes / 16)
    }

    pub(super) fn spend_bytes(&mut self, bytes: usize) -> Done {
        self.bytes = self
            .bytes
            .checked_sub(bytes)
            .ok_or(EvaluationError::TooLarge)?;
        self.spend(1 + bytes / 64)
    }

    /// Takes back what `..` has left at a step.
    pub(super) fn forget_index(&mut self, step: usize) {
        if let Some(left) = self.left_indexes.get_mut(step) {
            *left = None;
        }
    }

    /// Pays for a copy of the node.
    pub(super) fn copy(&mut self, node: &Node) -> Result<Node, EvaluationError> {
        self.pay(node)?;
        Ok(node.clone())
    }

    fn pay(&mut self, node: &Node) -> Done {
        let own = match node {
            Node::Text(text) | Node::Number(text) => text.len(),
            Node::Keys(names) => names.iter().map(|name| name.len() + NODE_BYTES).sum(),
            Node::Object(members) => members
                .iter()
                .map(|(name, _)| name.len() + NODE_BYTES)
                .sum(),
            _ => 0,
        };
        self.spend_bytes(NODE_BYTES + own)?;
        for child in node.children() {
            self.deeper(|evaluation| evaluation.pay(child))?;
        }
        Ok(())
    }

    fn deeper(&mut self, inside: impl FnOnce(&mut Self) -> Done) -> Done {
        if self.depth == EVALUATION_DEPTH_LIMIT {
            return Err(EvaluationError::TooDeep);
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// The last value that a definite path gives, or the list of all.
    pub(super) fn value(
        &mut self,
        path: &CompiledPath,
        document: &Node,
        root: &Node,
    ) -> Result<Node, EvaluationError> {
        let mut run = Run::new(path, root, false);
        self.start(&mut run, document)?;
        if !path.definite {
            return Ok(Node::Array(run.results));
        }
        run.results.pop().ok_or(EvaluationError::NotFound)
    }

    /// The value of a path within a filter; of `$` paths the run keeps what they gave.
    pub(super) fn value_for_filter(
        &mut self,
        path: &CompiledPath,
        item: &Node,
        run: &mut Run<'_>,
    ) -> Result<Rc<Node>, EvaluationError> {
        if !path.from_root {
            return self.value(path, item, run.root).map(Rc::new);
        }
        if let Some(known) = run.of_root.get(&path.id) {
            return Ok(Rc::clone(known));
        }
        let value = Rc::new(self.value(path, run.root, run.root)?);
        run.of_root.insert(path.id, Rc::clone(&value));
        Ok(value)
    }

    /// Whether a path leads somewhere from the item, where also `$` begins. An indefinite path does
    /// wherever no name is missing on its way, even to nothing.
    pub(super) fn is_there(
        &mut self,
        path: &CompiledPath,
        item: &Node,
        root: &Node,
    ) -> Result<bool, EvaluationError> {
        let mut run = Run::new(path, root, true);
        match self.start(&mut run, item) {
            Ok(()) => Ok(!path.definite || run.found > 0),
            Err(EvaluationError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn start(&mut self, run: &mut Run<'_>, document: &Node) -> Done {
        self.arrive(run, 0, document)
    }

    /// What the steps from `at` on make of a value; behind the last one it is a result.
    pub(super) fn arrive(&mut self, run: &mut Run<'_>, at: usize, node: &Node) -> Done {
        self.spend(1)?;
        match run.step(at) {
            None => self.add(run, node),
            Some(step) => self.deeper(|evaluation| evaluation.step(run, at, step, node)),
        }
    }

    fn add(&mut self, run: &mut Run<'_>, node: &Node) -> Done {
        run.found += 1;
        if !run.only_asks {
            let copy = self.copy(node)?;
            run.results.push(copy);
        }
        Ok(())
    }

    fn step(&mut self, run: &mut Run<'_>, at: usize, step: &Step, node: &Node) -> Done {
        match &step.kind {
            StepKind::Names(names) => self.names(run, at, step, names, node),
            StepKind::Indexes(indexes) => match elements(step, node)? {
                Some(elements) => indexes
                    .iter()
                    .try_for_each(|index| self.element(run, at, *index, elements)),
                None => Ok(()),
            },
            StepKind::Slice { from, to } => match elements(step, node)? {
                Some(elements) => slice(*from, *to, elements.len())
                    .try_for_each(|index| self.element(run, at, index, elements)),
                None => Ok(()),
            },
            StepKind::Wildcard => self.wildcard(run, at, step, node),
            StepKind::Descent => self.descent(run, at + 1, node),
            StepKind::Filter(predicate) => match node {
                Node::Object(_) if self.accepts(predicate, node, run)? => {
                    self.arrive(run, at + 1, node)
                }
                Node::Array(elements) => {
                    for (index, element) in (0..).zip(elements) {
                        if self.accepts(predicate, element, run)? {
                            self.element(run, at, index, elements)?;
                        }
                    }
                    Ok(())
                }
                Node::Object(_) => Ok(()),
                _ if step.upstream_definite => Err(EvaluationError::Unfit {
                    expected: "an array or object before a filter",
                }),
                _ => Ok(()),
            },
            StepKind::Function(call) => {
                let result = self.call(call, run.root, node)?;
                self.add(run, &result)?;
                match run.step(at + 1) {
                    Some(_) => self.arrive(run, at + 1, &result),
                    None => Ok(()),
                }
            }
        }
    }

    fn names(
        &mut self,
        run: &mut Run<'_>,
        at: usize,
        step: &Step,
        names: &[String],
        node: &Node,
    ) -> Done {
        let Node::Object(members) = node else {
            return if step.upstream_definite {
                Err(EvaluationError::NotFound)
            } else {
                Ok(())
            };
        };
        if names.len() > 1 && run.is_last(at) {
            let merged = self.merged(run, names, members)?;
            return self.add(run, &merged);
        }
        for name in names {
            match self.member(name, members)? {
                Some(value) => self.member_value(run, at, step, value)?,
                None if run.only_asks => return Err(EvaluationError::NotFound),
                None if run.is_last(at) => {}
                None if step.upstream_definite && names.len() == 1 => {
                    return Err(EvaluationError::NotFound);
                }
                None => {}
            }
        }
        Ok(())
    }

    fn member<'n>(
        &mut self,
        name: &str,
        members: &'n [(String, Node)],
    ) -> Result<Option<&'n Node>, EvaluationError> {
        let place = members.iter().position(|(given, _)| given == name);
        self.spend_text(place.unwrap_or(members.len()) * 4)?;
        Ok(place
            .and_then(|place| members.get(place))
            .map(|(_, value)| value))
    }

    /// Several names at the end give one object of those that are there.
    fn merged(
        &mut self,
        run: &Run<'_>,
        names: &[String],
        members: &[(String, Node)],
    ) -> Result<Node, EvaluationError> {
        let mut merged: Vec<(String, Node)> = Vec::new();
        for name in names {
            match self.member(name, members)? {
                Some(value) if merged.iter().all(|(given, _)| given != name) => {
                    let value = self.copy(value)?;
                    merged.push((name.clone(), value));
                }
                Some(_) => {}
                None if run.only_asks => return Err(EvaluationError::NotFound),
                None => {}
            }
        }
        Ok(Node::Object(merged))
    }

    /// A member that a name or a wildcard selects.
    fn member_value(&mut self, run: &mut Run<'_>, at: usize, step: &Step, value: &Node) -> Done {
        if run.is_last(at) {
            let left = self.left_indexes.get(step.id).copied().flatten();
            if left.is_some() && left != run.path.index_before_last {
                return Ok(());
            }
        }
        self.arrive(run, at + 1, value)
    }

    /// An element; below zero it counts from the end. An element that is not there gives nothing,
    /// and so does a function behind it that asks for one which its list does not have.
    fn element(&mut self, run: &mut Run<'_>, at: usize, index: i64, elements: &[Node]) -> Done {
        self.spend(1)?;
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        let from_start = if index < 0 { length + index } else { index };
        let element = usize::try_from(from_start)
            .ok()
            .and_then(|place| elements.get(place));
        match element.map(|element| self.arrive(run, at + 1, element)) {
            None | Some(Err(EvaluationError::OutOfRange { .. })) => Ok(()),
            Some(result) => result,
        }
    }

    /// Elements behind which a definite part leads nowhere are left out.
    fn wildcard(&mut self, run: &mut Run<'_>, at: usize, step: &Step, node: &Node) -> Done {
        match node {
            Node::Object(members) => members
                .iter()
                .try_for_each(|(_, value)| self.member_value(run, at, step, value)),
            Node::Array(elements) => {
                for (index, _) in (0..).zip(elements) {
                    match self.element(run, at, index, elements) {
                        Err(EvaluationError::NotFound) if !run.only_asks => {}
                        result => result?,
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// About what a node takes, beside its texts.
const NODE_BYTES: usize = size_of::<Node>() + size_of::<String>();

impl<'r> Run<'r> {
    fn new(path: &'r CompiledPath, root: &'r Node, only_asks: bool) -> Self {
        Self {
            path,
            root,
            only_asks,
            found: 0,
            results: Vec::new(),
            of_root: HashMap::new(),
        }
    }

    fn step(&self, at: usize) -> Option<&'r Arc<Step>> {
        self.path.steps.get(at)
    }

    fn is_last(&self, at: usize) -> bool {
        at + 1 == self.path.steps.len()
    }
}

/// The array that indexes look into; anything else breaks a definite path, and only that.
fn elements<'n>(step: &Step, node: &'n Node) -> Result<Option<&'n [Node]>, EvaluationError> {
    match node {
        Node::Array(elements) => Ok(Some(elements)),
        _ if step.upstream_definite => Err(EvaluationError::NotFound),
        _ => Ok(None),
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
