//! Files that are made from others and committed: `cargo xtask gen` writes them, `--check` refuses a difference.

mod configuration;
mod error_index;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::programs::{longshore, output, root};
use crate::tidy::Tree;

pub(crate) fn run(check: bool) -> Result<()> {
    let tree = Tree::load(root())?;
    let files = [
        ("docs/openapi.json", open_api()?),
        ("docs/configuration.md", configuration::page(&tree)?),
        ("docs/errors/README.md", error_index::page(&tree)),
    ];
    let mut stale = Vec::new();
    for (path, content) in files {
        let present = tree.text(path);
        if present == Some(&content) {
            continue;
        }
        if check {
            let line = first_difference(present.unwrap_or_default(), &content);
            stale.push(format!("{path}:{line}"));
        } else {
            let file = root().join(path);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, content).with_context(|| path.to_owned())?;
            println!("wrote {path}");
        }
    }
    if !stale.is_empty() {
        bail!(
            "`cargo xtask gen` would change {}; run it and commit the result",
            stale.join(", ")
        );
    }
    Ok(())
}

fn open_api() -> Result<String> {
    let mut command = Command::new(longshore()?);
    let document = output(command.arg("openapi"))?;
    let parsed: Value =
        serde_json::from_str(&document).context("`longshore openapi` printed no JSON")?;
    ensure!(
        parsed["openapi"].is_string(),
        "`longshore openapi` printed no OpenAPI document"
    );
    Ok(format!("{}\n", document.trim_end()))
}

/// The first line, counted from 1, in which two texts differ.
fn first_difference(left: &str, right: &str) -> usize {
    let same = left
        .lines()
        .zip(right.lines())
        .take_while(|(l, r)| l == r)
        .count();
    same + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
        assert_eq!(first_difference("", "a"), 1);
        assert_eq!(first_difference("a\n", "a\nb\n"), 2);
    }
}
