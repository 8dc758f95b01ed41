//! Constants, and natives that take functions: alternatives, folds, ranges.

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::data::HasLut;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Bind, Ctx, Cv, Exn, Native, ValT, ValX, ValXs};

use super::native;
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::Value;

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    let of_function = || -> Box<[Bind]> { [Bind::Fun(())].into() };
    let two_functions = || -> Box<[Bind]> { [Bind::Fun(()), Bind::Fun(())].into() };
    let core = jaq_core::funs::<Fuelled>()
        .filter(|(name, ..)| ["first", "last", "limit", "path", "skip"].contains(name));
    let mut list: Vec<Fun<Fuelled>> = core.collect();
    list.extend([
        (
            "empty",
            v(0),
            Native::new(|_: Cv<'_, Fuelled>| Box::new(std::iter::empty()))
                .with_paths(|_| Box::new(std::iter::empty())),
        ),
        (
            "error",
            v(0),
            Native::new(|cv: Cv<'_, Fuelled>| box_once(Err(raised(cv.1))))
                .with_paths(|cv| box_once(Err(raised(cv.1.0)))),
        ),
        native!(&"null", |_: &Value| Ok(Value::Null)),
        native!(&"true", |_: &Value| Ok(Value::Bool(true))),
        native!(&"false", |_: &Value| Ok(Value::Bool(false))),
        native!(&"not", |value: &Value| Ok(Value::Bool(!value.is_true()))),
        run::<Fuelled>(("range", v(2), |mut cv| {
            let end = cv.0.pop_var();
            let start = cv.0.pop_var();
            range(cv.0, &start, &end, &Value::Number(1.0))
        })),
        run::<Fuelled>(("_range", v(3), |mut cv| {
            let step = cv.0.pop_var();
            let end = cv.0.pop_var();
            let start = cv.0.pop_var();
            range(cv.0, &start, &end, &step)
        })),
        run::<Fuelled>(("map", of_function(), mapped)),
        ("select", of_function(), select()),
        run::<Fuelled>(("_last", of_function(), |mut cv| {
            let (update, ctx) = cv.0.pop_fun();
            let last = update
                .run((ctx, cv.1))
                .try_fold(Value::Null, |_, output| output);
            box_once(last)
        })),
        ("_alternative", two_functions(), alternatives()),
    ]);
    list
}

fn raised<'a>(value: Value) -> Exn<'a, Value> {
    Exn::from(jaq_core::Error::new(value))
}

/// An array of what the function makes of each element.
fn mapped(mut cv: Cv<'_, Fuelled>) -> ValXs<'_, Value> {
    let (function, ctx) = cv.0.pop_fun();
    let outputs = cv.1.values().flat_map(|element| match element {
        Ok(element) => function.run((ctx.clone(), element)),
        Err(error) => bome(Err(error)),
    });
    box_once(outputs.collect())
}

fn select() -> Native<Fuelled> {
    Native::new(|mut cv: Cv<'_, Fuelled>| {
        let (condition, ctx) = cv.0.pop_fun();
        selected(condition.run((ctx, cv.1.clone())), cv.1)
    })
    .with_paths(|mut cv| {
        let (condition, ctx) = cv.0.pop_fun();
        selected(condition.run((ctx, cv.1.0.clone())), cv.1)
    })
}

/// `value` for each true output of a condition.
fn selected<'a, T: Clone + 'a>(condition: ValXs<'a, Value>, value: T) -> ValXs<'a, T, Value> {
    Box::new(condition.filter_map(move |output| match output {
        Ok(output) => output.is_true().then(|| Ok(value.clone())),
        Err(error) => Some(Err(error)),
    }))
}

fn alternatives() -> Native<Fuelled> {
    Native::new(|mut cv: Cv<'_, Fuelled>| {
        let (right, right_ctx) = cv.0.pop_fun();
        let (left, left_ctx) = cv.0.pop_fun();
        let value = cv.1.clone();
        let left = left.run((left_ctx, value));
        alternative(left, Value::is_true, move || right.run((right_ctx, cv.1)))
    })
    .with_paths(|mut cv| {
        let (right, right_ctx) = cv.0.pop_fun();
        let (left, left_ctx) = cv.0.pop_fun();
        let value = cv.1.clone();
        let left = left.paths((left_ctx, value));
        let is_true = |(value, _): &(Value, _)| value.is_true();
        alternative(left, is_true, move || right.paths((right_ctx, cv.1)))
    })
}

/// The true outputs of the left side, else all of the right one's.
fn alternative<'a, T: 'a>(
    left: ValXs<'a, T, Value>,
    is_true: impl Fn(&T) -> bool + 'a,
    right: impl FnOnce() -> ValXs<'a, T, Value>,
) -> ValXs<'a, T, Value> {
    let mut left = left.filter(move |output| output.as_ref().map_or(true, &is_true));
    match left.next() {
        Some(first) => Box::new(std::iter::once(first).chain(left)),
        None => right(),
    }
}

/// Numbers from `start` to before `end`; each costs a step.
fn range<'a>(
    ctx: Ctx<'a, Fuelled>,
    start: &Value,
    end: &Value,
    step: &Value,
) -> BoxIter<'a, ValX<'a, Value>> {
    let (Some(mut next), Some(end), Some(step)) = (start.number(), end.number(), step.number())
    else {
        return bome(Err(fail("Range bounds must be numeric")));
    };
    Box::new(std::iter::from_fn(move || {
        let more = if step > 0.0 {
            next < end
        } else {
            step < 0.0 && next > end
        };
        more.then(|| {
            ctx.data().lut();
            let number = next;
            next += step;
            Ok(Value::Number(number))
        })
    }))
}
