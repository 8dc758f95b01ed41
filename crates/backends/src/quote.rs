//! What receivers say, cut down to what a message can show.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

/// The most characters of a receiver's text that a message repeats.
pub(crate) const MAX_QUOTE_CHARS: usize = 300;

/// `text` on one line, without control characters, at most [`MAX_QUOTE_CHARS`] long.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    let mut left = MAX_QUOTE_CHARS;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !quoted.is_empty() {
            quoted.push(' ');
        }
        let length = word.chars().count();
        if length > left {
            quoted.extend(word.chars().take(left));
            quoted.push('…');
            return quoted;
        }
        left = left.saturating_sub(length + 1);
        quoted.push_str(word);
    }
    quoted
}

/// Whether an answer is a page for people.
pub(crate) fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers.get(CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"text/html")
    });
    let start = body.trim_ascii_start();
    let begins = |tag: &[u8]| {
        start
            .get(..tag.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(tag))
    };
    declared || begins(b"<!doctype html") || begins(b"<html")
}

/// The gist of a body: an error envelope's message, a page's title, or the text itself.
pub(crate) fn gist(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let found = if is_html(headers, body) {
        title(&text)?.to_owned()
    } else {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => envelope_message(&value).unwrap_or_else(|| text.into_owned()),
            Err(_) => text.into_owned(),
        }
    };
    let quoted = quote(&found);
    (!quoted.is_empty()).then_some(quoted)
}

fn envelope_message(value: &Value) -> Option<String> {
    ["message", "error_description", "error", "detail", "title"]
        .iter()
        .find_map(|key| match value.get(key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            nested => Some(nested.get("message")?.as_str()?.to_owned()),
        })
}

fn title(html: &str) -> Option<&str> {
    // Lowering ASCII keeps every byte in its place.
    let lower = html.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    html.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_one_short_line() {
        assert_eq!(quote("  a\r\n\tb\u{0}c\u{1b}[31m  "), "a b c [31m");
        let long = "é".repeat(MAX_QUOTE_CHARS + 1);
        assert_eq!(quote(&long).chars().count(), MAX_QUOTE_CHARS + 1);
        let words = "ab ".repeat(1000);
        assert!(quote(&words).chars().count() <= MAX_QUOTE_CHARS + 2);
        assert!(quote(&words).ends_with('…'));
    }

    #[test]
    fn the_gist_is_what_a_person_would_read_first() {
        let table = [
            (
                r#"{"$id":"1","message":"Cannot find it","typeKey":"X"}"#,
                "Cannot find it",
            ),
            (r#"{"error":{"message":"inner"}}"#, "inner"),
            (r#"{"error":"oops"}"#, "oops"),
            ("<html><head><TITLE>\n Sign In </TITLE>", "Sign In"),
            (
                "  <!DOCTYPE html><title lang=en>A &amp; B</title>",
                "A &amp; B",
            ),
            ("plain\ntext", "plain text"),
            ("[1]", "[1]"),
        ];
        for (body, expected) in table {
            let found = gist(&HeaderMap::new(), body.as_bytes());
            assert_eq!(found.as_deref(), Some(expected), "{body}");
        }
        assert_eq!(gist(&HeaderMap::new(), b"<html><body>x"), None);
        assert_eq!(gist(&HeaderMap::new(), b" \n"), None);
    }
}
