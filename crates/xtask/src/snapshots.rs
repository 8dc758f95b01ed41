//! Snapshots that no test refers to any more are refused: insta writes down which ones it met.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::programs::{root, target_directory};
use crate::tidy::Tree;

/// The file in which insta notes the snapshots it met.
pub(crate) struct Snapshots {
    references: PathBuf,
}

impl Snapshots {
    pub(crate) fn start() -> Result<Self> {
        let references = target_directory()?.join("snapshots-referenced.txt");
        if references.exists() {
            fs::remove_file(&references)?;
        }
        Ok(Self { references })
    }

    /// Has the tests of `command` note their snapshots, and accept no new ones.
    pub(crate) fn watch(&self, command: &mut Command) {
        command
            .env("INSTA_SNAPSHOT_REFERENCES_FILE", &self.references)
            .env("INSTA_UPDATE", "no");
    }

    pub(crate) fn finish(&self) -> Result<()> {
        let noted = match self.references.exists() {
            true => fs::read_to_string(&self.references)?,
            false => String::new(),
        };
        let tree = Tree::load(root())?;
        let unreferenced = unreferenced(root(), tree.paths(), &noted);
        ensure!(
            unreferenced.is_empty(),
            "no test refers to {}",
            unreferenced.join(", ")
        );
        Ok(())
    }
}

fn unreferenced<'a>(
    root: &Path,
    paths: impl Iterator<Item = &'a str>,
    noted: &str,
) -> Vec<&'a str> {
    let referenced: BTreeSet<PathBuf> = noted.lines().map(|line| real(Path::new(line))).collect();
    paths
        .filter(|path| path.ends_with(".snap") && !referenced.contains(&real(&root.join(path))))
        .collect()
}

/// The path without links, where it exists.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_nobody_met_is_found() {
        let root = Path::new("/repository");
        let paths = ["a/snapshots/met.snap", "a/snapshots/gone.snap", "a/b.rs"];
        let noted = "/repository/a/snapshots/met.snap\n";
        assert_eq!(
            unreferenced(root, paths.into_iter(), noted),
            ["a/snapshots/gone.snap"]
        );
    }
}
