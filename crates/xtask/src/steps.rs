//! Steps in order, each timed, with a summary at the end. The first that fails is the last that runs.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Steps that have run, and what remains to be said about them.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration, bool)>,
    closing: Vec<String>,
}

impl Steps {
    /// Runs a step and times it.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        step: impl FnOnce(&mut Vec<String>) -> Result<()>,
    ) -> Result<()> {
        println!("\n=== {name}");
        let started = Instant::now();
        let result = step(&mut self.closing);
        self.done.push((name, started.elapsed(), result.is_ok()));
        result.with_context(|| format!("{name} failed"))
    }

    /// What is printed at the end.
    pub(crate) fn summary(&self) -> String {
        let mut text = String::from("\n=== summary\n");
        for line in &self.closing {
            text.push_str(line);
            text.push('\n');
        }
        for (name, took, passed) in &self.done {
            let verdict = if *passed { "passed" } else { "FAILED" };
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{verdict}  {name:<20} {:>7.1} s", took.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        let _ = writeln!(
            text,
            "        {:<20} {:>7.1} s",
            "total",
            total.as_secs_f64()
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_summary_shows_every_step_that_ran_and_closing_lines() {
        let mut steps = Steps::default();
        let passed = steps.run("first", |closing| {
            closing.push("3 tests passed".to_owned());
            Ok(())
        });
        assert!(passed.is_ok());
        let error = steps.run("second", |_| bail!("it is broken")).unwrap_err();
        assert_eq!(format!("{error:#}"), "second failed: it is broken");
        let summary = steps.summary();
        let order = ["3 tests passed", "passed  first", "FAILED  second", "total"];
        let places: Vec<_> = order.iter().map(|text| summary.find(text)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{summary}"
        );
    }
}
