//! `longshore jq`: one expression, evaluated as templates evaluate it.

use std::path::PathBuf;

use clap::Args;
use longshore_domain::template::Expression;
use longshore_jq::{CompileError, Evaluated, Program};

use crate::trying::{Tried, document, pointed_at, standard_input, with_evaluator};

/// Nobody else waits for a worker here.
const OWNER: &str = "";

/// What to evaluate, and on what.
#[derive(Args)]
pub(crate) struct Jq {
    /// What stands between the braces of a template
    expression: String,
    /// A file with the input as JSON; standard input where absent, and null where that is empty
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// Print every output, one a line, instead of the first one, which is all that templates use
    #[arg(long)]
    all: bool,
}

impl Jq {
    /// Prints the first output; what went wrong goes to standard error.
    pub(crate) fn run(&self) -> anyhow::Result<Tried> {
        let text = Expression::of(&self.expression).text;
        let program = match Program::compile(&text) {
            Ok(program) => program,
            Err(error) => {
                eprintln!("{}", described(&text, &error));
                return Ok(Tried::Failed);
            }
        };
        let program = match self.all {
            false => program,
            // a comment at the end must not hide the bracket
            true => Program::compile(&format!("[{text}\n]"))?,
        };
        let input = match &self.event {
            Some(file) => document(file)?,
            None => standard_input()?,
        };
        let evaluated = with_evaluator(async |evaluator| {
            let outputs = evaluator.evaluate(OWNER, &[&program], &input).await;
            outputs.into_iter().next()
        })?;
        match evaluated {
            Some(Evaluated::Output(value)) => {
                match value.as_array().filter(|_| self.all) {
                    Some(outputs) => outputs.iter().for_each(|output| println!("{output}")),
                    None => println!("{value}"),
                }
                Ok(Tried::Well)
            }
            Some(Evaluated::Empty) => Ok(Tried::Well),
            Some(Evaluated::Error(message)) => {
                eprintln!("error: {message}");
                Ok(Tried::Failed)
            }
            Some(Evaluated::Exceeded(bound)) => {
                eprintln!("error: {bound}");
                Ok(Tried::Failed)
            }
            None => anyhow::bail!("nothing was evaluated"),
        }
    }
}

fn described(text: &str, error: &CompileError) -> String {
    let position = text
        .char_indices()
        .take_while(|(at, _)| *at < error.position)
        .count();
    let mark = pointed_at(text, position);
    format!("error at character {position}: {}\n{mark}", error.message)
}
