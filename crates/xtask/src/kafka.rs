//! `cargo xtask kafka install`: the broker of the tests, fetched by Maven into the target directory.
//!
//! Knows which jars are wanted and whether they are there; starting them is the tests' own business.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::programs::{root, succeed, target_directory};

/// What is wanted, in Maven's form.
const POM: &str = "crates/xtask/kafka/pom.xml";
/// The goal, with its version: without one Maven would ask which is the newest.
const GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
/// What the folder holds once every jar is in it: the text by which they were chosen.
const CHOSEN_BY: &str = "pom.xml";

/// Fetches the jars unless they are there.
pub(crate) fn install() -> Result<()> {
    let pom = root().join(POM);
    let wanted = fs::read_to_string(&pom).with_context(|| format!("cannot read {POM}"))?;
    let folder = folder(&target_directory()?, &wanted)?;
    if is_complete(&folder, &wanted) {
        println!("Kafka is there: {}", folder.display());
        return Ok(());
    }
    // Nothing of an attempt that broke off remains, and nothing half-done is taken for the whole.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut maven = Command::new("mvn");
    maven
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(&pom)
        .args([GOAL, "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", folder.display()));
    succeed(&mut maven).context("Maven and Java 17 fetch the broker of the tests")?;
    fs::write(folder.join(CHOSEN_BY), wanted)?;
    println!("Kafka was fetched: {}", folder.display());
    Ok(())
}

fn folder(target: &Path, pom: &str) -> Result<PathBuf> {
    let version = version(pom).with_context(|| format!("{POM} names no kafka.version"))?;
    Ok(target.join("kafka").join(version))
}

fn version(pom: &str) -> Option<&str> {
    let (_, rest) = pom.split_once("<kafka.version>")?;
    let (version, _) = rest.split_once("</kafka.version>")?;
    Some(version.trim())
}

fn is_complete(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join(CHOSEN_BY)).is_ok_and(|chosen| chosen == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_in_the_pom() {
        let pom = fs::read_to_string(root().join(POM)).unwrap();
        let folder = folder(Path::new("target"), &pom).unwrap();
        let version = folder.file_name().unwrap().to_str().unwrap();
        assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()));
        assert!(!is_complete(&folder, "another choice"));
        assert_eq!(super::version("<project/>"), None);
    }
}
