//! Rust files have at most 600 lines without their tests.

use super::{Finding, Tree};

const LIMIT: usize = 600;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources()
        .filter_map(|(path, source)| {
            let length = source.lines.iter().filter(|line| !line.test).count();
            let message = format!("{length} lines without tests, at most {LIMIT}");
            (length > LIMIT).then(|| Finding::new(path, LIMIT + 1, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn only_lines_outside_tests_count() {
        let long = "fn f() {}\n".repeat(601);
        let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        let files = [
            ("crates/a/src/long.rs", long.as_str()),
            ("crates/a/src/tested.rs", &tested),
            ("crates/a/tests/long.rs", &long),
        ];
        assert_eq!(
            found(check, &files),
            ["crates/a/src/long.rs:601: 601 lines without tests, at most 600"]
        );
    }
}
