//! The cause of a build as Jenkins shows it: basic formatting and links survive, the rest vanishes.

/// Elements that are kept, without attributes (OWASP's formatting policy).
const FORMATTING: [&str; 23] = [
    "b", "i", "font", "s", "u", "o", "sup", "sub", "ins", "del", "strong", "strike", "tt", "code",
    "big", "small", "span", "br", "em", "q", "cite", "abbr", "dfn",
];
/// Elements whose content vanishes with them.
const SWALLOWED: [&str; 6] = [
    "script", "style", "iframe", "noscript", "object", "textarea",
];

/// The cause's text, or the standing one where there is none.
pub fn short_description(cause: Option<&str>) -> String {
    match cause {
        None | Some("") => "Generic Cause".to_owned(),
        Some(cause) => sanitized(cause),
    }
}

fn sanitized(html: &str) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(place) = rest.find('<') {
        text(&rest[..place], &mut out);
        let tag = &rest[place..];
        let Some(end) = tag.find('>') else {
            text(tag, &mut out);
            rest = "";
            break;
        };
        let inside = tag[1..end].trim_end_matches('/').trim();
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            close(&name.trim().to_ascii_lowercase(), &mut open, &mut out);
            continue;
        }
        let name_end = inside.find(char::is_whitespace).unwrap_or(inside.len());
        let name = inside[..name_end].to_ascii_lowercase();
        if SWALLOWED.contains(&name.as_str()) {
            rest = after_element(rest, &name);
        } else if name == "br" {
            out.push_str("<br />");
        } else if let Some(kept) = FORMATTING.iter().find(|kept| **kept == name) {
            out.push_str(&format!("<{kept}>"));
            open.push(kept);
        } else if name == "a"
            && let Some(address) = safe_address(&inside[name_end..])
        {
            out.push_str("<a href=\"");
            text(address, &mut out);
            out.push_str("\" rel=\"nofollow\">");
            open.push("a");
        }
    }
    text(rest, &mut out);
    for name in open.iter().rev() {
        out.push_str(&format!("</{name}>"));
    }
    out
}

/// Closes an element and whatever is still open within it.
fn close(name: &str, open: &mut Vec<&str>, out: &mut String) {
    let Some(place) = open.iter().rposition(|kept| *kept == name) else {
        return;
    };
    for kept in open.drain(place..).rev() {
        out.push_str(&format!("</{kept}>"));
    }
}

fn after_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let closing = format!("</{name}");
    rest.to_ascii_lowercase()
        .find(&closing)
        .and_then(|place| Some(&rest[place + rest[place..].find('>')? + 1..]))
        .unwrap_or("")
}

/// The value of `href`, where its scheme is one that links may have.
fn safe_address(attributes: &str) -> Option<&str> {
    let place = attributes.to_ascii_lowercase().find("href")?;
    let value = attributes[place + 4..].trim_start().strip_prefix('=')?;
    let value = value.trim_start();
    let address = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_whitespace().next()?,
    };
    let lower = address.trim().to_ascii_lowercase();
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
        .then_some(address.trim())
}

/// Character references in the source are kept as they are.
fn text(plain: &str, out: &mut String) {
    for (place, character) in plain.char_indices() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '&' if is_reference(&plain[place..]) => out.push('&'),
            '&' => out.push_str("&amp;"),
            character => out.push(character),
        }
    }
}

/// Longest character reference that is recognised.
const REFERENCE_LIMIT: usize = 10;

fn is_reference(text: &str) -> bool {
    let mut characters = text.chars().skip(1).take(REFERENCE_LIMIT);
    let mut length = 0;
    characters.find(|character| {
        length += 1;
        !(character.is_ascii_alphanumeric() || *character == '#')
    }) == Some(';')
        && length > 1
}

#[cfg(test)]
mod tests {
    use super::short_description;

    #[test]
    fn formatting_and_links_survive() {
        let cases = [
            ("<b>bold", "<b>bold</b>"),
            ("<b><i>x</b>y", "<b><i>x</i></b>y"),
            ("<div>x</div>", "x"),
            ("a < b", "a &lt; b"),
            ("&amp; & &;", "&amp; &amp; &amp;;"),
            (
                "<a href='https://x/?a=1'>l</a>",
                "<a href=\"https://x/?a=1\" rel=\"nofollow\">l</a>",
            ),
            ("<a href=JavaScript:x>l</a>", "l"),
            ("a<STYLE>p{}</style >b", "ab"),
            ("<script>never closed", ""),
        ];
        for (html, expected) in cases {
            assert_eq!(short_description(Some(html)), expected, "{html}");
        }
    }
}
