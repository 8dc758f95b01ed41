//! docs/errors/README.md: every page of docs/errors with its first sentence.

use std::fmt::Write as _;

use crate::tidy::{Codes, Tree};

pub(super) fn page(tree: &Tree) -> String {
    let mut page = String::from(
        "# Errors and diagnoses\n\n<!-- Made by `cargo xtask gen` from the pages of this folder. -->\n",
    );
    for codes in [Codes::OF_THE_API, Codes::OF_DIAGNOSES] {
        page.push_str(&format!("\n## {}\n\n", codes.title));
        page.push_str("| Code | What it means |\n|---|---|\n");
        let mut names = codes.declared(tree).unwrap_or_default();
        names.sort();
        for (name, _) in names {
            let text = tree.text(&format!("docs/errors/{name}.md"));
            let summary = text.map(summary).unwrap_or_default();
            // Writing to a `String` cannot fail.
            let _ = writeln!(page, "| [`{name}`]({name}.md) | {summary} |");
        }
    }
    page
}

/// The first sentence of the first paragraph below the title.
fn summary(page: &str) -> String {
    let mut lines = page.lines().filter(|line| !line.starts_with('#'));
    let paragraph: Vec<&str> = lines
        .by_ref()
        .skip_while(|line| line.trim().is_empty())
        .take_while(|line| !line.trim().is_empty())
        .collect();
    let paragraph = paragraph.join(" ").replace('|', "\\|");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_lists_codes_with_their_first_sentence() {
        let tree = Tree::of(&[
            (
                "crates/domain/src/diagnosis.rs",
                "pub enum Reason {\n    TlsFailed,\n    ConnectionRefused,\n}\n",
            ),
            (
                "docs/errors/connection_refused.md",
                "# connection_refused\n\nNothing listens\nat a|b. Start it.\n\nMore.\n",
            ),
        ]);
        let page = page(&tree);
        assert!(page.contains(
            "| [`connection_refused`](connection_refused.md) | Nothing listens at a\\|b. |\n\
             | [`tls_failed`](tls_failed.md) |  |\n"
        ));
    }
}
