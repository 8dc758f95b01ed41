//! The functions that the language has beside its definitions: what must be fast, bounded, or cannot
//! be said in the language. Each takes values and answers one, unless it takes functions.

mod assignment;
mod collections;
mod conversion;
mod dates;
mod formats;
mod functions;
mod math;
mod regex;
mod strings;

use jaq_core::native::Fun;

use super::fuel::Fuelled;
use crate::value::{Value, excerpt};

/// Makes a native of a function of the input, or of `(& input)`, and of references to 0 to 3 arguments.
macro_rules! native {
    ($name:literal, $function:expr $(, $argument:ident)*) => {
        native!(@ $name, cv, cv.1, $function $(, $argument)*)
    };
    (& $name:literal, $function:expr $(, $argument:ident)*) => {
        native!(@ $name, cv, &cv.1, $function $(, $argument)*)
    };
    (@ $name:literal, $cv:ident, $input:expr, $function:expr) => {
        jaq_core::native::run::<Fuelled>((
            $name,
            jaq_core::native::v(0),
            |$cv: jaq_core::Cv<'_, Fuelled>| jaq_core::native::bome($function($input)),
        ))
    };
    (@ $name:literal, $cv:ident, $input:expr, $function:expr, $first:ident) => {
        jaq_core::native::run::<Fuelled>((
            $name,
            jaq_core::native::v(1),
            |mut $cv: jaq_core::Cv<'_, Fuelled>| {
                let $first = $cv.0.pop_var();
                jaq_core::native::bome($function($input, &$first))
            },
        ))
    };
    (@ $name:literal, $cv:ident, $input:expr, $function:expr, $first:ident, $second:ident) => {
        jaq_core::native::run::<Fuelled>((
            $name,
            jaq_core::native::v(2),
            |mut $cv: jaq_core::Cv<'_, Fuelled>| {
                let $second = $cv.0.pop_var();
                let $first = $cv.0.pop_var();
                jaq_core::native::bome($function($input, &$first, &$second))
            },
        ))
    };
    (
        @ $name:literal, $cv:ident, $input:expr, $function:expr,
        $first:ident, $second:ident, $third:ident
    ) => {
        jaq_core::native::run::<Fuelled>((
            $name,
            jaq_core::native::v(3),
            |mut $cv: jaq_core::Cv<'_, Fuelled>| {
                let $third = $cv.0.pop_var();
                let $second = $cv.0.pop_var();
                let $first = $cv.0.pop_var();
                jaq_core::native::bome($function($input, &$first, &$second, &$third))
            },
        ))
    };
}
use native;

pub(super) fn funs() -> impl Iterator<Item = Fun<Fuelled>> {
    functions::funs()
        .into_iter()
        .chain(assignment::funs())
        .chain(collections::funs())
        .chain(conversion::funs())
        .chain(strings::funs())
        .chain(formats::funs())
        .chain(regex::funs())
        .chain(dates::funs())
        .chain(math::funs())
}

/// `number (1) has no keys`: a value that something cannot be done with.
fn unfit(value: &Value, what: &str) -> jaq_core::Error<Value> {
    super::fail(format!("{} ({}) {what}", value.kind(), excerpt(value)))
}
