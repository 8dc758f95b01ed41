//! What only some places may name in code: the HTTP client, the environment, the other half of the server.

use super::{Finding, Tree};

/// A text of code, where it may (or must not) stand, and why.
struct Place {
    text: &'static str,
    only: &'static [&'static str],
    never: &'static [&'static str],
    why: &'static str,
}

const PLACES: [Place; 4] = [
    Place {
        text: "hyper_util::client",
        only: &[
            "crates/backends/",
            "crates/emulators/",
            "crates/longshore/benches/",
        ],
        never: &[],
        why: "outgoing calls go through the one bounded client of backends",
    },
    Place {
        text: "env::vars_os",
        only: &["crates/agent/src/config/", "crates/server/src/config/"],
        never: &[],
        why: "the configuration alone reads the environment",
    },
    Place {
        text: "crate::web",
        only: &["crates/"],
        never: &["crates/server/src/api/"],
        why: "api and web do not import each other",
    },
    Place {
        text: "crate::api",
        only: &["crates/"],
        never: &["crates/server/src/web/"],
        why: "api and web do not import each other",
    },
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        let within = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
        for place in PLACES
            .iter()
            .filter(|it| !within(it.only) || within(it.never))
        {
            for (number, line) in source.numbered().filter(|(_, line)| !line.test) {
                if line.code.contains(place.text) {
                    let message = format!("`{}` here: {}", place.text, place.why);
                    findings.push(Finding::new(path, number, message));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn each_has_its_home() {
        let client = "use hyper_util::client::legacy::Client; // crate::web\n";
        let files = [
            ("crates/backends/src/client.rs", client),
            ("crates/engine/src/calls.rs", client),
            ("crates/longshore/tests/demo.rs", client),
            (
                "crates/server/src/api/runs.rs",
                "use crate::web::page;\nlet a = \"crate::web\";\n",
            ),
            ("crates/server/src/lib.rs", "use crate::web::routes;\n"),
            ("crates/longshore/src/main.rs", "std::env::vars_os()\n"),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/engine/src/calls.rs:1: `hyper_util::client` here: outgoing calls go through the one bounded client of backends",
                "crates/longshore/src/main.rs:1: `env::vars_os` here: the configuration alone reads the environment",
                "crates/server/src/api/runs.rs:1: `crate::web` here: api and web do not import each other",
            ]
        );
    }
}
