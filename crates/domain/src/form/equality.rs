//! When two JSON values are the same: numbers by value, objects whatever their order.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::schema::choice;

/// Choices that a message lists.
const MAX_LISTED: usize = 10;

/// The values that an input may have.
#[derive(Debug)]
pub(super) struct Allowed {
    canonical: BTreeSet<String>,
    listed: String,
}

impl Allowed {
    pub(super) fn new(choices: &[Value]) -> Self {
        let mut listed: Vec<String> = choices.iter().take(MAX_LISTED).map(choice).collect();
        if choices.len() > MAX_LISTED {
            listed.push("…".to_owned());
        }
        Self {
            canonical: choices.iter().map(canonical).collect(),
            listed: listed.join(", "),
        }
    }

    pub(super) fn contains(&self, value: &Value) -> bool {
        self.canonical.contains(&canonical(value))
    }

    pub(super) fn listed(&self) -> &str {
        &self.listed
    }
}

/// A text that equal values share and others do not.
pub(super) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push('n'),
        Value::Bool(truth) => out.push(if *truth { 't' } else { 'f' }),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            let _ = write!(out, "[{}:", items.len());
            items.iter().for_each(|item| write_canonical(item, out));
        }
        Value::Object(map) => {
            let _ = write!(out, "{{{}:", map.len());
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                write_text(key, out);
                if let Some(item) = map.get(key) {
                    write_canonical(item, out);
                }
            }
        }
    }
}

/// Length first, so that no text can imitate what follows it.
fn write_text(text: &str, out: &mut String) {
    let _ = write!(out, "\"{}:{text}", text.len());
}

fn write_number(number: &Number, out: &mut String) {
    let _ = match as_integer(number) {
        Some(integer) => write!(out, "#{integer};"),
        None => write!(out, "#{};", number.as_f64().unwrap_or(f64::NAN)),
    };
}

/// `number` as an integer, where it is one and not too large to tell.
pub(super) fn as_integer(number: &Number) -> Option<i128> {
    const EXACT: f64 = 1e36;
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    let double = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the range of i128"
    )]
    (double.fract() == 0.0 && double.abs() < EXACT).then_some(double as i128)
}
