//! Finds the mistakes of an expression without evaluating it, whatever its text does to a parser.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::bounds::{
    CHECK_STACK_BYTES, MAX_EXPRESSION_BYTES, MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_PREFIXES,
};
use crate::interpreter::Interpreter;
use crate::program::CompileError;

/// Refuses a text that is too long or nested too deep for a parser.
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
    let mut nesting = Nesting::default();
    match nesting.first_excess(text) {
        None => Ok(()),
        Some(position) => Err(CompileError {
            message: format!(
                "the expression is nested too deep: allowed are {MAX_EXPRESSION_DEPTH} open \
                 brackets and {MAX_EXPRESSION_PREFIXES} prefixes"
            ),
            position,
        }),
    }
}

/// How deep a parser would stand, by a look at each byte. In doubt it counts too much.
#[derive(Default)]
struct Nesting {
    /// What is open: a bracket, or a string (`true`).
    open: Vec<bool>,
    prefixes: usize,
}

impl Nesting {
    fn first_excess(&mut self, text: &str) -> Option<usize> {
        let mut word = 0..0;
        let mut bytes = text.bytes().enumerate();
        let mut comment = false;
        while let Some((position, byte)) = bytes.next() {
            let in_string = self.open.last() == Some(&true);
            if comment {
                comment = byte != b'\n';
                continue;
            }
            match byte {
                b'"' if in_string => drop(self.open.pop()),
                b'\\' if in_string => {
                    if let Some((_, b'(')) = bytes.next() {
                        self.open.push(false);
                    }
                }
                _ if in_string => {}
                b'"' => self.open.push(true),
                b'(' | b'[' | b'{' => self.open.push(false),
                b')' | b']' | b'}' => drop(self.open.pop()),
                b'#' => comment = true,
                b'-' => self.prefixes += 1,
                byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                    let start = if word.end == position {
                        word.start
                    } else {
                        position
                    };
                    word = start..position + 1;
                    let ends = !text
                        .as_bytes()
                        .get(position + 1)
                        .is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
                    if ends && PREFIX_WORDS.contains(&&text[word.clone()]) {
                        self.prefixes += 1;
                    }
                }
                _ => {}
            }
            if self.open.len() > MAX_EXPRESSION_DEPTH || self.prefixes > MAX_EXPRESSION_PREFIXES {
                return Some(position);
            }
        }
        None
    }
}

const PREFIX_WORDS: [&str; 9] = [
    "as", "def", "elif", "foreach", "if", "label", "reduce", "then", "try",
];

type Question = (String, Sender<Result<(), CompileError>>);

/// Compiles `text` for its mistakes, on a thread whose stack suits every text within bounds.
pub(crate) fn compiles(text: &str) -> Result<(), CompileError> {
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
            let compile = AssertUnwindSafe(|| interpreter.compile(&text).map(drop));
            let compiled = catch_unwind(compile).unwrap_or_else(|_| {
                Err(CompileError {
                    message: "the parser failed".to_owned(),
                    position: 0,
                })
            });
            // a caller that has gone needs no answer
            let _ = answer.send(compiled);
        }
    };
    let thread = thread::Builder::new()
        .name("jq-check".to_owned())
        .stack_size(CHECK_STACK_BYTES);
    thread.spawn(check).ok().map(|_| sender)
}
