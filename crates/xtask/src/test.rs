//! `cargo xtask test`: everything a change must pass, cheapest first.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::programs::{cargo, longshore, succeed, succeed_within, watch};
use crate::snapshots::Snapshots;
use crate::steps::Steps;
use crate::{generate, kafka, policy, tidy};

/// Far more than the demo takes on a loaded machine.
const DEMO_LIMIT: Duration = Duration::from_secs(180);

pub(crate) fn run(fast: bool) -> Result<()> {
    let mut steps = Steps::default();
    let result = if fast {
        quick(&mut steps)
    } else {
        all(&mut steps)
    };
    println!("{}", steps.summary());
    result
}

fn quick(steps: &mut Steps) -> Result<()> {
    sources(steps)?;
    steps.run("unit tests", |closing| {
        tests(&["--lib", "--bins"], None, closing)
    })
}

fn all(steps: &mut Steps) -> Result<()> {
    steps.run("dependency policy", |_| policy::run())?;
    sources(steps)?;
    // The binary and the tests in one command, so that both share one choice of features and nothing is built twice.
    steps.run("build", |_| {
        succeed(cargo().args(["build", "--workspace", "--bins", "--tests", "--locked"]))
    })?;
    steps.run("generated files", |_| generate::run(true))?;
    steps.run("broker of the tests", |_| kafka::install())?;
    steps.run("tests", |closing| {
        let snapshots = Snapshots::start()?;
        tests(&[], Some(&snapshots), closing)?;
        snapshots.finish()
    })?;
    steps.run("demo", |_| {
        let mut demo = std::process::Command::new(longshore()?);
        succeed_within(DEMO_LIMIT, demo.args(["demo", "--once"]))
    })
}

fn sources(steps: &mut Steps) -> Result<()> {
    steps.run("format", |_| {
        succeed(cargo().args(["fmt", "--all", "--check"]))
    })?;
    steps.run("tidy", |_| tidy::run())?;
    steps.run("lints", |_| {
        let mut clippy = cargo();
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked"]);
        succeed(clippy.args(["--", "--deny", "warnings"]))
    })
}

fn tests(choice: &[&str], snapshots: Option<&Snapshots>, closing: &mut Vec<String>) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    command.args(choice);
    if let Some(snapshots) = snapshots {
        snapshots.watch(&mut command);
    }
    let (passed, lines) = watch(&mut command, |line| line.starts_with("test result: "))?;
    let total = Totals::of(&lines);
    closing.extend(lines);
    closing.push(total.to_string());
    ensure!(passed, "cargo test failed");
    ensure!(total.passed > 0, "cargo test ran no test");
    ensure!(total.ignored == 0, "{} tests were ignored", total.ignored);
    Ok(())
}

/// The sums of libtest's closing lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Totals {
    /// Reads lines such as `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    fn of(lines: &[String]) -> Self {
        let mut totals = Self::default();
        for part in lines.iter().flat_map(|line| line.split(['.', ';'])) {
            let mut words = part.split_whitespace();
            let count = words.next().and_then(|word| word.parse::<usize>().ok());
            match (count, words.next()) {
                (Some(count), Some("passed")) => totals.passed += count,
                (Some(count), Some("failed")) => totals.failed += count,
                (Some(count), Some("ignored")) => totals.ignored += count,
                _ => {}
            }
        }
        totals
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            passed,
            failed,
            ignored,
        } = self;
        write!(
            f,
            "all tests: {passed} passed; {failed} failed; {ignored} ignored"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed() {
        let lines = [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.13s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ]
        .map(str::to_owned);
        let expected = Totals {
            passed: 15,
            failed: 2,
            ignored: 1,
        };
        assert_eq!(Totals::of(&lines), expected);
        assert_eq!(Totals::of(&[]), Totals::default());
    }
}
