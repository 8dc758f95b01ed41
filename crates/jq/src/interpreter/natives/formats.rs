//! `@csv` and its kin: values as text of other languages.

use jaq_core::native::Fun;
use jaq_core::{ValR, ValT as _};

use super::{native, unfit};
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::{Value, json};

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    vec![
        native!("@text", |value: Value| Ok(value.into_string())),
        native!(&"@json", |value: &Value| Ok(Value::string(json(value)))),
        native!(&"@csv", csv),
        native!(&"@tsv", tsv),
        native!(&"@html", html),
        native!(&"@uri", uri),
        native!(&"@urid", decoded_uri),
        native!(&"@sh", shell),
        native!(&"@base64", base64),
        native!(&"@base64d", decoded_base64),
        native!("format", format_named, name),
    ]
}

fn format_named(value: Value, name: &Value) -> ValR<Value> {
    match name.text() {
        Some("text") => Ok(value.into_string()),
        Some("json") => Ok(Value::string(json(&value))),
        Some("csv") => csv(&value),
        Some("tsv") => tsv(&value),
        Some("html") => html(&value),
        Some("uri") => uri(&value),
        Some("urid") => decoded_uri(&value),
        Some("sh") => shell(&value),
        Some("base64") => base64(&value),
        Some("base64d") => decoded_base64(&value),
        Some(other) => Err(fail(format!("{other} is not a valid format"))),
        None => Err(unfit(name, "is not a valid format")),
    }
}

/// A string as it is, all else as JSON.
fn text_of(value: &Value) -> String {
    match value.text() {
        Some(text) => text.to_owned(),
        None => json(value),
    }
}

/// The fields of a row, strings through `quoted`.
fn row(value: &Value, name: &str, separator: &str, quoted: impl Fn(&str) -> String) -> ValR<Value> {
    let Some(elements) = value.elements() else {
        return Err(unfit(
            value,
            &format!("cannot be {name}-formatted, only array"),
        ));
    };
    let field = |element: &Value| match element {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(quoted(text)),
        Value::Bool(_) | Value::Number(_) | Value::Literal(_) => Ok(json(element)),
        _ => Err(unfit(element, "is not valid in a csv row")),
    };
    let fields: Result<Vec<String>, _> = elements.iter().map(field).collect();
    Ok(Value::string(fields?.join(separator)))
}

fn csv(value: &Value) -> ValR<Value> {
    row(value, "csv", ",", |text| {
        format!("\"{}\"", text.replace('"', "\"\""))
    })
}

fn tsv(value: &Value) -> ValR<Value> {
    row(value, "tsv", "\t", |text| {
        replaced(text, |c| match c {
            '\t' => Some("\\t"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\\' => Some("\\\\"),
            _ => None,
        })
    })
}

fn replaced(text: &str, replacement: impl Fn(char) -> Option<&'static str>) -> String {
    let mut changed = String::with_capacity(text.len());
    for c in text.chars() {
        match replacement(c) {
            Some(replacement) => changed.push_str(replacement),
            None => changed.push(c),
        }
    }
    changed
}

fn html(value: &Value) -> ValR<Value> {
    Ok(Value::string(replaced(&text_of(value), |c| match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        '\'' => Some("&apos;"),
        '"' => Some("&quot;"),
        _ => None,
    })))
}

fn uri(value: &Value) -> ValR<Value> {
    let text = text_of(value);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(Value::string(encoded))
}

fn decoded_uri(value: &Value) -> ValR<Value> {
    let text = text_of(value);
    let broken = || {
        let text = Value::string(text.clone());
        unfit(&text, "is not a valid uri encoding")
    };
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(plain) = rest.find('%') {
        decoded.extend(rest[..plain].bytes());
        let digits = rest.get(plain + 1..plain + 3).ok_or_else(broken)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(broken());
        }
        decoded.push(u8::from_str_radix(digits, 16).map_err(|_| broken())?);
        rest = &rest[plain + 3..];
    }
    decoded.extend(rest.bytes());
    String::from_utf8(decoded)
        .map(Value::string)
        .map_err(|_| broken())
}

fn shell(value: &Value) -> ValR<Value> {
    let one = std::slice::from_ref(value);
    let word = |value: &Value| match value {
        Value::String(text) => Ok(format!("'{}'", text.replace('\'', "'\\''"))),
        Value::Array(_) | Value::Object(_) => Err(unfit(value, "can not be escaped for shell")),
        other => Ok(json(other)),
    };
    let words: Result<Vec<String>, _> = value.elements().unwrap_or(one).iter().map(word).collect();
    Ok(Value::string(words?.join(" ")))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(value: &Value) -> ValR<Value> {
    let text = text_of(value);
    let mut encoded = String::with_capacity(text.len().div_ceil(3) * 4);
    for chunk in text.as_bytes().chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) as usize % 64;
            let padding = place > chunk.len();
            encoded.push(if padding {
                '='
            } else {
                char::from(BASE64[digit])
            });
        }
    }
    Ok(Value::string(encoded))
}

/// Takes what has no padding, and ends where the padding starts.
fn decoded_base64(value: &Value) -> ValR<Value> {
    let text = text_of(value);
    let text_value = || Value::string(text.clone());
    let digits = text.split('=').next().unwrap_or_default();
    let mut decoded = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digits.bytes() {
        let Some(digit) = BASE64.iter().position(|digit| *digit == byte) else {
            return Err(unfit(&text_value(), "is not valid base64 data"));
        };
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    if count == 6 {
        return Err(unfit(&text_value(), "trailing base64 byte found"));
    }
    Ok(Value::string(replaced_where_broken(&decoded)))
}

/// Bytes as text, with a replacement character for each sequence that is broken. Unlike the standard
/// library, jq takes all that is left as one where the last sequence is not complete.
fn replaced_where_broken(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let sequence = &rest[..length.min(rest.len())];
        let continued = sequence[1..].iter().take_while(|byte| *byte >> 6 == 2);
        let whole = 1 + continued.count();
        let used = if sequence.len() < length {
            sequence.len()
        } else {
            whole
        };
        match std::str::from_utf8(sequence) {
            Ok(sequence) => text.push_str(sequence),
            Err(_) => text.push(char::REPLACEMENT_CHARACTER),
        }
        rest = &rest[used..];
    }
    text
}
