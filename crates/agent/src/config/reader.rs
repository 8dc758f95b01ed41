//! Reads settings out of the layers, each by its name, type and bounds, and notes every mistake.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use longshore_domain::secret::Secret;
use toml::Value;

use super::layers::{Given, Layers, VARIABLES, read_text};
use super::mistake::{Mistake, excerpt};

/// The fewest bytes of a client secret: a key for signatures and encryption.
const SECRET_BYTES: usize = 32;
/// The most bytes of a secret; more is a wrong file.
const SECRET_BYTES_MOST: usize = 512;
/// The most entries of a list.
const LIST_ENTRIES: usize = 256;

/// What a client secret must be.
pub(super) const CLIENT_SECRET: &str = "a secret of 32 to 512 bytes on one line";

/// Whether `text` is such a secret.
pub(super) fn is_client_secret(text: &str) -> bool {
    (SECRET_BYTES..=SECRET_BYTES_MOST).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Reads settings.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(layers: &'a Layers, mistakes: Vec<Mistake>) -> Self {
        Self { layers, mistakes }
    }

    pub(super) fn given(&self, key: &str) -> Option<&'a Given> {
        self.layers.settings.get(key)
    }

    /// Notes a mistake where `key` was given.
    pub(super) fn mistake(&mut self, key: &str, message: impl Into<String>) {
        let origin = self.given(key).map_or("default", |given| &given.origin);
        let setting = if origin == key { "" } else { key };
        self.mistakes.push(Mistake::new(origin, setting, message));
    }

    /// Notes that `key` must be set.
    pub(super) fn unset(&mut self, key: &str, expected: &str) {
        let mut variables = VARIABLES.iter();
        let variable = variables.find(|(_, setting)| *setting == key);
        let variable = variable.map_or(String::new(), |(name, _)| {
            format!(" by {name} or in a file")
        });
        self.mistake(key, format!("is not set{variable}, expected {expected}"));
    }

    fn wrong(&mut self, key: &str, found: &str, expected: &str) {
        let found = excerpt(found);
        self.mistake(key, format!("found `{found}`, expected {expected}"));
    }

    /// A text; none where it is empty.
    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        let given = self.given(key)?;
        match &given.value {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            other => {
                let message = format!("found a {}, expected a text", other.type_str());
                self.mistake(key, message);
                None
            }
        }
    }

    /// A text of some form; none where it is empty or wrong.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let parsed = parse(text);
        if parsed.is_none() {
            self.wrong(key, text, expected);
        }
        parsed
    }

    /// A text of some form that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if self.text(key).is_none() {
            if self.given(key).is_none_or(|given| given.value.is_str()) {
                self.unset(key, expected);
            }
            return None;
        }
        self.parsed(key, expected, parse)
    }

    /// One of some words, whatever their case; the first on a mistake.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        key: &str,
        words: [(&str, T); N],
    ) -> T {
        let expected = words.map(|(word, _)| format!("`{word}`")).join(" or ");
        let find = |text: &str| {
            let found = words
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(text));
            found.map(|(_, meaning)| *meaning)
        };
        self.required(key, &expected, find).unwrap_or(words[0].1)
    }

    /// A number; the least on a mistake.
    pub(super) fn number(&mut self, key: &str, bounds: RangeInclusive<u64>) -> u64 {
        let (least, most) = (*bounds.start(), *bounds.end());
        let found = self.given(key).map(|given| match &given.value {
            Value::Integer(number) => (u64::try_from(*number).ok(), number.to_string()),
            Value::String(text) if given.is_variable => (text.trim().parse().ok(), text.clone()),
            other => (None, format!("a {}", other.type_str())),
        });
        let number = match &found {
            Some((number, _)) => number.filter(|number| bounds.contains(number)),
            None => None,
        };
        if number.is_none() {
            let found = found.map(|(_, found)| found).unwrap_or_default();
            self.wrong(key, &found, &format!("a number from {least} to {most}"));
        }
        number.unwrap_or(least)
    }

    pub(super) fn count(&mut self, key: &str, bounds: RangeInclusive<u64>) -> usize {
        usize::try_from(self.number(key, bounds)).unwrap_or(usize::MAX)
    }

    pub(super) fn millis(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(key, bounds))
    }

    /// A switch; false where it is not there or wrong.
    pub(super) fn switch(&mut self, key: &str) -> bool {
        let Some(given) = self.given(key) else {
            return false;
        };
        let (on, found) = match &given.value {
            Value::Boolean(on) => (Some(*on), String::new()),
            Value::String(text) if given.is_variable => (switch(text), text.clone()),
            other => (None, format!("a {}", other.type_str())),
        };
        if on.is_none() {
            self.wrong(key, &found, "true or false");
        }
        on.unwrap_or(false)
    }

    /// A list of texts of some form, in a variable separated by commas.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let Some(given) = self.given(key) else {
            return Vec::new();
        };
        let items: Option<Vec<&str>> = match &given.value {
            Value::Array(items) => items.iter().map(Value::as_str).collect(),
            Value::String(joined) => Some(
                joined
                    .split(|c: char| c == ',' || c.is_whitespace())
                    .filter(|item| !item.is_empty())
                    .collect(),
            ),
            _ => None,
        };
        let Some(items) = items.filter(|items| items.len() <= LIST_ENTRIES) else {
            self.mistake(
                key,
                format!("expected a list of at most {LIST_ENTRIES} texts"),
            );
            return Vec::new();
        };
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            match parse(item) {
                Some(item) => read.push(item),
                None => self.wrong(key, item, expected),
            }
        }
        read
    }

    /// A secret, given as itself or as `key_file`. Nothing of it stands in mistakes.
    pub(super) fn secret(
        &mut self,
        key: &str,
        expected: &str,
        holds: impl Fn(&str) -> bool,
    ) -> Option<Secret<String>> {
        let file_key = format!("{key}_file");
        let direct = self.text(key).map(|text| Secret::new(text.to_owned()));
        let found = match (direct, self.text(&file_key)) {
            (Some(_), Some(_)) => {
                let message = format!("is given as {file_key} too; expected only one of them");
                self.mistake(key, message);
                return None;
            }
            (Some(secret), None) => secret,
            (None, Some(path)) => match secret_file(Path::new(path)) {
                Ok(secret) => secret,
                Err(cause) => {
                    self.mistake(&file_key, cause);
                    return None;
                }
            },
            (None, None) => return None,
        };
        if !holds(found.expose()) {
            let message = format!("found a secret of another form, expected {expected}");
            self.mistake(key, message);
            return None;
        }
        Some(found)
    }
}

/// The secret in a file, without the line ends at its end; else what is wrong.
pub(super) fn secret_file(path: &Path) -> Result<Secret<String>, String> {
    let text = Secret::new(read_text(path)?);
    let trimmed = text.expose().trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        return Err(format!("cannot read {}: it is empty", path.display()));
    }
    Ok(Secret::new(trimmed.to_owned()))
}

fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}
