mod encryption;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::action::Action;

/// The form of an action whose `userInputs` are these.
fn form(user_inputs: &Value) -> Form {
    let action = Action::parse(&json!({
        "identifier": "a",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": user_inputs},
        "invocationMethod": {"type": "KAFKA"},
    }))
    .unwrap();
    Form::compile(action.user_inputs().unwrap())
}

/// A form of the one input `x`.
fn of(schema: &Value) -> Form {
    form(&json!({"properties": {"x": schema}}))
}

/// What stands in `schema`, a value, and whether it is accepted.
fn check(table: &[(Value, Value, bool)]) {
    for (schema, value, accepted) in table {
        let form = of(schema);
        assert_eq!(form.unsupported(), [], "{schema}");
        let result = form.accept(json!({"x": value}));
        assert_eq!(
            result.is_ok(),
            *accepted,
            "{schema} with {value}: {result:?}"
        );
        for violation in result.err().unwrap_or_default() {
            assert!(violation.path.starts_with("properties.x"), "{violation}");
        }
    }
}

#[test]
fn types_are_checked() {
    let samples = [
        ("string", json!("a")),
        ("number", json!(1.5)),
        ("boolean", json!(false)),
        ("object", json!({"a": 1})),
        ("array", json!([1])),
        ("null", Value::Null),
    ];
    for (wanted, _) in &samples[..5] {
        for (kind, value) in &samples {
            check(&[(json!({"type": wanted}), value.clone(), kind == wanted)]);
        }
    }
}

#[test]
fn text_is_checked() {
    let pattern = |pattern: &str| json!({"type": "string", "pattern": pattern});
    check(&[
        (
            json!({"type": "string", "minLength": 2}),
            json!("é🚀"),
            true,
        ),
        (json!({"type": "string", "minLength": 2}), json!("é"), false),
        (
            json!({"type": "string", "maxLength": 2}),
            json!("é🚀"),
            true,
        ),
        (
            json!({"type": "string", "maxLength": 2}),
            json!("abc"),
            false,
        ),
        (
            json!({"type": "string", "maxLength": 2.0}),
            json!("abc"),
            false,
        ),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            json!("b"),
            true,
        ),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            json!("c"),
            false,
        ),
        (json!({"type": "string", "enum": []}), json!("c"), false),
        (json!({"type": "string", "const": "a"}), json!("b"), false),
        (pattern("^[a-z]+$"), json!("abc"), true),
        (pattern("^[a-z]+$"), json!("abc\n"), false),
        (pattern("b"), json!("abc"), true),
        (pattern("b"), json!("ac"), false),
    ]);
}

#[test]
fn patterns_mean_what_ecmascript_means() {
    let table = [
        (r"^\d+$", "12", true),
        (r"^\d+$", "١٢", false),
        (r"^\w+$", "az_09", true),
        (r"^\w+$", "é", false),
        (r"^\s$", "\u{feff}", true),
        (r"^\s$", "\u{85}", false),
        (r"^\S+$", "a b", false),
        (r"^.$", "\r", false),
        (r"^.$", "\u{2028}", false),
        (r"^.$", "🚀", true),
        (r"^[^\d]+$", "abc", true),
        (r"^[^\d]+$", "a1", false),
        (r"^[\w.-]+$", "a.b-c", true),
        (r"^[\D]$", "é", true),
        (r"^[[]$", "[", true),
        (r"^[a&&b]+$", "a&b", true),
        (r"^[[:alpha:]]+$", "a]", true),
        (r"^[+--]+$", "+,-", true),
        (r"^[a~~b]+$", "~", true),
        (r"^[-a]$", "-", true),
        (r"^[a-]$", "-", true),
        (r"^[^]$", "\n", true),
        (r"[]", "a", false),
        (r"^\u00e9\x41\u{1F680}$", "éA🚀", true),
        (r"^\ud83d\ude80$", "🚀", true),
        (r"^\p{Lu}\p{Script=Greek}$", "Aα", true),
        (r"\bcat\b", "a cat.", true),
        (r"\bcat\b", "cats", false),
        (r"^(?:a|b)(?<tail>c)+?$", "acc", true),
        (r"^a\/b\-c\.$", "a/b-c.", true),
        (r"^\cA\0\t$", "\u{1}\0\t", true),
        (r"^a#b c$", "a#b c", true),
        (r"^(a|b|ab)*c$", "abababc", true),
        (r"^$", "", true),
    ];
    for (pattern, text, matches) in table {
        check(&[(
            json!({"type": "string", "pattern": pattern}),
            json!(text),
            matches,
        )]);
    }
}

