//! `longshore render`: what a template becomes, without a server or any data.

use std::path::PathBuf;

use clap::Args;
use longshore_engine::templates::{Problem, try_out};

use crate::trying::{Tried, pointed_at, with_evaluator};

/// What to fill in, and with what.
#[derive(Args)]
pub(crate) struct Render {
    /// A file with JSON that holds templates: a body, or an action, whose invocation is rendered
    file: PathBuf,
    /// A file with what the templates see, as JSON: {"inputs": {}, "trigger": {}, "run": {}}
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
}

impl Render {
    /// Prints the rendered JSON; what went wrong goes to standard error.
    pub(crate) fn run(&self) -> anyhow::Result<Tried> {
        let document = crate::trying::document(&self.file)?;
        let context = crate::trying::document(&self.event)?;
        if !context.is_object() {
            anyhow::bail!("{} is not a JSON object", self.event.display());
        }
        let (prefix, template) = match document.get("invocationMethod") {
            Some(invocation) => ("invocationMethod", invocation),
            None => ("", &document),
        };
        let trial =
            with_evaluator(async |evaluator| try_out(evaluator, template, &context, None).await)?;
        println!("{:#}", trial.value);
        for problem in &trial.problems {
            eprintln!("{}", told(prefix, problem));
        }
        Ok(match trial.problems.is_empty() {
            true => Tried::Well,
            false => Tried::Failed,
        })
    }
}

fn told(prefix: &str, problem: &Problem) -> String {
    let place = match (prefix, problem.path.as_str()) {
        ("", "") => "the whole".to_owned(),
        (prefix, "") => prefix.to_owned(),
        ("", path) => path.to_owned(),
        (prefix, path) if path.starts_with('[') => format!("{prefix}{path}"),
        (prefix, path) => format!("{prefix}.{path}"),
    };
    let message = format!("{place}: {}", problem.message);
    match problem.position {
        Some(position) => format!("{message}\n{}", pointed_at(&problem.expression, position)),
        None if problem.expression.is_empty() => message,
        None => format!("{message}\n  {}", problem.expression),
    }
}
