//! The plugin's own answers (`vectors/gwt.json`), against the emulator's functions.
//!
//! Every vector is run. Those listed in `gwt_vectors/uncovered.rs` must differ: once one of them
//! holds, its line has to go.

#[cfg(test)]
#[path = "gwt_vectors/run.rs"]
mod run;
#[path = "gwt_vectors/uncovered.rs"]
mod uncovered;

use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_vector_holds_or_is_listed_with_its_reason() {
    let listed: BTreeMap<&str, &str> = uncovered::UNCOVERED.iter().copied().collect();
    let mut failed = Vec::new();
    let mut met = BTreeSet::new();
    for vector in run::vectors() {
        let name = vector["name"].as_str().unwrap().to_owned();
        let result = run::run(&vector);
        match (listed.contains_key(name.as_str()), result) {
            (false, Ok(())) => {}
            (false, Err(difference)) => failed.push(format!("{name}: {difference}")),
            (true, Err(_)) => {
                met.insert(name);
            }
            (true, Ok(())) => failed.push(format!("{name}: holds, though listed as uncovered")),
        }
    }
    for name in listed.keys().filter(|name| !met.contains(**name)) {
        failed.push(format!(
            "{name}: listed as uncovered, but not met as failing"
        ));
    }
    assert!(failed.is_empty(), "{}\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn all_kinds_are_there() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for vector in run::vectors() {
        *kinds
            .entry(vector["kind"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    let counted: Vec<_> = kinds
        .iter()
        .map(|(kind, count)| (kind.as_str(), *count))
        .collect();
    assert_eq!(
        counted,
        [
            ("cause", 5),
            ("dryRun", 11),
            ("exceptionMessage", 2),
            ("headerMap", 1),
            ("hmac", 37),
            ("invoke", 32),
            ("jobFinder", 2),
            ("match", 27),
            ("notFoundMessage", 3),
            ("parameters", 9),
            ("quietPeriod", 8),
            ("render", 11),
            ("token", 8),
            ("trigger", 321),
            ("whitelist", 50),
        ]
    );
}
