//! Embedded flags of a Java pattern, as they stand at one place.

/// Which flags hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) case_insensitive: bool,
    pub(super) unicode_case: bool,
    pub(super) unicode_class: bool,
    pub(super) multiline: bool,
    pub(super) dot_all: bool,
    pub(super) unix_lines: bool,
    pub(super) comments: bool,
}

impl Flags {
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
            _ => return None,
        };
        *flag = on;
        Some(())
    }
}
