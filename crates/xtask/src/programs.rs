//! Starting cargo and the programs it built, from the repository's root.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How often a program with a time limit is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Variables that `cargo run` sets for us. Passed on to another cargo they look like a change to build scripts that
/// watch them (ring's does), and every second build would compile those again.
const CARGO_RUN_VARIABLES: [&str; 19] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
    "CARGO_PRIMARY_PACKAGE",
];

/// Has cargo build the OpenSSL that Cargo.lock names into what it builds.
pub(crate) const OWN_OPENSSL: (&str, &str) = ("OPENSSL_NO_VENDOR", "0");

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// A cargo command in the root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root());
    for name in CARGO_RUN_VARIABLES {
        command.env_remove(name);
    }
    if !has_openssl() {
        command.env(OWN_OPENSSL.0, OWN_OPENSSL.1);
    }
    command
}

/// Whether the system has an OpenSSL to build against, which `.cargo/config.toml` counts on.
fn has_openssl() -> bool {
    static HAS_OPENSSL: OnceLock<bool> = OnceLock::new();
    *HAS_OPENSSL.get_or_init(|| {
        let mut asked = Command::new("pkg-config");
        asked.args(["--exists", "libssl", "libcrypto"]);
        asked.status().is_ok_and(|status| status.success())
    })
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&output(&mut metadata)?)?;
    let directory = metadata["target_directory"].as_str();
    Ok(directory
        .context("cargo metadata names no target directory")?
        .into())
}

/// The `longshore` binary of the debug profile, which tests share.
pub(crate) fn longshore() -> Result<PathBuf> {
    let binary = target_directory()?.join("debug/longshore");
    ensure!(binary.is_file(), "{} is not built", binary.display());
    Ok(binary)
}

/// Runs a command to its end; its output is ours.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// The same within a time limit.
pub(crate) fn succeed_within(limit: Duration, command: &mut Command) -> Result<()> {
    let text = shown(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {text}"))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "{text} ended with {status}");
            return Ok(());
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("{text} had not ended after {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

/// What a command writes to standard output; its errors are ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let status = output.status;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote something that is not UTF-8", shown(command)))
}

/// Runs a command to its end, passes its output on, and gives the lines that `keep` wants. The flag says whether it succeeded.
pub(crate) fn watch(
    command: &mut Command,
    keep: impl Fn(&str) -> bool,
) -> Result<(bool, Vec<String>)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let mut kept = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.by_ref().read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            if keep(text.trim_end()) {
                kept.push(text.trim_end().to_owned());
            }
            line.clear();
        }
    }
    Ok((child.wait()?.success(), kept))
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}
