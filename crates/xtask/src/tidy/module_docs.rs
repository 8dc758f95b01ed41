//! Every module begins with `//!` lines, at most six.

use super::source::is_test_file;
use super::{Finding, Tree};

const LIMIT: usize = 6;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts(".rs") {
        let lines = text.lines().filter(|line| line.starts_with("//!")).count();
        let is_module = path.starts_with("crates/") && !is_test_file(path);
        if is_module && !text.starts_with("//! ") {
            findings.push(Finding::new(
                path,
                1,
                "does not begin with `//!`: what it owns, what it must not do",
            ));
        }
        if lines > LIMIT {
            let message = format!("{lines} lines of `//!`, at most {LIMIT}");
            findings.push(Finding::new(path, LIMIT + 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn modules_say_what_they_own_and_briefly() {
        let long = "//! a\n".repeat(7);
        let files = [
            ("crates/a/src/lib.rs", "//! Owns it.\n\nfn f() {}\n"),
            ("crates/a/src/bare.rs", "fn f() {}\n"),
            ("crates/a/src/long.rs", long.as_str()),
            ("crates/a/src/long/tests.rs", "use super::*;\n"),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/a/src/bare.rs:1: does not begin with `//!`: what it owns, what it must not do",
                "crates/a/src/long.rs:7: 7 lines of `//!`, at most 6",
            ]
        );
    }
}
