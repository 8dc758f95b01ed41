//! The nodes along an axis, nearest first, and the text of a node as expressions see it.
//!
//! To expressions adjacent text and CDATA are one node, the first of them, and declarations of
//! namespaces are no attributes.

use super::super::syntax::Axis;
use crate::xml::{Document, Kind, NodeId};

/// The nodes along the axis, and some that [`is_seen`] sorts out: each costs a step all the same.
pub(super) fn along<'a>(
    document: &'a Document,
    axis: Axis,
    from: NodeId,
) -> Box<dyn Iterator<Item = NodeId> + 'a> {
    let ancestors = std::iter::successors(document.parent(from), |node| document.parent(*node));
    let parent = document
        .parent(from)
        .filter(|_| !is_attribute(document, from));
    let itself = std::iter::once(from);
    match axis {
        Axis::Child => Box::new(document.children(from)),
        Axis::Descendant => Box::new(document.below(from)),
        Axis::DescendantOrSelf => Box::new(itself.chain(document.below(from))),
        Axis::Itself => Box::new(itself),
        Axis::Parent => Box::new(document.parent(from).into_iter()),
        Axis::Ancestor => Box::new(ancestors),
        Axis::AncestorOrSelf => Box::new(itself.chain(ancestors)),
        Axis::Attribute => Box::new(document.attributes(from).map(|(attribute, ..)| attribute)),
        Axis::Following => Box::new(document.behind(from)),
        Axis::FollowingSibling => {
            let siblings = parent.map(|_| document.siblings_behind(from));
            Box::new(siblings.into_iter().flatten())
        }
        Axis::Preceding => Box::new(document.before(from)),
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

fn is_attribute(document: &Document, node: NodeId) -> bool {
    matches!(document.kind(node), Kind::Attribute { .. })
}

/// Whether the node is on the axis, and expressions see it.
pub(super) fn is_seen(document: &Document, axis: Axis, from: NodeId, node: NodeId) -> bool {
    match document.kind(node) {
        Kind::Attribute { name, .. } => {
            let on_axis = axis == Axis::Attribute || node == from;
            on_axis && name != "xmlns" && !name.starts_with("xmlns:")
        }
        Kind::Text(_) | Kind::CharacterData(_) => !document.continues_text(node),
        _ => axis != Axis::Preceding || !document.holds(node, from),
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