#[test]
fn patterns_without_a_linear_engine_refuse_execution() {
    let table = [
        (r"^(?=.*\d).+$", "looks ahead"),
        (r"(?<!a)b", "looks ahead or behind"),
        (r"(a)\1", "refers to a group"),
        (r"(?<n>a)\k<n>", "refers to a group"),
        ("(", "not a regular expression"),
        ("[a", "not closed"),
        ("a\\", "ends with a backslash"),
        ("(?i)a", "a kind that ECMAScript does not know"),
        (r"\Aa", "escape"),
        ("(.{0,1000}){0,1000}", "too large"),
        (r"[\d-z]", "starts with a set"),
        ("z{2,1}", "not a regular expression"),
    ];
    for (pattern, why) in table {
        let form = of(&json!({"type": "string", "pattern": pattern}));
        let [problem] = form.unsupported() else {
            panic!("{pattern} was compiled")
        };
        assert!(
            problem.message.contains(why),
            "{pattern}: {}",
            problem.message
        );
        assert!(!problem.is_expression);
        assert_eq!(problem.path, "trigger.userInputs.properties.x.pattern");
        let refused = form.accept(json!({})).unwrap_err();
        assert_eq!(refused[0].path, "properties.x");
        assert!(
            form.warnings()[0]
                .message
                .ends_with("executing this action is refused")
        );
    }
    let nested = "(".repeat(2_000) + &")".repeat(2_000);
    assert_eq!(
        of(&json!({"type": "string", "pattern": nested}))
            .unsupported()
            .len(),
        1
    );
    let large: Map<String, Value> = (0..10)
        .map(|at| {
            (
                at.to_string(),
                json!({"type": "string", "pattern": r"\p{L}{1,50}"}),
            )
        })
        .collect();
    let messages = form(&json!({"properties": large})).warnings();
    assert!(messages[0].message.contains("too many and too large"));
    let long = "a".repeat(5_000);
    assert_eq!(
        of(&json!({"type": "string", "pattern": long}))
            .unsupported()
            .len(),
        1
    );
}

/// A format, texts that have it and texts that have not; parted by bars.
const FORMATS: [(&str, &str, &str); 9] = [
    (
        "date-time",
        "2026-01-02T03:04:05Z|2026-01-02t03:04:05.123456789z|2024-02-29T23:59:60+14:00|\
         2026-01-02 03:04:05-00:00",
        "2026-01-02|2026-01-02T03:04:05|2026-02-29T00:00:00Z|2026-13-01T00:00:00Z|\
         2026-01-02T24:00:00Z|2026-01-02T03:04:05.Z|2026-01-02T03:04:05+0100|2026-01-02T03:04Z|\
         ２026-01-02T03:04:05Z|2026-01-02T03:04:05Z\n||2026-01-00T00:00:00Z|1900-02-29T00:00:00Z|\
         2026-01-02T03:04:05+24:00|2026-01-02T03:04:05é",
    ),
    (
        "url",
        "https://example.com|http://[::1]:8080/a?b#c|ftp://a/b|https://münchen.example",
        "example.com|javascript:alert(1)|https://|https://a b| https://a|https://a\n|\
         file:///etc/passwd|https:\\\\a|/a||https://a\u{0}",
    ),
    (
        "email",
        "a@b.co|a.b+c@sub.example.com|o'neil@example.com",
        "a|a@b|@b.co|a@|a b@c.de|a@b..co|.a@b.co|a@-b.co|a@b@c.de|a\n@b.co||a@b.c_d",
    ),
    ("user", "a@b|zoë@münchen.example", "a|@b|a@|a b@c|"),
    (
        "ipv4",
        "1.2.3.4|255.255.255.255",
        "1.2.3|256.1.1.1|01.2.3.4|1.2.3.4/8|::1|",
    ),
    (
        "ipv6",
        "::1|fe80::1|::ffff:1.2.3.4",
        "1.2.3.4|:::|fe80::1%eth0|[::1]|g::|",
    ),
    ("yaml", "a: 1|- [|", "(none)"),
    ("markdown", "# a|", "(none)"),
    ("team", "team_a|", "(none)"),
];

