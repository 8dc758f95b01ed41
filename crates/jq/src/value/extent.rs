//! How deep and how large a value is, kept with every array and object, so that no value is built that
//! would be too much to print, compare or drop. What is shared counts wherever it is seen.

use std::panic::resume_unwind;

use super::Value;
use crate::bounds::{MAX_VALUE_BYTES, MAX_VALUE_DEPTH};

/// Unwinding with this ends the evaluation of an expression that builds too large a value: where the
/// interpreter makes arrays there is no place for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    Depth,
    Bytes,
}

/// What each value takes at least: twice its shortest text with a comma, so that the values of a text
/// of up to half the bound are within it.
const LEAST_BYTES: usize = 4;

/// The arrays and objects around the innermost value, itself included, and about the bytes of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Never too small; it stays where the deepest value is replaced.
    depth: usize,
    bytes: usize,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            depth: 1,
            bytes: LEAST_BYTES,
        }
    }
}

impl Extent {
    pub(super) fn around<'v>(children: impl Iterator<Item = &'v Value>) -> Self {
        let mut extent = Self::default();
        for child in children {
            extent = extent.and(child);
        }
        extent.within_bounds()
    }

    /// With one more child.
    fn and(self, child: &Value) -> Self {
        let (depth, bytes) = match child {
            Value::Array(array) => (array.extent.depth, array.extent.bytes),
            Value::Object(object) => (object.extent.depth, object.extent.bytes),
            Value::String(text) => (0, LEAST_BYTES + text.len()),
            _ => (0, LEAST_BYTES),
        };
        Self {
            depth: self.depth.max(depth + 1),
            bytes: self.bytes.saturating_add(bytes),
        }
    }

    pub(super) fn add(&mut self, child: &Value) {
        *self = self.and(child).within_bounds();
    }

    pub(super) fn add_key(&mut self, key: &str) {
        self.bytes = self.bytes.saturating_add(key.len());
    }

    pub(super) fn remove(&mut self, child: &Value) {
        let bytes = Self::default().and(child).bytes - LEAST_BYTES;
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn within_bounds(self) -> Self {
        if self.depth > MAX_VALUE_DEPTH {
            resume_unwind(Box::new(Excess::Depth));
        }
        if self.bytes > MAX_VALUE_BYTES {
            resume_unwind(Box::new(Excess::Bytes));
        }
        self
    }
}
