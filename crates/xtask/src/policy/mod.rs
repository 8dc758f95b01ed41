//! The dependency policy: licences, bans, duplicates and sources, as deny.toml says.
//!
//! Reads cargo-deny's file and understands the part of it that is used here; another key is refused, never passed over.

mod graph;
mod licence;
mod rules;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::programs::root;

pub(crate) fn run() -> Result<()> {
    let text = fs::read_to_string(root().join("deny.toml")).context("deny.toml")?;
    let policy: rules::Policy = toml::from_str(&text).context("deny.toml")?;
    let packages = graph::packages(&policy.graph.targets)?;
    let mut findings = rules::check(&policy, &packages);
    if policy.refuses_wildcards() {
        findings.extend(rules::wildcards(&graph::requirements()?));
    }
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("deny.toml: {} findings", findings.len());
    }
    println!("{} packages follow deny.toml", packages.len());
    Ok(())
}
