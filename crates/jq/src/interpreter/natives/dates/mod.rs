//! Dates as jq has them: seconds since 1970, or an array of year, month from 0, day, hour, minute,
//! second, weekday from Sunday, and day of the year from 0. The only time zone is UTC.

mod calendar;
mod parse;
mod print;

use jaq_core::native::Fun;
use jaq_core::{Error, ValR};

use super::native;
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::Value;
use calendar::Moment;

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    vec![
        native!(&"gmtime", |value| broken_down(value, "gmtime()")),
        native!(&"localtime", |value| broken_down(value, "localtime()")),
        native!(&"mktime", |value| {
            let moment = moment(value, "mktime")?;
            Ok(Value::Number(moment.seconds() as f64))
        }),
        native!(
            &"strftime",
            |value, format| { formatted(value, format, "strftime/1", "GMT") },
            format
        ),
        native!(
            &"strflocaltime",
            |value, format| { formatted(value, format, "strflocaltime/1", "UTC") },
            format
        ),
        native!(&"strptime", parsed, format),
    ]
}

fn broken_down(value: &Value, name: &str) -> ValR<Value> {
    let Some(seconds) = value.number() else {
        return Err(fail(format!("{name} requires numeric inputs")));
    };
    // before 1970 jq rounds the second up, and adds the fraction from below to it
    let moment = from_seconds(seconds.trunc())?;
    let second = f64::from(moment.second) + (seconds - seconds.floor());
    Ok(array(&moment, second))
}

fn from_seconds(seconds: f64) -> Result<Moment, Error<Value>> {
    let moment = Moment::from_seconds(seconds);
    moment.ok_or_else(|| fail("error converting number of seconds since epoch to datetime"))
}

fn array(moment: &Moment, second: f64) -> Value {
    let numbers = [
        moment.year as f64,
        f64::from(moment.month),
        f64::from(moment.day),
        f64::from(moment.hour),
        f64::from(moment.minute),
        second,
        f64::from(moment.weekday),
        f64::from(moment.year_day),
    ];
    numbers.into_iter().map(Value::Number).collect()
}

/// The moment that an array means; what it leaves out is zero, the year 1900, and its parts may overflow.
fn moment(value: &Value, name: &str) -> Result<Moment, Error<Value>> {
    let Some(elements) = value.elements() else {
        return Err(fail(format!("{name} requires array inputs")));
    };
    let parts = elements.iter().take(8).map(Value::number);
    let Some(mut parts) = parts.collect::<Option<Vec<f64>>>() else {
        return Err(fail(format!("{name} requires parsed datetime inputs")));
    };
    if parts.is_empty() {
        parts.push(1900.0);
    }
    parts.resize(8, 0.0);
    let invalid = || fail("invalid gmtime representation");
    let parts: Option<Vec<i32>> = parts.into_iter().map(calendar::integer).collect();
    let parts = parts.ok_or_else(invalid)?;
    Moment::from_parts(&parts).ok_or_else(invalid)
}

fn formatted(value: &Value, format: &Value, name: &str, zone: &str) -> ValR<Value> {
    if value.number().is_none() && value.elements().is_none() {
        return Err(fail(format!("{name} requires parsed datetime inputs")));
    }
    let Some(format) = format.text() else {
        return Err(fail(format!("{name} requires a string format")));
    };
    let moment = match value.number() {
        Some(seconds) => from_seconds(seconds.trunc())?,
        None => moment(value, name)?,
    };
    let text = print::print(&moment, format, zone);
    text.map(Value::string)
        .ok_or_else(|| fail(format!("{name}: unknown system failure")))
}

fn parsed(value: &Value, format: &Value) -> ValR<Value> {
    let (Some(text), Some(format)) = (value.text(), format.text()) else {
        return Err(fail("strptime/1 requires string inputs and arguments"));
    };
    let parsed = parse::parse(text, format)
        .filter(|(_, rest)| rest.chars().next().is_none_or(char::is_whitespace));
    let Some((moment, rest)) = parsed else {
        return Err(fail(format!(
            "date \"{text}\" does not match format \"{format}\""
        )));
    };
    let array = array(&moment, f64::from(moment.second));
    if rest.is_empty() {
        return Ok(array);
    }
    array + Value::array(vec![Value::string(rest)])
}
