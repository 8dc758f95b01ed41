//! ARCHITECTURE.md names every crate and no path that is not there.

use super::{Finding, Tree};

const PATH: &str = "ARCHITECTURE.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(PATH) else {
        return vec![Finding::new(PATH, 1, "is missing")];
    };
    let mut findings = Vec::new();
    let tokens: Vec<(usize, &str)> = backticked(text).collect();
    for (line, token) in &tokens {
        if let Some(path) = as_path(tree, token).filter(|path| !tree.has(path)) {
            findings.push(Finding::new(PATH, *line, format!("`{path}` is not there")));
        }
    }
    for name in tree.crates() {
        let folder = format!("crates/{name}");
        let long = format!("longshore-{name}");
        let is_named = tokens.iter().any(|(_, token)| {
            *token == name || *token == long || token.trim_end_matches('/') == folder
        });
        if !is_named {
            let message = format!("does not name the crate `{name}`");
            findings.push(Finding::new(PATH, 1, message));
        }
    }
    findings
}

/// What stands between backticks, and lines of fenced blocks word by word.
fn backticked(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().flat_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        let tokens: Vec<&str> = match (is_fence, fenced) {
            (true, _) => Vec::new(),
            (false, true) => line.split_whitespace().collect(),
            (false, false) => line.split('`').skip(1).step_by(2).collect(),
        };
        tokens.into_iter().map(move |token| (at + 1, token))
    })
}

/// `token` as a path of the repository, where it is written as one: `crates/a/src/b.rs::item`, `docs/`, `deny.toml`.
fn as_path<'a>(tree: &Tree, token: &'a str) -> Option<&'a str> {
    let path = token.split(':').next().unwrap_or(token);
    let path = path.trim_end_matches(['.', ',', ';', ')']);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if path.is_empty() || !path.chars().all(plain) || path.starts_with('/') {
        return None;
    }
    let is_path = match path.split_once('/') {
        Some((first, _)) => matches!(first, "crates" | "docs" | ".ci") || tree.has_folder(first),
        None => [".toml", ".md"].iter().any(|ending| path.ends_with(ending)),
    };
    is_path.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn paths_exist_and_crates_are_named() {
        let text = "\
The crate `domain` lives in `crates/domain/`, see `crates/domain/src/run.rs::accept`.
`crates/domain/src/gone.rs`, `docs/gone.md`, `gone.toml`; `a/b`, `crates/<name>/src` and `application/json` are no paths.
```
crates/gone/  a remark
```
";
        let files = [
            ("ARCHITECTURE.md", text),
            ("crates/domain/Cargo.toml", ""),
            ("crates/domain/src/run.rs", ""),
            ("crates/engine/Cargo.toml", ""),
        ];
        assert_eq!(
            found(check, &files),
            [
                "ARCHITECTURE.md:2: `crates/domain/src/gone.rs` is not there",
                "ARCHITECTURE.md:2: `docs/gone.md` is not there",
                "ARCHITECTURE.md:2: `gone.toml` is not there",
                "ARCHITECTURE.md:4: `crates/gone/` is not there",
                "ARCHITECTURE.md:1: does not name the crate `engine`",
            ]
        );
        assert_eq!(found(check, &[]), ["ARCHITECTURE.md:1: is missing"]);
    }
}
