//! CHANGELOG.md has a section for what is not released yet.

use super::{Finding, Tree};

const PATH: &str = "CHANGELOG.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(PATH).unwrap_or_default();
    match text.lines().any(|line| line == "## [Unreleased]") {
        true => Vec::new(),
        false => vec![Finding::new(PATH, 1, "has no section `## [Unreleased]`")],
    }
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn the_section_has_to_be_there() {
        let expected = ["CHANGELOG.md:1: has no section `## [Unreleased]`"];
        assert_eq!(found(check, &[]), expected);
        assert_eq!(found(check, &[(PATH, "## 1.0.0\n")]), expected);
        assert!(found(check, &[(PATH, "# Changes\n\n## [Unreleased]\n")]).is_empty());
    }
}
