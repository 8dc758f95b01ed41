//! The dependency policy: licences, bans, duplicates and sources, as deny.toml says; and that lock files fit.
//!
//! Reads cargo-deny's file and understands the part of it that is used here; another key is refused, never passed over.

mod graph;
mod licence;
mod rules;

use std::fs;

use anyhow::{Context, Result, bail};

use crate::programs::{cargo, output, root};

pub(crate) fn run() -> Result<()> {
    fuzz_lock_is_current()?;
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

/// The fuzz targets are a workspace of their own, which nothing else here builds.
fn fuzz_lock_is_current() -> Result<()> {
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--depth", "0"]);
    tree.args(["--manifest-path", "fuzz/Cargo.toml"]);
    output(&mut tree).context(
        "the fuzz targets are not resolved by their lock file; where it is behind, \
         `cargo tree --manifest-path fuzz/Cargo.toml` brings it up",
    )?;
    Ok(())
}
