//! From selected nodes to variables: one for each leaf. The counters in their names are the
//! plugin's, which hold only where white space stands between elements.

use std::collections::BTreeMap;

use super::super::filter::Filter;
use super::super::flatten::{Budget, FlattenError, clean};
use crate::xml::{Document, Kind, NodeId};

/// Adds the variables of the nodes; what comes later replaces what has the same name.
pub(super) fn add(
    variables: &mut BTreeMap<String, String>,
    key: &str,
    document: &Document,
    nodes: &[NodeId],
    filter: &Filter,
) -> Result<(), FlattenError> {
    let mut leaves = Leaves {
        variables,
        document,
        filter,
        budget: Budget::default(),
    };
    for (index, node) in nodes.iter().enumerate() {
        if let Some(text) = leaves.leaf(*node) {
            leaves.put(key, &text)?;
        } else if nodes.len() == 1 {
            leaves.walk(*node, key)?;
        } else {
            leaves.walk(*node, &format!("{key}_{index}"))?;
        }
    }
    Ok(())
}

struct Leaves<'a> {
    variables: &'a mut BTreeMap<String, String>,
    document: &'a Document,
    filter: &'a Filter,
    budget: Budget,
}

impl Leaves<'_> {
    fn walk(&mut self, node: NodeId, prefix: &str) -> Result<(), FlattenError> {
        let document = self.document;
        for (index, child) in document.children(node).enumerate() {
            // Only elements have something below them.
            let Some(name) = document.element(child) else {
                continue;
            };
            self.budget.spend(prefix.len() + name.len())?;
            let path = format!("{prefix}_{name}");
            match self.leaf(child) {
                Some(text) => self.put(&path, &text)?,
                None => self.walk(child, &format!("{path}_{}", index / 2))?,
            }
        }
        Ok(())
    }

    /// The text of an attribute, or of an element that holds one text and no more.
    fn leaf(&self, node: NodeId) -> Option<String> {
        match self.document.kind(node) {
            Kind::Attribute { value, .. } => Some(value.clone()),
            Kind::Element { .. } => {
                let mut children = self.document.children(node);
                let only = children.next().filter(|_| children.next().is_none())?;
                match self.document.kind(only) {
                    Kind::Text(text) => Some(text.clone()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn put(&mut self, path: &str, text: &str) -> Result<(), FlattenError> {
        self.budget.spend(text.len())?;
        let value = self
            .filter
            .delete_from(text)
            .map_err(FlattenError::Filter)?;
        self.variables.insert(clean(path), value);
        Ok(())
    }
}
