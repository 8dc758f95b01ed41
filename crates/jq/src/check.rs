//! Finds what an expression needs, and its mistakes, without evaluating it, whatever its text does to a parser.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::bounds::{CHECK_STACK_BYTES, MAX_EXPRESSION_BYTES};
use crate::interpreter::Interpreter;
use crate::needs::Needs;
use crate::program::CompileError;

/// Refuses a text that is too long.
pub(crate) fn bounds(text: &str) -> Result<(), CompileError> {
    if text.len() > MAX_EXPRESSION_BYTES {
        return Err(CompileError {
            message: format!(
                "the expression has {} bytes, allowed are {MAX_EXPRESSION_BYTES}",
                text.len()
            ),
            position: MAX_EXPRESSION_BYTES,
        });
    }
    Ok(())
}

type Checked = Result<Needs, CompileError>;
type Question = (String, Sender<Checked>);

/// Compiles `text` for its mistakes and for what it needs of its input, on a thread whose stack suits every text within bounds.
pub(crate) fn compiles(text: &str) -> Checked {
    let unavailable = || CompileError {
        message: "expressions cannot be checked: no thread could be started".to_owned(),
        position: 0,
    };
    let checker = CHECKER
        .get_or_init(start)
        .as_ref()
        .ok_or_else(unavailable)?;
    let (answer, answers) = channel();
    checker
        .send((text.to_owned(), answer))
        .map_err(|_| unavailable())?;
    answers.recv().map_err(|_| unavailable())?
}

static CHECKER: OnceLock<Option<Sender<Question>>> = OnceLock::new();

fn start() -> Option<Sender<Question>> {
    let (sender, questions) = channel::<Question>();
    let check = move || {
        let interpreter = Interpreter::new();
        for (text, answer) in questions {
            let check = AssertUnwindSafe(|| interpreter.check(&text));
            let checked = catch_unwind(check).unwrap_or_else(|_| {
                Err(CompileError {
                    message: "the parser failed".to_owned(),
                    position: 0,
                })
            });
            // a caller that has gone needs no answer
            let _ = answer.send(checked);
        }
    };
    let thread = thread::Builder::new()
        .name("jq-check".to_owned())
        .stack_size(CHECK_STACK_BYTES);
    thread.spawn(check).ok().map(|_| sender)
}
