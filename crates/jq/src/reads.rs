//! What an expression reads from its input, as far as its text makes that certain.
//!
//! For whoever wants to tell an author of a name that does not exist. Nothing is evaluated, and in
//! doubt nothing is said: what a function does to an unknown value is not followed.

mod functions;
#[cfg(test)]
mod tests;
mod walk;

use std::thread;

use crate::bounds::CHECK_STACK_BYTES;
use crate::check;
use crate::interpreter::syntax;
use walk::Walk;

/// Paths told of one expression; the rest is left out.
pub const MAX_READS: usize = 256;
/// Keys of one path; a longer one is followed no further.
pub const MAX_READ_STEPS: usize = 32;

/// What one expression reads and yields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The paths from the input's root, in the order of the text.
    pub paths: Vec<Vec<Step>>,
    /// What its outputs are.
    pub yields: Yields,
}

/// One key of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The key.
    pub key: String,
    /// Where it is written, in bytes from the start of the text.
    pub position: usize,
}

/// What an expression's outputs are, where it has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Yields {
    /// What stands at this path of the input.
    Path(Vec<Step>),
    /// Values of this kind.
    Kind(Kind),
    /// Not known.
    #[default]
    Unknown,
}

/// The kinds of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// What each of `texts` reads; nothing of what does not parse or passes a bound.
#[must_use]
pub fn reads(texts: &[&str]) -> Vec<Reads> {
    let read = || texts.iter().map(|text| of(text)).collect();
    let parsed = thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("jq-reads".to_owned())
            .stack_size(CHECK_STACK_BYTES)
            .spawn_scoped(scope, read);
        // a parser that fails says nothing of any of them
        thread.ok().and_then(|thread| thread.join().ok())
    });
    parsed.unwrap_or_else(|| vec![Reads::default(); texts.len()])
}

fn of(text: &str) -> Reads {
    if check::bounds(text).is_err() {
        return Reads::default();
    }
    syntax::program(text)
        .map(|program| Walk::new(text).read(&program.content))
        .unwrap_or_default()
}
