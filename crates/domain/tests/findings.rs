//! What fuzzing found in templates, and other texts that once went wrong: each is parsed and filled.
#![cfg(test)]

use std::fs;

use longshore_domain::template::{Evaluated, Template};
use serde_json::{Value, json};

#[test]
fn every_finding_is_parsed_and_filled() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/findings");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let as_key: Value = [(text.to_string(), json!([text]))].into_iter().collect();
        for value in [json!(text), as_key] {
            let template = Template::parse(&value);
            let results = [json!(null), json!(text), json!({}), json!([text])];
            for result in results.map(Evaluated::Value) {
                let evaluated = vec![result; template.expressions().len()];
                let filled = template.fill(&evaluated);
                assert!(serde_json::to_string(&filled.value).is_ok());
            }
        }
        count += 1;
    }
    assert!(count > 0);
}
