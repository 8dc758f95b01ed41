//! What an action must look like: every violation is named with its path.

use serde_json::{Value, json};

use crate::harness::Server;

fn self_service() -> Value {
    json!({
        "identifier": "a",
        "trigger": {
            "type": "self-service", "operation": "CREATE",
            "userInputs": {"properties": {"name": {"type": "string"}}},
        },
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com"},
    })
}

fn automation() -> Value {
    json!({
        "identifier": "a",
        "trigger": {
            "type": "automation",
            "event": {"type": "ENTITY_CREATED", "blueprintIdentifier": "vm"},
        },
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com"},
    })
}

/// `document` with the JSON `text` at `pointer`; without text the key is taken away.
fn with(mut document: Value, pointer: &str, text: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    let parent = parent.as_object_mut().unwrap();
    match text {
        "" => parent.remove(key),
        text => parent.insert(key.to_owned(), serde_json::from_str(text).unwrap()),
    };
    document
}

/// Each row: where, what stands there (nothing for a missing key), the path that is named.
async fn refuse(document: Value, table: &[(&str, &str, &str)]) {
    let server = Server::start().await;
    for (pointer, text, path) in table {
        let body = with(document.clone(), pointer, text);
        let answer = server.post("/v1/actions", body).await;
        let message = answer.refused(422, "invalid_request");
        let named = message
            .split("; ")
            .any(|part| part.split(':').next() == Some(path));
        assert!(named, "{pointer} = {text}: {message}");
    }
    let listed = server.get("/v1/actions").await.expect(200);
    assert_eq!(listed["actions"], json!([]));
}

async fn accept(document: Value, table: &[(&str, &str)]) {
    let server = Server::start().await;
    for (at, (pointer, text)) in table.iter().enumerate() {
        let mut body = with(document.clone(), pointer, text);
        if *pointer != "/identifier" {
            body["identifier"] = json!(at.to_string());
        }
        let answer = server.post("/v1/actions", body.clone()).await;
        assert_eq!(answer.status, 201, "{pointer} = {text}: {}", answer.text);
    }
}

