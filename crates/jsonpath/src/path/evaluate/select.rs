//! What names, indexes, slices and wildcards select, and what it means that nothing is there.

use super::super::EvaluationError;
use super::super::step::Step;
use super::{Done, Evaluation, Run};
use crate::json::Node;

impl Evaluation {
    pub(super) fn names(
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

    pub(super) fn member<'n>(
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
    pub(super) fn element(
        &mut self,
        run: &mut Run<'_>,
        at: usize,
        index: i64,
        elements: &[Node],
    ) -> Done {
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
    pub(super) fn wildcard(
        &mut self,
        run: &mut Run<'_>,
        at: usize,
        step: &Step,
        node: &Node,
    ) -> Done {
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

/// The array that indexes look into; anything else breaks a definite path, and only that.
pub(super) fn elements<'n>(
    step: &Step,
    node: &'n Node,
) -> Result<Option<&'n [Node]>, EvaluationError> {
    match node {
        Node::Array(elements) => Ok(Some(elements)),
        _ if step.upstream_definite => Err(EvaluationError::NotFound),
        _ => Ok(None),
    }
}

/// Jayway's own slices: an upper bound below zero works only without a lower one; a negative lower
/// bound with an upper one walks from there through zero.
pub(super) fn slice(from: Option<i64>, to: Option<i64>, length: usize) -> std::ops::Range<i64> {
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
