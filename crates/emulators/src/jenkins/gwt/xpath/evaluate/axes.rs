//! The nodes along an axis, nearest first, and the text of a node as expressions see it.
//!
//! To expressions adjacent text and CDATA are one node, the first of them, and declarations of
//! namespaces are no attributes.

use super::super::syntax::Axis;
use crate::xml::{Document, Kind, NodeId};

/// The nodes along the axis; [`is_seen`] tells which of them expressions see.
pub(super) fn along<'a>(
    document: &'a Document,
    axis: Axis,
    from: NodeId,
) -> Box<dyn Iterator<Item = NodeId> + 'a> {
    let is_attribute = |node: NodeId| matches!(document.kind(node), Kind::Attribute { .. });
    let not_attribute = move |node: &NodeId| !is_attribute(*node);
    let ancestors = std::iter::successors(document.parent(from), |node| document.parent(*node));
    let parent = document.parent(from).filter(|_| !is_attribute(from));
    match axis {
        Axis::Child => Box::new(document.children(from)),
        Axis::Descendant => Box::new(document.below(from).filter(not_attribute)),
        Axis::DescendantOrSelf => {
            let below = document.below(from).filter(not_attribute);
            Box::new(std::iter::once(from).chain(below))
        }
        Axis::Itself => Box::new(std::iter::once(from)),
        Axis::Parent => Box::new(document.parent(from).into_iter()),
        Axis::Ancestor => Box::new(ancestors),
        Axis::AncestorOrSelf => Box::new(std::iter::once(from).chain(ancestors)),
        Axis::Attribute => Box::new(document.attributes(from).map(|(attribute, ..)| attribute)),
        Axis::Following => Box::new(document.behind(from).filter(not_attribute)),
        Axis::FollowingSibling => Box::new(
            parent
                .into_iter()
                .flat_map(|parent| document.children(parent))
                .skip_while(move |sibling| *sibling <= from),
        ),
        Axis::Preceding => Box::new(
            document
                .before(from)
                .filter(not_attribute)
                .filter(move |node| !document.holds(*node, from)),
        ),
        Axis::PrecedingSibling => {
            let mut siblings: Vec<_> = parent
                .into_iter()
                .flat_map(|parent| document.children(parent))
                .take_while(|sibling| *sibling < from)
                .collect();
            siblings.reverse();
            Box::new(siblings.into_iter())
        }
    }
}

/// Whether expressions see the node.
pub(super) fn is_seen(document: &Document, node: NodeId) -> bool {
    match document.kind(node) {
        Kind::Text(_) | Kind::CharacterData(_) => !document.continues_text(node),
        Kind::Attribute { name, .. } => name != "xmlns" && !name.starts_with("xmlns:"),
        _ => true,
    }
}

/// How many nodes the text of a node is gathered from, about.
pub(super) fn extent(document: &Document, node: NodeId) -> usize {
    document.below(node).len()
}

/// The nodes that are one text to expressions with this one, their first.
fn run(document: &Document, first: NodeId) -> impl Iterator<Item = NodeId> {
    let behind = document.behind(first);
    std::iter::once(first).chain(behind.take_while(|next| document.continues_text(*next)))
}

/// Whether not all of a text is CDATA.
pub(super) fn has_text(document: &Document, first: NodeId) -> bool {
    run(document, first).any(|node| matches!(document.kind(node), Kind::Text(_)))
}

/// The text of a node: of a text with all that continues it.
pub(super) fn text(document: &Document, node: NodeId) -> String {
    match document.kind(node) {
        Kind::Text(_) | Kind::CharacterData(_) => run(document, node)
            .map(|part| document.text(part))
            .collect(),
        _ => document.text(node),
    }
}
