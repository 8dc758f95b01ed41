//! Reads settings out of the layers, each by its name, type and bounds; notes what was wrong and what is in force.
//!
//! Every setting is named exactly once, where its section reads it; that makes the list of known names.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use longshore_domain::secret::Secret;
use toml::Value;

use super::layers::{Given, Layers, PREFIX, Raw, read_text};
use super::mistake::{ConfigMistake, Origin, Problem, excerpt};
use super::nearest::nearest;

/// What stands for a secret that is set.
pub(super) const REDACTED: &str = "<redacted>";

/// A setting in force, as it may be shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) key: &'static str,
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// The bounds of a number, so that a test can hold the defaults' comments to them.
    #[cfg(test)]
    pub(super) bounds: Option<(u64, u64)>,
}

/// Reads settings and remembers which it was asked for.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    secrets: BTreeSet<&'static str>,
    shown: Vec<Shown>,
    mistakes: Vec<ConfigMistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers, mistakes: Vec<ConfigMistake>) -> Self {
        Self {
            layers,
            secrets: BTreeSet::new(),
            shown: Vec::new(),
            mistakes,
        }
    }

    /// A number. On a mistake the least, in a configuration that is then thrown away.
    pub(super) fn number(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> u64 {
        let (least, most) = (*bounds.start(), *bounds.end());
        let parse = |raw: &Raw| {
            let found = integer(raw)?;
            u64::try_from(found)
                .ok()
                .filter(|number| bounds.contains(number))
                .ok_or(Problem::OutOfRange { found, least, most })
        };
        let number = self.top(key, parse, |number| whole(*number));
        #[cfg(test)]
        if let Some(shown) = self.shown.last_mut() {
            shown.bounds = Some((least, most));
        }
        number.unwrap_or(least)
    }

    /// A number of things in memory.
    pub(super) fn count(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> usize {
        usize::try_from(self.number(key, bounds)).unwrap_or(usize::MAX)
    }

    /// A number of milliseconds.
    pub(super) fn millis(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(key, bounds))
    }

    /// A number of seconds.
    pub(super) fn seconds(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(key, bounds))
    }

    /// A text of some form; `None` where it is empty.
    pub(super) fn text<T: ToString>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let read = |raw: &Raw| match text(raw)? {
            "" => Ok(None),
            text => parse(text).map(Some),
        };
        self.top(key, read, |value: &Option<T>| {
            Value::String(value.as_ref().map(T::to_string).unwrap_or_default())
        })
        .flatten()
    }

    /// A text of some form that must not be empty.
    pub(super) fn required_or<T: ToString>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        otherwise: T,
    ) -> T {
        let read = |raw: &Raw| parse(text(raw)?);
        self.top(key, read, |value| Value::String(value.to_string()))
            .unwrap_or(otherwise)
    }

    /// The same, with the empty text in a configuration that is then thrown away.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<String, Problem>,
    ) -> String {
        self.required_or(key, parse, String::new())
    }

    /// One of some words. On a mistake `otherwise`, in a configuration that is then thrown away.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        key: &'static str,
        words: [(&'static str, T); N],
        otherwise: T,
    ) -> T {
        let expected = words.map(|(word, _)| format!("`{word}`")).join(" or ");
        let parse = |raw: &Raw| {
            let found = text(raw)?;
            words
                .into_iter()
                .find(|(word, _)| *word == found)
                .ok_or_else(|| Problem::invalid(found, &expected))
        };
        self.top(key, parse, |(word, _)| Value::String((*word).to_owned()))
            .map_or(otherwise, |(_, meaning)| meaning)
    }

    /// A list of texts of some form, in a variable separated by commas.
    pub(super) fn list<T: ToString>(
        &mut self,
        key: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Vec<T> {
        let read = |raw: &Raw| {
            let items = match raw {
                Raw::List(items) => items.iter().map(text).collect::<Result<Vec<_>, _>>()?,
                Raw::Text(joined) | Raw::Variable(joined) => split(joined),
                other => return Err(wrong_type(other, "a list of texts")),
            };
            at_most(most, items.len())?;
            items.into_iter().map(&parse).collect()
        };
        self.top(key, read, |items: &Vec<T>| {
            Value::Array(
                items
                    .iter()
                    .map(|item| Value::String(item.to_string()))
                    .collect(),
            )
        })
        .unwrap_or_default()
    }

    /// A list of numbers, in a variable separated by commas.
    pub(super) fn numbers(
        &mut self,
        key: &'static str,
        most: usize,
        bounds: &RangeInclusive<u64>,
    ) -> Vec<u64> {
        let read = |raw: &Raw| {
            let items = match raw {
                Raw::List(items) => items.iter().map(integer).collect::<Result<Vec<_>, _>>()?,
                Raw::Variable(joined) => split(joined)
                    .into_iter()
                    .map(decimal)
                    .collect::<Result<Vec<_>, _>>()?,
                other => return Err(wrong_type(other, "a list of numbers")),
            };
            at_most(most, items.len())?;
            let (least, most) = (*bounds.start(), *bounds.end());
            let check = |found| {
                u64::try_from(found)
                    .ok()
                    .filter(|number| bounds.contains(number))
                    .ok_or(Problem::OutOfRange { found, least, most })
            };
            items.into_iter().map(check).collect()
        };
        self.top(key, read, |items: &Vec<u64>| {
            Value::Array(items.iter().copied().map(whole).collect())
        })
        .unwrap_or_default()
    }

    /// A secret, given as itself or as `key_file`; `None` where it is empty. Nothing of it stands in mistakes.
    pub(super) fn secret(
        &mut self,
        key: &'static str,
        expected: &'static str,
        check: impl Fn(&str) -> Option<String>,
    ) -> Option<Secret<String>> {
        self.require_default(key);
        self.secrets.insert(key);
        let mut found = None;
        let mut origin = Origin::Default;
        for (direct, file) in self.forms(key) {
            match secret_text(direct, file) {
                Ok(None) => {
                    // An empty text in a later layer takes back what an earlier one set.
                    if let Some(given) = direct.or(file) {
                        (found, origin) = (None, given.origin.clone());
                    }
                }
                Ok(Some((text, given))) => match check(text.expose()) {
                    Some(accepted) => {
                        (found, origin) = (Some(Secret::new(accepted)), given.origin.clone());
                    }
                    None => self.mistake(
                        given,
                        key,
                        Problem::Invalid {
                            found: "a secret of another form".to_owned(),
                            expected: expected.to_owned(),
                        },
                    ),
                },
                Err((given, problem)) => self.mistake(given, key, problem),
            }
        }
        let shown = if found.is_some() { REDACTED } else { "" };
        self.show(key, Value::String(shown.to_owned()), origin);
        found
    }

    /// Notes that two settings, each valid alone, do not fit together.
    pub(super) fn conflict(&mut self, key: &'static str, with: &'static str, rule: &'static str) {
        let origin = self
            .shown
            .iter()
            .find(|shown| shown.key == key)
            .map_or(Origin::Default, |shown| shown.origin.clone());
        self.mistakes.push(ConfigMistake {
            origin,
            setting: key.to_owned(),
            problem: Problem::Conflict { with, rule },
        });
    }

    /// What is in force, and all mistakes: those met while reading, and every name nobody asked for.
    pub(super) fn finish(mut self) -> (Vec<Shown>, Vec<ConfigMistake>) {
        let mut keys: Vec<String> = self.shown.iter().map(|it| it.key.to_owned()).collect();
        keys.extend(self.secrets.iter().map(|key| format!("{key}_file")));
        let sections: BTreeSet<String> = keys
            .iter()
            .filter_map(|key| key.split_once('.'))
            .map(|(section, _)| section.to_owned())
            .collect();
        let variables: Vec<String> = keys.iter().map(|key| variable_name(key)).collect();

        for (key, given) in self.layers.file.iter().chain(&self.layers.defaults) {
            let is_section = given.raw == Raw::Other("a section");
            match (sections.contains(key), is_section) {
                (true, true) => {}
                (true, false) => {
                    let problem = wrong_type(&given.raw, &format!("the section [{key}]"));
                    self.mistakes.push(ConfigMistake {
                        origin: given.origin.clone(),
                        setting: key.clone(),
                        problem,
                    });
                }
                (false, _) if !keys.contains(key) => {
                    let known = keys.iter().map(String::as_str);
                    self.mistakes.push(unknown(given, key, nearest(key, known)));
                }
                (false, _) => {}
            }
        }
        for (name, given) in &self.layers.variables {
            if !variables.contains(name) {
                let known = variables.iter().map(String::as_str);
                self.mistakes.push(unknown(given, "", nearest(name, known)));
            }
        }
        (self.shown, self.mistakes)
    }

    /// The value of the last layer that has one. Earlier layers are read too, so that their mistakes show.
    fn top<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&Raw) -> Result<T, Problem>,
        show: impl Fn(&T) -> Value,
    ) -> Option<T> {
        self.require_default(key);
        let mut last = None;
        for (given, _) in self.forms(key) {
            let Some(given) = given else { continue };
            match parse(&given.raw) {
                Ok(value) => last = Some((value, given.origin.clone())),
                Err(problem) => self.mistake(given, key, problem),
            }
        }
        let (value, origin) = last?;
        self.show(key, show(&value), origin);
        Some(value)
    }

    fn require_default(&mut self, key: &str) {
        if !self.layers.defaults.contains_key(key) {
            self.mistakes.push(ConfigMistake {
                origin: Origin::Default,
                setting: key.to_owned(),
                problem: Problem::Unknown { nearest: None },
            });
        }
    }

    fn show(&mut self, key: &'static str, value: Value, origin: Origin) {
        self.shown.push(Shown {
            key,
            value,
            origin,
            #[cfg(test)]
            bounds: None,
        });
    }

    fn mistake(&mut self, given: &Given, key: &str, problem: Problem) {
        self.mistakes.push(ConfigMistake {
            origin: given.origin.clone(),
            setting: key.to_owned(),
            problem,
        });
    }

    /// A setting in each layer, earliest first: as itself, and as the name of a file that holds it.
    fn forms(&self, key: &str) -> [(Option<&'a Given>, Option<&'a Given>); 4] {
        let layers = self.layers;
        let file_key = format!("{key}_file");
        let in_file = |key: &str| layers.file.get(key);
        let in_variables = |key: &str| layers.variables.get(&variable_name(key));
        [
            (layers.defaults.get(key), None),
            (layers.proxies.get(key), None),
            (in_file(key), in_file(&file_key)),
            (in_variables(key), in_variables(&file_key)),
        ]
    }
}

