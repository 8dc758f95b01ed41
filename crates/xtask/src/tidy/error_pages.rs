//! Every code of an API error or a diagnosis has a page in docs/errors, and every page there a code.

use std::collections::BTreeSet;

use super::{Finding, Tree};

const PAGES: &str = "docs/errors";

/// Where codes are declared: the variants of an enum, in snake case unless `#[serde(rename = "…")]`.
pub(crate) struct Codes {
    /// What they are, as a heading.
    pub(crate) title: &'static str,
    path: &'static str,
    name: &'static str,
    folder: &'static str,
}

impl Codes {
    pub(crate) const OF_THE_API: Self = Self {
        title: "Errors of the API",
        path: "crates/server/src/api/problem.rs",
        name: "Code",
        folder: "crates/server/src/api",
    };
    pub(crate) const OF_DIAGNOSES: Self = Self {
        title: "Diagnoses of deliveries",
        path: "crates/domain/src/diagnosis.rs",
        name: "Reason",
        folder: "crates/domain/src",
    };

    /// The codes with their lines; `None` where the enum is not there.
    pub(crate) fn declared(&self, tree: &Tree) -> Option<Vec<(String, usize)>> {
        let source = tree.source(self.path)?;
        let text: Vec<&str> = tree.text(self.path)?.lines().collect();
        let head = format!("enum {}", self.name);
        let is_head = |code: &str| {
            let after = code
                .split_once(head.as_str())
                .map(|(_, after)| after.trim());
            after.is_some_and(|after| after.is_empty() || after.starts_with('{'))
        };
        let mut codes = Vec::new();
        let mut renamed = None;
        let (mut depth, mut within) = (0_i32, false);
        for (number, line) in source.numbered() {
            within |= is_head(&line.code);
            if !within {
                continue;
            }
            let code = line.code.trim();
            if depth == 1 {
                if code.starts_with("#[serde(") && code.contains("rename =") {
                    let line = text.get(number - 1).copied().unwrap_or_default();
                    renamed = line.split('"').nth(1).map(str::to_owned);
                }
                let variant: String = code.chars().take_while(|c| c.is_alphanumeric()).collect();
                if variant.starts_with(|c: char| c.is_ascii_uppercase()) {
                    codes.push((
                        renamed.take().unwrap_or_else(|| snake_case(&variant)),
                        number,
                    ));
                }
            }
            let opened = code.matches(['{', '(']).count();
            let closed = code.matches(['}', ')']).count();
            depth += i32::try_from(opened).unwrap_or(0) - i32::try_from(closed).unwrap_or(0);
            if depth <= 0 && closed > 0 {
                return Some(codes);
            }
        }
        None
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known = BTreeSet::new();
    let mut complete = true;
    for codes in [Codes::OF_THE_API, Codes::OF_DIAGNOSES] {
        if !tree.has_folder(codes.folder) {
            complete = false;
            continue;
        }
        let Some(declared) = codes.declared(tree) else {
            let message = format!(
                "declares no `enum {}` whose variants are the codes",
                codes.name
            );
            findings.push(Finding::new(codes.path, 1, message));
            complete = false;
            continue;
        };
        for (code, line) in declared {
            let page = format!("{PAGES}/{code}.md");
            if !tree.has(&page) {
                findings.push(Finding::new(
                    codes.path,
                    line,
                    format!("`{code}` has no page {page}"),
                ));
            }
            known.insert(page);
        }
    }
    let pages = tree
        .paths()
        .filter(|path| path.starts_with(PAGES) && complete);
    for page in pages.filter(|page| !page.ends_with("/README.md") && !known.contains(*page)) {
        findings.push(Finding::new(page, 1, "is the page of no code"));
    }
    findings
}

/// As serde's `rename_all = "snake_case"` does it.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    const REASONS: &str = "\
/// A `Code`.
#[serde(rename_all = \"snake_case\")]
pub enum Reason {
    /// Refused { or not }.
    ConnectionRefused,
    #[serde(rename = \"tls\")]
    TlsFailed,
    Slow {
        After: u8,
    },
    Http(u16),
}
pub enum Other {
    Thing,
}
";

    #[test]
    fn codes_and_pages_belong_together() {
        let files = [
            ("crates/domain/src/diagnosis.rs", REASONS),
            (
                "crates/server/src/api/problem.rs",
                "pub(crate) enum Code { \n NotFound,\n}\n",
            ),
            ("docs/errors/connection_refused.md", ""),
            ("docs/errors/http.md", ""),
            ("docs/errors/old.md", ""),
            ("docs/errors/README.md", ""),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/server/src/api/problem.rs:2: `not_found` has no page docs/errors/not_found.md",
                "crates/domain/src/diagnosis.rs:7: `tls` has no page docs/errors/tls.md",
                "crates/domain/src/diagnosis.rs:8: `slow` has no page docs/errors/slow.md",
                "docs/errors/old.md:1: is the page of no code",
            ]
        );
    }

    #[test]
    fn a_place_that_declares_no_codes_is_found() {
        let files = [("crates/server/src/api/runs.rs", "")];
        assert_eq!(
            found(check, &files),
            [
                "crates/server/src/api/problem.rs:1: declares no `enum Code` whose variants are the codes"
            ]
        );
        assert!(found(check, &[("docs/errors/a.md", "")]).is_empty());
    }
}
