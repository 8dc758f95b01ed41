//! What an evaluation may spend: work, bytes that are copied, depth.

use super::super::{EVALUATION_DEPTH_LIMIT, EvaluationError};
use super::{Done, Evaluation};
use crate::json::Node;

/// About what a node takes, beside its texts.
const NODE_BYTES: usize = size_of::<Node>() + size_of::<String>();

/// Bytes of text that are compared for one unit of work.
const COMPARED_BYTES: usize = 16;
/// Bytes that are copied for one unit of work.
const COPIED_BYTES: usize = 64;

impl Evaluation {
    pub(in crate::path) fn spend(&mut self, work: usize) -> Done {
        self.work = self
            .work
            .checked_sub(work)
            .ok_or(EvaluationError::TooMuchWork)?;
        Ok(())
    }

    pub(in crate::path) fn spend_text(&mut self, bytes: usize) -> Done {
        self.spend(1 + bytes / COMPARED_BYTES)
    }

    pub(in crate::path) fn spend_bytes(&mut self, bytes: usize) -> Done {
        self.bytes = self
            .bytes
            .checked_sub(bytes)
            .ok_or(EvaluationError::TooLarge)?;
        self.spend(1 + bytes / COPIED_BYTES)
    }

    /// Pays for a copy of the node.
    pub(in crate::path) fn copy(&mut self, node: &Node) -> Result<Node, EvaluationError> {
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

    pub(super) fn deeper(&mut self, inside: impl FnOnce(&mut Self) -> Done) -> Done {
        if self.depth == EVALUATION_DEPTH_LIMIT {
            return Err(EvaluationError::TooDeep);
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }
}
