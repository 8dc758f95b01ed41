//! XML documents as trees: nodes in document order, names as written, CDATA kept apart from text.
//!
//! Reading is as strict as a validating reader's well-formedness checks, without document types,
//! entities of one's own or namespaces. What a node means is for whoever reads the tree.

mod read;

#[cfg(test)]
mod tests;

pub(crate) use read::{begins_name, continues_name, read};

/// Deepest element, counted from the root as 1: trees are walked by recursion.
const DEPTH_LIMIT: usize = 256;
/// Most nodes of a document, attributes included.
const NODE_LIMIT: usize = 500_000;
/// Most attributes of an element; the JDK's own limit.
const ATTRIBUTE_LIMIT: usize = 10_000;
/// Longest name in bytes; the JDK's own limit.
const NAME_LIMIT_BYTES: usize = 1_000;

/// A node's place in document order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// The document itself, which holds the root element, comments and processing instructions.
    pub(crate) const DOCUMENT: Self = Self(0);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Document,
    Element { name: String },
    Attribute { name: String, value: String },
    Text(String),
    CharacterData(String),
    Comment(String),
    Instruction { target: String, data: String },
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    parent: NodeId,
    /// The first node behind its attributes: its first child, if it has one.
    first: u32,
    /// The first node behind this one and all that it holds.
    end: u32,
    line: usize,
}

/// A document. `Debug` would show what it holds, which may be secret; there is none.
pub(crate) struct Document {
    nodes: Vec<Node>,
}

impl Document {
    /// What the node is.
    pub(crate) fn kind(&self, node: NodeId) -> &Kind {
        &self.nodes[node.index()].kind
    }

    /// The line on which it begins, from 1.
    pub(crate) fn line(&self, node: NodeId) -> usize {
        self.nodes[node.index()].line
    }

    /// `None` for the document.
    pub(crate) fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node != NodeId::DOCUMENT).then(|| self.nodes[node.index()].parent)
    }

    /// Everything below it in document order, attributes included.
    pub(crate) fn below(&self, node: NodeId) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (node.0 + 1..self.nodes[node.index()].end).map(NodeId)
    }

    /// Everything behind it and what it holds, attributes included.
    pub(crate) fn behind(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        let end = self.nodes.first().map_or(0, |document| document.end);
        (self.nodes[node.index()].end..end).map(NodeId)
    }

    /// Everything before it, ancestors and attributes included, the nearest first.
    pub(crate) fn before(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<> {
        (0..node.0).rev().map(NodeId)
    }

    /// Whether `inner` is this node, or stands below it.
    pub(crate) fn holds(&self, node: NodeId, inner: NodeId) -> bool {
        node <= inner && inner.0 < self.nodes[node.index()].end
    }

    /// Whether it is text or CDATA directly behind text or CDATA.
    pub(crate) fn continues_text(&self, node: NodeId) -> bool {
        let is_text = |kind: &Kind| matches!(kind, Kind::Text(_) | Kind::CharacterData(_));
        let before = node.index().checked_sub(1).map(|place| &self.nodes[place]);
        is_text(self.kind(node))
            && before.is_some_and(|before| {
                is_text(&before.kind) && before.parent == self.nodes[node.index()].parent
            })
    }

    /// Its children, without attributes.
    pub(crate) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let node = &self.nodes[node.index()];
        self.siblings(node.first, node.end)
    }

    /// Its siblings behind it.
    pub(crate) fn siblings_behind(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let parent = self.nodes[node.index()].parent;
        let end = self.nodes[parent.index()].end;
        self.siblings(self.nodes[node.index()].end, end)
    }

    fn siblings(&self, first: u32, end: u32) -> impl Iterator<Item = NodeId> {
        let mut next = first;
        std::iter::from_fn(move || {
            let sibling = (next < end).then_some(next)?;
            next = self.nodes[sibling as usize].end;
            Some(NodeId(sibling))
        })
    }

    /// Its attributes, sorted by name as Java's trees are.
    pub(crate) fn attributes(&self, node: NodeId) -> impl Iterator<Item = (NodeId, &str, &str)> {
        let places = node.0 + 1..self.nodes[node.index()].first;
        places
            .map(NodeId)
            .filter_map(|place| match self.kind(place) {
                Kind::Attribute { name, value } => Some((place, name.as_str(), value.as_str())),
                _ => None,
            })
    }

    /// The name of an element.
    pub(crate) fn element(&self, node: NodeId) -> Option<&str> {
        match self.kind(node) {
            Kind::Element { name } => Some(name),
            _ => None,
        }
    }

    /// All text that it holds, CDATA included.
    pub(crate) fn text(&self, node: NodeId) -> String {
        match self.kind(node) {
            Kind::Document | Kind::Element { .. } => self
                .below(node)
                .filter_map(|below| match self.kind(below) {
                    Kind::Text(text) | Kind::CharacterData(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
            Kind::Attribute { value: text, .. }
            | Kind::Text(text)
            | Kind::CharacterData(text)
            | Kind::Comment(text)
            | Kind::Instruction { data: text, .. } => text.clone(),
        }
    }
}