fn unknown(given: &Given, key: &str, nearest: Option<&str>) -> ConfigMistake {
    ConfigMistake {
        origin: given.origin.clone(),
        setting: excerpt(key),
        problem: Problem::Unknown {
            nearest: nearest.map(str::to_owned),
        },
    }
}

/// The variable of a setting: `network.allow` is `LONGSHORE_NETWORK__ALLOW`.
fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

type Found<'a> = (Secret<String>, &'a Given);

fn secret_text<'a>(
    direct: Option<&'a Given>,
    file: Option<&'a Given>,
) -> Result<Option<Found<'a>>, (&'a Given, Problem)> {
    let set = |given: Option<&'a Given>| match given {
        None => Ok(None),
        Some(given) => match text(&given.raw) {
            Ok("") => Ok(None),
            Ok(text) => Ok(Some((text, given))),
            Err(_) => Err((given, wrong_type(&given.raw, "a text"))),
        },
    };
    match (set(direct)?, set(file)?) {
        (None, None) => Ok(None),
        (Some((text, given)), None) => Ok(Some((Secret::new(text.to_owned()), given))),
        (Some((_, given)), Some((_, other))) => {
            let other = other.origin.to_string();
            Err((given, Problem::GivenTwice { other }))
        }
        (None, Some((path, given))) => {
            let path = PathBuf::from(path);
            let text = Secret::new(read_text(&path).map_err(|problem| (given, problem))?);
            let trimmed = text.expose().trim_end_matches(['\r', '\n']).to_owned();
            if trimmed.is_empty() {
                let cause = "it is empty".to_owned();
                return Err((given, Problem::Unreadable { path, cause }));
            }
            Ok(Some((Secret::new(trimmed), given)))
        }
    }
}

fn text(raw: &Raw) -> Result<&str, Problem> {
    match raw {
        Raw::Text(text) | Raw::Variable(text) => Ok(text),
        other => Err(wrong_type(other, "a text")),
    }
}

fn integer(raw: &Raw) -> Result<i64, Problem> {
    match raw {
        Raw::Integer(number) => Ok(*number),
        Raw::Variable(text) => decimal(text),
        other => Err(wrong_type(other, "a number")),
    }
}

fn decimal(text: &str) -> Result<i64, Problem> {
    text.parse()
        .map_err(|_| Problem::invalid(text, "a whole number"))
}

fn split(joined: &str) -> Vec<&str> {
    joined
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|item| !item.is_empty())
        .collect()
}

fn at_most(most: usize, found: usize) -> Result<(), Problem> {
    if found > most {
        return Err(Problem::TooMany { found, most });
    }
    Ok(())
}

fn wrong_type(raw: &Raw, expected: &str) -> Problem {
    Problem::Invalid {
        found: raw.type_name().to_owned(),
        expected: expected.to_owned(),
    }
}

fn whole(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
