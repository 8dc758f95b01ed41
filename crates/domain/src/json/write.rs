//! One writer, and what the dialects do differently: separators, escapes, numbers, key order.

use serde_json::{Map, Number, Value};

use super::number;

/// How a language prints JSON.
pub(super) trait Dialect {
    const COMMA: &'static [u8];
    const COLON: &'static [u8];
    const ASCII_ONLY: bool;
    /// ECMAScript objects list their array indexes first, ascending.
    const INDEXES_FIRST: bool;
    fn number(number: &Number, out: &mut Vec<u8>);
}

pub(super) enum Ecma {}
pub(super) enum Python {}
pub(super) enum PythonAscii {}
pub(super) enum PythonAsciiCompact {}

impl Dialect for Ecma {
    const COMMA: &'static [u8] = b",";
    const COLON: &'static [u8] = b":";
    const ASCII_ONLY: bool = false;
    const INDEXES_FIRST: bool = true;
    fn number(number: &Number, out: &mut Vec<u8>) {
        number::ecma(number, out);
    }
}

impl Dialect for Python {
    const COMMA: &'static [u8] = b",";
    const COLON: &'static [u8] = b":";
    const ASCII_ONLY: bool = false;
    const INDEXES_FIRST: bool = false;
    fn number(number: &Number, out: &mut Vec<u8>) {
        number::python(number, out);
    }
}

impl Dialect for PythonAscii {
    const COMMA: &'static [u8] = b", ";
    const COLON: &'static [u8] = b": ";
    const ASCII_ONLY: bool = true;
    const INDEXES_FIRST: bool = false;
    fn number(number: &Number, out: &mut Vec<u8>) {
        number::python(number, out);
    }
}

impl Dialect for PythonAsciiCompact {
    const COMMA: &'static [u8] = b",";
    const COLON: &'static [u8] = b":";
    const ASCII_ONLY: bool = true;
    const INDEXES_FIRST: bool = false;
    fn number(number: &Number, out: &mut Vec<u8>) {
        number::python(number, out);
    }
}

pub(super) fn to_string<D: Dialect>(document: &Value) -> String {
    let mut out = Vec::with_capacity(super::about_length(document));
    value::<D>(document, &mut out);
    // Strings are copied between ASCII bytes only, so what comes out is UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

pub(super) fn value<D: Dialect>(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => D::number(number, out),
        Value::String(text) => string::<D>(text, out),
        Value::Array(items) => array::<D>(items, out),
        Value::Object(map) => object::<D>(map, out),
    }
}

fn array<D: Dialect>(items: &[Value], out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(D::COMMA);
        }
        value::<D>(item, out);
    }
    out.push(b']');
}

fn object<D: Dialect>(map: &Map<String, Value>, out: &mut Vec<u8>) {
    out.push(b'{');
    if D::INDEXES_FIRST && map.keys().any(|key| array_index(key.as_bytes()).is_some()) {
        let mut indexed: Vec<_> = map
            .iter()
            .filter_map(|(key, item)| Some((array_index(key.as_bytes())?, key, item)))
            .collect();
        indexed.sort_unstable_by_key(|(index, ..)| *index);
        let indexes = indexed.into_iter().map(|(_, key, item)| (key, item));
        let names = map
            .iter()
            .filter(|(key, _)| array_index(key.as_bytes()).is_none());
        entries::<D>(indexes.chain(names), out);
    } else {
        entries::<D>(map.iter(), out);
    }
    out.push(b'}');
}

fn entries<'v, D: Dialect>(
    entries: impl Iterator<Item = (&'v String, &'v Value)>,
    out: &mut Vec<u8>,
) {
    for (at, (key, item)) in entries.enumerate() {
        if at > 0 {
            out.extend_from_slice(D::COMMA);
        }
        string::<D>(key, out);
        out.extend_from_slice(D::COLON);
        value::<D>(item, out);
    }
}

/// ECMA-262 "array index": the canonical decimal text of 0 to 2^32 - 2.
pub(super) fn array_index(key: &[u8]) -> Option<u32> {
    let canonical = match key {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 10 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let value = |digits: &[u8]| {
        digits
            .iter()
            .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
    };
    let index = canonical.then(|| value(key))?;
    u32::try_from(index).ok().filter(|index| *index != u32::MAX)
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Whether a byte cannot stand in a string as it is, in every dialect.
const ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escaped[byte] = true;
        byte += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped
};

fn string<D: Dialect>(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    if D::ASCII_ONLY {
        for symbol in text.chars() {
            // Python keeps space to tilde, so DEL is escaped as well.
            if symbol < '\u{7f}' {
                escape_runs(&[symbol as u8], out);
            } else {
                for unit in symbol.encode_utf16(&mut [0; 2]) {
                    unicode_escape(*unit, out);
                }
            }
        }
    } else {
        escape_runs(text.as_bytes(), out);
    }
    out.push(b'"');
}

/// `text` in quotes; text beyond ASCII as it is.
pub(super) fn quoted(text: &str, out: &mut Vec<u8>) {
    string::<Ecma>(text, out);
}

fn escape_runs(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    loop {
        let plain = plain_prefix(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(&byte) = rest.get(plain) else { return };
        escape(byte, out);
        rest = &rest[plain + 1..];
    }
}

/// How many bytes stand before the first one that has to be escaped.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let long = plain_blocks::<32>(bytes);
    // Names and most values end here, in a step or two.
    let plain = long + plain_blocks::<8>(&bytes[long..]);
    let tail = bytes[plain..]
        .iter()
        .position(|byte| ESCAPED[usize::from(*byte)]);
    tail.map_or(bytes.len(), |at| plain + at)
}

/// How many bytes the blocks take that stand before the first one with something to be escaped.
fn plain_blocks<const SIZE: usize>(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<SIZE>();
    blocks
        .iter()
        .take_while(|block| !has_escaped(block))
        .count()
        * SIZE
}

/// Whether one of the bytes is a control character, a quote or a backslash. Without a branch, so
/// that the compiler looks at many of them at once.
fn has_escaped<const SIZE: usize>(block: &[u8; SIZE]) -> bool {
    block.iter().fold(false, |found, &byte| {
        found | (byte < 0x20) | (byte == b'"') | (byte == b'\\')
    })
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0C => out.extend_from_slice(b"\\f"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => unicode_escape(u16::from(byte), out),
    }
}

fn unicode_escape(unit: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[usize::from((unit >> shift) & 0xF)]);
    }
}
