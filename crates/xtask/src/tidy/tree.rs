//! The repository's files: what a rule reads. Tests make small ones in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::source::Source;

/// Text files by path from the root, with `/` between folders. Others are known by their path only.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Option<String>>,
    sources: BTreeMap<String, Source>,
}

impl Tree {
    /// The files below `root`, without what `.gitignore` and git itself keep there.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let ignored = Ignored::of(&fs::read_to_string(root.join(".gitignore")).unwrap_or_default());
        let mut files = BTreeMap::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(root.join(&folder)).with_context(|| folder.clone())?;
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = match folder.as_str() {
                    "" => name.clone(),
                    folder => format!("{folder}/{name}"),
                };
                let kind = entry.file_type()?;
                if ignored.covers(&path, &name) {
                    continue;
                }
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    let bytes = fs::read(entry.path()).with_context(|| path.clone())?;
                    files.insert(path, String::from_utf8(bytes).ok());
                }
            }
        }
        Ok(Self::from_files(files))
    }

    /// A tree of these files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), Some((*text).to_owned()));
        Self::from_files(files.iter().map(owned).collect())
    }

    fn from_files(files: BTreeMap<String, Option<String>>) -> Self {
        let sources = files
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .filter_map(|(path, text)| Some((path.clone(), Source::scan(path, text.as_ref()?))))
            .collect();
        Self { files, sources }
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All text files whose name ends so.
    pub(super) fn texts(&self, ending: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(ending))
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// All Rust files.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources
            .iter()
            .map(|(path, source)| (path.as_str(), source))
    }

    pub(super) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.get(path)
    }

    /// Whether a file or folder is there.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.contains_key(path) || self.has_folder(path)
    }

    pub(super) fn has_folder(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        let mut after = self.files.range(prefix.clone()..);
        after
            .next()
            .is_some_and(|(path, _)| path.starts_with(&prefix))
    }

    /// The folders of crates, by name.
    pub(super) fn crates(&self) -> impl Iterator<Item = &str> {
        self.paths().filter_map(|path| {
            path.strip_prefix("crates/")?
                .strip_suffix("/Cargo.toml")
                .filter(|name| !name.contains('/'))
        })
    }
}

/// The three forms of `.gitignore` lines in use: `/path`, `*.ending` and `name`.
struct Ignored {
    paths: Vec<String>,
    endings: Vec<String>,
    names: Vec<String>,
}

impl Ignored {
    fn of(text: &str) -> Self {
        let mut ignored = Self {
            paths: Vec::new(),
            endings: Vec::new(),
            names: vec![".git".to_owned()],
        };
        for line in text.lines().map(|line| line.trim().trim_end_matches('/')) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (list, entry) = if let Some(path) = line.strip_prefix('/') {
                (&mut ignored.paths, path)
            } else if let Some(ending) = line.strip_prefix('*') {
                (&mut ignored.endings, ending)
            } else {
                (&mut ignored.names, line)
            };
            list.push(entry.to_owned());
        }
        ignored
    }

    fn covers(&self, path: &str, name: &str) -> bool {
        self.paths.iter().any(|ignored| ignored == path)
            || self.names.iter().any(|ignored| ignored == name)
            || self.endings.iter().any(|ending| name.ends_with(ending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_folders_and_crates_are_found() {
        let tree = Tree::of(&[
            ("crates/domain/Cargo.toml", ""),
            ("crates/domain/src/lib.rs", ""),
            ("docs-old/a.md", ""),
        ]);
        assert_eq!(tree.crates().collect::<Vec<_>>(), ["domain"]);
        for (path, expected) in [
            ("crates/domain/src/lib.rs", true),
            ("crates/domain/src/", true),
            ("crates/domain/sr", false),
            ("docs", false),
        ] {
            assert_eq!(tree.has(path), expected, "{path}");
        }
    }

    #[test]
    fn ignored_files_are_left_out() {
        let ignored = Ignored::of("/target\n# a remark\n*.profraw\n.DS_Store\n");
        for (path, name, expected) in [
            ("target", "target", true),
            ("crates/target", "target", false),
            ("a/b.profraw", "b.profraw", true),
            ("a/.DS_Store", ".DS_Store", true),
            (".git", ".git", true),
            (".gitignore", ".gitignore", false),
        ] {
            assert_eq!(ignored.covers(path, name), expected, "{path}");
        }
    }
}
