//! The house's rules that no other tool checks. One file per rule; each reads the tree and lists what breaks it.

mod architecture;
mod backends;
mod changelog;
mod error_pages;
mod file_length;
mod foreign_words;
mod libraries;
mod links;
mod manifests;
mod module_docs;
mod names;
mod source;
mod test_discipline;
mod todos;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::programs::root;

pub(crate) use error_pages::Codes;
pub(crate) use tree::Tree;

/// Something that breaks a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [Rule; 13] = [
    architecture::check,
    backends::check,
    changelog::check,
    error_pages::check,
    file_length::check,
    foreign_words::check,
    libraries::check,
    links::check,
    manifests::check,
    module_docs::check,
    names::check,
    test_discipline::check,
    todos::check,
];

/// Checks the repository against every rule.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::load(root())?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} findings", findings.len());
    }
    println!(
        "{} files follow {} rules",
        tree.paths().count(),
        RULES.len()
    );
    Ok(())
}

/// The findings of a rule over a small tree, as text.
#[cfg(test)]
fn found(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    rule(&Tree::of(files))
        .iter()
        .map(ToString::to_string)
        .collect()
}
