//! Rendering of templates, and the filter that decides whether a job is triggered.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Thrown;
use super::filter::is_found;

/// Longest rendered text. Values that name each other can double it with every variable.
const RENDERED_LIMIT_BYTES: usize = 1 << 20;
/// Most bytes that are searched for names while one template is rendered.
const SEARCHED_LIMIT_BYTES: usize = 64 << 20;

/// Replaces `$name` and `${name}` by values: plain text, longest names first, over the running text.
pub fn render(
    template: Option<&str>,
    variables: &BTreeMap<String, String>,
) -> Result<String, Thrown> {
    let mut text = template.unwrap_or_default().to_owned();
    let mut searched = 0_usize;
    for name in resolve_order(variables.keys().map(String::as_str)) {
        let Some(value) = variables.get(name) else {
            continue;
        };
        if !text.contains('$') {
            break;
        }
        searched = searched.saturating_add(text.len());
        if !text.contains(name) {
            continue;
        }
        for spelling in [format!("${name}"), format!("${{{name}}}")] {
            searched = searched.saturating_add(text.len());
            let grown = growth(&text, &spelling, value);
            if searched > SEARCHED_LIMIT_BYTES || grown > RENDERED_LIMIT_BYTES {
                return Err(out_of_memory());
            }
            text = text.replace(&spelling, value);
        }
    }
    Ok(text)
}

/// Names in the order in which they are replaced: longest first, then by UTF-16 units.
pub fn resolve_order<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<_> = names.collect();
    names.sort_by_cached_key(|name| {
        let units: Vec<u16> = name.encode_utf16().collect();
        (Reverse(units.len()), units)
    });
    names
}

/// Whether the rendered text passes the filter.
pub fn matches(text: Option<&str>, expression: Option<&str>) -> Result<bool, Thrown> {
    let text = text.unwrap_or_default();
    match expression {
        None | Some("") => Ok(true),
        Some(expression) => is_found(expression, text),
    }
}

/// Length of the text once `spelling` is replaced by `value`.
fn growth(text: &str, spelling: &str, value: &str) -> usize {
    let found = text.matches(spelling).count();
    text.len() + found.saturating_mul(value.len().saturating_sub(spelling.len()))
}

fn out_of_memory() -> Thrown {
    Thrown::new(
        "java.lang.OutOfMemoryError",
        "Java heap space",
        "java.lang.String:2961",
    )
}
