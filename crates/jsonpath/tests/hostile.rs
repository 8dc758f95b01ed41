//! Whatever document and path are: an answer within bounded work, never a panic.
#![cfg(test)]

use std::time::{Duration, Instant};

use longshore_jsonpath::java_regex::{Flags, MatchError, Pattern};
use longshore_jsonpath::{EvaluationError, Path, json};
use proptest::prelude::*;
use proptest::sample::select;

/// Far above what the bounds allow, and far below what no bound would take.
const LONGEST: Duration = Duration::from_secs(20);

/// JSON and what json-smart takes for it.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null",
            "true",
            "1",
            "-0",
            "1.50",
            "1e400",
            "007",
            "\"a\"",
            "'$.a'",
            "\"[1]\"",
            "x y",
            "\"\\u00e9\"",
            "\"\\\\u00zz\"",
            "",
            "9999999999999999999999",
            "1e-5",
        ])
        .prop_map(str::to_owned),
        "[a-z$@.\"'\\[\\]{}, :\\\\]{0,8}",
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec((select(vec!["a", "b", "c", "a b", ""]), inner), 0..5).prop_map(
                |members| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(name, value)| format!("\"{name}\":{value}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }
            ),
        ]
    })
}

/// Paths as the grammar has them, filters and functions within each other.
fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        4 => select(vec![
            ".a", ".b", ".c", "['a b']", "['a','b']", "[*]", ".*", "[0]", "[-1]", "[0,1]", "[1:]",
            "[-2:2]", "..a", "..*", "..[0]", "..[*]", "..['a','b']", "[", "x",
        ])
        .prop_map(str::to_owned),
        1 => select(vec![
            ".length()", ".size()", ".min()", ".max()", ".avg()", ".sum()", ".stddev()",
            ".keys()", ".first()", ".last()", ".index(-1)", ".append(1, $)", ".concat($.a, \"x\")",
            ".sum($..a)", ".length($.a)", ".foo()",
        ])
        .prop_map(str::to_owned),
    ];
    let plain = (
        select(vec!["$", "@", ""]),
        prop::collection::vec(step, 0..5),
    )
        .prop_map(|(root, steps)| format!("{root}{}", steps.concat()));
    plain.prop_recursive(3, 12, 3, |inner| {
        let literal = select(vec![
            "1",
            "-1.5e3",
            "'a'",
            "\"$.a\"",
            "null",
            "true",
            "[1,'a']",
            "{\"a\":1}",
            "[",
            "/a+/i",
            "/(a|aa)+$/",
            "/(/",
        ]);
        let operator = select(vec![
            "==", "===", "!=", "!==", "<", "<=", ">", ">=", "=~", "in", "nin", "contains", "all",
            "size", "empty", "subsetof", "anyof", "noneof", "exists", "type", "<>", "",
        ]);
        (inner.clone(), inner, operator, literal, 0_u8..6).prop_map(
            |(before, inside, operator, literal, form)| match form {
                0 => format!("{before}[?({inside})]"),
                1 => format!("{before}..[?({inside} {operator} {literal})]"),
                2 => format!("{before}[?(!({inside} {operator} {literal}) || {inside})].a"),
                3 => format!("{before}[?({literal} {operator} {inside} && !{inside})]"),
                4 => format!("{before}.concat({inside}, {literal})"),
                _ => format!("{before}[?({inside} {operator} {inside})]"),
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paths_of_the_grammar_are_answered(document in document(), path in path()) {
        answer(&document, &path);
    }

    #[test]
    fn any_text_is_answered(document in ".{0,80}", path in "[$@.\\[\\]()?*'\"/\\\\&|!=~<>a, :0-9-]{0,40}") {
        answer(&document, &path);
        answer("{\"a\":[{\"b\":1},{\"b\":[1,2]}]}", &path);
    }

    #[test]
    fn any_pattern_is_answered(pattern in "[a-c\\\\\\[\\]()?*+{}|^$.,:<>=!&0-9QEpPxubk-]{0,24}", text in "[a-c\n\r0-9]{0,30}") {
        if let Ok(compiled) = Pattern::compile(&pattern) {
            let _ = compiled.is_match(&text);
            if let Ok(rest) = compiled.delete_from(&text) {
                prop_assert!(rest.len() <= text.len());
            }
            prop_assert!(Pattern::compile_whole(&pattern, Flags::default()).is_ok());
        }
    }
}

fn answer(document: &str, path: &str) {
    let started = Instant::now();
    if let (Ok(document), Ok(path)) = (json::read(document), Path::parse(path)) {
        let first = path.evaluate(&document);
        // Nothing is left behind for the next evaluation.
        assert_eq!(first, path.evaluate(&document));
        if let Ok(value) = first {
            json::text(&value, json::Layout::Compact);
        }
    }
    assert!(started.elapsed() < LONGEST, "{path} on {document}");
}

#[test]
fn expensive_questions_are_refused() {
    let wide = |element: &str, count: usize| format!("[{}]", vec![element; count].join(","));
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(399), close.repeat(399));
    let backtracking = |length: usize| format!("\"{}b\"", "a".repeat(length));
    let chain = format!("$..a{}", "..*".repeat(40));
    let hard = r"$[?(@ =~ /(a|aa)+\1c/)]";
    let cases = [
        (
            wide("1", 50_000),
            "$[?(@ in $)]",
            EvaluationError::TooMuchWork,
        ),
        (
            wide("\"$[?(@ =~ /a/)]\"", 50_000),
            "$[?(1 in $)]",
            EvaluationError::TooMuchWork,
        ),
        // Each match stays below its own limit, or passes it.
        (
            wide(&backtracking(17), 20_000),
            hard,
            EvaluationError::TooMuchWork,
        ),
        (
            wide(&backtracking(30), 20_000),
            hard,
            EvaluationError::Match(MatchError),
        ),
        (
            wide("1", 50_000),
            "$[*].append($)",
            EvaluationError::TooLarge,
        ),
        (
            wide("1", 50_000),
            "$[*].concat($, $)",
            EvaluationError::TooLarge,
        ),
        (wide("1", 50_000), "$[*].sum($)", EvaluationError::TooLarge),
        (deep("{\"a\":", "}"), &chain, EvaluationError::TooLarge),
        (
            deep("{\"a\":", "}"),
            "$..[?(@..a == $..a)]",
            EvaluationError::TooLarge,
        ),
    ];
    for (document, path, expected) in cases {
        let document = json::read(&document).unwrap();
        let started = Instant::now();
        let result = Path::parse(path).unwrap().evaluate(&document);
        assert_eq!(result, Err(expected), "{path}");
        assert!(started.elapsed() < LONGEST, "{path}");
    }
}
