//! What holds for any template and any results.

use fancy_regex::Regex;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::quotes::rewritten;
use super::scan::{Piece, scan};
use super::*;

/// Texts made of what matters to a scanner.
fn texts() -> impl Strategy<Value = String> {
    let parts = select(vec![
        "{",
        "}",
        "{{",
        "}}",
        "{{{",
        "}}}",
        "\"",
        "'",
        "\\",
        " ",
        "\n",
        "\u{feff}",
        "\u{85}",
        "a",
        ".a",
        "é",
        "|",
        "😀",
        "''",
        "spreadValue()",
    ]);
    vec(parts, 0..14).prop_map(|parts| parts.concat())
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![texts(), Just("{{ spreadValue() }}".to_owned())];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key, inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn results() -> impl Strategy<Value = Evaluated> {
    prop_oneof![
        values().prop_map(Evaluated::Value),
        Just(Evaluated::Undefined),
        Just(Evaluated::Failed {
            cause: Cause::Error,
            message: "it failed".to_owned(),
        }),
    ]
}

/// `value` without its empty keys, which no template keeps.
fn without_empty_keys(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(without_empty_keys).collect(),
        Value::Object(object) => object
            .into_iter()
            .filter(|(key, _)| !key.is_empty())
            .map(|(key, value)| (key, without_empty_keys(value)))
            .collect::<Map<String, Value>>()
            .into(),
        other => other,
    }
}

fn has_braces(value: &Value) -> bool {
    let text = value.to_string();
    text.contains("{{") || text.contains("}}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_are_the_whole_text(text in texts()) {
        if let Ok(pieces) = scan(&text) {
            let written = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => (*text).to_owned(),
                Piece::Expression(text) => format!("{{{{{text}}}}}"),
            });
            prop_assert_eq!(written.collect::<String>(), text);
        }
    }

    #[test]
    fn a_scanner_s_error_points_at_braces(text in texts()) {
        if let Err(error) = scan(&text) {
            let (at, braces) = match error {
                scan::ScanError::Nested { inner, outer } => {
                    prop_assert!(outer < inner);
                    (inner, "{{")
                }
                scan::ScanError::Stray { at } => (at, "}}"),
                scan::ScanError::Unterminated { at } => (at, "{{"),
            };
            let rest: String = text.chars().skip(at).collect();
            prop_assert!(rest.starts_with(braces), "{} at {} of {:?}", braces, at, text);
        }
    }

    #[test]
    fn quotes_are_rewritten_as_the_expression_says(text in texts()) {
        // ECMAScript's `\s`
        let blank = r"[\t\n\x0b\x0c\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]"
            .replace(r"\u00a0", "\u{a0}").replace(r"\u1680", "\u{1680}")
            .replace(r"\u2000-\u200a", "\u{2000}-\u{200a}")
            .replace(r"\u2028", "\u{2028}").replace(r"\u2029", "\u{2029}")
            .replace(r"\u202f", "\u{202f}").replace(r"\u205f", "\u{205f}")
            .replace(r"\u3000", "\u{3000}").replace(r"\ufeff", "\u{feff}");
        let pattern = format!("(\\A|{blank})'(?!{blank}|\")|(?<!{blank}|\")'({blank}|\\z)");
        let expected = Regex::new(&pattern).unwrap().replace_all(&text, "${1}\"${2}").into_owned();
        prop_assert_eq!(rewritten(&text), expected);
    }

    #[test]
    fn what_has_no_braces_stays_as_it_is(value in values()) {
        if !has_braces(&value) {
            let filled = Template::parse(&value).fill(&[]);
            prop_assert_eq!(filled.value, without_empty_keys(value));
            prop_assert_eq!((filled.failures, filled.deferred), (vec![], vec![]));
        }
    }

    #[test]
    fn any_results_fill_any_template(template in values(), results in vec(results(), 8)) {
        let parsed = Template::parse(&template);
        let filled = parsed.fill(&results);
        let text = filled.value.to_string();
        let read = serde_json::from_str::<Value>(&text).unwrap();
        prop_assert!(read == filled.value);
        let missing = Template::parse(&template).fill(&[]);
        prop_assert!(missing.failures.len() >= usize::from(!parsed.violations().is_empty()));
        for deferred in &filled.deferred {
            prop_assert_eq!(filled.value.pointer(&deferred.pointer), Some(&deferred.template));
        }
        let attempt = PerAttempt::parse(&filled.deferred);
        let completed = attempt.complete(filled.value, &results);
        prop_assert!(serde_json::from_str::<Value>(&completed.value.to_string()).is_ok());
    }

    #[test]
    fn a_whole_value_is_put_in_as_it_is_and_never_looked_at(value in values()) {
        let filled = Template::parse(&json!({"k": " {{ .a }} "})).fill(&[Evaluated::Value(value.clone())]);
        prop_assert_eq!(filled.value, json!({"k": value}));
        prop_assert_eq!(filled.deferred, vec![]);
    }

    #[test]
    fn a_survey_sees_the_expressions_of_a_template(template in values()) {
        let parsed = Template::parse(&template);
        let survey = Survey::of(&template);
        let texts = |list: &[Expression]| list.iter().map(|e| e.text.clone()).collect::<Vec<_>>();
        prop_assert_eq!(texts(parsed.expressions()), texts(survey.expressions()));
        let mut seen = vec![false; survey.expressions().len()];
        survey.each(|occurrence| seen[occurrence.index] = true);
        prop_assert!(seen.iter().all(|seen| *seen));
    }
}
