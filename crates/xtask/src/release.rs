//! `cargo xtask release`: the binary that is shipped, compiled for what it does under load.
//!
//! It is built twice: once so that it counts which of its code runs, which the benchmarks of dispatch and agents and the
//! demo then make it do, and once by these counts, which put what runs together and apart from what never does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::bench::{self, Measured};
use crate::kafka;
use crate::programs::{OWN_OPENSSL, cargo, output, succeed, target_directory};

/// The profile of Cargo.toml that it is built with.
const PROFILE: &str = "dist";
/// What the benchmarks are asked for while it counts: enough to have done everything often.
const TRAINING: [(&str, &str); 2] = [
    (
        "dispatch",
        "--runs 20000 --rounds 1 --open-runs 50 --skip-history --unjudged",
    ),
    (
        "agent",
        "--runs 20000 --rounds 1 --skip-slow --polling-runs 100 --unjudged",
    ),
];

/// Puts what never ran apart from what did, within a function too, so that what runs takes less of the processor's caches.
const APART: &str =
    "-Cllvm-args=-enable-split-machine-functions -Clink-arg=-Wl,-z,keep-text-section-prefix";

/// Builds the binary, and answers where it is.
pub(crate) fn run(trained: bool) -> Result<PathBuf> {
    let target = target_directory()?;
    let binary = target.join(PROFILE).join("longshore");
    if trained {
        let host = host()?;
        let directory = target.join("trained");
        let counts = train(&target, &host, &directory)?;
        let flags = format!("-Cprofile-use={} {APART}", counts.display());
        let built = build(&directory, &host, &flags)?;
        fs::create_dir_all(target.join(PROFILE))?;
        // An untrained one is cargo's own file under a second name, which must not be written into.
        if binary.exists() {
            fs::remove_file(&binary)?;
        }
        fs::copy(&built, &binary).with_context(|| format!("{} is not there", built.display()))?;
    } else {
        succeed(&mut plain_build())?;
    }
    let megabytes = binary.metadata()?.len() / 1_000_000;
    println!("{} ({megabytes} MB)", binary.display());
    Ok(binary)
}

fn plain_build() -> Command {
    let mut build = cargo();
    build.args([
        "build",
        "--locked",
        "--profile",
        PROFILE,
        "--package",
        "longshore",
    ]);
    // It runs on systems that have another OpenSSL, or none.
    build.env(OWN_OPENSSL.0, OWN_OPENSSL.1);
    build
}

/// Builds with `flags`, and answers the binary. Naming the target keeps them from what cargo itself runs meanwhile.
fn build(directory: &Path, host: &str, flags: &str) -> Result<PathBuf> {
    let mut build = plain_build();
    build.env("RUSTFLAGS", flags);
    build
        .args(["--target", host, "--target-dir"])
        .arg(directory);
    succeed(&mut build)?;
    Ok(directory.join(host).join(PROFILE).join("longshore"))
}

/// Counts what runs under load, unless the very same program has; answers the file of the counts. What `trained` holds was
/// built by earlier counts, which cargo would not see.
fn train(target: &Path, host: &str, trained: &Path) -> Result<PathBuf> {
    let merge = profile_tool(host)?;
    let directory = target.join("training");
    let counts = directory.join("counts");
    let merged = directory.join("longshore.profdata");
    let flags = format!("-Cprofile-generate={}", counts.display());
    let binary = build(&directory, host, &flags)?;
    if is_newer(&merged, &binary) {
        return Ok(merged);
    }
    kafka::install()?;
    // Counts of another build are not this one's.
    remove(&counts)?;
    for (name, options) in TRAINING {
        let options: Vec<String> = options.split(' ').map(str::to_owned).collect();
        // The benchmark is built as ever: what is built with it has other features, and so other counts.
        bench::run(name, None, Measured::Binary(&binary), &options)?;
    }
    succeed(Command::new(&binary).args(["demo", "--once"]))?;
    remove(trained)?;
    // Renamed when it is whole, so that no part of one is taken for it later.
    let part = directory.join("longshore.profdata.part");
    succeed(
        Command::new(merge)
            .args(["merge", "-o"])
            .arg(&part)
            .arg(&counts),
    )?;
    fs::rename(&part, &merged)?;
    Ok(merged)
}

/// Whether `file` is there and was written after `other`.
fn is_newer(file: &Path, other: &Path) -> bool {
    let written = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    written(file).is_some_and(|at| written(other).is_some_and(|before| at > before))
}

/// Removes a folder and all that is in it.
fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// The compiler's own tool for counts, which rustup adds where it is absent.
fn profile_tool(host: &str) -> Result<PathBuf> {
    let mut sysroot = Command::new("rustc");
    let sysroot = output(sysroot.args(["--print", "sysroot"]))?;
    let tool = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin/llvm-profdata");
    if !tool.is_file() {
        let mut add = Command::new("rustup");
        let added = succeed(add.args(["component", "add", "llvm-tools"]));
        added.context("`cargo xtask release --untrained` builds without it")?;
    }
    ensure!(tool.is_file(), "there is no {}", tool.display());
    Ok(tool)
}

/// The triple of this machine.
fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}
