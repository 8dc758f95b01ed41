//! `..`: every container below is offered to the step that follows, parents first.

use super::super::EvaluationError;
use super::super::step::StepKind;
use super::{Done, Evaluation, Run};
use crate::json::Node;

impl Evaluation {
    /// `at` is the step behind the dots.
    pub(super) fn descent(&mut self, run: &mut Run<'_>, at: usize, node: &Node) -> Done {
        if run.step(at).is_none() {
            return Err(EvaluationError::Refused {
                reason: "nothing follows '..'",
            });
        }
        self.walk(run, at, node)
    }

    fn walk(&mut self, run: &mut Run<'_>, at: usize, node: &Node) -> Done {
        self.spend(1)?;
        match node {
            Node::Object(_) => {
                if self.fits(run, at, node)? {
                    self.arrive(run, at, node)?;
                }
            }
            Node::Array(elements) => {
                if self.fits(run, at, node)? {
                    self.array(run, at, node, elements)?;
                }
            }
            _ => return Ok(()),
        }
        for child in node.children() {
            if matches!(child, Node::Object(_) | Node::Array(_)) {
                self.deeper(|evaluation| evaluation.walk(run, at, child))?;
            }
        }
        Ok(())
    }

    /// Where more steps follow, Jayway goes past the step itself: whatever it selects, the next one
    /// sees every element.
    fn array(&mut self, run: &mut Run<'_>, at: usize, node: &Node, elements: &[Node]) -> Done {
        let Some(next) = run.step(at + 1) else {
            return self.arrive(run, at, node);
        };
        for (index, element) in (0..).zip(elements) {
            if let Some(left) = self.left_indexes.get_mut(next.id) {
                *left = Some(index);
            }
            self.arrive(run, at + 1, element)?;
        }
        Ok(())
    }

    /// Whether the step is tried on a container at all.
    fn fits(&mut self, run: &mut Run<'_>, at: usize, node: &Node) -> Result<bool, EvaluationError> {
        let Some(step) = run.step(at) else {
            return Ok(false);
        };
        match (&step.kind, node) {
            (StepKind::Names(names), Node::Object(members)) => {
                if names.len() > 1 && !run.is_last(at) {
                    return Ok(true);
                }
                for name in names {
                    if self.member(name, members)?.is_none() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (StepKind::Indexes(_) | StepKind::Slice { .. }, Node::Array(_))
            | (StepKind::Wildcard, _) => Ok(true),
            (StepKind::Filter(predicate), _) => self.accepts(predicate, node, run),
            _ => Ok(false),
        }
    }
}
