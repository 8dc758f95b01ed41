//! Which packages are built, as cargo resolves them: features and targets that are not used do not count.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::programs::{cargo, output};

/// Between a package and its licence; neither can hold it.
const SEPARATOR: char = '|';

/// A package that is built for some target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Its SPDX expression, empty where it has none.
    pub(super) licence: String,
    /// What cargo adds in brackets where it comes from elsewhere than the public registry: a path, a URL, a registry.
    pub(super) source: Option<String>,
}

/// What one of our manifests asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Requirement {
    #[serde(skip)]
    pub(super) package: String,
    pub(super) name: String,
    pub(super) req: String,
    pub(super) path: Option<String>,
}

/// All packages, for all targets, with those that only tests and build scripts use.
pub(super) fn packages(targets: &[String]) -> Result<BTreeSet<Package>> {
    let mut packages = BTreeSet::new();
    for target in targets {
        let mut tree = cargo();
        tree.args([
            "tree",
            "--workspace",
            "--locked",
            "--edges",
            "normal,build,dev",
        ]);
        tree.args(["--prefix", "none", "--format"])
            .arg(format!("{{p}}{SEPARATOR}{{l}}"))
            .args(["--target", target]);
        for line in output(&mut tree)?.lines().filter(|line| !line.is_empty()) {
            packages.insert(package(line).with_context(|| format!("cargo tree printed `{line}`"))?);
        }
    }
    Ok(packages)
}

/// Reads `serde v1.0.229|MIT OR Apache-2.0`, with remarks such as `(proc-macro)` or `(/path)` before the separator.
fn package(line: &str) -> Option<Package> {
    let line = line.trim_end_matches(" (*)");
    let (described, licence) = line.split_once(SEPARATOR)?;
    let mut words = described.splitn(3, ' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    let remarks = words.next().unwrap_or_default();
    let source = remarks
        .split(['(', ')'])
        .map(str::trim)
        .find(|remark| !remark.is_empty() && *remark != "proc-macro" && *remark != "*");
    Some(Package {
        name,
        version,
        licence: licence.to_owned(),
        source: source.map(str::to_owned),
    })
}

/// What our own manifests ask for.
pub(super) fn requirements() -> Result<Vec<Requirement>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Manifest>,
    }
    #[derive(Deserialize)]
    struct Manifest {
        name: String,
        dependencies: Vec<Requirement>,
    }
    let mut metadata = cargo();
    metadata.args(["metadata", "--no-deps", "--locked", "--format-version", "1"]);
    let metadata: Metadata = serde_json::from_str(&output(&mut metadata)?)?;
    let mut requirements = Vec::new();
    for Manifest { name, dependencies } in metadata.packages {
        for mut requirement in dependencies {
            requirement.package.clone_from(&name);
            requirements.push(requirement);
        }
    }
    Ok(requirements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_tree_are_read() {
        for (line, name, version, licence, source) in [
            (
                "serde v1.0.229|MIT OR Apache-2.0",
                "serde",
                "1.0.229",
                "MIT OR Apache-2.0",
                None,
            ),
            (
                "toml v1.2.1+spec-1.1.0|MIT (*)",
                "toml",
                "1.2.1+spec-1.1.0",
                "MIT",
                None,
            ),
            ("syn v3.0.9 (proc-macro)|MIT", "syn", "3.0.9", "MIT", None),
            (
                "own v0.1.0 (/a/own)|Apache-2.0",
                "own",
                "0.1.0",
                "Apache-2.0",
                Some("/a/own"),
            ),
            (
                "git v0.1.0 (proc-macro) (https://example.com/git#1a2b)|",
                "git",
                "0.1.0",
                "",
                Some("https://example.com/git#1a2b"),
            ),
        ] {
            let expected = Package {
                name: name.to_owned(),
                version: version.to_owned(),
                licence: licence.to_owned(),
                source: source.map(str::to_owned),
            };
            assert_eq!(package(line), Some(expected), "{line}");
        }
        assert_eq!(package("nonsense"), None);
    }
}