#[test]
fn formats_are_checked() {
    for (format, accepted, refused) in FORMATS {
        for (texts, is_accepted) in [(accepted, true), (refused, false)] {
            for text in texts.split('|').filter(|text| *text != "(none)") {
                let single = json!({"type": "string", "format": format});
                let many = json!({"type": "array", "items": single});
                check(&[
                    (single, json!(text), is_accepted),
                    (many, json!([text]), is_accepted),
                ]);
            }
        }
    }
}

#[test]
fn numbers_are_checked() {
    let max = 9_007_199_254_740_993_i64;
    check(&[
        (json!({"type": "number", "minimum": 1}), json!(1), true),
        (json!({"type": "number", "minimum": 1}), json!(0.999), false),
        (json!({"type": "number", "maximum": 1.5}), json!(1.5), true),
        (json!({"type": "number", "maximum": 1.5}), json!(2), false),
        (
            json!({"type": "number", "exclusiveMinimum": 0}),
            json!(0),
            false,
        ),
        (
            json!({"type": "number", "exclusiveMinimum": 0}),
            json!(1e-300),
            true,
        ),
        (
            json!({"type": "number", "exclusiveMaximum": 3}),
            json!(3.0),
            false,
        ),
        (json!({"type": "number", "maximum": max}), json!(max), true),
        (
            json!({"type": "number", "maximum": max - 1}),
            json!(max),
            false,
        ),
        (
            json!({"type": "number", "maximum": 1}),
            json!(u64::MAX),
            false,
        ),
        (
            json!({"type": "number", "minimum": -1}),
            json!(i64::MIN),
            false,
        ),
        (
            json!({"type": "number", "enum": [1, 2.5]}),
            json!(1.0),
            true,
        ),
        (json!({"type": "number", "enum": [1, 2.5]}), json!(2), false),
        (
            json!({"type": "number", "enum": [max]}),
            json!(max - 1),
            false,
        ),
        (json!({"type": "number", "enum": [0]}), json!(-0.0), true),
        (
            json!({"type": "number", "multipleOf": 0.1}),
            json!(0.3),
            true,
        ),
        (json!({"type": "number", "multipleOf": 2}), json!(3), false),
        (json!({"type": "number", "minimum": 1}), json!("1"), false),
    ]);
}

#[test]
fn arrays_are_checked() {
    let unique = json!({"type": "array", "uniqueItems": true});
    check(&[
        (json!({"type": "array", "minItems": 1}), json!([]), false),
        (
            json!({"type": "array", "maxItems": 1}),
            json!([1, 2]),
            false,
        ),
        (
            json!({"type": "array", "minItems": 1, "maxItems": 2}),
            json!([1, 2]),
            true,
        ),
        (
            unique.clone(),
            json!([1, "1", [1], {"a": 1}, true, null]),
            true,
        ),
        (unique.clone(), json!([1, 1.0]), false),
        (
            unique.clone(),
            json!([{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
            false,
        ),
        (unique, json!([["a", "b"], ["a\"1:b"]]), true),
        (
            json!({"type": "array", "uniqueItems": false}),
            json!([1, 1]),
            true,
        ),
        (
            json!({"type": "array", "items": {"type": "number", "minimum": 2}}),
            json!([2, 3]),
            true,
        ),
        (
            json!({"type": "array", "items": {"type": "number", "minimum": 2}}),
            json!([2, 1]),
            false,
        ),
        (
            json!({"type": "array", "items": {"enum": ["a"]}}),
            json!(["a", "b"]),
            false,
        ),
        (json!({"type": "array", "items": false}), json!([1]), false),
        (
            json!({"type": "array", "items": {"type": ["string", "null"]}}),
            json!(["a", null]),
            true,
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}}),
            json!([1, 2.0]),
            true,
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}}),
            json!([1.5]),
            false,
        ),
    ]);
}

