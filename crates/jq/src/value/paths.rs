//! Reads, sets and deletes what paths lead to; what no other holder has is changed in place.

use std::mem::take;
use std::rc::Rc;

use jaq_core::{Error, ValR};

use super::index::counted;
use super::{Value, bounds, sorted};
use crate::bounds::MAX_ARRAY_PADDING;
use crate::interpreter::fail;

/// The steps of a path given as a value.
pub(crate) fn path_elements(path: &Value) -> Result<&[Value], Error<Value>> {
    path.elements()
        .ok_or_else(|| fail("Path must be specified as an array"))
}

/// What stands at `path`: null below a null.
pub(crate) fn get_path(value: &Value, path: &[Value]) -> ValR<Value> {
    path.iter()
        .try_fold(value.clone(), |value, key| value.at(key))
}

/// Sets what stands at `path` to what `new` makes of it.
///
/// Objects and arrays are made on the way where there is null; while `new` works, null stands there.
pub(crate) fn set_path(
    value: &mut Value,
    path: &[Value],
    new: &mut dyn FnMut(Value) -> ValR<Value>,
) -> Result<(), Error<Value>> {
    let Some((key, rest)) = path.split_first() else {
        *value = new(take(value))?;
        return Ok(());
    };
    match (&mut *value, key) {
        (Value::Null, Value::String(_)) => {
            *value = Value::object(super::Members::new());
            set_path(value, path, new)
        }
        (Value::Null, Value::Number(_) | Value::Literal(_)) => {
            *value = Value::array(Vec::new());
            set_path(value, path, new)
        }
        (Value::Object(object), Value::String(name)) => {
            let object = Rc::make_mut(object);
            let mut member = object.take(name);
            set_path(&mut member, rest, new)?;
            object.put(Rc::clone(name), member);
            Ok(())
        }
        (Value::Array(array), Value::Number(_) | Value::Literal(_)) => {
            let place = settable(key, array.elements.len())?;
            let array = Rc::make_mut(array);
            let mut element = array.take(place);
            set_path(&mut element, rest, new)?;
            array.put(place, element);
            Ok(())
        }
        (Value::Null | Value::Array(_) | Value::String(_), Value::Object(slice)) => {
            let mut part = value.at(key)?;
            set_path(&mut part, rest, new)?;
            if matches!(value, Value::String(_)) {
                return Err(fail("Cannot update string slices"));
            }
            let Value::Array(part) = part else {
                return Err(fail(
                    "A slice of an array can only be assigned another array",
                ));
            };
            let mut elements = match take(value) {
                Value::Array(array) => super::into_elements(array),
                _ => Vec::new(),
            };
            let range = bounds(&slice.members).within(elements.len())?;
            elements.splice(range, super::into_elements(part));
            *value = Value::array(elements);
            Ok(())
        }
        (Value::Array(_), Value::Array(_)) => {
            Err(fail("Cannot update field at array index of array"))
        }
        (value, key) => value.at(key).map(drop),
    }
}

/// The position in an array of `length` elements that `key` lets be set.
fn settable(key: &Value, length: usize) -> Result<usize, Error<Value>> {
    let place = key.number().unwrap_or(f64::NAN);
    if place.is_nan() {
        return Err(fail("Cannot set array element at NaN index"));
    }
    let place = counted(place, length).ok_or_else(|| fail("Out of bounds negative array index"))?;
    if place >= length.max(MAX_ARRAY_PADDING) {
        return Err(fail("Array index too large"));
    }
    Ok(place)
}

/// `value` without what stands at `paths`, all of them as they lead before anything is deleted.
pub(crate) fn delete_paths(value: Value, paths: Vec<Value>) -> ValR<Value> {
    if let Some(path) = paths.iter().find(|path| path.elements().is_none()) {
        return Err(fail(format!(
            "Path must be specified as array, not {}",
            path.kind()
        )));
    }
    let paths = sorted(paths);
    let paths: Vec<&[Value]> = paths.iter().filter_map(Value::elements).collect();
    delete_sorted(value, &paths)
}

fn delete_sorted(mut value: Value, paths: &[&[Value]]) -> ValR<Value> {
    match paths.first() {
        None => return Ok(value),
        Some([]) => return Ok(Value::Null),
        Some(_) => {}
    }
    let mut keys = Vec::new();
    let same_key = |left: &&[Value], right: &&[Value]| left.first() == right.first();
    for group in paths.chunk_by(same_key).rev() {
        let Some((first, Some(key))) = group.first().map(|path| (path, path.first())) else {
            continue;
        };
        if first.len() == 1 {
            keys.push(key);
            continue;
        }
        let inner = value.at(key)?;
        if matches!(inner, Value::Null) {
            continue;
        }
        let rest: Vec<&[Value]> = group.iter().map(|path| &path[1..]).collect();
        let inner = delete_sorted(inner, &rest)?;
        set_path(&mut value, std::slice::from_ref(key), &mut |_| {
            Ok(inner.clone())
        })?;
    }
    delete_keys(value, &keys)
}

fn delete_keys(value: Value, keys: &[&Value]) -> ValR<Value> {
    if keys.is_empty() {
        return Ok(value);
    }
    match value {
        Value::Null => Ok(Value::Null),
        Value::Object(object) => {
            let mut members = super::into_members(object);
            for key in keys {
                let Value::String(name) = key else {
                    return Err(fail(format!(
                        "Cannot delete {} field of object",
                        key.kind()
                    )));
                };
                members.shift_remove(name);
            }
            Ok(Value::object(members))
        }
        Value::Array(array) => {
            let elements = super::into_elements(array);
            let mut kept = vec![true; elements.len()];
            for key in keys {
                match key {
                    Value::Object(slice) => {
                        kept[bounds(&slice.members).within(elements.len())?].fill(false);
                    }
                    _ => {
                        let place = key.number().ok_or_else(|| {
                            fail(format!("Cannot delete {} element of array", key.kind()))
                        })?;
                        let place = counted(place, elements.len());
                        if let Some(kept) = place.and_then(|place| kept.get_mut(place)) {
                            *kept = false;
                        }
                    }
                }
            }
            let kept = elements.into_iter().zip(kept).filter(|(_, kept)| *kept);
            Ok(Value::array(kept.map(|(element, _)| element).collect()))
        }
        other => Err(fail(format!("Cannot delete fields from {}", other.kind()))),
    }
}
