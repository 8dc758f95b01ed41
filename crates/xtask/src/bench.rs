//! `cargo xtask bench NAME`: the benchmarks are the files in the `benches` folders of the crates, built for release.
//!
//! They are targets of the crates they measure, so that this program needs none of their libraries, and cargo builds the
//! measured binary with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::programs::{cargo, root, succeed};
use crate::release;

/// Benchmarks by name, with the folders of their crates.
type Known = BTreeMap<String, PathBuf>;

/// The crate whose benchmarks measure the program; those of the others measure their own crate.
const PROGRAM: &str = "crates/longshore";
/// Names it to the benchmark.
const MEASURED: &str = "LONGSHORE_MEASURED";

/// The `longshore` that a benchmark measures.
#[derive(Clone, Copy)]
pub(crate) enum Measured<'a> {
    /// The one that is shipped, built first.
    Shipped,
    /// The one that cargo builds with the benchmark.
    Plain,
    Binary(&'a Path),
}

pub(crate) fn run(
    name: &str,
    json: Option<&Path>,
    measured: Measured<'_>,
    arguments: &[String],
) -> Result<()> {
    let folder = choose(name, &known()?)?;
    let mut bench = cargo();
    let of_the_program = folder == root().join(PROGRAM);
    match measured {
        Measured::Shipped if of_the_program => {
            let shipped = release::run(true);
            bench.env(
                MEASURED,
                shipped.context("`--plain` measures another build")?,
            );
        }
        Measured::Shipped | Measured::Plain => {}
        Measured::Binary(binary) => drop(bench.env(MEASURED, binary)),
    }
    bench
        .args(["bench", "--locked", "--manifest-path"])
        .arg(folder.join("Cargo.toml"));
    bench.args(["--bench", name, "--"]);
    if let Some(json) = json {
        // The benchmark runs in its package's folder, the path was given from here.
        let json = std::path::absolute(json).context("the path of --json")?;
        bench.arg("--json").arg(json);
    }
    succeed(bench.args(arguments))
}

fn choose(name: &str, known: &Known) -> Result<PathBuf> {
    if let Some(folder) = known.get(name) {
        return Ok(folder.clone());
    }
    if known.is_empty() {
        bail!("there is no benchmark `{name}`, nor any other");
    }
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    bail!(
        "there is no benchmark `{name}`; those known are {}",
        names.join(", ")
    );
}

fn known() -> Result<Known> {
    let mut known = Known::new();
    for entry in fs::read_dir(root().join("crates"))? {
        let folder = entry?.path();
        let benches = folder.join("benches");
        if !benches.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&benches)? {
            let path = entry?.path();
            let is_program = match path.extension() {
                Some(extension) => extension == "rs",
                None => path.join("main.rs").is_file(),
            };
            if let (true, Some(name)) = (is_program, path.file_stem()) {
                let name = name.to_string_lossy().into_owned();
                if known.insert(name.clone(), folder.clone()).is_some() {
                    bail!("two crates have a benchmark `{name}`; give one another name");
                }
            }
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_those_known() {
        let known: Known = ["isolation", "dispatch"]
            .map(|name| (name.to_owned(), PathBuf::from("crates/longshore")))
            .into();
        assert_eq!(
            choose("dispatch", &known).unwrap(),
            Path::new("crates/longshore")
        );
        let error = choose("dispach", &known).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no benchmark `dispach`; those known are dispatch, isolation"
        );
        assert!(choose("dispatch", &Known::new()).is_err());
    }
}