#[test]
fn objects_are_checked() {
    let closed = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "patternProperties": {"^n_": {"type": "number"}},
        "additionalProperties": false,
        "required": ["name"],
    });
    check(&[
        (json!({"type": "object"}), json!({"anything": [1]}), true),
        (closed.clone(), json!({"name": "a", "n_1": 1}), true),
        (closed.clone(), json!({"n_1": 1}), false),
        (closed.clone(), json!({"name": 1}), false),
        (closed.clone(), json!({"name": "a", "n_1": "b"}), false),
        (closed, json!({"name": "a", "other": 1}), false),
        (
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"a": 1}),
            false,
        ),
        (
            json!({"type": "object", "minProperties": 1}),
            json!({}),
            false,
        ),
        (
            json!({"type": "object", "maxProperties": 1}),
            json!({"a": 1, "b": 2}),
            false,
        ),
    ]);
    let nested = of(&json!({"type": "object", "properties": {
        "list": {"type": "array", "items": {"type": "object", "required": ["id"]}}
    }}));
    let violations = nested
        .accept(json!({"x": {"list": [{"id": 1}, {}]}}))
        .unwrap_err();
    assert_eq!(
        violations,
        [Violation::new("properties.x.list[1].id", "is required")]
    );
}

#[test]
fn required_unknown_and_default_inputs() {
    let form = form(&json!({
        "properties": {
            "b": {"type": "string"},
            "a": {"type": "number", "default": 5},
            "hidden": {"type": "string", "visible": false, "default": "kept"},
            "computed": {"type": "string", "default": {"jqQuery": ".user.email"}},
        },
        "required": ["b", "a"],
    }));
    let violations = form.accept(json!({"zz": 1, "a": "no"})).unwrap_err();
    let paths: Vec<&str> = violations
        .iter()
        .map(|violation| violation.path.as_str())
        .collect();
    assert_eq!(paths, ["properties.zz", "properties.a", "properties.b"]);

    let accepted = form.accept(json!({"hidden": "set", "b": ""})).unwrap();
    let expected = r#"{"hidden":"set","b":"","a":5}"#;
    assert_eq!(
        crate::json::stringify(&Value::Object(accepted.properties)),
        expected
    );
    let accepted = form.accept(json!({"b": "x"})).unwrap();
    let expected = r#"{"b":"x","a":5,"hidden":"kept"}"#;
    assert_eq!(
        crate::json::stringify(&Value::Object(accepted.properties)),
        expected
    );

    for value in [json!(null), json!([]), json!("a"), json!(1)] {
        let violations = form.accept(value).unwrap_err();
        assert_eq!(violations[0].path, "properties");
    }
    let warnings = form.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].path,
        "trigger.userInputs.properties.computed.default"
    );
}

#[test]
fn a_default_has_to_fit_as_well() {
    let form = of(&json!({"type": "string", "default": "abc", "maxLength": 2}));
    assert_eq!(form.accept(json!({})).unwrap_err()[0].path, "properties.x");
    assert!(form.accept(json!({"x": "ab"})).is_ok());
}

