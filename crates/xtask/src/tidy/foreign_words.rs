//! Nothing committed names one machine's folders or a package registry's hosts.

use super::{Finding, Tree};

/// Written in two halves, so that this file does not contain them.
const WORDS: [&str; 6] = [
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Use", "rs/"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts("") {
        for (at, line) in text.lines().enumerate() {
            for word in WORDS.into_iter().filter(|word| stands_in(line, word)) {
                let message = format!("`{word}` belongs to one machine, not to the project");
                findings.push(Finding::new(path, at + 1, message));
            }
        }
    }
    findings
}

/// Whether `word` stands in `line` from its beginning: not as the end of a longer path or name.
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn machine_paths_and_registry_hosts_are_found() {
        let [folder, _, _, _, host, _] = WORDS;
        let text = format!("see {folder}main\nhttps://example.com{folder}items\nhttps://{host}/\n");
        assert_eq!(
            found(check, &[("docs/a.md", &text)]),
            [
                format!("docs/a.md:1: `{folder}` belongs to one machine, not to the project"),
                format!("docs/a.md:3: `{host}` belongs to one machine, not to the project"),
            ]
        );
    }
}
