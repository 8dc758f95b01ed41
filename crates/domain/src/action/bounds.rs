//! How large and how deep an action may be, so that everything after may recurse and loop over it.

use serde_json::Value;

use crate::violation::Violation;

/// Levels of objects and arrays within one another.
pub const MAX_DEPTH: usize = 64;
/// Values in the whole document, keys not counted.
pub const MAX_VALUES: usize = 100_000;

/// What is too large about `document`; `None` where it may be read on.
#[must_use]
pub(crate) fn exceeded(document: &Value) -> Option<Violation> {
    let mut open = vec![(document, 0)];
    let mut values = 0;
    while let Some((value, depth)) = open.pop() {
        values += 1;
        if values > MAX_VALUES {
            return Some(Violation::new(
                "",
                format!("has more than {MAX_VALUES} values"),
            ));
        }
        if depth > MAX_DEPTH {
            return Some(Violation::new(
                "",
                format!("is nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(map) => open.extend(map.values().map(|item| (item, depth + 1))),
            _ => {}
        }
    }
    None
}
