//! Inputs of a run: checked against the form, defaults filled in, nothing let through unchecked.

use serde_json::{Value, json};

use crate::harness::{Server, webhook};

async fn with_inputs(inputs: Value) -> Server {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["trigger"]["userInputs"] = inputs;
    server.action(action).await;
    server
}

async fn refusal(server: &Server, properties: Value) -> String {
    let body = json!({"properties": properties});
    let answer = server.post("/v1/actions/deploy/runs", body).await;
    answer.refused(422, "invalid_request")
}

/// Values that do not fit, as JSON, and the path that is named for each of them.
const UNFIT: &[(&str, &str)] = &[
    ("name", r#"["a","abcde","A1",7,null]"#),
    ("size", r#"[0,10,"5",[]]"#),
    ("env", r#"["test","",["dev"]]"#),
    ("mail", r#"["nobody","@x",""]"#),
    ("site", r#"["nowhere",""]"#),
    ("at", r#"["yesterday","2026-13-01T00:00:00Z"]"#),
    ("ip", r#"["256.1.1.1","::1"]"#),
    ("on", r#"["true",1,null]"#),
    ("tags", r#"[[],["a","b","c"],"a"]"#),
    ("tags[1]", r#"[["a","a"],["a",7]]"#),
    ("options.a", r#"[{},{"a":"1"}]"#),
    ("options.b", r#"[{"a":1,"b":2}]"#),
    ("other", "[1]"),
];

#[tokio::test]
async fn every_input_that_does_not_fit_is_named() {
    let server = with_inputs(json!({
        "properties": {
            "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
            "size": {"type": "number", "minimum": 1, "exclusiveMaximum": 10},
            "env": {"type": "string", "enum": ["dev", "prod"]},
            "mail": {"type": "string", "format": "email"},
            "site": {"type": "string", "format": "url"},
            "at": {"type": "string", "format": "date-time"},
            "ip": {"type": "string", "format": "ipv4"},
            "on": {"type": "boolean"},
            "tags": {
                "type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true,
                "items": {"type": "string"},
            },
            "options": {
                "type": "object", "properties": {"a": {"type": "number"}},
                "required": ["a"], "additionalProperties": false,
            },
        },
        "required": ["name", "env"],
    }))
    .await;
    for (key, values) in UNFIT {
        let values: Vec<Value> = serde_json::from_str(values).unwrap();
        for value in values {
            let input = key.split(['.', '[']).next().unwrap();
            let mut properties = json!({"name": "abc", "env": "dev"});
            properties[input] = value.clone();
            let message = refusal(&server, properties).await;
            let path = format!("properties.{key}: ");
            assert!(message.starts_with(&path), "{key} = {value}: {message}");
        }
    }
    let message = refusal(&server, json!({"size": 0})).await;
    for named in [
        "properties.name: is required",
        "properties.env: is required",
        "properties.size",
    ] {
        assert!(message.contains(named), "{message}");
    }
    let good = json!({
        "name": "abc", "size": 9.5, "env": "prod", "mail": "a@b.example",
        "site": "https://example.com/x", "at": "2026-01-01T00:00:00Z", "ip": "192.0.2.1",
        "on": false, "tags": ["a"], "options": {"a": 1},
    });
    let run = server.show(&server.run("deploy", good.clone()).await).await;
    assert_eq!(run["properties"], good);
    assert_eq!(server.sink.counts().requests, 1, "nothing refused was sent");
}

#[tokio::test]
async fn values_are_not_repeated_in_refusals() {
    let server = with_inputs(json!({
        "properties": {"password": {"type": "string", "maxLength": 5, "pattern": "^[0-9]+$"}},
    }))
    .await;
    let message = refusal(&server, json!({"password": "my-very-own-password"})).await;
    assert!(!message.contains("my-very"), "{message}");
}

#[tokio::test]
async fn defaults_are_filled_in_and_what_was_sent_is_kept() {
    let server = with_inputs(json!({
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "number", "default": 1.0},
            "tags": {"type": "array", "default": []},
            "env": {"type": "string", "default": {"jqQuery": ".user.name"}},
            "hidden": {"type": "string", "visible": false, "default": "h"},
        },
        "required": ["size"],
    }))
    .await;
    let run = server
        .show(&server.run("deploy", json!({"name": "a"})).await)
        .await;
    assert_eq!(
        run["properties"].to_string(),
        r#"{"name":"a","size":1.0,"tags":[],"hidden":"h"}"#
    );
    assert_eq!(run["rawProperties"], json!({"name": "a"}));
    let all = json!({"tags": ["x"], "size": 2, "hidden": "", "name": ""});
    let run = server.show(&server.run("deploy", all.clone()).await).await;
    assert_eq!(run["properties"].to_string(), all.to_string());
    assert!(run.get("rawProperties").is_none());
}

#[tokio::test]
async fn expressions_that_guard_inputs_refuse_the_execution() {
    for inputs in [
        json!({"properties": {"a": {"type": "string", "enum": {"jqQuery": "[.form.b]"}}}}),
        json!({"properties": {"a": {"type": "string", "pattern": {"jqQuery": ".form.b"}}}}),
        json!({"properties": {"a": {"type": "string", "visible": {"jqQuery": "false"}}}}),
        json!({"properties": {"a": {"type": "array", "minItems": {"jqQuery": "1"}}}}),
        json!({"properties": {"a": {"type": "array", "maxItems": {"jqQuery": "1"}}}}),
        json!({"properties": {"a": {"type": "string"}}, "required": {"jqQuery": "[\"a\"]"}}),
        json!({
            "properties": {"a": {"type": "string"}},
            "steps": [{"title": "one", "order": ["a"], "visible": {"jqQuery": "false"}}],
        }),
    ] {
        let server = with_inputs(inputs.clone()).await;
        let body = json!({"properties": {"a": "x"}});
        let answer = server.post("/v1/actions/deploy/runs", body).await;
        let message = answer.refused(422, "invocation_not_available");
        assert!(
            message.contains("trigger.userInputs"),
            "{inputs}: {message}"
        );
        assert_eq!(server.sink.counts().requests, 0);
    }
}

#[tokio::test]
async fn expressions_that_only_help_the_form_do_not() {
    let server = with_inputs(json!({
        "properties": {
            "a": {
                "type": "string", "disabled": {"jqQuery": "true"}, "dependsOn": ["b"],
                "default": {"jqQuery": ".form.b"},
                "dataset": {"combinator": "and", "rules": [
                    {"property": "$team", "operator": "=", "value": {"jqQuery": ".user.teams"}},
                ]},
            },
        },
    }))
    .await;
    server.run("deploy", json!({"a": "x"})).await;
    assert_eq!(server.sink.counts().requests, 1);
}

#[tokio::test]
async fn a_pattern_that_takes_exponential_time_elsewhere_does_not_here() {
    let server = with_inputs(json!({
        "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}},
    }))
    .await;
    let message = refusal(&server, json!({"a": format!("{}!", "a".repeat(100_000))})).await;
    assert!(message.starts_with("properties.a"), "{message}");
}
