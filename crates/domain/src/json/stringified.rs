//! Whether a text is printed as it stands already, so that it need not be read and printed again.

use super::write::{array_index, plain_prefix};

/// The most members of an object that are compared with each other; a text with a larger one counts
/// as not certain.
const MEMBERS_LIMIT: usize = 64;
/// Integers of so many digits are printed as they stand, in every language.
const DIGITS_LIMIT: usize = 15;

/// Whether `text`, which has to be JSON, is certainly what [`super::stringify`] prints for it. Where
/// that is not certain, it says no: a fraction, a `\u` escape and a very large object are not looked
/// at more closely.
#[must_use]
pub fn is_stringified(text: &str) -> bool {
    Reader {
        rest: text.as_bytes(),
        names: Vec::new(),
        open: Vec::new(),
    }
    .reads()
}

struct Reader<'t> {
    rest: &'t [u8],
    /// The names of all objects that are open, those of the innermost one last.
    names: Vec<&'t [u8]>,
    /// How many names stood there when each array or object was opened.
    open: Vec<usize>,
}

impl<'t> Reader<'t> {
    fn reads(mut self) -> bool {
        while let [first, rest @ ..] = self.rest {
            self.rest = rest;
            let stands = match first {
                b'"' => self.string(),
                b'{' | b'[' => {
                    self.open.push(self.names.len());
                    true
                }
                b'}' | b']' => {
                    self.names.truncate(self.open.pop().unwrap_or(0));
                    true
                }
                b'-' => matches!(self.rest, [b'1'..=b'9', ..]),
                b'0'..=b'9' => self.integer(),
                // Outside strings and numbers the grammar leaves these, and space.
                b',' | b':' | b'a'..=b'z' => true,
                _ => false,
            };
            if !stands {
                return false;
            }
        }
        true
    }

    /// A string whose quote was taken; a name where a colon follows.
    fn string(&mut self) -> bool {
        let from = self.rest;
        loop {
            let plain = plain_prefix(self.rest);
            self.rest = match &self.rest[plain..] {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    let length = from.len() - rest.len() - 1;
                    return rest.first() != Some(&b':') || self.name(&from[..length]);
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't',
                    rest @ ..,
                ] => rest,
                _ => return false,
            };
        }
    }

    /// A name that stands where it is printed, and once.
    fn name(&mut self, name: &'t [u8]) -> bool {
        let others = self.names.get(self.open.last().copied().unwrap_or(0)..);
        let others = others.unwrap_or_default();
        let fits =
            others.len() < MEMBERS_LIMIT && !others.contains(&name) && array_index(name).is_none();
        self.names.push(name);
        fits
    }

    /// An integer whose first digit was taken.
    fn integer(&mut self) -> bool {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit());
        let more = digits.count();
        self.rest = &self.rest[more..];
        more < DIGITS_LIMIT && !matches!(self.rest, [b'.' | b'e' | b'E', ..])
    }
}
