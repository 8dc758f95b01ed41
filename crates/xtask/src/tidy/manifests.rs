//! Which crate may depend on which of ours, and which alone may name a library.

use toml::{Table, Value};

use super::{Finding, Tree};

/// A crate, those of ours it is built on, and those its tests may use besides.
type Direction = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const ANY: &[&str] = &[
    "agent",
    "backends",
    "domain",
    "emulators",
    "engine",
    "jq",
    "server",
    "store",
];

const DIRECTIONS: [Direction; 11] = [
    ("agent", &["backends", "domain", "jq"], &["emulators"]),
    ("backends", &["domain"], &["emulators"]),
    ("domain", &[], &[]),
    ("emulators", &["jsonpath"], &[]),
    (
        "engine",
        &["backends", "domain", "jq", "store"],
        &["emulators"],
    ),
    ("jq", &[], &[]),
    ("jsonpath", &[], &[]),
    ("longshore", ANY, &[]),
    (
        "server",
        &["domain", "engine"],
        &["backends", "emulators", "jq", "store"],
    ),
    ("store", &["domain"], &[]),
    ("xtask", &[], &[]),
];

/// A library and the crates that alone may name it. Tests and benchmarks of the whole system may name any: those
/// without an owner are what ours is measured against.
const LIBRARIES: [(&str, &[&str]); 12] = [
    ("anyhow", &["longshore", "xtask"]),
    ("axum", &["emulators", "server"]),
    ("jaq-core", &["jq"]),
    ("jaq-json", &[]),
    ("jaq-std", &[]),
    ("libsqlite3-sys", &["store"]),
    ("quick-xml", &["emulators"]),
    ("rdkafka", &["backends"]),
    ("rusqlite", &["store"]),
    ("saphyr-parser", &["emulators"]),
    ("tokio-postgres", &["store"]),
    ("utoipa-axum", &["server"]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.crates()
        .flat_map(|name| manifest(tree, name))
        .collect()
}

fn manifest(tree: &Tree, name: &str) -> Vec<Finding> {
    let path = format!("crates/{name}/Cargo.toml");
    let text = tree.text(&path).unwrap_or_default();
    let Some((_, built_on, tested_with)) = DIRECTIONS.iter().find(|(known, ..)| *known == name)
    else {
        let message = format!("the crate `{name}` has no line in tidy's table of directions");
        return vec![Finding::new(&path, 1, message)];
    };
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return vec![Finding::new(&path, 1, format!("not TOML: {error}"))],
    };
    let mut findings = Vec::new();
    for (dependency, for_tests) in dependencies(&table) {
        let line = text
            .lines()
            .position(|line| line.contains(&dependency))
            .map_or(1, |at| at + 1);
        let ours = dependency.strip_prefix("longshore-").or_else(|| {
            DIRECTIONS
                .iter()
                .map(|(known, ..)| *known)
                .find(|known| *known == dependency)
        });
        if let Some(ours) = ours {
            let allowed = built_on.contains(&ours) || (for_tests && tested_with.contains(&ours));
            if !allowed {
                let message = format!("`{name}` must not depend on `{ours}`");
                findings.push(Finding::new(&path, line, message));
            }
        }
        let owners = LIBRARIES.iter().find(|(library, _)| *library == dependency);
        let of_the_system = for_tests && name == "longshore";
        // The library brings its own imitation of a cluster.
        let imitated = for_tests && name == "agent" && dependency == "rdkafka";
        if let Some((library, owners)) =
            owners.filter(|(_, owners)| !owners.contains(&name) && !of_the_system && !imitated)
        {
            let owners = match owners {
                &[] => "tests and benchmarks of the whole system".to_owned(),
                owners => owners.join(" and "),
            };
            let message = format!("only {owners} may name `{library}`");
            findings.push(Finding::new(&path, line, message));
        }
    }
    findings
}

/// The packages that a manifest names, and whether for tests only.
fn dependencies(manifest: &Table) -> Vec<(String, bool)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    let mut found = Vec::new();
    for table in tables.chain([manifest]) {
        for (kind, for_tests) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            for (name, value) in table
                .get(kind)
                .and_then(Value::as_table)
                .into_iter()
                .flatten()
            {
                let renamed = value.get("package").and_then(Value::as_str);
                found.push((renamed.unwrap_or(name).to_owned(), for_tests));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn crates_depend_downwards_and_libraries_have_owners() {
        let files = [
            (
                "crates/domain/Cargo.toml",
                "[dependencies]\nserde = \"1\"\nlongshore-store.workspace = true\nclock = { package = \"longshore-engine\" }\n",
            ),
            (
                "crates/server/Cargo.toml",
                "[dependencies]\naxum = \"1\"\nlongshore-engine.workspace = true\nrusqlite = \"1\"\n\
                 [dev-dependencies]\nlongshore-store.workspace = true\n",
            ),
            (
                "crates/engine/Cargo.toml",
                "[target.'cfg(unix)'.dependencies]\nlongshore-server.workspace = true\n[dev-dependencies]\nxtask = \"1\"\n",
            ),
            (
                "crates/longshore/Cargo.toml",
                "[dev-dependencies]\nrusqlite = \"1\"\njaq-json = \"2\"\n",
            ),
            (
                "crates/jq/Cargo.toml",
                "[dependencies]\njaq-json = \"2\"\njaq-core = \"3\"\n",
            ),
            ("crates/new/Cargo.toml", ""),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/domain/Cargo.toml:4: `domain` must not depend on `engine`",
                "crates/domain/Cargo.toml:3: `domain` must not depend on `store`",
                "crates/engine/Cargo.toml:2: `engine` must not depend on `server`",
                "crates/engine/Cargo.toml:4: `engine` must not depend on `xtask`",
                "crates/jq/Cargo.toml:2: only tests and benchmarks of the whole system may name `jaq-json`",
                "crates/new/Cargo.toml:1: the crate `new` has no line in tidy's table of directions",
                "crates/server/Cargo.toml:4: only store may name `rusqlite`",
            ]
        );
    }
}
