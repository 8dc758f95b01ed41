//! Paths into a payload: members and elements, as filters and expressions write them.

use std::fmt;

use serde_json::Value;

/// A way from the payload's root to one of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(Vec<Segment>);

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// A member of an object.
    Name(String),
    /// An element of an array.
    Index(usize),
}

impl Path {
    pub(super) fn new(segments: Vec<Segment>) -> Self {
        Self(segments)
    }

    /// Reads dotted members, `[n]` and `['name']`, with or without a leading `$`; `None` for what
    /// names no single value, such as wildcards.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut segments = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (segment, after) = bracketed(inner)?;
                segments.push(segment);
                rest = after;
                continue;
            }
            // The first member needs no dot before it.
            let dotted = rest.strip_prefix('.');
            if dotted.is_none() && !segments.is_empty() {
                return None;
            }
            let member = dotted.unwrap_or(rest);
            let end = member.find(['.', '[']).unwrap_or(member.len());
            let (name, after) = member.split_at(end);
            if name.is_empty() || name == "*" {
                return None;
            }
            segments.push(Segment::Name(name.to_owned()));
            rest = after;
        }
        Some(Self(segments))
    }

    /// The value that it leads to.
    pub(super) fn at<'a>(&self, payload: &'a Value) -> Option<&'a Value> {
        self.0
            .iter()
            .try_fold(payload, |value, segment| match segment {
                Segment::Name(name) => value.get(name.as_str()),
                Segment::Index(index) => value.get(*index),
            })
    }

    /// The last member that it names.
    pub(super) fn last_name(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|segment| match segment {
            Segment::Name(name) => Some(name.as_str()),
            Segment::Index(_) => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Name(name) if is_plain(name) => {
                    let dot = if number == 0 { "" } else { "." };
                    write!(formatter, "{dot}{name}")?;
                }
                Segment::Name(name) => write!(formatter, "['{}']", name.escape_debug())?,
            }
        }
        Ok(())
    }
}

/// The text of a scalar: what a filter compares and what is put into the YAML.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The scalar at a path, as text.
pub(super) fn text_at(payload: &Value, path: &str) -> Option<String> {
    scalar_text(Path::parse(path)?.at(payload)?)
}

fn bracketed(inner: &str) -> Option<(Segment, &str)> {
    let quote = inner.chars().next()?;
    if matches!(quote, '\'' | '"') {
        let (name, after) = inner[1..].split_once(quote)?;
        return Some((Segment::Name(name.to_owned()), after.strip_prefix(']')?));
    }
    let (number, after) = inner.split_once(']')?;
    Some((Segment::Index(number.parse().ok()?), after))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_alphanumeric() || "_-$@ ".contains(character))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Path, text_at};

    #[test]
    fn paths_reach_members_and_elements() {
        let payload = json!({"a": {"b": ["x", 7, true, null, {"c d": "deep", "e.f": "dotted"}]}});
        let cases = [
            ("a.b[0]", Some("x")),
            ("$.a.b[1]", Some("7")),
            ("$['a']['b'][2]", Some("true")),
            ("a.b[3]", None),
            ("a.b[4]['c d']", Some("deep")),
            ("a.b[4][\"e.f\"]", Some("dotted")),
            (" a.b[0] ", Some("x")),
            ("a.b", None),
            ("a.missing", None),
            ("a.b[99]", None),
            ("a.b[x]", None),
            ("a.b[", None),
            ("a..b", None),
            ("$..b", None),
            ("a.*", None),
            ("a.b[0]x", None),
            ("a.b['c", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(text_at(&payload, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_shown_in_one_form() {
        for (written, shown) in [
            ("$.a['b'][0].c", "a.b[0].c"),
            ("['a.b'].c", "['a.b'].c"),
            ("$", ""),
        ] {
            assert_eq!(Path::parse(written).unwrap().to_string(), shown);
        }
    }
}
