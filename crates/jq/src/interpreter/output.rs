//! Values as strict JSON text, numbers as jq prints them, within bounds.

use std::fmt;

use jaq_json::{Num, Val};
use jaq_std::ValT as _;

use crate::bounds::{MAX_OUTPUT_BYTES, MAX_OUTPUT_DEPTH};

/// Characters of a value that stands in an error's text.
const EXCERPT_CHARS: usize = 200;

/// Why a value has no JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unprintable {
    TooLarge,
    TooDeep,
    Key,
    Bytes,
}

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the output is larger than {MAX_OUTPUT_BYTES} bytes"),
            Self::TooDeep => write!(f, "the output is nested deeper than {MAX_OUTPUT_DEPTH}"),
            Self::Key => f.write_str("an object's key is no string"),
            Self::Bytes => f.write_str("the output is no text"),
        }
    }
}

/// `value` as JSON text.
pub(super) fn json(value: &Val) -> Result<Vec<u8>, Unprintable> {
    let mut text = Vec::new();
    write(value, &mut text, MAX_OUTPUT_DEPTH)?;
    Ok(text)
}

/// The beginning of an error's value: a string as it is, all else as JSON.
pub(super) fn excerpt(value: &Val) -> String {
    let text = match value.as_utf8_bytes() {
        Some(bytes) => bytes.to_vec(),
        None => json(value).unwrap_or_else(|unprintable| unprintable.to_string().into_bytes()),
    };
    let end = text.len().min(EXCERPT_CHARS * 4);
    String::from_utf8_lossy(&text[..end])
        .chars()
        .take(EXCERPT_CHARS)
        .collect()
}

fn write(value: &Val, text: &mut Vec<u8>, depth: usize) -> Result<(), Unprintable> {
    match value {
        Val::Null => text.extend(b"null"),
        Val::Bool(true) => text.extend(b"true"),
        Val::Bool(false) => text.extend(b"false"),
        Val::Num(number) => write_number(number, text),
        Val::TStr(bytes) => write_string(bytes, text)?,
        Val::BStr(_) => return Err(Unprintable::Bytes),
        Val::Arr(array) => {
            let depth = depth.checked_sub(1).ok_or(Unprintable::TooDeep)?;
            text.push(b'[');
            for (place, value) in array.iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                write(value, text, depth)?;
            }
            text.push(b']');
        }
        Val::Obj(object) => {
            let depth = depth.checked_sub(1).ok_or(Unprintable::TooDeep)?;
            text.push(b'{');
            for (place, (key, value)) in object.iter().enumerate() {
                if place > 0 {
                    text.push(b',');
                }
                let Val::TStr(key) = key else {
                    return Err(Unprintable::Key);
                };
                write_string(key, text)?;
                text.push(b':');
                write(value, text, depth)?;
            }
            text.push(b'}');
        }
    }
    if text.len() > MAX_OUTPUT_BYTES {
        Err(Unprintable::TooLarge)
    } else {
        Ok(())
    }
}

fn write_string(bytes: &[u8], text: &mut Vec<u8>) -> Result<(), Unprintable> {
    if bytes.len() > MAX_OUTPUT_BYTES {
        return Err(Unprintable::TooLarge);
    }
    let string = String::from_utf8_lossy(bytes);
    serde_json::to_writer(text, &string).map_err(|_| Unprintable::Bytes)
}

/// Integers exactly up to 40 digits, all else as a double; not-a-number is null and the
/// infinite are the largest double, as in jq 1.8.
pub(super) fn write_number(number: &Num, text: &mut Vec<u8>) {
    let double = match number {
        Num::Int(integer) => return text.extend(integer.to_string().bytes()),
        // a literal keeps how it was written
        Num::Dec(literal) if literal.len() < 32 && is_short_decimal(literal) => {
            return text.extend(literal.bytes());
        }
        number => Val::Num(number.clone()).as_f64().unwrap_or(f64::NAN),
    };
    if let Num::BigInt(integer) = number
        && double.abs() < 1e40
    {
        text.extend(integer.to_string().bytes());
    } else if double.is_nan() {
        text.extend(b"null");
    } else {
        let double = double.clamp(f64::MIN, f64::MAX);
        if double.fract() == 0.0 && double.abs() < 1e17 {
            text.extend(format!("{double:.0}").bytes());
        } else {
            text.extend(
                serde_json::Number::from_f64(double)
                    .map(|n| n.to_string())
                    .unwrap_or_default()
                    .bytes(),
            );
        }
    }
}

/// Digits, one point, digits: the form in which a literal is JSON as it stands.
fn is_short_decimal(literal: &str) -> bool {
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let whole = |part: &str| all_digits(part) && (part == "0" || !part.starts_with('0'));
    digits
        .split_once('.')
        .is_some_and(|(left, right)| whole(left) && all_digits(right))
}
