//! No catch-all names: what is in a file called so, nobody can say.

use super::{Finding, Tree};

const BANNED: [&str; 9] = [
    "common", "helper", "helpers", "manager", "managers", "misc", "stuff", "util", "utils",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.paths().filter(|path| path.starts_with("crates/")) {
        let parts = path
            .split('/')
            .map(|part| part.split('.').next().unwrap_or(part));
        for part in parts.filter(|part| BANNED.contains(part)) {
            let message = format!("`{part}` names nothing; name what is in it");
            findings.push(Finding::new(path, 1, message));
        }
    }
    for (path, source) in tree.sources() {
        for (number, line) in source.numbered() {
            let mut words = line
                .code
                .split([' ', ';', '{'])
                .filter(|word| !word.is_empty());
            let is_module = words.by_ref().any(|word| word == "mod");
            let name = words
                .next()
                .filter(|name| is_module && BANNED.contains(name));
            let inline = line.code.contains('{');
            if let (Some(name), true) = (name, inline) {
                let message = format!("`mod {name}` names nothing; name what is in it");
                findings.push(Finding::new(path, number, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn files_folders_and_modules_are_named_after_what_is_in_them() {
        let files = [
            ("crates/a/src/utils.rs", ""),
            ("crates/a/tests/common/mod.rs", ""),
            (
                "crates/a/src/lib.rs",
                "mod utils;\npub(crate) mod helpers {\n}\nmod clock {}\n",
            ),
            ("docs/misc.md", ""),
            ("crates/a/src/common_name.rs", ""),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/a/src/utils.rs:1: `utils` names nothing; name what is in it",
                "crates/a/tests/common/mod.rs:1: `common` names nothing; name what is in it",
                "crates/a/src/lib.rs:2: `mod helpers` names nothing; name what is in it",
            ]
        );
    }
}
