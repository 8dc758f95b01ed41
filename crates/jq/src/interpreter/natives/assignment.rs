//! Natives that read, set and delete what paths lead to.

use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Bind, Cv, Exn, Native, ValX};

use super::native;
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::{Value, delete_paths, get_path, path_elements, set_path};

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    let paths_and_value = || -> Box<[Bind]> { [Bind::Fun(()), Bind::Var(())].into() };
    let two_functions = || -> Box<[Bind]> { [Bind::Fun(()), Bind::Fun(())].into() };
    vec![
        run::<Fuelled>(("_assign", paths_and_value(), |mut cv| {
            let value = cv.0.pop_var();
            box_once(assign(cv, &value))
        })),
        run::<Fuelled>(("_modify", two_functions(), |cv| box_once(modify(cv)))),
        native!("setpath", set, path, new),
        native!("delpaths", delete, paths),
        (
            "getpath",
            v(1),
            Native::new(|mut cv: Cv<'_, Fuelled>| {
                let path = cv.0.pop_var();
                bome(path_elements(&path).and_then(|path| get_path(&cv.1, path)))
            })
            .with_paths(|mut cv| {
                let path = cv.0.pop_var();
                let (value, at) = cv.1;
                let found = path_elements(&path).and_then(|keys| {
                    let found = get_path(&value, keys)?;
                    Ok((found, at.extend(keys.iter().cloned())))
                });
                box_once(found.map_err(Exn::from))
            }),
        ),
    ]
}

fn set(mut value: Value, path: &Value, new: &Value) -> jaq_core::ValR<Value> {
    set_path(&mut value, path_elements(path)?, &mut |_| Ok(new.clone()))?;
    Ok(value)
}

fn delete(value: Value, paths: &Value) -> jaq_core::ValR<Value> {
    match paths.elements() {
        Some(paths) => delete_paths(value, paths.to_vec()),
        None => Err(fail("Paths must be specified as an array")),
    }
}

/// The paths that the function argument has on the input. All are known before anything is changed,
/// and hold none of it, so that it can be changed in place.
fn found_paths<'a>(cv: &mut Cv<'a, Fuelled>) -> ValX<'a, Vec<Vec<Value>>, Value> {
    let (paths, ctx) = cv.0.pop_fun();
    let found = paths.paths((ctx, (cv.1.clone(), Default::default())));
    found
        .map(|found| {
            let (_, path) = found?;
            let mut path: Vec<Value> = path.iter().cloned().collect();
            path.reverse();
            Ok(path)
        })
        .collect()
}

/// `paths = new`
fn assign<'a>(mut cv: Cv<'a, Fuelled>, new: &Value) -> ValX<'a, Value> {
    let paths = found_paths(&mut cv)?;
    let mut value = cv.1;
    for path in paths {
        set_path(&mut value, &path, &mut |_| Ok(new.clone())).map_err(Exn::from)?;
    }
    Ok(value)
}

/// `paths |= update`: the first output counts, and what has none is deleted.
fn modify<'a>(mut cv: Cv<'a, Fuelled>) -> ValX<'a, Value> {
    let (update, ctx) = cv.0.pop_fun();
    let paths = found_paths(&mut cv)?;
    let mut value = cv.1;
    let mut deleted = Vec::new();
    for path in paths {
        let mut left = None;
        let set = set_path(&mut value, &path, &mut |old| match update
            .run((ctx.clone(), old.clone()))
            .next()
        {
            Some(Ok(new)) => Ok(new),
            Some(Err(exception)) => {
                left = Some(exception);
                Ok(Value::Null)
            }
            None => {
                deleted.push(Value::array(path.clone()));
                Ok(old)
            }
        });
        if let Some(exception) = left {
            return Err(exception);
        }
        set.map_err(Exn::from)?;
    }
    if deleted.is_empty() {
        return Ok(value);
    }
    delete_paths(value, deleted).map_err(Exn::from)
}
