//! Flags of a Java pattern, as they stand at one place.

/// Which flags hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    pub(super) case_insensitive: bool,
    pub(super) unicode_case: bool,
    pub(super) unicode_class: bool,
    pub(super) multiline: bool,
    pub(super) dot_all: bool,
    pub(super) unix_lines: bool,
    pub(super) comments: bool,
}

impl Flags {
    /// The flags of the letters that may stand in `(?…)`; `None` where Java knows one of them not.
    pub fn from_letters(letters: &str) -> Option<Self> {
        let mut flags = Self::default();
        for letter in letters.chars() {
            flags.set(letter, true)?;
        }
        Some(flags)
    }

    /// Sets or clears the flag of this letter; `None` where Java knows no such flag.
    pub(super) fn set(&mut self, letter: char, on: bool) -> Option<()> {
        let flag = match letter {
            'i' => &mut self.case_insensitive,
            'u' => &mut self.unicode_case,
            'U' => {
                self.unicode_case = on;
                &mut self.unicode_class
            }
            'm' => &mut self.multiline,
            's' => &mut self.dot_all,
            'd' => &mut self.unix_lines,
            'x' => &mut self.comments,
            // Canonical equivalence counts only where a whole pattern is compiled with it.
            'c' => return Some(()),
            _ => return None,
        };
        *flag = on;
        Some(())
    }

    /// Line terminators, as the inside of a class.
    pub(super) fn terminators(self) -> &'static str {
        if self.unix_lines {
            r"\n"
        } else {
            r"\n\r\x{85}\x{2028}\x{2029}"
        }
    }
}
