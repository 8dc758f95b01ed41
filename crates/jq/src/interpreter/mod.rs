//! The full language: its grammar, its functions, and the machine that runs them under fuel.
//!
//! Only workers evaluate here; elsewhere an expression is at most compiled, to learn its mistakes.
//! Anything may go wrong in here by intent of who wrote the expression, up to the process's end.

mod fuel;
mod natives;
mod output;
mod prelude;
pub(crate) mod syntax;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jaq_core::load::parse::{BinaryOp, Def, Term};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::path::{Opt, Part, Path};
use jaq_core::{Compiler, Ctx, Error, ValT, Vars};

use crate::bounds::Bound;
use crate::needs::{Needs, needs};
use crate::program::CompileError;
use crate::value::{Excess, Members, Unprintable, Value};
pub(crate) use fuel::Until;
use fuel::{Fuel, Fuelled, Stop};
use prelude::Prelude;
use syntax::Parsed;

/// What one expression came to, its value as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Output(Vec<u8>),
    Empty,
    Error(String),
    Exceeded(Bound),
}

/// The language, its own definitions read once.
pub(crate) struct Interpreter {
    prelude: Prelude,
}

/// A compiled expression.
pub(crate) struct Compiled {
    /// The keys with which it begins: `.a.b | …`, as most do. To look them up here costs less than to
    /// have terms evaluated.
    path: Vec<Value>,
    filter: jaq_core::Filter<Fuelled>,
}

/// An error with a message.
pub(crate) fn fail(message: impl Into<String>) -> Error<Value> {
    Error::new(Value::string(message))
}

impl Interpreter {
    pub(crate) fn new() -> Self {
        Self {
            prelude: Prelude::new(),
        }
    }

    /// Compiles `text`; the caller's stack must suit its depth.
    pub(crate) fn compile(&self, text: &str) -> Result<Compiled, CompileError> {
        self.compile_parsed(text, syntax::program(text)?)
    }

    /// What `text` needs of its input, where it compiles.
    pub(crate) fn check(&self, text: &str) -> Result<Needs, CompileError> {
        let program = syntax::program(text)?;
        let needs = needs(&program.content);
        self.compile_parsed(text, program).map(|_| needs)
    }

    fn compile_parsed<'t>(
        &self,
        text: &'t str,
        program: Parsed<'t, Term<&'t str>>,
    ) -> Result<Compiled, CompileError> {
        let (path, body) = leading_path(program.content);
        let main = Def {
            name: MAIN,
            args: Vec::new(),
            body,
        };
        let definitions = self.prelude.needed(&program.calls).chain([main]);
        // the loader reads text only, so the program is a definition that a text calls
        let arena = Arena::default();
        let file = File {
            code: MAIN,
            path: (),
        };
        let modules = Loader::new(definitions)
            .load(&arena, file)
            .map_err(|_| unusable())?;
        Compiler::default()
            .with_funs(natives::funs())
            .with_global_vars([ENVIRONMENT])
            .compile(modules)
            .map(|filter| Compiled { path, filter })
            .map_err(|errors| undefined(text, &errors))
    }

    /// The first output of `program` on `input`, within `time` and before `end`.
    pub(crate) fn run(
        &self,
        program: &Compiled,
        input: Value,
        time: Duration,
        end: Until,
    ) -> Answer {
        let fuel = Fuel::new(time, end);
        let evaluated = catch_unwind(AssertUnwindSafe(|| first(program, input, &fuel)));
        match evaluated {
            Ok(answer) => answer,
            Err(payload) => match (
                payload.downcast_ref::<Excess>(),
                payload.downcast_ref::<Stop>(),
            ) {
                (Some(Excess::Depth), _) => Answer::Exceeded(Bound::Depth),
                (Some(Excess::Bytes), _) => Answer::Exceeded(Bound::Memory),
                (None, Some(stop)) => Answer::Exceeded(stop.0),
                (None, None) => Answer::Error("the interpreter failed".to_owned()),
            },
        }
    }
}

/// The definition that is the program: no expression can name it.
const MAIN: &str = "@main";
const ENVIRONMENT: &str = "$ENV";

/// The keys of the path with which a pipeline begins, and the rest of it.
fn leading_path(term: Term<&str>) -> (Vec<Value>, Term<&str>) {
    let (left, rest) = match term {
        Term::BinOp(left, BinaryOp::Pipe(None), rest) => (left, rest),
        other => return (Vec::new(), other),
    };
    let keys = match &*left {
        Term::Path(base, Path(parts)) if matches!(**base, Term::Id) => {
            let keys = parts.iter().map(|(part, optional)| match (part, optional) {
                (Part::Index(key), Opt::Essential) => syntax::written(key).map(Value::string),
                _ => None,
            });
            keys.collect::<Option<Vec<Value>>>()
        }
        _ => None,
    };
    match keys {
        Some(keys) => (keys, *rest),
        None => (Vec::new(), Term::BinOp(left, BinaryOp::Pipe(None), rest)),
    }
}

fn first(program: &Compiled, input: Value, fuel: &Fuel) -> Answer {
    let found = program.path.iter().try_fold(input, ValT::index);
    let input = match found {
        Ok(input) => input,
        Err(error) => return Answer::Error(output::message(&error.into_val())),
    };
    let filter = &program.filter;
    let environment = Value::object(Members::new());
    let ctx = Ctx::<Fuelled>::new(fuel.with(&filter.lut), Vars::new([environment]));
    match filter.id.run((ctx, input)).next() {
        None => Answer::Empty,
        Some(Ok(value)) => match output::json(&value) {
            Ok(text) => Answer::Output(text),
            Err(Unprintable::TooLarge) => Answer::Exceeded(Bound::Output),
            Err(Unprintable::TooDeep) => Answer::Exceeded(Bound::Depth),
        },
        Some(Err(exception)) => Answer::Error(match exception.get_err() {
            Ok(error) => output::message(&error.into_val()),
            Err(_) => "break".to_owned(),
        }),
    }
}

fn unusable() -> CompileError {
    CompileError {
        message: "not a program".to_owned(),
        position: 0,
    }
}

fn undefined(text: &str, errors: &jaq_core::compile::Errors<&str, ()>) -> CompileError {
    use jaq_core::compile::Undefined;
    let first = errors.iter().flat_map(|(_, errors)| errors).next();
    let Some((name, what)) = first else {
        return unusable();
    };
    let message = match what {
        Undefined::Filter(arity) => format!("{name}/{arity} is not defined"),
        Undefined::Label => {
            format!("$*label-{} is not defined", name.trim_start_matches('$'))
        }
        _ => format!("{name} is not defined"),
    };
    let position = name.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    CompileError {
        message,
        position: if position < text.len() { position } else { 0 },
    }
}
