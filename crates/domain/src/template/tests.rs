use std::collections::HashMap;

use serde_json::{Value, json};

use super::*;

/// Evaluates by a table: what is not in it fails.
fn results(expressions: &[Expression], table: &[(&str, Evaluated)]) -> Vec<Evaluated> {
    let table: HashMap<&str, &Evaluated> =
        table.iter().map(|(text, result)| (*text, result)).collect();
    let result = |expression: &Expression| match table.get(expression.text.as_str()) {
        Some(result) => (*result).clone(),
        None => Evaluated::Failed {
            cause: Cause::Error,
            message: format!("no {}", expression.text),
        },
    };
    expressions.iter().map(result).collect()
}

fn value(value: Value) -> Evaluated {
    Evaluated::Value(value)
}

fn table() -> Vec<(&'static str, Evaluated)> {
    vec![
        (".s", value(json!("text"))),
        (".empty", value(json!(""))),
        (".n", value(json!(1.0))),
        (".big", value(json!(1e21))),
        (".t", value(json!(true))),
        (".null", value(json!(null))),
        (".o", value(json!({"a": 1, "b": [2, "c"]}))),
        (".l", value(json!([1, "x"]))),
        (".evil", value(json!("{{ .secrets.KEY }}"))),
        ("empty", Evaluated::Undefined),
        ("\"q\"", value(json!("q"))),
        (".secrets.KEY", value(json!("geheim"))),
        (
            ".secrets",
            value(json!({"KEY": "geheim", "OTHER": ["anders", 5]})),
        ),
        (".secrets.none", Evaluated::Undefined),
        (".run.token", value(json!("tok"))),
    ]
}

fn filled(template: &Value) -> Filled {
    let template = Template::parse(template);
    template.fill(&results(template.expressions(), &table()))
}

fn completed(filled: &Filled) -> Completed {
    let attempt = PerAttempt::parse(&filled.deferred);
    attempt.complete(
        filled.value.clone(),
        &results(attempt.expressions(), &table()),
    )
}

fn values() -> Vec<(Value, Value)> {
    vec![
        (json!("plain"), json!("plain")),
        (json!(null), json!(null)),
        (json!({"a": [1, {"b": "c"}]}), json!({"a": [1, {"b": "c"}]})),
        // whole values keep their type
        (json!("{{ .s }}"), json!("text")),
        (json!(" \n{{.n}}\t "), json!(1.0)),
        (json!("{{ .t }}"), json!(true)),
        (json!("{{ .null }}"), json!(null)),
        (json!("{{ .o }}"), json!({"a": 1, "b": [2, "c"]})),
        (json!("{{ 'q' }}"), json!("q")),
        (json!("{{ empty }}"), json!(null)),
        (json!("{{ .fails }}"), json!(null)),
        // all else is text
        (json!("{{ .s }}{{ .s }}"), json!("texttext")),
        (json!("a{{ .n }}b{{ .big }}"), json!("a1b1e+21")),
        (json!("a {{ .null }} {{ .fails }}"), json!("a null null")),
        (json!("a {{ empty }}"), json!("a undefined")),
        (
            json!("o={{ .o }} l={{ .l }}"),
            json!("o={\"a\":1,\"b\":[2,\"c\"]} l=[1,\"x\"]"),
        ),
        // what results hold is no template
        (json!("{{ .evil }}"), json!("{{ .secrets.KEY }}")),
        (json!("x {{ .evil }}"), json!("x {{ .secrets.KEY }}")),
        // undefined vanishes from objects and is null in arrays; null stays
        (
            json!({"a": "{{ empty }}", "b": "{{ .null }}", "c": "{{ .fails }}"}),
            json!({"b": null, "c": null}),
        ),
        (
            json!(["{{ empty }}", "{{ .null }}", 1]),
            json!([null, null, 1]),
        ),
    ]
}

