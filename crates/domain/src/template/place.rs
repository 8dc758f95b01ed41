//! Where something stands in a document, in both forms that are shown.

use std::fmt::Write as _;

use crate::action::shape::shown;

/// A place; knows its parent, so that nothing is written until it is needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    parent: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    pub(super) const fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }

    pub(super) const fn key(&'p self, key: &'p str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    pub(super) const fn index(&'p self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// As in violations: `a.b[0]`, long keys shortened.
    pub(super) fn path(&self) -> String {
        let mut path = self.parent.map(Self::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                // writing to a string cannot fail
                let _ = write!(path, "{}", shown(key));
            }
            Step::Index(index) => {
                let _ = write!(path, "[{index}]");
            }
        }
        path
    }

    /// The key under the root that leads here.
    pub(super) fn first_key(&self) -> Option<&str> {
        match (self.parent, self.step) {
            (Some(parent), Step::Key(key)) if parent.parent.is_none() => Some(key),
            (Some(parent), _) => parent.first_key(),
            (None, _) => None,
        }
    }

    /// As in RFC 6901: `/a/b/0`.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Self::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Step::Index(index) => {
                let _ = write!(pointer, "/{index}");
            }
        }
        pointer
    }
}

/// The path, as in violations, of what stands at an RFC 6901 `pointer`.
pub(super) fn path_of(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let key = step.replace("~1", "/").replace("~0", "~");
        if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
            let _ = write!(path, "[{}]", shown(&key));
        } else {
            let dot = if path.is_empty() { "" } else { "." };
            let _ = write!(path, "{dot}{}", shown(&key));
        }
    }
    path
}