#[test]
fn expressions_refuse_execution() {
    let jq = json!({"jqQuery": ".form.a"});
    let string = |key: &str| json!({"properties": {"x": {"type": "string", key: jq}}});
    let array = |key: &str| json!({"properties": {"x": {"type": "array", key: jq}}});
    let at = |key: &str| format!("trigger.userInputs.properties.x.{key}");
    let table = [
        (string("enum"), at("enum")),
        (string("pattern"), at("pattern")),
        (string("visible"), at("visible")),
        (string("maxLength"), at("maxLength")),
        (array("minItems"), at("minItems")),
        (array("maxItems"), at("maxItems")),
        (
            json!({"properties": {"x": {"type": "array", "items": {"type": "string", "enum": jq}}}}),
            at("items.enum"),
        ),
        (
            json!({"properties": {"x": {"type": "string"}}, "required": jq}),
            "trigger.userInputs.required".to_owned(),
        ),
        (
            json!({"properties": {"x": {"type": "string"}},
                   "steps": [{"title": "a", "order": ["x"], "visible": jq}]}),
            "trigger.userInputs.steps[0].visible".to_owned(),
        ),
    ];
    for (user_inputs, path) in table {
        let form = form(&user_inputs);
        let [problem] = form.unsupported() else {
            panic!("{path} was let through")
        };
        assert_eq!(problem.path, path);
        assert!(problem.is_expression);
        assert!(form.accept(json!({"x": "a"})).is_err());
        assert_eq!(form.warnings()[0].path, path);
    }
    let free = [string("default"), string("disabled")];
    for user_inputs in free {
        assert_eq!(form(&user_inputs).unsupported(), []);
    }
}