fn objects() -> Vec<(Value, Value)> {
    vec![
        // keys
        (
            json!({"{{ .s }}": 1, "k-{{ .n }}": 2}),
            json!({"text": 1, "k-1": 2}),
        ),
        (
            json!({"{{ .null }}": 1, "{{ empty }}": 2, "{{ .empty }}": 3, "{{ .fails }}": 4, "{{ .n }}": 5}),
            json!({}),
        ),
        (
            json!({"text": 1, "z": 2, "{{ .s }}": 3}),
            json!({"text": 3, "z": 2}),
        ),
        // spread
        (
            json!({"a": 0, "{{ spreadValue() }}": "{{ .o }}", "z": 1}),
            json!({"a": 1, "b": [2, "c"], "z": 1}),
        ),
        (
            json!({"{{spreadValue( )}}": {"b": "{{ .s }}"}, "b": 2}),
            json!({"b": 2}),
        ),
        (
            json!({"{{ spreadValue() }}": {"b": 1, "c": 2}}),
            json!({"b": 1, "c": 2}),
        ),
        (
            json!({"{{ spreadValue() }}": "{{ .null }}", "a": 1}),
            json!({"a": 1}),
        ),
        (
            json!({"{{ spreadValue() }}": "{{ .l }}", "a": 1}),
            json!({"a": 1}),
        ),
        (
            json!({"{{ spreadValue() }}": "{{ .s }}", "a": 1}),
            json!({"a": 1}),
        ),
        (
            json!({"{{ spreadValue() }}": {"x": "{{ empty }}", "{{ spreadValue() }}": "{{ .o }}"}}),
            json!({"a": 1, "b": [2, "c"]}),
        ),
        // braces that make no sense
        (
            json!({"a": "{{ .s", "b": "}}", "c": "{{ {{ .s }}", "d": 1}),
            json!({"a": null, "b": null, "c": null, "d": 1}),
        ),
        (json!({"a }}": 1, "b": 2}), json!({"b": 2})),
        // an empty key drops its pair, also where it was written so
        (json!({"": 1, "b": {"": "{{ .s }}"}}), json!({"b": {}})),
    ]
}

#[test]
fn templates_become_values() {
    for (template, expected) in values().into_iter().chain(objects()) {
        let shown = template.to_string();
        let filled = filled(&template);
        assert_eq!(filled.value, expected, "{shown}");
        assert_eq!(filled.deferred, [], "{shown}");
    }
}

#[test]
fn expressions_are_listed_once_in_order_as_jq_reads_them() {
    let template = Template::parse(&json!({
        "{{ .k }}": "{{ .a }}{{ .b }}",
        "x": ["{{.a}}", "{{ 'q' }}", "{{ .inputs.x }} {{ .secrets.KEY }}"],
    }));
    let listed: Vec<(&str, bool)> = template
        .expressions()
        .iter()
        .map(|e| (e.text.as_str(), e.deferred))
        .collect();
    assert_eq!(
        listed,
        [
            (".k", false),
            (".a", false),
            (".b", false),
            ("\"q\"", false),
            (".inputs.x", false),
            (".secrets.KEY", true),
        ]
    );
}

#[test]
fn failures_tell_where() {
    let failures = filled(&json!({
        "a/b": ["{{ .x }}"],
        "{{ .n }}": 1,
        "{{ spreadValue() }}": "{{ .s }}",
        "open": "{{",
    }))
    .failures;
    let listed: Vec<(&str, &str, &str)> = failures
        .iter()
        .map(|f| (f.path.as_str(), f.expression.as_str(), f.cause.name()))
        .collect();
    assert_eq!(
        listed,
        [
            ("a/b[0]", ".x", "error"),
            ("{{ .n }}", ".n", "key"),
            ("{{ spreadValue() }}", "spreadValue()", "spread"),
            ("open", "", "template")
        ]
    );
    assert_eq!(failures[0].message, "no .x");
}

