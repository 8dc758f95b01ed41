//! The rules of deny.toml over a list of packages.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::graph::{Package, Requirement};
use super::licence;

/// deny.toml, as far as it is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Graph {
    pub(super) targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Licenses {
    #[serde(rename = "include-dev")]
    _include_dev: Always,
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Bans {
    multiple_versions: Severity,
    wildcards: Severity,
    #[serde(rename = "allow-wildcard-paths")]
    _allow_wildcard_paths: Always,
    deny: Vec<Entry>,
    skip: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Sources {
    unknown_registry: Severity,
    unknown_git: Severity,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// `name`, or `name@version` with as many parts of the version as matter.
    #[serde(rename = "crate")]
    package: String,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Severity {
    Allow,
    Deny,
}

/// A switch that is implemented in one position only.
#[derive(Debug, Deserialize)]
#[serde(try_from = "bool")]
struct Always;

impl TryFrom<bool> for Always {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        value.then_some(Self).ok_or("only `true` is implemented")
    }
}

impl Entry {
    fn matches(&self, package: &Package) -> bool {
        match self.package.split_once('@') {
            None => self.package == package.name,
            Some((name, version)) => {
                name == package.name
                    && package
                        .version
                        .strip_prefix(version)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '+', '-']))
            }
        }
    }
}

impl Policy {
    pub(super) fn refuses_wildcards(&self) -> bool {
        self.bans.wildcards == Severity::Deny
    }
}

/// What the packages break.
pub(super) fn check(policy: &Policy, packages: &BTreeSet<Package>) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        let Package {
            name,
            version,
            licence,
            source,
        } = package;
        if !licence::is_allowed(licence, &policy.licenses.allow) {
            findings.push(format!(
                "{name} {version}: its licence `{licence}` is not allowed"
            ));
        }
        for ban in policy.bans.deny.iter().filter(|ban| ban.matches(package)) {
            findings.push(format!("{name} {version} is banned: {}", ban.reason));
        }
        if let Some(source) = source {
            let (severity, kind) = if source.starts_with("registry ") {
                (policy.sources.unknown_registry, "another registry")
            } else if source.contains("://") {
                (policy.sources.unknown_git, "a repository")
            } else {
                (Severity::Allow, "a path")
            };
            if severity == Severity::Deny {
                findings.push(format!("{name} {version} comes from {kind}: {source}"));
            }
        }
    }
    if policy.bans.multiple_versions == Severity::Deny {
        findings.extend(duplicates(&policy.bans.skip, packages));
    }
    findings
}

fn duplicates(skip: &[Entry], packages: &BTreeSet<Package>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        if !skip.iter().any(|entry| entry.matches(package)) {
            let known = versions.entry(&package.name).or_default();
            known.insert(&package.version);
        }
    }
    for (name, versions) in versions {
        if versions.len() > 1 {
            let versions: Vec<&str> = versions.into_iter().collect();
            findings.push(format!(
                "{name} is there in several versions: {}",
                versions.join(", ")
            ));
        }
    }
    for entry in skip {
        if !packages.iter().any(|package| entry.matches(package)) {
            findings.push(format!(
                "skip: nothing matches {} any more; remove it",
                entry.package
            ));
        }
    }
    findings
}

/// Requirements that take any version.
pub(super) fn wildcards(requirements: &[Requirement]) -> Vec<String> {
    requirements
        .iter()
        .filter(|requirement| requirement.req == "*" && requirement.path.is_none())
        .map(|Requirement { package, name, .. }| format!("{package} takes any version of {name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [graph]
        targets = []
        [licenses]
        include-dev = true
        allow = ["MIT"]
        [bans]
        multiple-versions = "deny"
        wildcards = "deny"
        allow-wildcard-paths = true
        deny = [{ crate = "bad", reason = "it is bad" }]
        skip = [{ crate = "old@0.1", reason = "held back" }]
        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
    "#;

    fn package(name: &str, version: &str, licence: &str, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.to_owned(),
            source: source.map(str::to_owned),
        }
    }

    fn findings(packages: &[Package]) -> Vec<String> {
        let policy = toml::from_str(POLICY).unwrap();
        check(&policy, &packages.iter().cloned().collect())
    }

    #[test]
    fn each_rule_finds_what_breaks_it() {
        let old = package("old", "0.1.9", "MIT", None);
        let new = package("old", "0.2.0", "MIT", None);
        let own = package("own", "0.1.0", "MIT", Some("/a/own"));
        let fine = [old, new, own];
        assert!(findings(&fine).is_empty());
        for (added, expected) in [
            (
                package("gpl", "1.0.0", "GPL-3.0-only", None),
                "gpl 1.0.0: its licence `GPL-3.0-only` is not allowed",
            ),
            (
                package("bad", "1.0.0", "MIT", None),
                "bad 1.0.0 is banned: it is bad",
            ),
            (
                package("git", "1.0.0", "MIT", Some("https://example.com/git#1a2b")),
                "git 1.0.0 comes from a repository: https://example.com/git#1a2b",
            ),
            (
                package("old", "0.3.0", "MIT", None),
                "old is there in several versions: 0.2.0, 0.3.0",
            ),
            (
                package("old", "0.10.0", "MIT", None),
                "old is there in several versions: 0.10.0, 0.2.0",
            ),
        ] {
            let packages = [fine.as_slice(), &[added]].concat();
            assert_eq!(findings(&packages), [expected]);
        }
        assert_eq!(
            findings(&[]),
            ["skip: nothing matches old@0.1 any more; remove it"]
        );
    }

    #[test]
    fn a_key_that_is_not_enforced_is_refused() {
        for (from, to) in [
            ("[sources]", "[sources]\nallow-git = []"),
            ("include-dev = true", "include-dev = false"),
            ("wildcards = \"deny\"", "wildcards = \"warn\""),
        ] {
            let changed = POLICY.replace(from, to);
            assert!(toml::from_str::<Policy>(&changed).is_err(), "{to}");
        }
    }

    #[test]
    fn only_requirements_from_elsewhere_need_a_version() {
        let requirement = |req: &str, path: Option<&str>| Requirement {
            package: "own".to_owned(),
            name: "serde".to_owned(),
            req: req.to_owned(),
            path: path.map(str::to_owned),
        };
        let requirements = [
            requirement("^1", None),
            requirement("*", Some("/a")),
            requirement("*", None),
        ];
        assert_eq!(wildcards(&requirements), ["own takes any version of serde"]);
    }
}
