//! Which line of a text an offset stands in.

/// Where each line of a text begins.
#[derive(Clone, Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of `text`; only `\n` ends one.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after_breaks).collect())
    }

    /// The line of the byte at `offset`, counted from 1; of one behind the end the last.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_stand_in_lines() {
        let lines = Lines::of("é\n\nb");
        let found: Vec<usize> = (0..7).map(|offset| lines.line_of(offset)).collect();
        assert_eq!(found, [1, 1, 1, 2, 3, 3, 3]);
        assert_eq!(Lines::of("").line_of(0), 1);
    }
}