const TOP_LEVEL: &[(&str, &str, &str)] = &[
    ("/identifier", "", "identifier"),
    ("/identifier", r#""""#, "identifier"),
    ("/identifier", r#"".""#, "identifier"),
    ("/identifier", r#""..""#, "identifier"),
    ("/identifier", r#""a b""#, "identifier"),
    ("/identifier", r#""a/b""#, "identifier"),
    ("/identifier", r#""a\n""#, "identifier"),
    ("/identifier", r#""a\u0000""#, "identifier"),
    ("/identifier", "7", "identifier"),
    ("/title", "7", "title"),
    ("/title", "null", "title"),
    ("/icon", "[]", "icon"),
    ("/description", "{}", "description"),
    ("/publish", r#""true""#, "publish"),
    ("/allowAnyoneToViewRuns", "1", "allowAnyoneToViewRuns"),
    ("/id", "1", "id"),
    ("/createdAt", r#""2020-01-01T00:00:00.000Z""#, "createdAt"),
    ("/trigger", "", "trigger"),
    ("/trigger", "[]", "trigger"),
    ("/invocationMethod", "", "invocationMethod"),
    ("/invocationMethod", "null", "invocationMethod"),
    ("/requiredApproval", r#""yes""#, "requiredApproval"),
    ("/requiredApproval", "{}", "requiredApproval.type"),
    (
        "/requiredApproval",
        r#"{"type":"SOME"}"#,
        "requiredApproval.type",
    ),
    (
        "/requiredApproval",
        r#"{"type":"ANY","count":1}"#,
        "requiredApproval.count",
    ),
    (
        "/requiredApproval",
        r#"{"type":"QUORUM"}"#,
        "requiredApproval.count",
    ),
    (
        "/requiredApproval",
        r#"{"type":"QUORUM","count":0}"#,
        "requiredApproval.count",
    ),
    (
        "/requiredApproval",
        r#"{"type":"QUORUM","count":1e9}"#,
        "requiredApproval.count",
    ),
    ("/approvalNotification", "{}", "approvalNotification.type"),
    (
        "/approvalNotification",
        r#"{"type":"webhook"}"#,
        "approvalNotification.url",
    ),
    (
        "/approvalNotification",
        r#"{"type":"webhook","url":"nowhere"}"#,
        "approvalNotification.url",
    ),
    (
        "/approvalNotification",
        r#"{"type":"webhook","url":"https://a","format":"xml"}"#,
        "approvalNotification.format",
    ),
    (
        "/approvalNotification",
        r#"{"type":"email","url":"https://a"}"#,
        "approvalNotification.url",
    ),
];

#[tokio::test]
async fn top_level_keys() {
    refuse(self_service(), TOP_LEVEL).await;
    let long = format!("\"{}\"", "i".repeat(1_001));
    refuse(self_service(), &[("/identifier", &long, "identifier")]).await;
    accept(
        self_service(),
        &[
            ("/identifier", r#""...""#),
            ("/identifier", r#""Ünï-日本_9@+:=.""#),
            ("/requiredApproval", "true"),
            ("/requiredApproval", r#"{"type":"ALL"}"#),
            ("/requiredApproval", r#"{"type":"QUORUM","count":1000}"#),
            (
                "/approvalNotification",
                r#"{"type":"webhook","url":"https://a","format":"slack"}"#,
            ),
            ("/title", r#""""#),
        ],
    )
    .await;
}

#[tokio::test]
async fn self_service_triggers() {
    refuse(
        self_service(),
        &[
            ("/trigger/type", "", "trigger.type"),
            ("/trigger/type", r#""cron""#, "trigger.type"),
            ("/trigger/operation", "", "trigger.operation"),
            ("/trigger/operation", r#""UPDATE""#, "trigger.operation"),
            ("/trigger/userInputs", "", "trigger.userInputs"),
            ("/trigger/event", "{}", "trigger.event"),
            (
                "/trigger/blueprintIdentifier",
                "7",
                "trigger.blueprintIdentifier",
            ),
            (
                "/trigger/condition",
                r#"{"type":"SEARCH","rules":[],"combinator":"and"}"#,
                "trigger.condition",
            ),
            (
                "/trigger/actionCardButtonText",
                r#""x""#,
                "trigger.actionCardButtonText",
            ),
            (
                "/trigger/actionCardButtonText",
                r#"" Go""#,
                "trigger.actionCardButtonText",
            ),
            (
                "/trigger/executeActionButtonText",
                r#""sixteen letters!""#,
                "trigger.executeActionButtonText",
            ),
        ],
    )
    .await;
    accept(
        self_service(),
        &[
            ("/trigger/operation", r#""DAY-2""#),
            ("/trigger/blueprintIdentifier", r#""no such blueprint""#),
            ("/trigger/actionCardButtonText", r#""Go""#),
            ("/trigger/executeActionButtonText", r#""fifteen letters""#),
        ],
    )
    .await;
}

const INPUTS: &[(&str, &str, &str)] = &[
    ("/trigger/userInputs", "{}", "trigger.userInputs.properties"),
    (
        "/trigger/userInputs",
        r#"{"properties":[]}"#,
        "trigger.userInputs.properties",
    ),
    ("/trigger/userInputs/more", "1", "trigger.userInputs.more"),
    (
        "/trigger/userInputs/required",
        r#""name""#,
        "trigger.userInputs.required",
    ),
    (
        "/trigger/userInputs/required",
        "[1]",
        "trigger.userInputs.required[0]",
    ),
    (
        "/trigger/userInputs/required",
        r#"{"jqQuery":".","x":1}"#,
        "trigger.userInputs.required",
    ),
    (
        "/trigger/userInputs/order",
        "[{}]",
        "trigger.userInputs.order[0]",
    ),
    (
        "/trigger/userInputs/steps",
        "[{}]",
        "trigger.userInputs.steps[0].title",
    ),
    (
        "/trigger/userInputs",
        r#"{"properties":{},"order":[],"steps":[]}"#,
        "trigger.userInputs.order",
    ),
    (
        "/trigger/userInputs/steps",
        r#"[{"title":"a","inputs":[]}]"#,
        "trigger.userInputs.steps[0].inputs",
    ),
    (
        "/trigger/userInputs/titles",
        r#"{"a b":{}}"#,
        "trigger.userInputs.titles.a b",
    ),
    (
        "/trigger/userInputs/titles",
        r#"{"a":{"title":""}}"#,
        "trigger.userInputs.titles.a.title",
    ),
    (
        "/trigger/userInputs/properties",
        r#"{"a b":{"type":"string"}}"#,
        "trigger.userInputs.properties.a b",
    ),
    (
        "/trigger/userInputs/properties/name",
        "7",
        "trigger.userInputs.properties.name",
    ),
    (
        "/trigger/userInputs/properties/name/type",
        "",
        "trigger.userInputs.properties.name.type",
    ),
    (
        "/trigger/userInputs/properties/name/type",
        r#""integer""#,
        "trigger.userInputs.properties.name.type",
    ),
    (
        "/trigger/userInputs/properties/name/format",
        r#""uuid""#,
        "trigger.userInputs.properties.name.format",
    ),
    (
        "/trigger/userInputs/properties/name/jqQuery",
        r#"".""#,
        "trigger.userInputs.properties.name.jqQuery",
    ),
    (
        "/trigger/userInputs/properties/name/visible",
        r#""no""#,
        "trigger.userInputs.properties.name.visible",
    ),
    (
        "/trigger/userInputs/properties/name/dependsOn",
        r#""other""#,
        "trigger.userInputs.properties.name.dependsOn",
    ),
    (
        "/trigger/userInputs/properties/name/sort",
        r#"{"property":"x","order":"UP"}"#,
        "trigger.userInputs.properties.name.sort.order",
    ),
];

#[tokio::test]
async fn inputs() {
    refuse(self_service(), INPUTS).await;
    accept(
        self_service(),
        &[
            ("/trigger/userInputs/properties/name/jqQuery", "null"),
            (
                "/trigger/userInputs/properties/name/x-own-keyword",
                r#"{"any":["thing"]}"#,
            ),
            (
                "/trigger/userInputs/properties/name/pattern",
                r#""(unclosed""#,
            ),
            ("/trigger/userInputs/required", r#"["no such input"]"#),
            ("/trigger/userInputs/order", r#"["no such input"]"#),
        ],
    )
    .await;
}

#[tokio::test]
async fn automations() {
    refuse(
        automation(),
        &[
            ("/trigger/event", "", "trigger.event"),
            (
                "/trigger/event",
                r#"{"type":"SUNRISE"}"#,
                "trigger.event.type",
            ),
            (
                "/trigger/event",
                r#"{"type":"ENTITY_UPDATED"}"#,
                "trigger.event.blueprintIdentifier",
            ),
            (
                "/trigger/event",
                r#"{"type":"TIMER_PROPERTY_EXPIRED","blueprintIdentifier":"a"}"#,
                "trigger.event.propertyIdentifier",
            ),
            (
                "/trigger/event",
                r#"{"type":"RUN_CREATED"}"#,
                "trigger.event.actionIdentifier",
            ),
            (
                "/trigger/userInputs",
                r#"{"properties":{}}"#,
                "trigger.userInputs",
            ),
            (
                "/trigger/condition",
                r#"{"type":"SEARCH"}"#,
                "trigger.condition.type",
            ),
            (
                "/trigger/condition",
                r#"{"type":"JQ"}"#,
                "trigger.condition.expressions",
            ),
            (
                "/trigger/condition",
                r#"{"type":"JQ","expressions":[1]}"#,
                "trigger.condition.expressions[0]",
            ),
            (
                "/trigger/condition",
                r#"{"type":"JQ","expressions":[],"combinator":"xor"}"#,
                "trigger.condition.combinator",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn invocations() {
    refuse(
        self_service(),
        &[
            ("/invocationMethod/type", "", "invocationMethod.type"),
            ("/invocationMethod/type", r#""SLACK""#, "invocationMethod.type"),
            ("/invocationMethod/type", r#""webhook""#, "invocationMethod.type"),
            ("/invocationMethod/url", "", "invocationMethod.url"),
            ("/invocationMethod/url", "{}", "invocationMethod.url"),
            ("/invocationMethod/agent", "1", "invocationMethod.agent"),
            ("/invocationMethod/synchronized", "null", "invocationMethod.synchronized"),
            ("/invocationMethod/method", "7", "invocationMethod.method"),
            ("/invocationMethod/headers", r#"{"a":1}"#, "invocationMethod.headers.a"),
            ("/invocationMethod/body", r#""text""#, "invocationMethod.body"),
            ("/invocationMethod/retries", "3", "invocationMethod.retries"),
            ("/invocationMethod", r#"{"type":"KAFKA","payload":7}"#, "invocationMethod.payload"),
            ("/invocationMethod", r#"{"type":"KAFKA","url":"x"}"#, "invocationMethod.url"),
            ("/invocationMethod", r#"{"type":"JENKINS"}"#, "invocationMethod.url"),
            (
                "/invocationMethod",
                r#"{"type":"JENKINS","url":"https://a","job":"b"}"#,
                "invocationMethod.job",
            ),
            (
                "/invocationMethod",
                r#"{"type":"AZURE_DEVOPS","org":"o"}"#,
                "invocationMethod.webhook",
            ),
            (
                "/invocationMethod",
                r#"{"type":"GITHUB","org":"o","repo":"r"}"#,
                "invocationMethod.workflow",
            ),
            (
                "/invocationMethod",
                r#"{"type":"GITLAB","projectName":"p"}"#,
                "invocationMethod.groupName",
            ),
            (
                "/invocationMethod",
                r#"{"type":"UPSERT_ENTITY","blueprintIdentifier":"b","mapping":{"relations":{"r":7}}}"#,
                "invocationMethod.mapping.relations.r",
            ),
            (
                "/invocationMethod",
                r#"{"type":"INTEGRATION_ACTION","installationId":"i","integrationActionType":"fly","integrationActionExecutionProperties":{}}"#,
                "invocationMethod.integrationActionType",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn all_mistakes_are_told_at_once() {
    let server = Server::start().await;
    let body = json!({
        "identifier": "a b",
        "title": 7,
        "trigger": {"type": "self-service", "operation": "X"},
        "invocationMethod": {"type": "WEBHOOK", "body": 1, "x": 2},
    });
    let message = server
        .post("/v1/actions", body)
        .await
        .refused(422, "invalid_request");
    insta::assert_snapshot!(message.replace("; ", "\n"), @r#"
    identifier: expected 1 to 1000 letters, digits and @ _ . + : = -, not only . or ..
    title: expected a string, not a number
    trigger.operation: "X" is not one of: CREATE, DAY-2, DELETE
    trigger.userInputs: is required
    invocationMethod.x: unknown key
    expected one of: type, url, agent, synchronized, method, headers, body
    invocationMethod.url: is required
    invocationMethod.body: expected an array or an object, not a number
    "#);
}

#[tokio::test]
async fn other_documents_and_sizes() {
    let server = Server::start().await;
    for body in [json!(null), json!([]), json!("a"), json!(7), json!({})] {
        server
            .post("/v1/actions", body)
            .await
            .refused(422, "invalid_request");
    }
    let mut deep = json!("bottom");
    for _ in 0..70 {
        deep = json!([deep]);
    }
    let mut body = self_service();
    body["invocationMethod"]["body"] = deep;
    let message = server.post("/v1/actions", body).await;
    let message = message.refused(422, "invalid_request");
    assert!(message.contains("nested deeper than"), "{message}");
    let mut body = self_service();
    body["invocationMethod"]["body"] = vec![0; 100_001].into();
    let message = server.post("/v1/actions", body).await;
    let message = message.refused(422, "invalid_request");
    assert!(message.contains("more than 100000 values"), "{message}");
    let mut body = self_service();
    let many = (0..5_000).map(|n| (format!("unknown{n}"), json!(n)));
    body.as_object_mut().unwrap().extend(many);
    let message = server.post("/v1/actions", body).await;
    let message = message.refused(422, "invalid_request");
    assert!(message.len() < 10_000, "{}", message.len());
}
