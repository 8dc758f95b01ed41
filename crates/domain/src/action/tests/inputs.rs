use super::*;

const INPUT: &str = "/trigger/userInputs/properties/name";

/// Rows of a key below `pointer`, and the path below `base` that is refused.
fn refused_below(pointer: &str, base: &str, table: &[(&str, &str, &str)]) {
    for (key, text, path) in table {
        let (pointer, path) = (format!("{pointer}/{key}"), format!("{base}.{path}"));
        refused(&self_service(), &[(&pointer, text, &path)]);
    }
}

#[test]
fn user_inputs() {
    refused_below(
        "/trigger/userInputs",
        "trigger.userInputs",
        &[
            ("properties", ABSENT, "properties"),
            ("properties", "[]", "properties"),
            ("required", r#""name""#, "required"),
            ("required", r#"{"jqQuery": 1}"#, "required"),
            ("required", r#"{"jqQuery": ".", "x": 1}"#, "required"),
            ("required", r#"["a", 1]"#, "required[1]"),
            ("order", "{}", "order"),
            ("steps", r#"[{"order": []}]"#, "steps[0].title"),
            ("steps", r#"[{"title": "a", "icon": "x"}]"#, "steps[0].icon"),
            (
                "steps",
                r#"[{"title": "a", "visible": "no"}]"#,
                "steps[0].visible",
            ),
            ("titles", r#"{"a b": {}}"#, "titles.a b"),
            ("titles", r#"{"a": {"title": ""}}"#, "titles.a.title"),
            ("titles", r#"{"a": {"visible": 1}}"#, "titles.a.visible"),
            ("extra", "1", "extra"),
        ],
    );
    let both = r#"{"properties": {}, "order": [], "steps": []}"#;
    refused(
        &self_service(),
        &[("/trigger/userInputs", both, "trigger.userInputs.order")],
    );
    let jq = r#"{"jqQuery": "[ 'not' | valid"}"#;
    let steps = format!(r#"[{{"title": "a", "order": ["name"], "visible": {jq}}}]"#);
    let titles = format!(r#"{{"h": {{"title": "A", "description": "", "visible": {jq}}}}}"#);
    accepted(
        &self_service(),
        &[
            ("/trigger/userInputs", r#"{"properties": {}}"#),
            ("/trigger/userInputs/required", jq),
            ("/trigger/userInputs/order", r#"["a heading", "name"]"#),
            ("/trigger/userInputs/steps", &steps),
            ("/trigger/userInputs/titles", &titles),
        ],
    );
}

#[test]
fn headings_have_bounds() {
    let table = [("title", 1, 140), ("description", 0, 1_000)];
    for (key, min, max) in table {
        for (chars, is_good) in [(min, true), (max, true), (max + 1, false)] {
            let titles = json!({"h": {key: "ü".repeat(chars)}});
            let document = with(self_service(), "/trigger/userInputs/titles", Some(titles));
            assert_eq!(
                Action::parse(&document).is_ok(),
                is_good,
                "{key} of {chars}"
            );
        }
    }
}

#[test]
fn inputs() {
    refused_below(
        INPUT,
        "trigger.userInputs.properties.name",
        &[
            ("type", ABSENT, "type"),
            ("type", r#""integer""#, "type"),
            ("type", r#"["string"]"#, "type"),
            ("format", r#""password""#, "format"),
            ("blueprint", "1", "blueprint"),
            ("icon", "1", "icon"),
            ("dependsOn", r#""a""#, "dependsOn"),
            ("dependsOn", "[1]", "dependsOn[0]"),
            ("visible", r#""yes""#, "visible"),
            ("visible", r#"{"jq": "."}"#, "visible"),
            ("jqQuery", r#"".""#, "jqQuery"),
            ("sort", r#"{"property": "a"}"#, "sort.order"),
            ("sort", r#"{"property": "a", "order": "asc"}"#, "sort.order"),
            ("dataset", "[]", "dataset"),
        ],
    );
    let good = [
        ("format", r#""labeled-url""#),
        ("visible", r#"{"jqQuery": "'Test"}"#),
        ("enum", r#"{"jqQuery": "'Test"}"#),
        ("pattern", r#""(""#),
        ("minLength", r#""not a number""#),
        ("jqQuery", "null"),
        ("default", r#"{"a": []}"#),
        ("encryption", r#"{"algorithm": "client-side", "key": "k"}"#),
        ("enumColors", r#"{"1": "red"}"#),
        ("anything", "1"),
        ("sort", r#"{"property": "a", "order": "ASC", "more": 1}"#),
        ("$ref", r#""https://example.com/a.json""#),
    ];
    for (key, text) in good {
        accepted(&self_service(), &[(&format!("{INPUT}/{key}"), text)]);
    }
}

#[test]
fn input_names() {
    let good = ["a\\b", "@_=-", "0"];
    let bad = ["a b", "", "a.b", "ä", "a/b", "a\n"];
    for (names, is_good) in [(&good[..], true), (&bad[..], false)] {
        for name in names {
            let inputs = json!({*name: {"type": "string"}});
            let document = with(
                self_service(),
                "/trigger/userInputs/properties",
                Some(inputs),
            );
            assert_eq!(Action::parse(&document).is_ok(), is_good, "{name:?}");
        }
    }
    let many: Map<String, Value> = (0..=MAX_INPUTS)
        .map(|at| (at.to_string(), json!({"type": "string"})))
        .collect();
    let document = with(
        self_service(),
        "/trigger/userInputs/properties",
        Some(many.into()),
    );
    assert_eq!(paths(&document), ["trigger.userInputs.properties"]);
}

const GOOD_RULES: [&str; 16] = [
    r#"{"property": "$team", "operator": "=", "value": null}"#,
    r#"{"property": "$owned_by_team", "operator": "=", "value": "false"}"#,
    r#"{"property": {"property": "email", "context": "user"}, "operator": "in", "value": ["a"]}"#,
    r#"{"property": "a", "operator": "=", "value": {"property": "b", "context": "userTeams"}}"#,
    r#"{"property": "a", "operator": "in", "value": [1, 2]}"#,
    r#"{"property": "a", "operator": "notIn", "value": []}"#,
    r#"{"property": "a", "operator": ">", "value": "2026-01-02T03:04:05Z"}"#,
    r#"{"property": "a", "operator": "between", "value": {"from": "x", "to": "y"}}"#,
    r#"{"property": "a", "operator": "=", "value": {"preset": "today"}}"#,
    r#"{"property": "a", "operator": "isEmpty"}"#,
    r#"{"property": "a", "operator": "isNotExpired"}"#,
    r#"{"operator": "relatedTo", "blueprint": "b", "value": ["x"], "direction": "upstream"}"#,
    r#"{"propertySchema": {"type": "string", "items": {"type": "a"}}, "operator": "contains"}"#,
    r#"{"property": {"path": ["a", {"relation": "b", "maxHops": 15}]}, "operator": "matchAny", "value": "x"}"#,
    r#"{"combinator": "or", "rules": [{"combinator": "and", "rules": []}]}"#,
    r#"{"combinator": "or", "rules": []}"#,
];

const BAD_RULES: [(&str, &str); 20] = [
    (
        r#"{"property": "a", "operator": "~", "value": 1}"#,
        "operator",
    ),
    (r#"{"property": "a", "value": 1}"#, "operator"),
    (r#"{"operator": "=", "value": 1}"#, "property"),
    (r#"{"property": "a", "operator": "="}"#, "value"),
    (
        r#"{"property": 1, "operator": "=", "value": 1}"#,
        "property",
    ),
    (
        r#"{"property": "a", "operator": "=", "value": {"a": 1}}"#,
        "value",
    ),
    (
        r#"{"property": "a", "operator": "in", "value": [1, "a"]}"#,
        "value",
    ),
    (
        r#"{"property": "a", "operator": ">", "value": true}"#,
        "value",
    ),
    (
        r#"{"property": "a", "operator": "between", "value": {"preset": "someday"}}"#,
        "value",
    ),
    (
        r#"{"property": "a", "operator": "isEmpty", "value": 1}"#,
        "value",
    ),
    (
        r#"{"operator": "relatedTo", "blueprint": "b", "value": 1}"#,
        "value",
    ),
    (r#"{"operator": "relatedTo", "value": "x"}"#, "blueprint"),
    (
        r#"{"operator": "relatedTo", "blueprint": "b", "value": "x", "direction": "up"}"#,
        "direction",
    ),
    (
        r#"{"propertySchema": {"format": "user"}, "operator": "="}"#,
        "propertySchema.type",
    ),
    (
        r#"{"propertySchema": {"type": "string"}, "operator": "in"}"#,
        "operator",
    ),
    (
        r#"{"property": {"path": [1]}, "operator": "matchAny", "value": "x"}"#,
        "property",
    ),
    (
        r#"{"property": {"path": [{"maxHops": 16}]}, "operator": "matchAny", "value": "x"}"#,
        "property",
    ),
    (
        r#"{"property": "a", "operator": "=", "value": 1, "extra": 1}"#,
        "extra",
    ),
    (r#"{"combinator": "or"}"#, "rules"),
    (
        r#"{"rules": [], "combinator": "and", "operator": "="}"#,
        "operator",
    ),
];

const CONDITION: &str = "/trigger/condition";
const DATASET: &str = "/trigger/userInputs/properties/name/dataset";

/// A query of one rule, as it stands at `pointer`.
fn query(pointer: &str, rule: &str) -> String {
    let kind = if pointer == CONDITION {
        r#""type": "SEARCH","#
    } else {
        ""
    };
    format!(r#"{{{kind} "combinator": "and", "rules": [{rule}]}}"#)
}

#[test]
fn search_rules() {
    for pointer in [CONDITION, DATASET] {
        let base = format!("{}.rules[0]", pointer[1..].replace('/', "."));
        for rule in GOOD_RULES {
            accepted(&self_service(), &[(pointer, &query(pointer, rule))]);
        }
        for (rule, key) in BAD_RULES {
            let path = format!("{base}.{key}");
            refused(&self_service(), &[(pointer, &query(pointer, rule), &path)]);
        }
        refused(&self_service(), &[(pointer, &query(pointer, "1"), &base)]);
    }
}

#[test]
fn only_datasets_hold_expressions() {
    let rule = r#"{"property": "a", "operator": "=", "value": {"jqQuery": "'x' |"}}"#;
    accepted(&self_service(), &[(DATASET, &query(DATASET, rule))]);
    let path = "trigger.condition.rules[0].value";
    refused(
        &self_service(),
        &[(CONDITION, &query(CONDITION, rule), path)],
    );
}
