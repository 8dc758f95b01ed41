//! Repetitions: greedy, lazy and possessive.

use super::{Atom, PatternError, Translator};

impl Translator<'_> {
    /// `*`, `+` or `?` and what may follow.
    pub(super) fn quantifier(
        &mut self,
        written: &str,
        least: u32,
        unbounded: bool,
    ) -> Result<(), PatternError> {
        if self.atom == Atom::None {
            return Err(self.error("Dangling meta character"));
        }
        self.repeat(written, least, unbounded)
    }

    /// `{n}`, `{n,}` or `{n,m}`; a brace is nothing else in Java. Where nothing stands before it,
    /// it repeats the empty text.
    pub(super) fn counted(&mut self) -> Result<(), PatternError> {
        let least = self
            .count()?
            .ok_or_else(|| self.error("Illegal repetition"))?;
        let (most, written) = if self.eat(",") {
            match self.count()? {
                Some(most) => (Some(most), format!("{{{least},{most}}}")),
                None => (None, format!("{{{least},}}")),
            }
        } else {
            (Some(least), format!("{{{least}}}"))
        };
        if !self.eat("}") {
            return Err(self.error("Unclosed counted closure"));
        }
        if most.is_some_and(|most| most < least) {
            return Err(self.error("Illegal repetition range"));
        }
        self.repeat(&written, least, most.is_none())
    }

    /// A Java `int`, where digits stand here.
    fn count(&mut self) -> Result<Option<u32>, PatternError> {
        let mut count = None;
        while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(10)) {
            let larger = count
                .unwrap_or(0_u32)
                .checked_mul(10)
                .and_then(|count| count.checked_add(digit))
                .filter(|count| i32::try_from(*count).is_ok());
            count = Some(larger.ok_or_else(|| self.error("Illegal repetition range"))?);
            self.at += 1;
        }
        Ok(count)
    }

    fn repeat(&mut self, written: &str, least: u32, unbounded: bool) -> Result<(), PatternError> {
        self.skip_comments();
        let lazy = self.eat("?");
        let possessive = !lazy && self.eat("+");
        let atom = std::mem::replace(&mut self.atom, Atom::None);
        // Of a single character Java overlooks that it has no end.
        let of_group = matches!(atom, Atom::Group { .. });
        if of_group && unbounded && self.open.iter().any(|group| group.looks_behind) {
            return Err(self.error("Look-behind group does not have an obvious maximum length"));
        }
        match atom {
            Atom::None => {}
            // What consumes nothing holds once or may as well be left out.
            Atom::Assertion { from } if least == 0 => self.out.truncate(from),
            Atom::Assertion { .. } => {}
            Atom::Character { from } | Atom::Group { from } if possessive => {
                self.out.insert_str(from, "(?>");
                self.out.push_str(written);
                self.out.push(')');
            }
            Atom::Character { .. } | Atom::Group { .. } => {
                self.out.push_str(written);
                if lazy {
                    self.out.push('?');
                }
            }
        }
        Ok(())
    }
}
