//! `+ - * / %` and negation over all kinds of values.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use jaq_core::{Error, ValR};

use super::{Object, Value, excerpt, into_elements, into_members};
use crate::bounds::MAX_STRING_BYTES;
use crate::interpreter::fail;

fn refused(left: &Value, right: &Value, what: &str) -> Error<Value> {
    fail(format!(
        "{} ({}) and {} ({}) {what}",
        left.kind(),
        excerpt(left),
        right.kind(),
        excerpt(right)
    ))
}

impl Add for Value {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> Self::Output {
        match (self, other) {
            (Self::Null, other) => Ok(other),
            (value, Self::Null) => Ok(value),
            (Self::String(left), Self::String(right)) => joined(left, &right),
            (Self::Array(mut left), Self::Array(right)) => {
                let array = Rc::make_mut(&mut left);
                for element in into_elements(right) {
                    array.put(array.elements.len(), element);
                }
                Ok(Self::Array(left))
            }
            (Self::Object(mut left), Self::Object(right)) => {
                let object = Rc::make_mut(&mut left);
                for (key, member) in into_members(right) {
                    object.put(key, member);
                }
                Ok(Self::Object(left))
            }
            (left, right) => match (left.number(), right.number()) {
                (Some(left), Some(right)) => Ok(Self::Number(left + right)),
                _ => Err(refused(&left, &right, "cannot be added")),
            },
        }
    }
}

fn joined(mut left: Rc<String>, right: &str) -> ValR<Value> {
    if left.len() + right.len() > MAX_STRING_BYTES {
        return Err(fail("String too long"));
    }
    Rc::make_mut(&mut left).push_str(right);
    Ok(Value::String(left))
}

impl Sub for Value {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> Self::Output {
        match (self, other) {
            (Self::Array(left), Self::Array(right)) => {
                let mut elements = into_elements(left);
                elements.retain(|element| !right.elements.contains(element));
                Ok(Self::array(elements))
            }
            (left, right) => match (left.number(), right.number()) {
                (Some(left), Some(right)) => Ok(Self::Number(left - right)),
                _ => Err(refused(&left, &right, "cannot be subtracted")),
            },
        }
    }
}

impl Mul for Value {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> Self::Output {
        match (self, other) {
            (Self::Object(left), Self::Object(right)) => Ok(Self::Object(merged(left, right))),
            (left, right) => match (left.number(), right.number(), left.text(), right.text()) {
                (Some(left), Some(right), ..) => Ok(Self::Number(left * right)),
                (Some(count), _, _, Some(text)) | (_, Some(count), Some(text), _) => {
                    repeated(text, count)
                }
                _ => Err(refused(&left, &right, "cannot be multiplied")),
            },
        }
    }
}

fn repeated(text: &str, count: f64) -> ValR<Value> {
    if count.is_nan() || count < 0.0 {
        return Ok(Value::Null);
    }
    let count = count.floor();
    if text.len() as f64 * count > MAX_STRING_BYTES as f64 {
        return Err(fail("Repeat string result too long"));
    }
    Ok(Value::string(text.repeat(count as usize)))
}

/// Objects on both sides are merged in turn; elsewhere the right side counts.
fn merged(mut left: Rc<Object>, right: Rc<Object>) -> Rc<Object> {
    let object = Rc::make_mut(&mut left);
    for (key, value) in into_members(right) {
        let value = match (object.members.get_mut(&key).map(std::mem::take), value) {
            (Some(Value::Object(left)), Value::Object(right)) => Value::Object(merged(left, right)),
            (_, value) => value,
        };
        object.put(key, value);
    }
    left
}

impl Div for Value {
    type Output = ValR<Self>;

    fn div(self, other: Self) -> Self::Output {
        if let (Self::String(text), Self::String(separator)) = (&self, &other) {
            return Ok(split(text, separator));
        }
        match (self.number(), other.number()) {
            (Some(_), Some(0.0)) => {
                let what = "cannot be divided because the divisor is zero";
                Err(refused(&self, &other, what))
            }
            (Some(left), Some(right)) => Ok(Self::Number(left / right)),
            _ => Err(refused(&self, &other, "cannot be divided")),
        }
    }
}

/// The parts of `text` between separators; its characters where the separator is empty.
pub(crate) fn split(text: &str, separator: &str) -> Value {
    if text.is_empty() {
        return Value::array(Vec::new());
    }
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::string(c.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    Value::array(parts)
}

impl Rem for Value {
    type Output = ValR<Self>;

    /// Over integers of 64 bits: what does not fit becomes the nearest that does.
    fn rem(self, other: Self) -> Self::Output {
        match (self.number(), other.number()) {
            (Some(left), Some(right)) if left.is_nan() || right.is_nan() => {
                Ok(Self::Number(f64::NAN))
            }
            (Some(left), Some(right)) => {
                let (left, right) = (i128::from(left as i64), i128::from(right as i64));
                match left.checked_rem(right) {
                    Some(rest) => Ok(Self::Number(rest as f64)),
                    None => {
                        let what = "cannot be divided (remainder) because the divisor is zero";
                        Err(refused(&self, &other, what))
                    }
                }
            }
            _ => Err(refused(&self, &other, "cannot be divided (remainder)")),
        }
    }
}

impl Neg for Value {
    type Output = ValR<Self>;

    fn neg(self) -> Self::Output {
        match self {
            // a zero that is written has no sign once it is negated
            Self::Number(0.0) => Ok(Self::Number(0.0)),
            Self::Number(number) => Ok(Self::Number(-number)),
            Self::Literal(literal) => Ok(Self::Literal(literal.negated().into())),
            other => Err(fail(format!(
                "{} ({}) cannot be negated",
                other.kind(),
                excerpt(&other)
            ))),
        }
    }
}
