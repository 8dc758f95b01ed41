mod inputs;
mod invocation;
mod scope;
mod trigger;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn self_service() -> Value {
    json!({
        "identifier": "create_service",
        "title": "",
        "trigger": {
            "type": "self-service",
            "operation": "DAY-2",
            "blueprintIdentifier": "service",
            "userInputs": {"properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com/{{ .inputs.name }}"},
    })
}

fn automation() -> Value {
    json!({
        "identifier": "on_change",
        "trigger": {
            "type": "automation",
            "event": {"type": "ENTITY_CREATED", "blueprintIdentifier": "service"},
            "condition": {"type": "JQ", "expressions": [".diff.after != null"], "combinator": "or"},
        },
        "invocationMethod": {"type": "KAFKA", "payload": {}},
        "publish": false,
    })
}

/// A row's text for a key that is taken away.
const ABSENT: &str = "(absent)";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `document` with `value` at `pointer`, whose last part is a key.
fn with(mut document: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    match value {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.remove(key),
    };
    document
}

fn violations(document: &Value) -> Vec<Violation> {
    Action::parse(document).err().unwrap_or_default()
}

fn paths(document: &Value) -> Vec<String> {
    violations(document)
        .into_iter()
        .map(|violation| violation.path)
        .collect()
}

/// Each row: where, the JSON that stands there or [`ABSENT`], and the one path that is refused.
fn refused(document: &Value, table: &[(&str, &str, &str)]) {
    for (pointer, text, path) in table {
        let value = (*text != ABSENT).then(|| parsed(text));
        let document = with(document.clone(), pointer, value);
        assert_eq!(paths(&document), [*path], "{pointer} = {text}");
    }
}

/// Each row: where, and the JSON that stands there.
fn accepted(document: &Value, table: &[(&str, &str)]) {
    for (pointer, text) in table {
        let document = with(document.clone(), pointer, Some(parsed(text)));
        assert_eq!(violations(&document), [], "{pointer} = {text}");
    }
}

#[test]
fn top_level_keys() {
    refused(
        &self_service(),
        &[
            ("/identifier", ABSENT, "identifier"),
            ("/identifier", "1", "identifier"),
            ("/trigger", ABSENT, "trigger"),
            ("/trigger", "[]", "trigger"),
            ("/invocationMethod", ABSENT, "invocationMethod"),
            ("/title", "1", "title"),
            ("/title", "null", "title"),
            ("/icon", "{}", "icon"),
            ("/description", "false", "description"),
            ("/publish", r#""true""#, "publish"),
            ("/allowAnyoneToViewRuns", "1", "allowAnyoneToViewRuns"),
            ("/createdAt", r#""now""#, "createdAt"),
            ("/permissions", "{}", "permissions"),
        ],
    );
    accepted(
        &self_service(),
        &[
            ("/icon", r#""""#),
            ("/description", r#""""#),
            ("/publish", "true"),
            ("/allowAnyoneToViewRuns", "false"),
        ],
    );
    for value in [json!([]), json!("a"), Value::Null, json!(1)] {
        assert_eq!(paths(&value), [""]);
    }
}

#[test]
fn absent_keys_behave_as_published() {
    let action = Action::parse(&self_service()).unwrap();
    assert_eq!(action.identifier, "create_service");
    assert_eq!(action.title.as_deref(), Some(""));
    assert_eq!(action.required_approval, RequiredApproval::Plain(false));
    assert_eq!(action.approval_notification, ApprovalNotification::Email);
    assert!(action.publish && action.allow_anyone_to_view_runs);
}

#[test]
fn identifiers_are_spelled_as_published() {
    let good = ["a", "...", "A_b-9@x.y+z:=", "Übung", "日本", ".a", "-"];
    let bad = [
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "a\\b",
        "a\n",
        "é\u{301}\u{301}",
        "🚀",
        "a?b",
        "\u{661}",
    ];
    for (names, is_good) in [(&good[..], true), (&bad[..], false)] {
        for name in names {
            let document = with(self_service(), "/identifier", Some(json!(name)));
            assert_eq!(Action::parse(&document).is_ok(), is_good, "{name:?}");
        }
    }
    let long = with(
        self_service(),
        "/identifier",
        Some(json!("a".repeat(MAX_IDENTIFIER_CHARS + 1))),
    );
    assert_eq!(paths(&long), ["identifier"]);
}

#[test]
fn approvals() {
    let table = [
        ("true", Some(RequiredApproval::Plain(true))),
        ("false", Some(RequiredApproval::Plain(false))),
        (
            r#"{"type": "ANY"}"#,
            Some(RequiredApproval::Typed(ApprovalType::Any)),
        ),
        (
            r#"{"type": "ALL"}"#,
            Some(RequiredApproval::Typed(ApprovalType::All)),
        ),
        (
            r#"{"type": "QUORUM", "count": 2}"#,
            Some(RequiredApproval::Typed(ApprovalType::Quorum { count: 2 })),
        ),
        (r#"{"type": "QUORUM"}"#, None),
        (r#"{"type": "QUORUM", "count": 0}"#, None),
        (r#"{"type": "QUORUM", "count": 1.5}"#, None),
        (r#"{"type": "QUORUM", "count": 100000}"#, None),
        (r#"{"type": "ANY", "count": 2}"#, None),
        (r#"{"type": "SOME"}"#, None),
        ("{}", None),
        (r#""true""#, None),
        ("null", None),
    ];
    for (text, expected) in table {
        let document = with(self_service(), "/requiredApproval", Some(parsed(text)));
        let approval = Action::parse(&document)
            .ok()
            .map(|action| action.required_approval);
        assert_eq!(approval, expected, "{text}");
    }
}

#[test]
fn approval_notifications() {
    let at = "/approvalNotification";
    accepted(
        &self_service(),
        &[
            (at, r#"{"type": "email"}"#),
            (at, r#"{"type": "webhook", "url": "https://a/b"}"#),
            (
                at,
                r#"{"type": "webhook", "url": "{{ .x }}", "format": "slack"}"#,
            ),
        ],
    );
    refused(
        &self_service(),
        &[
            (at, "true", "approvalNotification"),
            (at, "{}", "approvalNotification.type"),
            (at, r#"{"type": "webhook"}"#, "approvalNotification.url"),
            (
                at,
                r#"{"type": "webhook", "url": "nowhere"}"#,
                "approvalNotification.url",
            ),
            (
                at,
                r#"{"type": "webhook", "url": "https://a", "format": "xml"}"#,
                "approvalNotification.format",
            ),
            (
                at,
                r#"{"type": "email", "url": "https://a"}"#,
                "approvalNotification.url",
            ),
        ],
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let document = json!({
        "identifier": "a b",
        "title": 1,
        "trigger": {
            "type": "self-service",
            "operation": "UPDATE",
            "userInputs": {"properties": {"x": {"type": "text"}}, "required": 1},
            "actionCardButtonText": "",
        },
        "invocationMethod": {"type": "WEBHOOK", "method": 1, "token": "s"},
        "requiredApproval": "yes",
        "extra": true,
    });
    let expected = [
        "extra",
        "identifier",
        "title",
        "trigger.operation",
        "trigger.userInputs.properties.x.type",
        "trigger.userInputs.required",
        "trigger.actionCardButtonText",
        "invocationMethod.token",
        "invocationMethod.url",
        "invocationMethod.method",
        "requiredApproval",
    ];
    assert_eq!(paths(&document), expected);
    let messages = violations(&document);
    assert_eq!(messages[2].message, "expected a string, not a number");
    assert_eq!(
        messages[3].message,
        "\"UPDATE\" is not one of: CREATE, DAY-2, DELETE"
    );
}

#[test]
fn documents_are_bounded() {
    let mut deep = json!(1);
    for _ in 0..=MAX_DEPTH {
        deep = json!([deep]);
    }
    let deep = with(self_service(), "/invocationMethod/body", Some(deep));
    assert!(violations(&deep)[0].message.contains("nested deeper"));
    let wide = Value::from(vec![0; MAX_VALUES]);
    let wide = with(self_service(), "/invocationMethod/body", Some(wide));
    assert!(violations(&wide)[0].message.contains("values"));
    let strange: Map<String, Value> = (0..1_000)
        .map(|at| (format!("{at}{}", "k".repeat(10_000)), Value::Null))
        .collect();
    let told = violations(&Value::Object(strange));
    assert!(told.len() < 300);
    assert!(
        told.iter()
            .all(|violation| violation.to_string().len() < 1_000)
    );
}

#[test]
fn warnings_tell_what_execution_will_trip_over() {
    let document = json!({
        "identifier": "a",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {
            "properties": {
                "a": {"type": "string", "enum": {"jqQuery": "."}},
                "b": {"type": "string", "pattern": "^(?!x)"},
                "c": {"type": "string", "visible": {"jqQuery": "."}},
            },
            "required": {"jqQuery": "[]"},
        }},
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com", "method": "FETCH",
            "headers": {"X-Port-Signature": "mine", "Host": "x", "X-Ok": "1", "{{ .a }}": "b",
                        "Bad Name": "1", "X-Line": "a\nb", "X-Template": "{{ \"\n\" }}"}},
    });
    let warnings = Action::parse(&document).unwrap().warnings();
    let paths: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.path.as_str())
        .collect();
    let expected = [
        "trigger.userInputs.required",
        "trigger.userInputs.properties.a.enum",
        "trigger.userInputs.properties.b.pattern",
        "trigger.userInputs.properties.c.visible",
        "invocationMethod.method",
        "invocationMethod.headers.X-Port-Signature",
        "invocationMethod.headers.Host",
        "invocationMethod.headers.Bad Name",
        "invocationMethod.headers.X-Line",
    ];
    assert_eq!(paths, expected);
    assert_eq!(Action::parse(&self_service()).unwrap().warnings(), []);
    assert_eq!(Action::parse(&automation()).unwrap().warnings(), []);
}

fn mutated() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({"type": "array"})),
        Just(json!({"jqQuery": "."})),
    ];
    let pointers = vec![
        "/identifier",
        "/title",
        "/trigger",
        "/trigger/type",
        "/trigger/userInputs",
        "/trigger/userInputs/properties",
        "/trigger/userInputs/properties/name",
        "/trigger/userInputs/required",
        "/trigger/userInputs/steps",
        "/trigger/condition",
        "/invocationMethod",
        "/invocationMethod/headers",
        "/invocationMethod/type",
        "/requiredApproval",
        "/approvalNotification",
    ];
    (proptest::sample::select(pointers), leaf)
        .prop_map(|(pointer, value)| with(self_service(), pointer, Some(value)))
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused_with_reasons(document in mutated()) {
        match Action::parse(&document) {
            Ok(action) => prop_assert!(action.warnings().len() < 100),
            Err(violations) => prop_assert!(!violations.is_empty()),
        }
    }
}
