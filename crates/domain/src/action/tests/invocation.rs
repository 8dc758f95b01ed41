use super::*;

/// Each kind with every key that it knows, and those that it must have.
const INVOCATIONS: [(&str, InvocationKind, &[&str]); 8] = [
    (
        r#"{"type": "KAFKA", "payload": []}"#,
        InvocationKind::Kafka,
        &[],
    ),
    (
        r#"{"type": "WEBHOOK", "url": "{{ .url }}", "agent": "{{ true }}", "synchronized": false,
            "method": "{{run.id}}", "headers": {"A": "'Test'"}, "body": ["'example' | [ . ]"]}"#,
        InvocationKind::Webhook,
        &["url"],
    ),
    (
        r#"{"type": "JENKINS", "url": "{{", "agent": false, "synchronized": "{{ . }}",
            "method": "POST", "headers": {}, "body": {"{{ .a": 1}}"#,
        InvocationKind::Jenkins,
        &["url"],
    ),
    (
        r#"{"type": "AZURE_DEVOPS", "webhook": "w", "org": "o", "payload": {}}"#,
        InvocationKind::AzureDevops,
        &["webhook", "org"],
    ),
    (
        r#"{"type": "GITHUB", "org": "o", "repo": "r", "workflow": "w.yml", "workflowInputs": {},
            "reportWorkflowStatus": "{{ false }}"}"#,
        InvocationKind::Github,
        &["org", "repo", "workflow"],
    ),
    (
        r#"{"type": "GITLAB", "projectName": "p", "groupName": "g", "defaultRef": "main",
            "pipelineVariables": {}}"#,
        InvocationKind::Gitlab,
        &["projectName", "groupName"],
    ),
    (
        r#"{"type": "INTEGRATION_ACTION", "installationId": "i",
            "integrationActionType": "dispatch_workflow",
            "integrationActionExecutionProperties": {"org": "o"}}"#,
        InvocationKind::IntegrationAction,
        &[
            "installationId",
            "integrationActionType",
            "integrationActionExecutionProperties",
        ],
    ),
    (
        r#"{"type": "UPSERT_ENTITY", "blueprintIdentifier": "b", "mapping": {
            "identifier": "{{ . }}", "title": "", "icon": "", "team": [],
            "properties": {"{{ 'a' }}": 1}, "relations": {"r": null, "s": "x", "t": ["y"]}}}"#,
        InvocationKind::UpsertEntity,
        &["blueprintIdentifier", "mapping"],
    ),
];

#[test]
fn invocations_are_closed_and_keep_templates() {
    for (text, kind, required) in INVOCATIONS {
        let invocation = parsed(text);
        let document = with(
            self_service(),
            "/invocationMethod",
            Some(invocation.clone()),
        );
        let action = Action::parse(&document).unwrap();
        assert_eq!(action.invocation.kind(), kind);
        assert_eq!(invocation["type"], kind.as_str());
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        for key in required {
            let pointer = format!("/invocationMethod/{key}");
            let path = format!("invocationMethod.{key}");
            refused(
                &document,
                &[(&pointer, ABSENT, &path), (&pointer, "1", &path)],
            );
        }
        refused(
            &document,
            &[("/invocationMethod/x", "1", "invocationMethod.x")],
        );
        for key in invocation.as_object().unwrap().keys() {
            let pointer = format!("/invocationMethod/{key}");
            let path = format!("invocationMethod.{key}");
            refused(&document, &[(&pointer, "null", &path)]);
        }
    }
}

#[test]
fn http_calls_are_kept_as_written() {
    let document = with(
        self_service(),
        "/invocationMethod",
        Some(parsed(INVOCATIONS[1].0)),
    );
    let action = Action::parse(&document).unwrap();
    let call = action.invocation.http_call().unwrap();
    assert_eq!(call.url, "{{ .url }}");
    assert_eq!(call.agent, Some(json!("{{ true }}")));
    assert_eq!(call.synchronized, Some(json!(false)));
    assert_eq!(call.method.as_deref(), Some("{{run.id}}"));
    assert_eq!(call.body, Some(json!(["'example' | [ . ]"])));
}

#[test]
fn invocation_values() {
    let at = "/invocationMethod";
    let integration = r#"{"type": "INTEGRATION_ACTION", "installationId": "i",
        "integrationActionType": "trigger_pipeline", "integrationActionExecutionProperties": {}}"#;
    let table = [
        (r#"{"type": "SLACK", "url": "u"}"#, "type"),
        (r#"{"type": "webhook", "url": "u"}"#, "type"),
        (r#"{"url": "u"}"#, "type"),
        (
            r#"{"type": "WEBHOOK", "url": "u", "headers": {"A": 1}}"#,
            "headers.A",
        ),
        (r#"{"type": "WEBHOOK", "url": "u", "body": "text"}"#, "body"),
        (r#"{"type": "WEBHOOK", "url": "u", "agent": 1}"#, "agent"),
        (r#"{"type": "KAFKA", "payload": "{{ . }}"}"#, "payload"),
        (integration, "integrationActionType"),
    ];
    for (text, key) in table {
        refused(
            &self_service(),
            &[(at, text, &format!("invocationMethod.{key}"))],
        );
    }
    let mappings = [
        (r#"{"team": [1]}"#, "team"),
        (r#"{"title": 1}"#, "title"),
        (r#"{"relations": {"r": 1}}"#, "relations.r"),
        (r#"{"relations": {"r": [1]}}"#, "relations.r"),
        (r#"{"properties": "{{ . }}"}"#, "properties"),
    ];
    let upsert = with(self_service(), at, Some(parsed(INVOCATIONS[7].0)));
    for (text, key) in mappings {
        let path = format!("invocationMethod.mapping.{key}");
        refused(&upsert, &[("/invocationMethod/mapping", text, &path)]);
    }
    accepted(
        &upsert,
        &[("/invocationMethod/mapping", r#"{"anything": 1}"#)],
    );
    let slack = violations(&with(self_service(), at, Some(json!({"type": "SLACK"}))));
    assert!(slack[0].message.contains("use WEBHOOK"));
}
