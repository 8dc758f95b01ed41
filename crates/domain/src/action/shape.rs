//! Reading a JSON document that a stranger wrote: where one is, and every mistake found so far.
//!
//! It knows shapes only; what the keys mean is the readers' business.

use std::fmt;

use serde_json::{Map, Value};

use crate::violation::Violation;

/// Mistakes reported in one answer; the rest is counted.
const MAX_REPORTED: usize = 200;
/// Characters of one foreign key that a path shows.
const MAX_SHOWN_CHARS: usize = 64;
/// Choices that a message lists before it stops.
const MAX_LISTED_CHOICES: usize = 20;

/// A place in a document, written out only where something is wrong there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    pub(crate) const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    pub(crate) const fn key(&'p self, key: &'p str) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    pub(crate) const fn index(&'p self, index: usize) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        parent.fmt(f)?;
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) if parent.parent.is_none() => shown(key).fmt(f),
            Step::Key(key) => write!(f, ".{}", shown(key)),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// `text`, shortened for a message.
pub(crate) fn shown(text: &str) -> impl fmt::Display + '_ {
    struct Shown<'t>(&'t str);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0.char_indices().nth(MAX_SHOWN_CHARS) {
                Some((end, _)) => write!(f, "{}…", &self.0[..end]),
                None => f.write_str(self.0),
            }
        }
    }
    Shown(text)
}

/// `choices` as a message lists them.
pub(crate) fn listed(choices: &[&str]) -> String {
    let mut text = String::new();
    for (at, choice) in choices.iter().take(MAX_LISTED_CHOICES).enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(&shown(choice).to_string());
    }
    if choices.len() > MAX_LISTED_CHOICES {
        text.push_str(", …");
    }
    text
}

/// What a value is, as a message says it.
pub(crate) const fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether `value` is a string or an array of strings.
pub(crate) fn is_text_or_texts(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().all(Value::is_string),
        _ => false,
    }
}

/// Every mistake found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<Violation>,
    omitted: usize,
}

impl Faults {
    pub(crate) fn push(&mut self, path: &Path<'_>, message: impl Into<String>) {
        if self.found.len() < MAX_REPORTED {
            self.found.push(Violation::new(path.to_string(), message));
        } else {
            self.omitted += 1;
        }
    }

    pub(crate) fn expected(&mut self, path: &Path<'_>, what: &str, value: &Value) {
        self.push(path, format!("expected {what}, not {}", described(value)));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// So much was found that looking for more only costs time.
    pub(crate) const fn is_full(&self) -> bool {
        self.found.len() >= MAX_REPORTED
    }

    pub(crate) fn into_violations(mut self) -> Vec<Violation> {
        if self.omitted > 0 {
            let message = format!("{} more mistakes are not listed", self.omitted);
            self.found.push(Violation::new("", message));
        }
        self.found
    }

    pub(crate) fn object<'v>(
        &mut self,
        path: &Path<'_>,
        value: &'v Value,
    ) -> Option<&'v Map<String, Value>> {
        let map = value.as_object();
        if map.is_none() {
            self.expected(path, "an object", value);
        }
        map
    }

    pub(crate) fn string<'v>(&mut self, path: &Path<'_>, value: &'v Value) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.expected(path, "a string", value);
        }
        text
    }

    pub(crate) fn boolean(&mut self, path: &Path<'_>, value: &Value) -> Option<bool> {
        let truth = value.as_bool();
        if truth.is_none() {
            self.expected(path, "true or false", value);
        }
        truth
    }

    pub(crate) fn array<'v>(&mut self, path: &Path<'_>, value: &'v Value) -> &'v [Value] {
        match value {
            Value::Array(items) => items,
            _ => {
                self.expected(path, "an array", value);
                &[]
            }
        }
    }

    pub(crate) fn strings<'v>(&mut self, path: &Path<'_>, value: &'v Value) -> Vec<&'v str> {
        let items = self.array(path, value).iter().enumerate();
        items
            .filter_map(|(at, item)| self.string(&path.index(at), item))
            .collect()
    }

    pub(crate) fn choice<'v>(
        &mut self,
        path: &Path<'_>,
        value: &'v Value,
        choices: &[&str],
    ) -> Option<&'v str> {
        match value.as_str() {
            Some(text) if choices.contains(&text) => Some(text),
            Some(text) => {
                self.push(
                    path,
                    format!("\"{}\" is not one of: {}", shown(text), listed(choices)),
                );
                None
            }
            None => {
                self.expected(path, &format!("one of: {}", listed(choices)), value);
                None
            }
        }
    }
}

/// An object and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'v, 'p> {
    pub(crate) map: &'v Map<String, Value>,
    pub(crate) path: &'p Path<'p>,
}

impl<'v, 'p> Fields<'v, 'p> {
    /// `value` as an object, which it must be.
    pub(crate) fn of(value: &'v Value, path: &'p Path<'p>, faults: &mut Faults) -> Option<Self> {
        faults.object(path, value).map(|map| Self { map, path })
    }

    /// Refuses every key but `known`.
    pub(crate) fn close(&self, known: &[&str], faults: &mut Faults) {
        for key in self.map.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("unknown key; expected one of: {}", listed(known));
            faults.push(&self.path.key(key), message);
        }
    }

    /// What stands at `key`, which must be there.
    pub(crate) fn required(&self, key: &str, faults: &mut Faults) -> Option<&'v Value> {
        let value = self.map.get(key);
        if value.is_none() {
            faults.push(&self.path.key(key), "is required");
        }
        value
    }

    pub(crate) fn required_string(&self, key: &str, faults: &mut Faults) -> Option<&'v str> {
        self.required(key, faults)
            .and_then(|value| faults.string(&self.path.key(key), value))
    }

    pub(crate) fn required_choice(
        &self,
        key: &str,
        choices: &[&str],
        faults: &mut Faults,
    ) -> Option<&'v str> {
        self.required(key, faults)
            .and_then(|value| faults.choice(&self.path.key(key), value, choices))
    }

    pub(crate) fn string(&self, key: &str, faults: &mut Faults) -> Option<&'v str> {
        self.map
            .get(key)
            .and_then(|value| faults.string(&self.path.key(key), value))
    }

    pub(crate) fn boolean(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        self.map
            .get(key)
            .and_then(|value| faults.boolean(&self.path.key(key), value))
    }

    pub(crate) fn choice(
        &self,
        key: &str,
        choices: &[&str],
        faults: &mut Faults,
    ) -> Option<&'v str> {
        self.map
            .get(key)
            .and_then(|value| faults.choice(&self.path.key(key), value, choices))
    }

    pub(crate) fn strings(&self, key: &str, faults: &mut Faults) -> Option<Vec<&'v str>> {
        self.map
            .get(key)
            .map(|value| faults.strings(&self.path.key(key), value))
    }

    pub(crate) fn object(&self, key: &str, faults: &mut Faults) -> Option<&'v Map<String, Value>> {
        self.map
            .get(key)
            .and_then(|value| faults.object(&self.path.key(key), value))
    }

    /// What stands at `key`, where `fits` accepts it; `what` names the expectation.
    pub(crate) fn fitting(
        &self,
        key: &str,
        what: &str,
        fits: impl FnOnce(&Value) -> bool,
        faults: &mut Faults,
    ) -> Option<&'v Value> {
        let value = self.map.get(key)?;
        if fits(value) {
            return Some(value);
        }
        faults.expected(&self.path.key(key), what, value);
        None
    }
}
