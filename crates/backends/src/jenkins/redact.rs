//! Takes out of the plugin's answers what they echo of the request: variables, headers,
//! signatures, tokens. Works on text, so that a cut answer is treated like a whole one.

use std::borrow::Cow;

use memchr::memmem;

/// What stands where something was taken out.
pub const REDACTED: &str = "<redacted>";
/// The same, in the place of a JSON value.
const REDACTED_STRING: &str = "\"<redacted>\"";

/// What is taken out: a range, and what stands there instead.
type Cut = (usize, usize, &'static str);

/// `body` without what it echoes.
#[must_use]
pub fn redact(body: &[u8]) -> Cow<'_, [u8]> {
    let mut cuts = Vec::new();
    find_cuts(body, b"\"resolvedVariables\"", variables, &mut cuts);
    find_cuts(body, b"with headers {", headers, &mut cuts);
    find_cuts(body, b"among {", line, &mut cuts);
    find_cuts(
        body,
        b"HMAC verification failed with ",
        signature,
        &mut cuts,
    );
    find_cuts(body, b"token=", token, &mut cuts);
    if cuts.is_empty() {
        return Cow::Borrowed(body);
    }
    cuts.sort_unstable();
    let mut redacted = Vec::with_capacity(body.len());
    let mut at = 0;
    for (start, end, instead) in cuts {
        if start >= at {
            redacted.extend_from_slice(&body[at..start]);
            redacted.extend_from_slice(instead.as_bytes());
        }
        at = at.max(end);
    }
    redacted.extend_from_slice(&body[at..]);
    Cow::Owned(redacted)
}

/// Adds what `cut` finds right after each `mark`. Goes on after what was found: linear time.
fn find_cuts(body: &[u8], mark: &[u8], cut: fn(&[u8]) -> Option<Cut>, cuts: &mut Vec<Cut>) {
    let mut from = 0;
    while let Some(found) = memmem::find(&body[from..], mark) {
        let start = from + found + mark.len();
        from = start;
        if let Some((skip, end, instead)) = cut(&body[start..]) {
            if end > skip {
                cuts.push((start + skip, start + end, instead));
            }
            from = start + end;
        }
    }
}

/// A JSON object after `:`.
fn variables(rest: &[u8]) -> Option<Cut> {
    let open = rest.iter().position(|byte| !b" \t\r\n:".contains(byte))?;
    if rest[open] != b'{' {
        return None;
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (index, byte) in rest.iter().enumerate().skip(open) {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{') => depth += 1,
            (false, b'}') if depth == 1 => return Some((open, index + 1, REDACTED_STRING)),
            (false, b'}') => depth -= 1,
            _ => {}
        }
    }
    Some((open, rest.len(), REDACTED_STRING))
}

/// The header echo: to the last end that the string can have, since a value may hold one too.
fn headers(rest: &[u8]) -> Option<Cut> {
    let string = &rest[..string_end(rest)];
    let end = memmem::rfind(string, b"} did not pass whitelist").unwrap_or(string.len());
    Some((0, end, REDACTED))
}

/// The value between `as` and the algorithm; all of the line where it reads otherwise.
fn signature(rest: &[u8]) -> Option<Cut> {
    let end = line_end(rest);
    let line = &rest[..end];
    let start = memmem::find(line, b" as ").map_or(0, |at| at + b" as ".len());
    let end = memmem::rfind(line, b" and algorithm ").filter(|at| *at >= start);
    Some((start, end.unwrap_or(line.len()), REDACTED))
}

fn line(rest: &[u8]) -> Option<Cut> {
    Some((0, line_end(rest), REDACTED))
}

/// To the end of a line of the message, be it escaped or raw, or of its string.
fn line_end(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            b'n' if escaped => return index - 1,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' => return index,
            b'"' if closes_string(&rest[index + 1..]) => return index,
            _ => {}
        }
    }
    rest.len()
}

fn token(rest: &[u8]) -> Option<Cut> {
    let end = rest
        .iter()
        .position(|byte| b"&\"'<> \t\r\n\\#;,}]".contains(byte));
    Some((0, end.unwrap_or(rest.len()), REDACTED))
}

/// The end of the JSON string that `rest` lies in; of everything, in plain text.
fn string_end(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if closes_string(&rest[index + 1..]) => return index,
            _ => {}
        }
    }
    rest.len()
}

