//! What is left for later names the issue that will do it: `TODO(#12)`.

use super::{Finding, Tree};

const MARKS: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        for (number, line) in source.numbered() {
            findings.extend(mark(&line.comment).map(|mark| finding(path, number, mark)));
        }
    }
    for ending in [".toml", ".html", ".sql", ".yml", ".yaml", ".sh", ".ci/run"] {
        for (path, text) in tree.texts(ending) {
            for (at, line) in text.lines().enumerate() {
                findings.extend(mark(line).map(|mark| finding(path, at + 1, mark)));
            }
        }
    }
    findings
}

fn finding(path: &str, line: usize, mark: &str) -> Finding {
    Finding::new(
        path,
        line,
        format!("{mark} without an issue number, as in `TODO(#12)`"),
    )
}

/// A mark that stands in `text` as a word and names no issue.
fn mark(text: &str) -> Option<&'static str> {
    MARKS.into_iter().find(|mark| {
        text.match_indices(mark).any(|(at, _)| {
            let after = &text[at + mark.len()..];
            let is_word = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            let issue = after
                .strip_prefix("(#")
                .and_then(|rest| rest.split_once(')'));
            let named = issue.is_some_and(|(number, _)| number.parse::<u32>().is_ok());
            is_word && !named
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn only_marks_in_comments_without_an_issue_are_found() {
        let source = "\
// TODO(#12): later
fn f() { g(\"TODO\") } // TODO: later
/* FIXME(soon) */
// TODOS and XXXL are words
";
        let files = [
            ("crates/a/src/lib.rs", source),
            ("deny.toml", "# HACK around it\n"),
            ("docs/a.md", "TODO\n"),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/a/src/lib.rs:2: TODO without an issue number, as in `TODO(#12)`",
                "crates/a/src/lib.rs:3: FIXME without an issue number, as in `TODO(#12)`",
                "deny.toml:1: HACK without an issue number, as in `TODO(#12)`",
            ]
        );
    }
}