#[test]
fn what_is_not_checked_refuses_execution() {
    let table = [
        json!({"type": "string", "$ref": "https://example.com/schema.json"}),
        json!({"type": "string", "$ref": "#/definitions/a"}),
        json!({"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}),
        json!({"type": "object", "properties": {"a": {"anyOf": []}}}),
        json!({"type": "object", "properties": {"a": {"type": "string", "encryption": "aes256-gcm"}}}),
        json!({"type": "string", "not": {}}),
        json!({"type": "string", "minLength": -1}),
        json!({"type": "string", "minLength": "1"}),
        json!({"type": "string", "enum": "a"}),
        json!({"type": "string", "pattern": ["a"]}),
        json!({"type": "number", "minimum": "1"}),
        json!({"type": "number", "multipleOf": 0}),
        json!({"type": "number", "exclusiveMinimum": true}),
        json!({"type": "array", "items": [{"type": "string"}]}),
        json!({"type": "array", "items": {"type": "strange"}}),
        json!({"type": "array", "uniqueItems": "yes"}),
        json!({"type": "object", "properties": []}),
        json!({"type": "object", "required": "a"}),
        json!({"type": "object", "patternProperties": {"(?=a)": {}}}),
    ];
    for schema in table {
        let form = of(&schema);
        assert_eq!(form.unsupported().len(), 1, "{schema}");
        assert_eq!(form.unsupported()[0].input, "x");
        assert!(form.accept(json!({})).is_err());
    }
    let ghost = form(&json!({"properties": {}, "required": ["ghost"]}));
    assert_eq!(
        ghost.unsupported()[0].path,
        "trigger.userInputs.required[0]"
    );
}

#[test]
fn messages_say_what_was_expected() {
    let table = [
        (
            json!({"type": "string"}),
            json!(1),
            "expected a string, not a number",
        ),
        (
            json!({"type": "boolean"}),
            json!("true"),
            "expected true or false, not a string",
        ),
        (
            json!({"type": "string", "enum": ["a", "b"]}),
            json!("c"),
            "expected one of: a, b",
        ),
        (
            json!({"type": "number", "maximum": 3}),
            json!(4),
            "expected at most 3",
        ),
        (
            json!({"type": "string", "minLength": 2}),
            json!(""),
            "expected at least 2 characters, not 0",
        ),
        (
            json!({"type": "string", "pattern": "^a$"}),
            json!("b"),
            "expected text that matches ^a$",
        ),
        (
            json!({"type": "array", "maxItems": 1}),
            json!([1, 2]),
            "expected at most 1 item, not 2",
        ),
    ];
    for (schema, value, message) in table {
        let violations = of(&schema).accept(json!({"x": value})).unwrap_err();
        assert_eq!(violations, [Violation::new("properties.x", message)]);
    }
}

#[test]
fn hostile_values_are_bounded() {
    // The engine's worst case: every state is alive at every byte.
    let slow = "([ab]{0,90}a){0,90}c";
    let text = "ab".repeat(100_000);
    let single = of(&json!({"type": "string", "pattern": slow}));
    let list = of(&json!({"type": "array", "items": {"type": "string", "pattern": slow}}));
    let object = of(&json!({"type": "object", "patternProperties": {slow: {}}}));
    let many = Value::from(vec!["ab".repeat(100); 10_000]);
    let named: Map<String, Value> = (0..10_000)
        .map(|at| (format!("{at}{}", "ab".repeat(100)), Value::Null))
        .collect();
    for (form, value) in [
        (single, json!(text)),
        (list, many),
        (object, Value::Object(named)),
    ] {
        let violations = form.accept(json!({"x": value})).unwrap_err();
        let told = |violation: &Violation| violation.message.contains("too much text");
        assert!(violations.iter().any(told));
    }
    let short = of(&json!({"type": "string", "pattern": slow}));
    assert!(short.accept(json!({"x": "ababac"})).is_ok());

    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let violations = of(&json!({"type": "array"}))
        .accept(json!({"x": deep}))
        .unwrap_err();
    assert!(
        violations[0].message.contains("nested deeper"),
        "{violations:?}"
    );

    let wide = Value::from(vec![0; 200_000]);
    let violations = of(&json!({"type": "array"}))
        .accept(json!({"x": wide}))
        .unwrap_err();
    assert!(
        violations[0].message.contains("more than 100000 values"),
        "{violations:?}"
    );

    let unknown: Map<String, Value> = (0..5_000)
        .map(|at| (format!("{at}{}", "k".repeat(200)), Value::Null))
        .collect();
    let violations = of(&json!({"type": "array"}))
        .accept(Value::Object(unknown))
        .unwrap_err();
    assert_eq!(violations.len(), 201);
    assert_eq!(violations[200].message, "4800 more mistakes are not listed");
    assert!(
        violations
            .iter()
            .all(|violation| violation.path.len() < 100)
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!({"jqQuery": "."})),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let key = prop_oneof![
            "[a-z]{1,3}",
            proptest::sample::select(vec![
                "type",
                "enum",
                "pattern",
                "items",
                "properties",
                "required",
                "minimum",
                "maxLength",
                "additionalProperties",
                "patternProperties",
                "default",
                "format",
                "uniqueItems",
                "minItems",
                "encryption",
                "visible",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Few values, so that equal ones come up.
fn small_value() -> impl Strategy<Value = Value> {
    let leaf = proptest::sample::select(vec![
        json!(""),
        json!("1"),
        json!(1),
        json!(null),
        json!("a\"1:"),
    ]);
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[ab]", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_schema_compiles_and_any_value_is_judged(schema in any_value(), value in any_value()) {
        let properties = [("x".to_owned(), schema)].into_iter().collect();
        let form = Form::compile(&UserInputs { properties, ..UserInputs::default() });
        let first = form.accept(json!({"x": value}));
        if let Ok(accepted) = &first {
            prop_assert_eq!(&accepted.properties["x"], &value);
            prop_assert!(form.unsupported().is_empty());
        }
        prop_assert_eq!(first.is_ok(), form.accept(json!({"x": value})).is_ok());
    }

    #[test]
    fn only_equal_values_share_a_canonical_text(left in small_value(), right in small_value()) {
        prop_assert_eq!(equality::canonical(&left) == equality::canonical(&right), left == right);
    }

    #[test]
    fn any_pattern_is_compiled_or_refused(source in "\\PC{0,40}", text in "\\PC{0,40}") {
        if let Ok(pattern) = pattern::Pattern::compile(&source) {
            pattern.matches(&text);
        }
    }
}
