use super::*;
use crate::action::{Scope, ValueKind};

fn scope() -> Scope {
    let mut document = self_service();
    document["trigger"]["userInputs"]["properties"] = json!({
        "name": {"type": "string"}, "count": {"type": "number"}, "on": {"type": "boolean"},
        "list": {"type": "array"}, "map": {"type": "object"},
        "key": {"type": "object", "encryption": "aes256-gcm"}, "a-b": {"type": "string"},
    });
    let action = Action::parse(&document).unwrap();
    Scope::of_invocation(&action, vec!["KEY".to_owned()])
}

fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|key| !key.is_empty())
}

#[test]
fn paths_that_end_nowhere_say_at_which_key_and_why() {
    for (path, expected) in [
        ("", None),
        ("inputs", None),
        ("inputs/name", None),
        ("inputs/map/anything/below", None),
        ("secrets/KEY", None),
        ("trigger/by/user/providers", None),
        ("entity/relations/x", None),
        (
            "inputs/nmae/x",
            Some((1, "the action has no input `nmae`; did you mean `name`?")),
        ),
        (
            "inputs/name/x/y",
            Some((
                2,
                "`.inputs.name` is a string, so reading `.x` of it gives null",
            )),
        ),
        (
            "inputs/a-b/x",
            Some((
                2,
                "`.inputs[\"a-b\"]` is a string, so reading `.x` of it gives null",
            )),
        ),
        (
            "inputs/key/x",
            Some((
                2,
                "`.inputs.key` is a string, so reading `.x` of it gives null",
            )),
        ),
        (
            "event/x",
            Some((
                0,
                "`.event` is always null: only automations are started by an event",
            )),
        ),
        (
            "secrets/KYE",
            Some((
                1,
                "the organization has no secret `KYE`; did you mean `KEY`?",
            )),
        ),
        (
            "secrets/ANOTHER",
            Some((1, "the organization has no secret `ANOTHER`")),
        ),
        (
            "triggers",
            Some((0, "there is no `.triggers` here; did you mean `.trigger`?")),
        ),
        (
            "1x",
            Some((
                0,
                "there is no `[\"1x\"]` here; there is: inputs, trigger, event, entity, action, run, secrets",
            )),
        ),
    ] {
        let found = scope().dead_end(keys(path));
        let found = found.as_ref().map(|end| (end.step, end.message.as_str()));
        assert_eq!(found, expected, "{path}");
    }
    let long = "x".repeat(10_000);
    assert!(scope().dead_end([long.as_str()]).unwrap().message.len() < 300);
}

#[test]
fn kinds_are_told_where_they_are_certain() {
    for (path, expected) in [
        ("", Some(ValueKind::Object)),
        ("inputs", Some(ValueKind::Object)),
        ("inputs/name", Some(ValueKind::String)),
        ("inputs/count", Some(ValueKind::Number)),
        ("inputs/on", Some(ValueKind::Boolean)),
        ("inputs/list", Some(ValueKind::Array)),
        ("inputs/map", Some(ValueKind::Object)),
        ("inputs/map/x", None),
        ("inputs/none", None),
        ("event", None),
        ("action/encryptedProperties", Some(ValueKind::Array)),
        ("secrets/KEY", Some(ValueKind::String)),
    ] {
        assert_eq!(scope().kind(keys(path)), expected, "{path}");
    }
}

#[test]
fn queries_are_found_wherever_a_form_may_hold_one() {
    let mut document = self_service();
    document["trigger"]["userInputs"] = json!({
        "properties": {
            "a": {
                "type": "string", "default": {"jqQuery": "1"}, "enum": [{"jqQuery": "data"}],
                "dataset": {"combinator": "and", "rules": [
                    {"property": "p", "operator": "=", "value": {"jqQuery": "2"}},
                ]},
            },
            "b": {"type": "object", "default": {"k": {"jqQuery": "data"}}, "visible": {"jqQuery": "3"}},
        },
        "required": {"jqQuery": "4"},
        "steps": [{"title": "t", "order": ["a"], "visible": {"jqQuery": "5"}}],
    });
    let action = Action::parse(&document).unwrap();
    let found = queries(&document, &action.trigger);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|query| (query.path.as_str(), query.text.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("trigger.userInputs.properties.a.default", "1"),
            (
                "trigger.userInputs.properties.a.dataset.rules[0].value",
                "2"
            ),
            ("trigger.userInputs.properties.b.visible", "3"),
            ("trigger.userInputs.required", "4"),
            ("trigger.userInputs.steps[0].visible", "5"),
        ]
    );
    let document = automation();
    let action = Action::parse(&document).unwrap();
    let found = queries(&document, &action.trigger);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "trigger.condition.expressions[0]");
}
