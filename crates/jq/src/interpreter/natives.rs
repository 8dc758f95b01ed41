//! Functions that jq has and jaq has otherwise: text of values, and paths into them.

use jaq_core::native::{Fun, bome, run, v};
use jaq_core::{Error, ValR};
use jaq_json::{Map, Val};
use jaq_std::ValT as _;

use super::fuel::Fuelled;
use super::output;

/// Elements that `setpath` may pad an array to.
const MAX_PADDED: usize = 100_000;

pub(super) fn funs() -> impl Iterator<Item = Fun<Fuelled>> {
    let list: [jaq_core::native::Filter<jaq_core::RunPtr<Fuelled>>; 6] = [
        ("_tojson", v(0), |cv| bome(to_json(&cv.1))),
        ("_tostring", v(0), |cv| {
            bome(match cv.1 {
                Val::TStr(_) => Ok(cv.1),
                value => to_json(&value),
            })
        }),
        ("_getpath", v(1), |mut cv| {
            let path = cv.0.pop_var();
            bome(elements(path).and_then(|path| get(&cv.1, &path)))
        }),
        ("_setpath", v(2), |mut cv| {
            let value = cv.0.pop_var();
            let path = cv.0.pop_var();
            bome(elements(path).and_then(|path| set(cv.1, &path, value)))
        }),
        ("_delpaths", v(1), |mut cv| {
            let paths = cv.0.pop_var();
            bome(elements(paths).and_then(|paths| delete_all(cv.1, paths)))
        }),
        ("_base64d", v(0), |cv| bome(decode_base64(&cv.1))),
    ];
    list.into_iter().map(run::<Fuelled>)
}

fn fail(message: impl ToString) -> Error<Val> {
    Error::str(message)
}

fn to_json(value: &Val) -> ValR<Val> {
    output::json(value).map(Val::utf8_str).map_err(fail)
}

fn elements(list: Val) -> Result<Vec<Val>, Error<Val>> {
    list.into_seq()
        .map_err(|_| fail("Path must be specified as an array"))
}

fn kind(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::BStr(_) | Val::TStr(_) => "string",
        Val::Arr(_) => "array",
        Val::Obj(_) => "object",
    }
}

fn cannot_index(value: &Val, key: &Val) -> Error<Val> {
    let key_text = output::excerpt(key);
    let key_text = if matches!(key, Val::TStr(_)) {
        format!("{key_text:?}")
    } else {
        key_text
    };
    fail(format!(
        "Cannot index {} with {} ({key_text})",
        kind(value),
        kind(key)
    ))
}

/// `getpath`: null wherever a null is on the way.
fn get(value: &Val, path: &[Val]) -> ValR<Val> {
    let mut value = value.clone();
    for key in path {
        if matches!(value, Val::Null) {
            return Ok(Val::Null);
        }
        value = child(&value, key)?;
    }
    Ok(value)
}

fn child(value: &Val, key: &Val) -> ValR<Val> {
    match (value, key) {
        (Val::Null, Val::TStr(_) | Val::Num(_) | Val::Obj(_)) => Ok(Val::Null),
        (Val::Obj(object), Val::TStr(_)) => Ok(object.get(key).cloned().unwrap_or_default()),
        (Val::Arr(array), Val::Num(_)) => Ok(place(key, array.len())
            .and_then(|at| array.get(at).cloned())
            .unwrap_or_default()),
        (Val::Arr(_), Val::Obj(_)) => {
            let (from, to) = slice(value, key)?;
            match value {
                Val::Arr(array) => Ok(array[from..to].iter().cloned().collect()),
                _ => Err(cannot_index(value, key)),
            }
        }
        _ => Err(cannot_index(value, key)),
    }
}

fn place(key: &Val, length: usize) -> Option<usize> {
    let at = key.as_f64()?.trunc();
    let at = if at < 0.0 { at + length as f64 } else { at };
    (at >= 0.0).then_some(at as usize)
}

/// The bounds of `{"start":…,"end":…}` within `value`.
fn slice(value: &Val, key: &Val) -> Result<(usize, usize), Error<Val>> {
    let (Val::Arr(array), Val::Obj(range)) = (value, key) else {
        return Err(cannot_index(value, key));
    };
    let length = array.len();
    let bound = |name: &str, otherwise: usize, round: fn(f64) -> f64| match range
        .get(&Val::utf8_str(name.to_owned()))
    {
        None | Some(Val::Null) => Ok(otherwise),
        Some(number) => {
            let at = number
                .as_f64()
                .ok_or_else(|| fail("Start and end indices of an array slice must be numbers"))?;
            let at = if at < 0.0 { at + length as f64 } else { at };
            Ok(round(at).clamp(0.0, length as f64) as usize)
        }
    };
    let from = bound("start", 0, f64::floor)?;
    let to = bound("end", length, f64::ceil)?;
    Ok((from, to.max(from)))
}

