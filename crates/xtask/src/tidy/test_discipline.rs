//! Tests neither sleep nor are skipped: they pump workers and wait for what they need to see.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        for (number, line) in source.numbered().filter(|(_, line)| line.test) {
            if line.code.contains("#[ignore") {
                findings.push(Finding::new(
                    path,
                    number,
                    "a test that is skipped shows nothing",
                ));
            }
            if calls(&line.code, "sleep") || calls(&line.code, "sleep_ms") {
                let message = "a test that sleeps is slow or wrong; pump, or wait for an event";
                findings.push(Finding::new(path, number, message));
            }
        }
    }
    findings
}

/// Whether `code` calls a function of this very name.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        code[at + name.len()..].trim_start().starts_with('(')
            && !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn sleeping_and_skipping_are_found_in_tests_only() {
        let product = "async fn f() { tokio::time::sleep(D).await; }\n";
        let test = "\
#[test]
#[ignore = \"slow\"]
fn f() {
    std::thread::sleep(D);
    no_sleep();
    f(\"sleep(1)\"); // sleep(1)
}
";
        let files = [
            ("crates/a/src/lib.rs", product),
            ("crates/a/tests/b.rs", test),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/a/tests/b.rs:2: a test that is skipped shows nothing",
                "crates/a/tests/b.rs:4: a test that sleeps is slow or wrong; pump, or wait for an event",
            ]
        );
    }
}
