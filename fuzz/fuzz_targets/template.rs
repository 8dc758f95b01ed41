//! Any text as a template, as a value and as a key: it is parsed, and filled with any results.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_domain::template::{Cause, Evaluated, Template};
use serde_json::{Value, json};

fuzz_target!(|parts: (&str, Vec<u8>)| {
    let (text, results) = parts;
    let mut object = serde_json::Map::new();
    object.insert(text.to_owned(), json!([text, {"k": text}]));
    for value in [json!(text), Value::Object(object)] {
        let template = Template::parse(&value);
        for violation in template.violations() {
            assert!(!violation.message.is_empty());
        }
        let count = template.expressions().len();
        let evaluated: Vec<Evaluated> = (0..count)
            .map(|place| result(results.get(place).copied().unwrap_or_default(), text))
            .collect();
        let filled = template.fill(&evaluated);
        assert!(serde_json::to_string(&filled.value).is_ok());
        // fewer results than expressions are no reason to fail
        let _ = template.fill(&evaluated[..count / 2]);
    }
});

fn result(kind: u8, text: &str) -> Evaluated {
    match kind % 8 {
        0 => Evaluated::Undefined,
        1 => Evaluated::Failed {
            cause: Cause::Error,
            message: text.to_owned(),
        },
        2 => Evaluated::Value(Value::Null),
        3 => Evaluated::Value(json!(text)),
        4 => Evaluated::Value(json!({text: [text]})),
        5 => Evaluated::Value(json!(-0.5)),
        6 => Evaluated::Value(json!("")),
        _ => Evaluated::Value(json!([[], {}, text])),
    }
}
