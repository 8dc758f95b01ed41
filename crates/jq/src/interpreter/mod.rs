//! The full language: `jaq` with our definitions over its own, run under fuel.
//!
//! Only workers evaluate here; elsewhere an expression is at most compiled, to learn its mistakes.
//! Anything may go wrong in here by intent of who wrote the expression, up to the process's end.

mod fuel;
mod natives;
mod output;
mod rewrite;

use std::panic::{AssertUnwindSafe, catch_unwind};

use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars};
use jaq_json::Val;

use crate::bounds::Bound;
use crate::program::CompileError;
pub(crate) use fuel::Until;
use fuel::{Fuel, Fuelled, Stop};
use output::Unprintable;

/// What one expression came to, its value as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Output(Vec<u8>),
    Empty,
    Error(String),
    Exceeded(Bound),
}

/// The language's own definitions, parsed once.
pub(crate) struct Interpreter {
    definitions: Vec<Def<&'static str>>,
}

/// A compiled expression.
pub(crate) struct Compiled(jaq_core::Filter<Fuelled>);

impl Interpreter {
    pub(crate) fn new() -> Self {
        let prelude = load::parse(include_str!("prelude.jq"), |parser| parser.defs());
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .chain(prelude.unwrap_or_default())
            .collect();
        Self { definitions }
    }

    /// Compiles `text`; the caller's stack must suit its depth.
    pub(crate) fn compile(&self, text: &str) -> Result<Compiled, CompileError> {
        let term = match load::parse(text, |parser| parser.term()) {
            Some(term) => rewrite::rewritten(term),
            None => return Err(syntax_error(text)),
        };
        let main = Def {
            name: MAIN,
            args: Vec::new(),
            body: term,
        };
        let definitions = self.definitions.iter().cloned().chain([main]);
        let arena = Arena::default();
        let modules = Loader::new(definitions)
            .load(
                &arena,
                File {
                    code: MAIN,
                    path: (),
                },
            )
            .map_err(|_| syntax_error(text))?;
        let functions = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs())
            .chain(natives::funs());
        Compiler::default()
            .with_funs(functions)
            .with_global_vars(["$ENV", "$__loc__"])
            .compile(modules)
            .map(Compiled)
            .map_err(|errors| undefined(text, &errors))
    }

    /// The first output of `program` on `input`.
    pub(crate) fn run(&self, program: &Compiled, input: Val, until: Until) -> Answer {
        let fuel = Fuel::new(until);
        let evaluated = catch_unwind(AssertUnwindSafe(|| first(program, input, &fuel)));
        match evaluated {
            Ok(answer) => answer,
            Err(payload) => match payload.downcast::<Stop>() {
                Ok(stop) => Answer::Exceeded(stop.0),
                Err(_) => Answer::Error("the interpreter failed".to_owned()),
            },
        }
    }
}

const MAIN: &str = "__main";

fn first(program: &Compiled, input: Val, fuel: &Fuel) -> Answer {
    let filter = &program.0;
    let location = [
        ("file", Val::utf8_str("<top-level>")),
        ("line", Val::from(1_isize)),
    ];
    let location = location
        .into_iter()
        .map(|(key, value)| (Val::utf8_str(key), value))
        .collect();
    let vars = Vars::new([Val::obj(jaq_json::Map::default()), Val::obj(location)]);
    let ctx = Ctx::<Fuelled>::new(fuel.with(&filter.lut), vars);
    match filter.id.run((ctx, input)).next() {
        None => Answer::Empty,
        Some(Ok(value)) => match output::json(&value) {
            Ok(text) => Answer::Output(text),
            Err(Unprintable::TooLarge) => Answer::Exceeded(Bound::Output),
            Err(Unprintable::TooDeep) => Answer::Exceeded(Bound::Depth),
            Err(error) => Answer::Error(error.to_string()),
        },
        Some(Err(exception)) => Answer::Error(match exception.get_err() {
            Ok(error) => output::excerpt(&error.into_val()),
            // `break` out of no label, or `halt`, whose meaning would be to end the process
            Err(_) => "break".to_owned(),
        }),
    }
}

fn position(text: &str, part: &str) -> usize {
    part.as_ptr()
        .addr()
        .saturating_sub(text.as_ptr().addr())
        .min(text.len())
}

fn syntax_error(text: &str) -> CompileError {
    let end = |message: String| CompileError {
        message,
        position: text.len(),
    };
    let arena = Arena::default();
    let modules = Loader::new([]).load(
        &arena,
        File {
            code: text,
            path: (),
        },
    );
    let Err(errors) = modules else {
        return CompileError {
            message: "modules are not available".to_owned(),
            position: 0,
        };
    };
    let Some((_, error)) = errors.into_iter().next() else {
        return end("syntax error".to_owned());
    };
    let found = |part: &str| match part.chars().next() {
        None => "the end".to_owned(),
        Some(_) => format!("`{}`", part.chars().take(20).collect::<String>()),
    };
    let (expected, part) = match &error {
        load::Error::Lex(errors) => match errors.first() {
            Some((expected, part)) => (expected.as_str(), *part),
            None => return end("syntax error".to_owned()),
        },
        load::Error::Parse(errors) => match errors.first() {
            Some((expected, part)) => (expected.as_str(), *part),
            None => return end("syntax error".to_owned()),
        },
        load::Error::Io(_) => {
            return CompileError {
                message: "modules are not available".to_owned(),
                position: 0,
            };
        }
    };
    CompileError {
        message: format!("syntax error: expected {expected}, found {}", found(part)),
        position: if part.is_empty() {
            text.len()
        } else {
            position(text, part)
        },
    }
}

fn undefined(text: &str, errors: &jaq_core::compile::Errors<&str, ()>) -> CompileError {
    let first = errors.iter().flat_map(|(_, errors)| errors).next();
    match first {
        None => CompileError {
            message: "not a program".to_owned(),
            position: 0,
        },
        Some((name, what)) => CompileError {
            message: match what {
                jaq_core::compile::Undefined::Filter(arity) => {
                    format!("{name}/{arity} is not defined")
                }
                what => format!("{} {name} is not defined", what.as_str()),
            },
            position: position(text, name),
        },
    }
}
