//! The plugin's own answers, against the emulator's functions.
//!
//! Every vector is run: those of the directory that `LONGSHORE_VECTORS` names, else the copy here.
//! Those listed in `gwt_vectors/uncovered.rs` must differ: once one of them holds, its line has to go.
#![cfg(test)]

#[path = "gwt_vectors/comparable.rs"]
mod comparable;
#[path = "gwt_vectors/run.rs"]
mod run;
#[path = "gwt_vectors/uncovered.rs"]
mod uncovered;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

/// Most vectors of a hundred that may be listed. XPath has its own list until it is emulated.
const LISTED_PERCENT: usize = 3;

/// The kinds of which the copy here has vectors.
const KINDS: [&str; 15] = [
    "cause",
    "dryRun",
    "exceptionMessage",
    "headerMap",
    "hmac",
    "invoke",
    "jobFinder",
    "match",
    "notFoundMessage",
    "parameters",
    "quietPeriod",
    "render",
    "token",
    "trigger",
    "whitelist",
];

struct Vectors {
    list: Vec<Value>,
    /// Whether they are others than those that the list of the uncovered is about.
    brought: bool,
}

fn vectors() -> Vectors {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests may bring other vectors"
    )]
    let directory = std::env::var_os("LONGSHORE_VECTORS");
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let brought = directory.is_some();
    let directory = directory.map_or(own, PathBuf::from);
    let text = std::fs::read(directory.join("gwt.json")).unwrap();
    Vectors {
        list: serde_json::from_slice(&text).unwrap(),
        brought,
    }
}

#[test]
fn every_vector_holds_or_is_listed_with_its_reason() {
    let listed: BTreeMap<&str, &str> = uncovered::UNCOVERED.iter().copied().collect();
    let vectors = vectors();
    let mut failed = Vec::new();
    let mut met = BTreeSet::new();
    for vector in &vectors.list {
        let name = vector["name"].as_str().unwrap().to_owned();
        match (listed.contains_key(name.as_str()), run::run(vector)) {
            (false, Ok(())) => {}
            (false, Err(difference)) => failed.push(format!("{name}: {difference}")),
            (true, Err(_)) => {
                met.insert(name);
            }
            (true, Ok(())) => failed.push(format!("{name}: holds, though listed as uncovered")),
        }
    }
    for name in listed.keys().filter(|name| !met.contains(**name)) {
        if !vectors.brought {
            failed.push(format!(
                "{name}: listed as uncovered, but not met as failing"
            ));
        }
    }
    assert!(failed.is_empty(), "{}\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn few_vectors_are_listed() {
    let listed = uncovered::UNCOVERED.len();
    let total = vectors().list.len();
    assert!(
        listed * 100 <= total * LISTED_PERCENT,
        "{listed} of {total}"
    );
}

#[test]
fn all_kinds_are_there() {
    let vectors = vectors();
    let kinds: BTreeSet<&str> = vectors
        .list
        .iter()
        .map(|vector| vector["kind"].as_str().unwrap())
        .collect();
    if vectors.brought {
        let known = |kind: &str| KINDS.contains(&kind) || kind == "variableOrder";
        assert!(kinds.iter().all(|kind| known(kind)), "{kinds:?}");
    } else {
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), KINDS);
    }
}
