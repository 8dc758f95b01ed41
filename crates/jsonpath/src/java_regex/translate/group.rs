//! Groups, look-around and embedded flags.

use super::super::flags::Flags;
use super::{Atom, DEPTH_LIMIT, PatternError, Translator};

/// A group that is open.
#[derive(Debug)]
pub(super) struct Group {
    /// Flags to go back to at its end.
    flags: Flags,
    from: usize,
    consumes: bool,
    pub(super) looks_behind: bool,
}

impl Translator<'_> {
    pub(super) fn group(&mut self) -> Result<(), PatternError> {
        if self.open.len() == DEPTH_LIMIT {
            return Err(PatternError::Unsupported {
                what: "a nesting of more than 100 groups",
            });
        }
        if !self.eat("?") {
            self.names.push(None);
            self.enter("(", self.flags);
            return Ok(());
        }
        for opening in [":", ">", "=", "!", "<=", "<!"] {
            if self.eat(opening) {
                self.enter(&format!("(?{opening}"), self.flags);
                if let Some(group) = self.open.last_mut() {
                    group.looks_behind = opening.starts_with('<');
                    group.consumes = matches!(opening, ":" | ">");
                }
                return Ok(());
            }
        }
        if self.eat("<") {
            let name = self.group_name()?;
            if self.names.iter().flatten().any(|known| *known == name) {
                return Err(self.error("Named capturing group is already defined"));
            }
            self.enter(&format!("(?<{name}>"), self.flags);
            self.names.push(Some(name));
            return Ok(());
        }
        self.embedded_flags()
    }

    fn enter(&mut self, opening: &str, flags: Flags) {
        self.open.push(Group {
            flags,
            from: self.out.len(),
            consumes: true,
            looks_behind: false,
        });
        self.out.push_str(opening);
        self.atom = Atom::None;
    }

    pub(super) fn close(&mut self) -> Result<(), PatternError> {
        let Some(group) = self.open.pop() else {
            return Err(self.error("Unmatched closing ')'"));
        };
        self.flags = group.flags;
        self.out.push(')');
        self.atom = if group.consumes {
            Atom::Group { from: group.from }
        } else {
            Atom::Assertion { from: group.from }
        };
        Ok(())
    }

    fn embedded_flags(&mut self) -> Result<(), PatternError> {
        let before = self.flags;
        let mut on = true;
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some(')') => {
                    self.atom = Atom::None;
                    return Ok(());
                }
                Some(':') => {
                    self.enter("(?:", before);
                    return Ok(());
                }
                Some(letter) if self.flags.set(letter, on).is_some() => {}
                Some(_) => return Err(self.error("Unknown inline modifier")),
                None => return Err(self.error("Unknown group type")),
            }
        }
    }

    /// Latin letters and digits, a letter first, up to `>`.
    pub(super) fn group_name(&mut self) -> Result<String, PatternError> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') if !name.is_empty() => return Ok(name),
                Some(letter) if letter.is_ascii_alphabetic() => name.push(letter),
                Some(digit) if digit.is_ascii_digit() && !name.is_empty() => name.push(digit),
                _ if name.is_empty() => {
                    return Err(self.error("Capturing group name does not begin with a letter"));
                }
                _ => return Err(self.error("named capturing group is missing trailing '>'")),
            }
        }
    }
}
