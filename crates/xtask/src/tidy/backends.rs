//! Every backend has an emulator and a page in docs/backends.

use super::{Finding, Tree};

const BACKENDS: &str = "crates/backends/src";
const EMULATORS: &str = "crates/emulators/src";
const PAGES: &str = "docs/backends";

/// Backends that have to be there, and the emulators that stand for their receivers.
const REQUIRED: [(&str, &str); 3] = [
    ("azure_pipelines", "azure_devops"),
    ("jenkins", "jenkins"),
    ("webhook", "webhook_sink"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    if !tree.has_folder(BACKENDS) {
        return Vec::new();
    }
    let mut backends: Vec<(&str, &str)> = REQUIRED.to_vec();
    for name in further(tree) {
        if !REQUIRED.iter().any(|(known, _)| *known == name) {
            backends.push((name, name));
        }
    }
    let mut findings = Vec::new();
    for (name, emulator) in backends {
        let module = module_of(tree, BACKENDS, name);
        let path = module.unwrap_or_else(|| format!("{BACKENDS}/{name}.rs"));
        if !tree.has(&path) {
            findings.push(Finding::new(&path, 1, "is missing"));
        }
        let emulated = [emulator, name]
            .iter()
            .any(|it| module_of(tree, EMULATORS, it).is_some());
        if !emulated {
            let message = format!("has no emulator {EMULATORS}/{emulator}.rs");
            findings.push(Finding::new(&path, 1, message));
        }
        let pages = [name.to_owned(), name.replace('_', "-")];
        if !pages
            .iter()
            .any(|page| tree.has(&format!("{PAGES}/{page}.md")))
        {
            let message = format!("has no page {PAGES}/{name}.md");
            findings.push(Finding::new(&path, 1, message));
        }
    }
    findings
}

/// Modules that read an answer, which is what makes a backend.
fn further(tree: &Tree) -> Vec<&str> {
    tree.sources()
        .filter_map(|(path, source)| {
            let name = path.strip_prefix(BACKENDS)?.strip_prefix('/')?;
            let name = name
                .strip_suffix("/mod.rs")
                .or_else(|| name.strip_suffix(".rs"))?;
            let lines = || source.lines.iter().filter(|line| !line.test);
            let reads = lines().any(|line| line.code.starts_with("pub fn outcome("));
            let asks = lines().any(|line| line.code.starts_with("pub fn request("));
            (reads && asks && !name.contains('/')).then_some(name)
        })
        .collect()
}

fn module_of(tree: &Tree, folder: &str, name: &str) -> Option<String> {
    [
        format!("{folder}/{name}.rs"),
        format!("{folder}/{name}/mod.rs"),
    ]
    .into_iter()
    .find(|path| tree.has(path))
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::*;

    #[test]
    fn a_backend_comes_with_emulator_and_page() {
        let mut files = vec![
            ("crates/backends/src/client.rs", "pub fn request() {}\n"),
            ("crates/backends/src/jenkins.rs", ""),
            ("crates/backends/src/webhook/mod.rs", ""),
            (
                "crates/backends/src/kafka.rs",
                "pub fn request() {}\npub fn outcome() {}\n",
            ),
            ("crates/emulators/src/jenkins/mod.rs", ""),
            ("crates/emulators/src/webhook_sink.rs", ""),
            ("docs/backends/jenkins.md", ""),
            ("docs/backends/webhook.md", ""),
        ];
        assert_eq!(
            found(check, &files),
            [
                "crates/backends/src/azure_pipelines.rs:1: is missing",
                "crates/backends/src/azure_pipelines.rs:1: has no emulator crates/emulators/src/azure_devops.rs",
                "crates/backends/src/azure_pipelines.rs:1: has no page docs/backends/azure_pipelines.md",
                "crates/backends/src/kafka.rs:1: has no emulator crates/emulators/src/kafka.rs",
                "crates/backends/src/kafka.rs:1: has no page docs/backends/kafka.md",
            ]
        );
        files.retain(|(path, _)| !path.starts_with("crates/backends/"));
        assert!(found(check, &files).is_empty());
    }
}