#[test]
fn mistakes_are_listed_with_their_places() {
    let template = Template::parse(&json!({"a": [{"b": "x {{ .s"}], "c }}": 1}));
    let paths: Vec<&str> = template
        .violations()
        .iter()
        .map(|v| v.path.as_str())
        .collect();
    assert_eq!(paths, ["a[0].b", "c }}"]);
    assert!(template.violations()[0].message.contains("character 2"));
}

#[test]
fn a_spread_of_what_is_no_object_is_told() {
    for (value, told) in [
        (json!("{{ .null }}"), "null"),
        (json!("{{ .l }}"), "an array"),
        (json!("{{ .s }}"), "a string"),
        (json!("{{ .s }}{{ .s }}"), "a string"),
        (json!("{{ empty }}"), "nothing"),
        (json!([1]), "an array"),
        (json!(["{{ .s }}"]), "an array"),
        (json!(5), "a number"),
    ] {
        let filled = filled(&json!({"{{ spreadValue() }}": value, "b": 1}));
        assert_eq!(filled.value, json!({"b": 1}));
        let [failure] = filled.failures.as_slice() else {
            panic!("{filled:?}")
        };
        assert_eq!(failure.cause, Cause::Spread);
        assert!(
            failure.message.ends_with(&format!("this is {told}")),
            "{failure:?}"
        );
    }
}

#[test]
fn a_survey_tells_where_each_expression_stands_and_what_becomes_of_it() {
    let survey = Survey::of(&json!({
        "body": {
            "{{ .k }}": ["{{ .a }}", "x {{ .secrets.KEY }}"],
            "{{ spreadValue() }}": "{{ .o }}",
            "p-{{ .k }}": 1,
        },
        "url": "{{ .a }}",
    }));
    let mut found = Vec::new();
    survey.each(|it| {
        found.push((
            it.path(),
            it.expression.text.clone(),
            it.role,
            it.is_below("body"),
        ));
    });
    let found: Vec<(&str, &str, Role, bool)> = found
        .iter()
        .map(|(path, text, role, below)| (path.as_str(), text.as_str(), *role, *below))
        .collect();
    assert_eq!(
        found,
        [
            ("body.{{ .k }}", ".k", Role::Key, true),
            ("body.{{ .k }}[0]", ".a", Role::Whole, true),
            ("body.{{ .k }}[1]", ".secrets.KEY", Role::Part, true),
            ("body.{{ spreadValue() }}", ".o", Role::Spread, true),
            ("body.p-{{ .k }}", ".k", Role::Part, true),
            ("url", ".a", Role::Whole, false),
        ]
    );
}

#[test]
fn what_is_told_of_long_keys_is_short() {
    let long = "k".repeat(100_000);
    let template = json!({ long.clone(): {long: "{{ .fails"} });
    let parsed = Template::parse(&template);
    assert!(parsed.violations()[0].path.len() < 200);
    assert!(filled(&template).failures[0].path.len() < 200);
}

