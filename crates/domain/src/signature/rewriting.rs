//! What tools do to a body between its bytes and a person's clipboard.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, ser::PrettyFormatter};

use crate::json;

/// A usual way of writing the same body differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewriting {
    /// Its line breaks at the end were removed.
    WithoutFinalLineBreak,
    /// A line break was added at its end.
    WithFinalLineBreak,
    /// `\r\n` became `\n`.
    UnixLineBreaks,
    /// `\n` became `\r\n`.
    WindowsLineBreaks,
    /// The byte order mark at its start was removed.
    WithoutByteOrderMark,
    /// `JSON.stringify(body)`.
    Stringify,
    /// Python's `json.dumps(body)`.
    PythonDefault,
    /// Python's `json.dumps` with compact separators.
    PythonCompactAscii,
    /// Python's `json.dumps` with compact separators and raw text.
    PythonCompact,
    /// JSON with keys sorted, without blanks.
    SortedKeys,
    /// JSON indented by so many blanks.
    Indented(usize),
}

impl fmt::Display for Rewriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithoutFinalLineBreak => f.write_str("the body without its final line break"),
            Self::WithFinalLineBreak => f.write_str("the body with a line break at its end"),
            Self::UnixLineBreaks => f.write_str("the body with \\n for each \\r\\n"),
            Self::WindowsLineBreaks => f.write_str("the body with \\r\\n for each \\n"),
            Self::WithoutByteOrderMark => f.write_str("the body without its byte order mark"),
            Self::Stringify => f.write_str("the same JSON as JSON.stringify writes it"),
            Self::PythonDefault => f.write_str("the same JSON as Python's json.dumps writes it"),
            Self::PythonCompactAscii => f.write_str(
                "the same JSON as Python's json.dumps writes it with separators=(\",\",\":\")",
            ),
            Self::PythonCompact => f.write_str(
                "the same JSON as Python's json.dumps writes it with separators=(\",\",\":\") and \
                 ensure_ascii=False",
            ),
            Self::SortedKeys => f.write_str("the same JSON with sorted keys"),
            Self::Indented(blanks) => write!(f, "the same JSON indented by {blanks} blanks"),
        }
    }
}

/// `body` written in each other way that differs from it.
pub(super) fn rewritings(body: &[u8]) -> Vec<(Rewriting, Vec<u8>)> {
    let end = body
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'))
        .map_or(0, |at| at + 1);
    let unix = replaced(body, b"\r\n", b"\n");
    let windows = replaced(&unix, b"\n", b"\r\n");
    let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let mut written = vec![
        (Rewriting::WithoutFinalLineBreak, body[..end].to_vec()),
        (Rewriting::WithFinalLineBreak, [body, b"\n"].concat()),
        (Rewriting::UnixLineBreaks, unix),
        (Rewriting::WindowsLineBreaks, windows),
        (Rewriting::WithoutByteOrderMark, text.to_vec()),
    ];
    if let Ok(value) = serde_json::from_slice::<Value>(text) {
        written.extend([
            (Rewriting::Stringify, json::stringify(&value).into_bytes()),
            (
                Rewriting::PythonDefault,
                json::python_default(&value).into_bytes(),
            ),
            (
                Rewriting::PythonCompactAscii,
                json::python_compact_ascii(&value).into_bytes(),
            ),
            (
                Rewriting::PythonCompact,
                json::python_compact(&value).into_bytes(),
            ),
            (Rewriting::Indented(2), indented(&value, 2)),
            (Rewriting::Indented(4), indented(&value, 4)),
        ]);
        let mut sorted = value;
        sorted.sort_all_objects();
        written.push((Rewriting::SortedKeys, json::stringify(&sorted).into_bytes()));
    }
    written.retain(|(_, bytes)| bytes != body);
    written
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        if let Some(after) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = after;
        } else {
            out.push(first);
            rest = &rest[1..];
        }
    }
    out
}

fn indented(value: &Value, blanks: usize) -> Vec<u8> {
    let indent = " ".repeat(blanks);
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    match value.serialize(&mut serializer) {
        Ok(()) => out,
        Err(_) => Vec::new(),
    }
}
