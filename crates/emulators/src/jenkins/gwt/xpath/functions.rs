//! XPath's core functions: names, how many arguments they take, and those that need no node.

use super::tokens::SyntaxError;
use super::value::{Value, number, written};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Last,
    Position,
    Count,
    Id,
    LocalName,
    NamespaceUri,
    Name,
    Text,
    Concat,
    StartsWith,
    Contains,
    SubstringBefore,
    SubstringAfter,
    Substring,
    StringLength,
    NormalizeSpace,
    Translate,
    Boolean,
    Not,
    True,
    False,
    Lang,
    Number,
    Sum,
    Floor,
    Ceiling,
    Round,
    /// Not of XPath's core, but Java has it: the node at which the evaluation began.
    Current,
}

/// Name, function, fewest and most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 28] = [
    ("last", Function::Last, 0, 0),
    ("position", Function::Position, 0, 0),
    ("count", Function::Count, 1, 1),
    ("id", Function::Id, 1, 1),
    ("local-name", Function::LocalName, 0, 1),
    ("namespace-uri", Function::NamespaceUri, 0, 1),
    ("name", Function::Name, 0, 1),
    ("string", Function::Text, 0, 1),
    ("concat", Function::Concat, 2, usize::MAX),
    ("starts-with", Function::StartsWith, 2, 2),
    ("contains", Function::Contains, 2, 2),
    ("substring-before", Function::SubstringBefore, 2, 2),
    ("substring-after", Function::SubstringAfter, 2, 2),
    ("substring", Function::Substring, 2, 3),
    ("string-length", Function::StringLength, 0, 1),
    ("normalize-space", Function::NormalizeSpace, 0, 1),
    ("translate", Function::Translate, 3, 3),
    ("boolean", Function::Boolean, 1, 1),
    ("not", Function::Not, 1, 1),
    ("true", Function::True, 0, 0),
    ("false", Function::False, 0, 0),
    ("lang", Function::Lang, 1, 1),
    ("number", Function::Number, 0, 1),
    ("sum", Function::Sum, 1, 1),
    ("floor", Function::Floor, 1, 1),
    ("ceiling", Function::Ceiling, 1, 1),
    ("round", Function::Round, 1, 1),
    ("current", Function::Current, 0, 0),
];

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        let row = FUNCTIONS.iter().find(|(known, ..)| *known == name)?;
        Some(row.1)
    }

    pub(super) fn check_arguments(self, given: usize) -> Result<(), SyntaxError> {
        let row = FUNCTIONS.iter().find(|(_, function, ..)| *function == self);
        match row {
            Some((function, _, least, most)) if given < *least || given > *most => {
                Err(SyntaxError::Arguments { function, given })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn looks_at_positions(self) -> bool {
        matches!(self, Self::Last | Self::Position)
    }
}

/// A function of texts.
pub(super) fn of_texts(function: Function, texts: &[String]) -> Value {
    let text = |index: usize| texts.get(index).map_or("", String::as_str);
    match function {
        Function::Concat => Value::Text(texts.concat()),
        Function::StartsWith => Value::Boolean(text(0).starts_with(text(1))),
        Function::Contains => Value::Boolean(text(0).contains(text(1))),
        Function::SubstringBefore => {
            let before = text(0).split_once(text(1)).map_or("", |(before, _)| before);
            Value::Text(before.to_owned())
        }
        Function::SubstringAfter => {
            let after = text(0).split_once(text(1)).map_or("", |(_, after)| after);
            Value::Text(after.to_owned())
        }
        // Java counts UTF-16 units.
        Function::StringLength => Value::Number(text(0).encode_utf16().count() as f64),
        Function::NormalizeSpace => {
            let words: Vec<_> = text(0)
                .split([' ', '\t', '\r', '\n'])
                .filter(|word| !word.is_empty())
                .collect();
            Value::Text(words.join(" "))
        }
        Function::Translate => Value::Text(translate(text(0), text(1), text(2))),
        _ => Value::Text(text(0).to_owned()),
    }
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    text.chars()
        .filter_map(
            |character| match from.iter().position(|known| *known == character) {
                None => Some(character),
                Some(place) => to.get(place).copied(),
            },
        )
        .collect()
}

/// Positions count from 1 and are rounded; what is no number takes nothing.
pub(super) fn substring(text: &str, start: f64, length: Option<f64>) -> String {
    let start = round(start);
    let end = length.map_or(f64::INFINITY, |length| start + round(length));
    let units: Vec<u16> = text
        .encode_utf16()
        .zip(1_u32..)
        .filter(|(_, position)| f64::from(*position) >= start && f64::from(*position) < end)
        .map(|(unit, _)| unit)
        .collect();
    String::from_utf16_lossy(&units)
}

/// Halves go up, also below zero.
pub(super) fn round(value: f64) -> f64 {
    (value + 0.5).floor()
}

/// A value other than nodes as a text.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => written(*number),
        Value::Boolean(truth) => truth.to_string(),
        Value::Nodes(_) => String::new(),
    }
}

/// A value other than nodes as a number.
pub(super) fn plain_number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Text(text) => number(text),
        Value::Boolean(truth) => f64::from(u8::from(*truth)),
        Value::Nodes(_) => f64::NAN,
    }
}
