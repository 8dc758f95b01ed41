//! Natives on strings.

use jaq_core::native::Fun;
use jaq_core::{Error, ValR};

use super::{native, unfit};
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::{Value, split};

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    vec![
        native!(&"utf8bytelength", utf8_length),
        native!(&"ascii_downcase", |value| cased(
            value,
            str::to_ascii_lowercase
        )),
        native!(&"ascii_upcase", |value| cased(
            value,
            str::to_ascii_uppercase
        )),
        native!(&"explode", explode),
        native!(&"implode", implode),
        native!(&"trim", |value| trimmed(value, str::trim)),
        native!(&"ltrim", |value| trimmed(value, str::trim_start)),
        native!(&"rtrim", |value| trimmed(value, str::trim_end)),
        native!(
            &"startswith",
            |value, start| both(value, start, STARTS, |text, start| {
                Value::Bool(text.starts_with(start))
            }),
            start
        ),
        native!(
            &"endswith",
            |value, end| both(value, end, ENDS, |text, end| {
                Value::Bool(text.ends_with(end))
            }),
            end
        ),
        native!(
            &"ltrimstr",
            |value, start| both(value, start, STARTS, |text, start| {
                Value::string(text.strip_prefix(start).unwrap_or(text))
            }),
            start
        ),
        native!(
            &"rtrimstr",
            |value, end| both(value, end, ENDS, |text, end| {
                Value::string(text.strip_suffix(end).unwrap_or(text))
            }),
            end
        ),
        native!(
            &"split",
            |value, separator| both(value, separator, PARTS, split),
            separator
        ),
        native!(&"indices", indices, sought),
    ]
}

const PARTS: &str = "split input and separator must be strings";
const STARTS: &str = "startswith() requires string inputs";
const ENDS: &str = "endswith() requires string inputs";

fn both(
    value: &Value,
    argument: &Value,
    otherwise: &str,
    answer: impl Fn(&str, &str) -> Value,
) -> ValR<Value> {
    match (value.text(), argument.text()) {
        (Some(text), Some(argument)) => Ok(answer(text, argument)),
        _ => Err(fail(otherwise)),
    }
}

fn text_or<'v>(value: &'v Value, otherwise: &str) -> Result<&'v str, Error<Value>> {
    value.text().ok_or_else(|| fail(otherwise))
}

fn utf8_length(value: &Value) -> ValR<Value> {
    match value.text() {
        Some(text) => Ok(Value::Number(text.len() as f64)),
        None => Err(unfit(value, "only strings have UTF-8 byte length")),
    }
}

fn cased(value: &Value, change: fn(&str) -> String) -> ValR<Value> {
    Ok(Value::string(change(text_or(
        value,
        "explode input must be a string",
    )?)))
}

fn trimmed(value: &Value, trim: for<'t> fn(&'t str) -> &'t str) -> ValR<Value> {
    let text = text_or(value, "trim input must be a string")?;
    Ok(Value::string(trim(text)))
}

fn explode(value: &Value) -> ValR<Value> {
    let text = text_or(value, "explode input must be a string")?;
    Ok(text
        .chars()
        .map(|c| Value::Number(f64::from(u32::from(c))))
        .collect())
}

/// Numbers that are no code point become the replacement character.
fn implode(value: &Value) -> ValR<Value> {
    let Some(elements) = value.elements() else {
        return Err(fail("implode input must be an array"));
    };
    let character = |element: &Value| match element.number() {
        Some(point) if point.is_sign_negative() => Ok(char::REPLACEMENT_CHARACTER),
        Some(point) => Ok(char::from_u32(point as u32).unwrap_or(char::REPLACEMENT_CHARACTER)),
        None => Err(unfit(
            element,
            "can't be imploded, unicode codepoint needs to be numeric",
        )),
    };
    let text: Result<String, _> = elements.iter().map(character).collect();
    Ok(Value::string(text?))
}

/// Where something starts in a string, in code points, or in an array.
fn indices(value: &Value, sought: &Value) -> ValR<Value> {
    match (value, sought) {
        (Value::String(text), Value::String(sought)) => Ok(places(text, sought)),
        (Value::Array(_), Value::Array(_)) => value.at(sought),
        (Value::Array(_), _) => value.at(&Value::array(vec![sought.clone()])),
        _ => value.at(sought),
    }
}

fn places(text: &str, sought: &str) -> Value {
    let mut places = Vec::new();
    let (mut counted, mut characters) = (0, 0);
    let mut from = 0;
    while let Some(found) = text[from..].find(sought).filter(|_| !sought.is_empty()) {
        let place = from + found;
        characters += text[counted..place].chars().count();
        counted = place;
        places.push(Value::Number(characters as f64));
        // places may overlap
        from = place + text[place..].chars().next().map_or(1, char::len_utf8);
    }
    Value::array(places)
}