/// `setpath`: makes objects and arrays where there are none yet, and pads arrays with null.
fn set(value: Val, path: &[Val], new: Val) -> ValR<Val> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(new);
    };
    match (value, key) {
        (Val::Null, Val::TStr(_)) => set(Val::obj(Map::default()), path, new),
        (Val::Null, Val::Num(_) | Val::Obj(_)) => set(Val::from_iter([]), path, new),
        (Val::Obj(mut object), Val::TStr(_)) => {
            let map = jaq_json::Rc::make_mut(&mut object);
            let old = map.get_mut(key).map(std::mem::take).unwrap_or_default();
            map.insert(key.clone(), set(old, rest, new)?);
            Ok(Val::Obj(object))
        }
        (Val::Arr(mut array), Val::Num(_)) => {
            let length = array.len();
            let at =
                place(key, length).ok_or_else(|| fail("Out of bounds negative array index"))?;
            if at >= length.max(MAX_PADDED) {
                return Err(fail("Array index too large"));
            }
            let elements = jaq_json::Rc::make_mut(&mut array);
            if at >= length {
                elements.resize(at + 1, Val::Null);
            }
            let old = std::mem::take(&mut elements[at]);
            elements[at] = set(old, rest, new)?;
            Ok(Val::Arr(array))
        }
        (value @ Val::Arr(_), Val::Obj(_)) => {
            let (from, to) = slice(&value, key)?;
            let new = set(child(&value, key)?, rest, new)?;
            let new = new
                .into_seq::<Vec<Val>>()
                .map_err(|_| fail("A slice of an array can only be assigned another array"))?;
            let mut elements = elements(value)?;
            elements.splice(from..to, new);
            Ok(elements.into_iter().collect())
        }
        (value, key) => Err(cannot_index(&value, key)),
    }
}

/// `delpaths`: the longest and last paths first, so that none moves another.
fn delete_all(mut value: Val, paths: Vec<Val>) -> ValR<Val> {
    let mut paths = paths;
    paths.sort();
    for path in paths.into_iter().rev() {
        let path = elements(path)?;
        value = delete(value, &path)?;
    }
    Ok(value)
}

fn delete(value: Val, path: &[Val]) -> ValR<Val> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(Val::Null);
    };
    if matches!(value, Val::Null) {
        return Ok(Val::Null);
    }
    if !rest.is_empty() {
        let inner = child(&value, key)?;
        if matches!(inner, Val::Null) {
            return Ok(value);
        }
        let inner = delete(inner, rest)?;
        return set(value, std::slice::from_ref(key), inner);
    }
    match (value, key) {
        (Val::Obj(mut object), Val::TStr(_)) => {
            jaq_json::Rc::make_mut(&mut object).shift_remove(key);
            Ok(Val::Obj(object))
        }
        (Val::Arr(mut array), Val::Num(_)) => {
            if let Some(at) = place(key, array.len()).filter(|at| *at < array.len()) {
                jaq_json::Rc::make_mut(&mut array).remove(at);
            }
            Ok(Val::Arr(array))
        }
        (value @ Val::Arr(_), Val::Obj(_)) => {
            let (from, to) = slice(&value, key)?;
            let mut elements = elements(value)?;
            elements.drain(from..to);
            Ok(elements.into_iter().collect())
        }
        (value, key) => Err(fail(format!(
            "Cannot delete field at {} index of {}",
            kind(key),
            kind(&value)
        ))),
    }
}

/// jq takes what has no padding, and cuts off a rest that makes no byte.
fn decode_base64(value: &Val) -> ValR<Val> {
    let text = match value {
        Val::TStr(bytes) => bytes.to_vec(),
        value => output::json(value).map_err(fail)?,
    };
    let broken = || fail("string is not valid base64 data");
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.iter().take_while(|byte| **byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(broken()),
        };
        bits = (bits << 6) | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    if count == 6 && bytes.is_empty() {
        return Err(broken());
    }
    Ok(Val::utf8_str(String::from_utf8_lossy(&bytes).into_owned()))
}
