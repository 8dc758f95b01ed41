//! Steps on a document, in Jayway's order. Spends the evaluation's bounds; decides no comparison.
//!
//! `..` leaves behind, at the step after the one it tries, the index of the array element it was at.
//! A last step that selects a member gives nothing while that index is not the one before it.

mod bounds;
mod descent;
mod select;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::step::{CompiledPath, Step, StepKind};
use super::{COPIED_LIMIT_BYTES, EVALUATION_STEP_LIMIT, EvaluationError};
use crate::json::Node;
use select::{elements, slice};

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

    /// Takes back what `..` has left at a step.
    pub(super) fn forget_index(&mut self, step: usize) {
        if let Some(left) = self.left_indexes.get_mut(step) {
            *left = None;
        }
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
}

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