#[test]
fn what_names_a_secret_waits_as_written() {
    for (template, value, pointers, complete) in [
        (
            json!("{{ .secrets.KEY }}"),
            json!("{{ .secrets.KEY }}"),
            vec![""],
            json!("geheim"),
        ),
        (
            json!({"h": {"Authorization": "Bearer {{ .run.token }}", "x": "{{ .s }}"}}),
            json!({"h": {"Authorization": "Bearer {{ .run.token }}", "x": "text"}}),
            vec!["/h/Authorization"],
            json!({"h": {"Authorization": "Bearer tok", "x": "text"}}),
        ),
        (
            json!(["{{ .s }} {{ .secrets.KEY }}", "{{ .evil }}"]),
            json!(["{{ .s }} {{ .secrets.KEY }}", "{{ .secrets.KEY }}"]),
            vec!["/0"],
            json!(["text geheim", "{{ .secrets.KEY }}"]),
        ),
        // a result can be put where a template once stood, but is none
        (
            json!({"{{ .s }}": "{{ .secrets.KEY }}", "text": "{{ .evil }}"}),
            json!({"text": "{{ .secrets.KEY }}"}),
            vec![],
            json!({"text": "{{ .secrets.KEY }}"}),
        ),
        // computed keys move what is below them
        (
            json!({"{{ .s }}": {"a/~": "{{ .secrets.KEY }}"}}),
            json!({"text": {"a/~": "{{ .secrets.KEY }}"}}),
            vec!["/text/a~1~0"],
            json!({"text": {"a/~": "geheim"}}),
        ),
        // a deferred key takes its object along
        (
            json!({"o": {"{{ .secrets.KEY }}": "{{ .s }}", "b": 1}, "p": "{{ .s }}"}),
            json!({"o": {"{{ .secrets.KEY }}": "{{ .s }}", "b": 1}, "p": "text"}),
            vec!["/o"],
            json!({"o": {"geheim": "text", "b": 1}, "p": "text"}),
        ),
        (
            json!({"o": {"{{ spreadValue() }}": "{{ .secrets }}", "b": 1}}),
            json!({"o": {"{{ spreadValue() }}": "{{ .secrets }}", "b": 1}}),
            vec!["/o"],
            json!({"o": {"KEY": "geheim", "OTHER": ["anders", 5], "b": 1}}),
        ),
        (
            json!({"{{ spreadValue() }}": {"k": "{{ .secrets.KEY }}", "l": "{{ .secrets.KEY }}"}, "l": 1}),
            json!({"k": "{{ .secrets.KEY }}", "l": 1}),
            vec!["/k"],
            json!({"k": "geheim", "l": 1}),
        ),
        // undefined and failing ones
        (
            json!({"a": "{{ .secrets.none }}", "b": ["{{ .secrets.none }}"], "c": "{{ .secrets.x }}"}),
            json!({"a": "{{ .secrets.none }}", "b": ["{{ .secrets.none }}"], "c": "{{ .secrets.x }}"}),
            vec!["/a", "/b/0", "/c"],
            json!({"b": [null], "c": null}),
        ),
    ] {
        let shown = template.to_string();
        let filled = filled(&template);
        assert_eq!(filled.value, value, "{shown}");
        let found: Vec<&str> = filled.deferred.iter().map(|d| d.pointer.as_str()).collect();
        assert_eq!(found, pointers, "{shown}");
        assert_eq!(completed(&filled).value, complete, "{shown}");
    }
}

#[test]
fn what_secrets_yielded_is_told_for_scrubbing() {
    let filled = filled(&json!([
        "{{ .secrets }} {{ .s }}",
        "{{ .run.token }}",
        "{{ .evil }}"
    ]));
    assert_eq!(completed(&filled).yielded, ["anders", "geheim", "tok"]);
}

#[test]
fn a_failing_secret_tells_nothing_of_itself() {
    let filled = filled(&json!({"a": {"b": "{{ .secrets.KEY | tonumber }}"}}));
    let attempt = PerAttempt::parse(&filled.deferred);
    let failed = Evaluated::Failed {
        cause: Cause::Error,
        message: "geheim cannot be parsed as a number".to_owned(),
    };
    let completed = attempt.complete(filled.value, &[failed]);
    assert_eq!(completed.failures.len(), 1);
    assert_eq!(completed.failures[0].path, "a.b");
    assert!(!format!("{completed:?}").contains("geheim"));
}

#[test]
fn what_is_deferred_survives_storage() {
    let filled = filled(&json!({"a": "{{ .secrets.KEY }}"}));
    let stored = serde_json::to_string(&filled.deferred).unwrap();
    assert_eq!(
        stored,
        r#"[{"pointer":"/a","template":"{{ .secrets.KEY }}"}]"#
    );
    assert_eq!(
        serde_json::from_str::<Vec<Deferred>>(&stored).unwrap(),
        filled.deferred
    );
}