/// Whether what follows an unescaped quote is JSON's structure, so that the text is JSON at all.
fn closes_string(rest: &[u8]) -> bool {
    match rest.trim_ascii_start().first() {
        None => true,
        Some(byte) => b",}]".contains(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(body: &str) -> String {
        String::from_utf8(redact(body.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn what_the_plugin_echoes_is_taken_out_and_the_rest_stays() {
        let table = [
            (
                r#"{"jobs":{"a":{"triggered":true,"resolvedVariables":{"x":"S}{","y":"\\\"S"},"id":1}},"message":"Triggered jobs."}"#,
                r#"{"jobs":{"a":{"triggered":true,"resolvedVariables":"<redacted>","id":1}},"message":"Triggered jobs."}"#,
            ),
            (
                r#"{"resolvedVariables" : {"x":{"y":"S"}}}"#,
                r#"{"resolvedVariables" : "<redacted>"}"#,
            ),
            (
                r#"{"jobs":null,"message":"Sender, 9.9.9.9, with headers {token=[S], x=[\"S\"} did not pass whitelist]} did not pass whitelist.\nDid not find a matching whitelisted host:\n1) 9.9.9.9 did not match statically defined Ipv4.\n"}"#,
                r#"{"jobs":null,"message":"Sender, 9.9.9.9, with headers {<redacted>} did not pass whitelist.\nDid not find a matching whitelisted host:\n1) 9.9.9.9 did not match statically defined Ipv4.\n"}"#,
            ),
            (
                r#"{"message":"…whitelist.\n1) HMAC verification failed with \"X-Port-Signature\" as \"5S\" and algorithm HmacSHA1\n2) Was unable to find header with name \"X\" among {a=[S], b=[\"S]}\n3) next\n"}"#,
                r#"{"message":"…whitelist.\n1) HMAC verification failed with \"X-Port-Signature\" as <redacted> and algorithm HmacSHA1\n2) Was unable to find header with name \"X\" among {<redacted>\n3) next\n"}"#,
            ),
            (
                "<p>POST /ci/generic-webhook-trigger/invoke?token=SECRET&a=b</p>",
                "<p>POST /ci/generic-webhook-trigger/invoke?token=<redacted>&a=b</p>",
            ),
        ];
        for (body, expected) in table {
            assert_eq!(redacted(body), expected);
        }
        assert!(matches!(redact(b"nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cut_answer_is_redacted_to_its_end() {
        let table = [
            (
                r#"{"jobs":{"a":{"resolvedVariables":{"x":"S"#,
                r#"{"jobs":{"a":{"resolvedVariables":"<redacted>""#,
            ),
            (
                r#"{"message":"Sender, 1, with headers {a=[S], b=["#,
                r#"{"message":"Sender, 1, with headers {<redacted>"#,
            ),
            (
                r#"1) HMAC verification failed with \"X\" as \"S"#,
                r#"1) HMAC verification failed with \"X\" as <redacted>"#,
            ),
            (r#"among {a=[S"#, r#"among {<redacted>"#),
            (r#"?token=S"#, r#"?token=<redacted>"#),
            (r#"{"resolvedVariables""#, r#"{"resolvedVariables""#),
        ];
        for (body, expected) in table {
            assert_eq!(redacted(body), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_secret_of_an_echo_survives_at_any_cut(cut in 0_usize..400) {
            let whole = concat!(
                r#"{"jobs":{"a":{"resolvedVariables":{"v":"SECRET1"},"id":1}},"#,
                r#""message":"Sender, 1.1.1.1, with headers {token=[SECRET2], q=[a\"SECRET3]} "#,
                r#"did not pass whitelist.\n1) HMAC verification failed with \"N\" as \"SECRET4\" "#,
                r#"and algorithm HmacSHA1\n2) Was unable to find header with name \"N\" among "#,
                r#"{x=[SECRET5]}\n"}"#
            );
            let body = &whole.as_bytes()[..cut.min(whole.len())];
            let redacted = redact(body);
            proptest::prop_assert!(memmem::find(&redacted, b"SECRET").is_none());
        }

        #[test]
        fn any_bytes_are_survived(body: Vec<u8>) {
            let mut hostile = b"\"resolvedVariables\":{with headers {among {".to_vec();
            hostile.extend(body);
            let _ = redact(&hostile);
        }
    }
}
