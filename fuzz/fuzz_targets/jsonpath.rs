//! Any text as a JSONPath, on any text as JSON: it is refused or gives a value, within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_jsonpath::{Path, json};

fuzz_target!(|parts: (&str, &str)| {
    let (path, document) = parts;
    let (Ok(path), Ok(document)) = (Path::parse(path), json::read(document)) else {
        return;
    };
    if let Ok(found) = path.evaluate(&document) {
        let _text = json::text(&found, json::Layout::Compact);
    }
});
