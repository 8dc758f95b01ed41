//! An element of a stored file, and its fields: elements below it that hold text.

use std::path::Path;

use super::error::StoredError;
use crate::xml::{Document, Kind, NodeId};

/// Longest piece of a wrong value that is told.
const TOLD_CHARACTERS: usize = 40;

/// The file, for errors, and what it holds.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) file: &'a Path,
    pub(super) document: &'a Document,
}

impl<'a> Origin<'a> {
    pub(super) fn root(self) -> Result<Element<'a>, StoredError> {
        self.elements(NodeId::DOCUMENT)
            .next()
            .ok_or_else(|| StoredError::NotXml {
                file: self.file.to_owned(),
                line: 1,
                problem: "there is no root element".to_owned(),
            })
    }

    fn elements(self, parent: NodeId) -> impl Iterator<Item = Element<'a>> {
        self.document
            .children(parent)
            .filter_map(move |node| self.element(node))
    }

    fn element(self, node: NodeId) -> Option<Element<'a>> {
        let name = self.document.element(node)?;
        Some(Element {
            origin: self,
            node,
            name,
        })
    }
}

#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    origin: Origin<'a>,
    node: NodeId,
    name: &'a str,
}

impl<'a> Element<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    pub(super) fn children(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        self.origin.elements(self.node)
    }

    /// The child of this name; XStream writes each field once.
    pub(super) fn child(&self, name: &str) -> Result<Option<Element<'a>>, StoredError> {
        let mut found = self.children().filter(|child| child.name == name);
        let first = found.next();
        match found.next() {
            Some(second) => Err(second.unexpected("this element once")),
            None => Ok(first),
        }
    }

    /// All elements of this name below, however lists are wrapped.
    pub(super) fn all_below(&self, name: &str) -> Vec<Element<'a>> {
        let origin = self.origin;
        origin
            .document
            .below(self.node)
            .filter_map(|node| origin.element(node))
            .filter(|element| element.name == name)
            .collect()
    }

    /// The text of a field, exactly; nothing where it is absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, StoredError> {
        match self.child(name)? {
            None => Ok(None),
            Some(field) => field.content().map(Some),
        }
    }

    /// Its own text, exactly: CDATA and references resolved, white space kept.
    pub(super) fn content(&self) -> Result<String, StoredError> {
        if let Some(inner) = self.children().next() {
            return Err(inner.unexpected("text alone"));
        }
        let document = self.origin.document;
        let is_text = |kind: &Kind| matches!(kind, Kind::Text(_) | Kind::CharacterData(_));
        Ok(document
            .children(self.node)
            .filter(|node| is_text(document.kind(*node)))
            .map(|node| document.text(node))
            .collect())
    }

    /// A truth value; an absent one is false.
    pub(super) fn truth(&self, name: &str) -> Result<bool, StoredError> {
        let Some(field) = self.child(name)? else {
            return Ok(false);
        };
        let text = field.content()?;
        match text.trim() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(field.refused(&text, "true or false")),
        }
    }

    /// An error: something else belongs here.
    pub(super) fn unexpected(&self, expected: &'static str) -> StoredError {
        StoredError::Element {
            file: self.origin.file.to_owned(),
            line: self.line(),
            element: self.name.to_owned(),
            expected,
        }
    }

    /// An error: its text is wrong.
    pub(super) fn refused(&self, found: &str, expected: &'static str) -> StoredError {
        StoredError::Value {
            file: self.origin.file.to_owned(),
            line: self.line(),
            element: self.name.to_owned(),
            found: found.chars().take(TOLD_CHARACTERS).collect(),
            expected,
        }
    }

    fn line(&self) -> usize {
        self.origin.document.line(self.node)
    }
}