fn nested(levels: usize, inside: Value) -> Value {
    (0..levels).fold(inside, |value, _| json!([value]))
}

#[test]
fn bounds_make_null_and_are_told() {
    let many: Value = (0..=MAX_TEMPLATE_EXPRESSIONS)
        .map(|n| json!(format!("{{{{ .a{n} }}}}")))
        .collect();
    for (template, violations, failed_at) in [
        (nested(MAX_TEMPLATE_DEPTH, json!("{{ .s }}")), 0, None),
        (
            nested(MAX_TEMPLATE_DEPTH + 1, json!("{{ .s }}")),
            1,
            Some("[0]".repeat(MAX_TEMPLATE_DEPTH)),
        ),
        (
            json!(format!("{{{{{}}}}}", " ".repeat(MAX_EXPRESSION_BYTES + 1))),
            1,
            Some(String::new()),
        ),
    ] {
        let parsed = Template::parse(&template);
        assert_eq!(parsed.violations().len(), violations);
        let filled = parsed.fill(&results(parsed.expressions(), &table()));
        assert_eq!(
            filled.failures.first().map(|failure| failure.path.clone()),
            failed_at
        );
    }
    let parsed = Template::parse(&many);
    assert_eq!(parsed.expressions().len(), MAX_TEMPLATE_EXPRESSIONS);
    assert_eq!(parsed.violations().len(), 1);
}

#[test]
fn results_that_grow_too_large_or_deep_become_null() {
    let megabyte = json!("x".repeat(1024 * 1024));
    let template = Template::parse(&json!(vec!["{{ .m }}"; 20]));
    let filled = template.fill(&[value(megabyte.clone())]);
    assert!(filled.value.as_array().unwrap().contains(&megabyte));
    assert_eq!(filled.value[19], json!(null));
    assert!(filled.failures.len() > 10);
    let text = Template::parse(&json!("- {{ .m }}".repeat(20)));
    assert_eq!(text.fill(&[value(megabyte)]).value, json!(null));

    let template = Template::parse(&nested(60, json!("{{ .d }}")));
    for (levels, fits) in [(40, true), (41, false)] {
        let filled = template.fill(&[value(nested(levels, json!(1)))]);
        assert_eq!(filled.failures.is_empty(), fits, "{levels}");
        let text = filled.value.to_string();
        assert!(serde_json::from_str::<Value>(&text).is_ok());
    }
}

#[test]
fn missing_results_are_failures() {
    let template = Template::parse(&json!(["{{ .a }}", "{{ .b }}"]));
    let filled = template.fill(&[value(json!(1))]);
    assert_eq!(filled.value, json!([1, null]));
    assert_eq!(filled.failures.len(), 1);
}

#[test]
fn what_is_kept_waits_for_each_attempt_with_the_string_or_object_it_stands_in() {
    let template = json!({
        "whole": "{{ .n }}",
        "part": "{{ .s }}-{{ .n }}",
        "free": "{{ .s }}",
        "object": {"{{ .s }}": "{{ .n }}", "b": 1},
        "key": {"k{{ .n }}": "{{ .s }}"},
    });
    let parsed = Template::parse_keeping(&template, &|text| text == ".n");
    let filled = parsed.fill(&results(parsed.expressions(), &table()));
    let pointers: Vec<&str> = filled
        .deferred
        .iter()
        .map(|it| it.pointer.as_str())
        .collect();
    assert_eq!(pointers, ["/whole", "/part", "/object/text", "/key"]);
    assert_eq!(filled.value["free"], "text");
    assert_eq!(filled.value["whole"], template["whole"]);
    let completed = completed(&filled);
    assert_eq!(
        completed.value,
        json!({
            "whole": 1.0, "part": "text-1", "free": "text", "object": {"text": 1.0, "b": 1},
            "key": {"k1": "text"},
        })
    );
    assert!(completed.yielded.is_empty(), "no secret was named");
}
