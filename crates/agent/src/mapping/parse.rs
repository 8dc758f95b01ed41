//! Reads the payload-mapping file, with all its mistakes.

use longshore_domain::nearest::nearest;
use serde_json::{Map, Value};

use super::expression::Expression;
use super::report::FIELDS;
use super::tree::Tree;
use super::{Enabled, MAPPINGS_LIMIT, Mapping, PATHS_LIMIT};

const KEYS: [&str; 8] = [
    "enabled",
    "url",
    "method",
    "headers",
    "query",
    "body",
    "report",
    "fieldsToDecryptPaths",
];

pub(super) fn mappings(text: &str) -> Result<Vec<Mapping>, Vec<String>> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| vec![format!("not JSON: {error}")])?;
    let Value::Array(entries) = document else {
        return Err(vec!["expected a list of mappings".to_owned()]);
    };
    if entries.len() > MAPPINGS_LIMIT {
        return Err(vec![format!("expected at most {MAPPINGS_LIMIT} mappings")]);
    }
    let mut mistakes = Vec::new();
    let mut list = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("mapping[{index}]");
        match entry {
            Value::Object(entry) => list.push(mapping(entry, &place, &mut mistakes)),
            _ => mistakes.push(format!("{place}: expected an object")),
        }
    }
    if mistakes.is_empty() {
        Ok(list)
    } else {
        Err(mistakes)
    }
}

fn mapping(entry: &Map<String, Value>, place: &str, mistakes: &mut Vec<String>) -> Mapping {
    unknown(entry, &KEYS, place, mistakes);
    let given = |key: &str| entry.get(key).filter(|value| !value.is_null());
    let mut text = |key: &str| {
        let place = format!("{place}.{key}");
        given(key).and_then(|value| expression(value, &place, mistakes))
    };
    let (url, method) = (text("url"), text("method"));
    let mut part = |key: &str, literal: bool| {
        let place = format!("{place}.{key}");
        given(key).map(|value| {
            let fits = literal || value.is_object() || value.is_string();
            if !fits {
                mistakes.push(format!("{place}: expected an object or an expression"));
            }
            Tree::read(value, &place, mistakes)
        })
    };
    let (headers, query, body) = (
        part("headers", false),
        part("query", false),
        part("body", true),
    );
    Mapping {
        enabled: enabled(given("enabled"), place, mistakes),
        url,
        method,
        headers,
        query,
        body,
        report: report(given("report"), place, mistakes),
        decrypt: paths(given("fieldsToDecryptPaths"), place, mistakes),
    }
}

fn unknown(entry: &Map<String, Value>, keys: &[&str], place: &str, mistakes: &mut Vec<String>) {
    for key in entry.keys().filter(|key| !keys.contains(&key.as_str())) {
        let meant = nearest(key, keys.iter().copied());
        let meant = meant.map(|name| format!("; the nearest is {name}"));
        let meant = meant.unwrap_or_default();
        mistakes.push(format!("{place}: there is no key `{key}`{meant}"));
    }
}

fn expression(value: &Value, place: &str, mistakes: &mut Vec<String>) -> Option<Expression> {
    let Value::String(text) = value else {
        mistakes.push(format!("{place}: expected an expression"));
        return None;
    };
    match Expression::compile(text) {
        Ok(expression) => Some(expression),
        Err(error) => {
            mistakes.push(format!("{place}: {error}"));
            None
        }
    }
}

fn enabled(value: Option<&Value>, place: &str, mistakes: &mut Vec<String>) -> Enabled {
    match value {
        None => Enabled::Literally(true),
        Some(Value::Bool(on)) => Enabled::Literally(*on),
        Some(value) => {
            let place = format!("{place}.enabled");
            expression(value, &place, mistakes).map_or(Enabled::Literally(false), Enabled::Where)
        }
    }
}

fn report(
    value: Option<&Value>,
    place: &str,
    mistakes: &mut Vec<String>,
) -> Vec<(&'static str, Expression)> {
    let place = format!("{place}.report");
    let Some(value) = value else {
        return Vec::new();
    };
    let Value::Object(fields) = value else {
        mistakes.push(format!("{place}: expected an object"));
        return Vec::new();
    };
    unknown(fields, &FIELDS, &place, mistakes);
    FIELDS
        .into_iter()
        .filter_map(|field| {
            let value = fields.get(field).filter(|value| !value.is_null())?;
            let place = format!("{place}.{field}");
            Some((field, expression(value, &place, mistakes)?))
        })
        .collect()
}

fn paths(value: Option<&Value>, place: &str, mistakes: &mut Vec<String>) -> Vec<String> {
    let Some(value) = value else {
        return Vec::new();
    };
    let texts = value.as_array().and_then(|items| {
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<String>>>()
    });
    texts
        .filter(|texts| texts.len() <= PATHS_LIMIT)
        .unwrap_or_else(|| {
            mistakes.push(format!(
                "{place}.fieldsToDecryptPaths: expected a list of at most {PATHS_LIMIT} paths"
            ));
            Vec::new()
        })
}
