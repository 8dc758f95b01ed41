//! Values of calls as they are shown: cut, control characters escaped, secrets left out.

use std::fmt;

use crate::secret::Secret;

/// How much of a value is shown.
const CHARACTERS: usize = 120;
/// How much of a message is shown.
const MESSAGE_CHARACTERS: usize = 500;
/// Names whose values are not shown: run tokens travel in payloads.
const HIDDEN_NAMES: [&str; 5] = ["token", "secret", "password", "passwd", "apikey"];

/// A value of a call, as it may be shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its beginning, unescaped; `None` where it is not shown.
    text: Option<String>,
    /// The length of the whole.
    characters: usize,
    is_cut: bool,
}

impl Shown {
    /// A value without a name.
    pub(super) fn new(value: &str) -> Self {
        Self::beginning(value, CHARACTERS)
    }

    /// What the service says, of which more is shown.
    pub(super) fn message(text: &str) -> Self {
        Self::beginning(text, MESSAGE_CHARACTERS)
    }

    fn beginning(value: &str, most: usize) -> Self {
        let characters = value.chars().count();
        Self {
            text: Some(value.chars().take(most).collect()),
            characters,
            is_cut: characters > most,
        }
    }

    /// A value whose name, or content, may make it one that is not shown.
    pub(super) fn named(name: Option<&str>, value: &str, secrets: &[&Secret]) -> Self {
        let name: String = name
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_lowercase())
            .collect();
        let holds =
            |secret: &&&Secret| !secret.expose().is_empty() && value.contains(secret.expose());
        let mut shown = Self::new(value);
        if HIDDEN_NAMES.iter().any(|hidden| name.contains(hidden))
            || secrets.iter().any(|secret| holds(&secret))
        {
            shown.text = None;
        }
        shown
    }

    /// What is shown of it, unescaped; `None` where nothing is.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// As shown, but without quotes around it.
    pub(super) fn unquoted(&self) -> String {
        match &self.text {
            None => format!("({} characters, not shown)", self.characters),
            Some(text) if self.is_cut => format!("{}…", escaped(text, "'\"")),
            Some(text) => escaped(text, "'\""),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.text, self.is_cut) {
            (None, _) => formatter.write_str(&self.unquoted()),
            (Some(text), false) => write!(formatter, "\"{}\"", escaped(text, "'")),
            (Some(text), true) => {
                let text = escaped(text, "'");
                write!(formatter, "\"{text}…\" ({} characters)", self.characters)
            }
        }
    }
}

/// What terminals would not show as written is escaped, but for the characters in `bare`.
fn escaped(text: &str, bare: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match bare.contains(character) {
            true => escaped.push(character),
            false => escaped.extend(character.escape_debug()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_cut_and_hidden() {
        let secret = Secret::new("s3cr3t");
        let long = "é".repeat(200);
        let cut = format!("\"{}…\" (200 characters)", "é".repeat(120));
        let cases = [
            (None, "plain", "\"plain\""),
            (
                None,
                "a\n\u{1b}[2J\"\u{202e}",
                r#""a\n\u{1b}[2J\"\u{202e}""#,
            ),
            (None, long.as_str(), cut.as_str()),
            (Some("run_token"), "abc", "(3 characters, not shown)"),
            (Some("API-Key"), "abc", "(3 characters, not shown)"),
            (Some("name"), "x s3cr3t y", "(10 characters, not shown)"),
            (Some("name"), "", "\"\""),
        ];
        for (name, value, expected) in cases {
            let shown = Shown::named(name, value, &[&secret]);
            assert_eq!(shown.to_string(), expected, "{value}");
            assert!(!format!("{shown:?}").contains("s3cr3t"));
        }
    }
}
