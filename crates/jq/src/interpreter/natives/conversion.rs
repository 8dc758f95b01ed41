//! Natives between kinds of values, and about the program's surroundings, of which there are none.

use std::time::{SystemTime, UNIX_EPOCH};

use jaq_core::native::Fun;
use jaq_core::{ValR, ValT as _};

use super::{native, unfit};
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::{Members, Value, json, named_number, read_number};

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    vec![
        native!(&"type", |value: &Value| Ok(Value::string(value.kind()))),
        native!(&"tojson", |value: &Value| Ok(Value::string(json(value)))),
        native!("tostring", |value: Value| Ok(value.into_string())),
        native!(&"fromjson", from_json),
        native!("tonumber", to_number),
        native!("_tonumber", to_number),
        native!("toboolean", to_boolean),
        native!(&"env", |_: &Value| Ok(Value::object(Members::new()))),
        native!(&"now", |_: &Value| Ok(Value::Number(now()))),
        native!(&"_halt", |_: &Value| -> ValR<Value> {
            Err(fail("halt is not available"))
        }),
    ]
}

fn from_json(value: &Value) -> ValR<Value> {
    let Some(text) = value.text() else {
        return Err(unfit(value, "only strings can be parsed"));
    };
    Value::parse(text.as_bytes()).map_err(|error| fail(format!("{error} (while parsing '{text}')")))
}

fn to_number(value: Value) -> ValR<Value> {
    if value.number().is_some() {
        return Ok(value);
    }
    let number = value
        .text()
        .and_then(|text| named_number(text).or_else(|| read_number(text)));
    number.ok_or_else(|| unfit(&value, "cannot be parsed as a number"))
}

fn to_boolean(value: Value) -> ValR<Value> {
    match (&value, value.text()) {
        (Value::Bool(_), _) => Ok(value),
        (_, Some("true")) => Ok(Value::Bool(true)),
        (_, Some("false")) => Ok(Value::Bool(false)),
        _ => Err(unfit(&value, "cannot be parsed as a boolean")),
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "an expression that asks for the time means the time of its evaluation"
)]
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}
