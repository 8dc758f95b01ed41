//! `/v1/actions`: stored and answered as they were sent.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, START, Server};

const PATH: &str = "/v1/actions";

/// What clients store that no rule may touch: unusual key order, no optional keys or all of them,
/// empty texts, numbers of both kinds, templates and jq that do not compile.
const VERBATIM: [&str; 6] = [
    r#"{"trigger":{"userInputs":{"properties":{}},"operation":"CREATE","type":"self-service"},"identifier":"a","invocationMethod":{"url":"https://example.com","type":"WEBHOOK"}}"#,
    r#"{"identifier":"b","title":"","icon":"","description":"","publish":true,"requiredApproval":false,"allowAnyoneToViewRuns":false,"approvalNotification":{"type":"email"},"trigger":{"type":"self-service","operation":"DAY-2","userInputs":{"order":["z","a"],"required":[],"properties":{"z":{"type":"number","default":1.0,"enum":[1,2.5,1.0],"enumColors":{"1":"red"}},"a":{"type":"array","items":{"type":"object","x":[{"deep":null}]},"default":[]}},"titles":{}}},"invocationMethod":{"type":"WEBHOOK","url":"","agent":false,"synchronized":"false","method":"","headers":{},"body":[]}}"#,
    r#"{"identifier":"c","trigger":{"type":"self-service","operation":"DELETE","blueprintIdentifier":"service","condition":{"type":"SEARCH","rules":[{"property":"$team","operator":"containsAny","value":[]}],"combinator":"and"},"userInputs":{"properties":{}}},"invocationMethod":{"type":"KAFKA","payload":{"run":"{{run.id}}","single":"'Test'","'example' | [ . ]":"{{ 'example' | [ . ] }}","open":"{{ .inputs","{{ spreadValue() }}":"{{ .inputs }}"}}}"#,
    r#"{"identifier":"d","trigger":{"type":"self-service","operation":"CREATE","userInputs":{"steps":[{"title":"one","order":["x"]},{"title":"two","visible":{"jqQuery":"'Test' |"}}],"properties":{"x":{"type":"string","visible":{"jqQuery":".form.y =="},"dataset":{"combinator":"and","rules":[]}}},"required":{"jqQuery":"if . then"}}},"invocationMethod":{"type":"UPSERT_ENTITY","blueprintIdentifier":"service","mapping":{"properties":{"p":"{{'example' | [ . ]}}"},"relations":{"r":null,"many":[]},"team":[]}}}"#,
    r#"{"identifier":"e","publish":false,"trigger":{"type":"automation","event":{"type":"ANY_RUN_CHANGE","actionIdentifier":"a"},"condition":{"type":"JQ","expressions":["'Test'",".diff |"],"combinator":"or"}},"invocationMethod":{"type":"GITHUB","org":"o","repo":"r","workflow":"w.yml","workflowInputs":{"n":1,"t":"{{"},"reportWorkflowStatus":"{{ true }}"}}"#,
    r#"{"identifier":"ö.@+:=-_1","requiredApproval":{"type":"QUORUM","count":2},"trigger":{"type":"self-service","operation":"CREATE","userInputs":{"properties":{"s":{"type":"string","encryption":"aes256-gcm"}}}},"invocationMethod":{"type":"JENKINS","url":"https://ci.example.com/generic-webhook-trigger/invoke","body":{"größe":"1 \u0007 😀"}}}"#,
];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What is answered of `sent`: the same text, and who wrote it when.
fn echoed(sent: &str, created: &str, updated: &str) -> String {
    let open = parsed(sent).to_string();
    let open = open.strip_suffix('}').unwrap();
    format!(
        r#"{open},"createdBy":"{CLIENT_ID}","updatedBy":"{CLIENT_ID}","createdAt":"{created}","updatedAt":"{updated}"}}"#
    )
}

fn path_of(text: &str) -> String {
    let identifier = parsed(text)["identifier"].as_str().unwrap().to_owned();
    let encoded: String = url::form_urlencoded::byte_serialize(identifier.as_bytes()).collect();
    format!("{PATH}/{encoded}")
}

#[tokio::test]
async fn what_is_sent_is_echoed_verbatim_and_nothing_is_added() {
    let server = Server::start().await;
    for text in VERBATIM {
        assert_eq!(parsed(text).to_string(), text);
        let created = server.call(Method::POST, PATH).raw(text).send().await;
        assert_eq!(created.status, 201, "{text}: {}", created.text);
        let expected = echoed(text, START, START);
        assert!(
            created
                .text
                .starts_with(&format!(r#"{{"ok":true,"action":{expected}"#)),
            "{}",
            created.text
        );
        let shown = server.get(&path_of(text)).await;
        assert_eq!(shown.text, format!(r#"{{"ok":true,"action":{expected}}}"#));
        let replaced = server
            .call(Method::PUT, &path_of(text))
            .raw(text)
            .send()
            .await;
        assert_eq!(replaced.status, 200);
        assert!(replaced.text.contains(&expected), "{}", replaced.text);
    }
    let listed = server.get(PATH).await;
    let all: Vec<String> = VERBATIM
        .iter()
        .map(|text| echoed(text, START, START))
        .collect();
    let expected = format!(r#"{{"ok":true,"actions":[{}]}}"#, all.join(","));
    assert_eq!(listed.text, expected);
}

fn action(identifier: &str) -> Value {
    json!({
        "identifier": identifier,
        "trigger": {
            "type": "self-service", "operation": "CREATE",
            "userInputs": {"properties": {}},
        },
        "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com"},
    })
}

#[tokio::test]
async fn a_put_with_another_identifier_renames() {
    let server = Server::start().await;
    server.action(action("old")).await;
    server.action(action("taken")).await;
    server.clock.advance(Duration::from_secs(1));
    let renamed = server
        .put("/v1/actions/old", action("new"))
        .await
        .expect(200);
    assert_eq!(renamed["action"]["identifier"], "new");
    assert_eq!(renamed["action"]["createdAt"], START);
    assert_eq!(renamed["action"]["updatedAt"], "2026-01-02T03:04:06.678Z");
    for method in [Method::GET, Method::DELETE] {
        let call = server.call(method, "/v1/actions/old");
        call.send().await.refused(404, "not_found");
    }
    server
        .put("/v1/actions/old", action("old"))
        .await
        .refused(404, "not_found");
    server.get("/v1/actions/new").await.expect(200);
    let message = server.put("/v1/actions/new", action("taken")).await;
    let message = message.refused(409, "conflict");
    assert!(message.contains("\"taken\""), "{message}");
    server.get("/v1/actions/new").await.expect(200);
    server.action(action("old")).await;
}

#[tokio::test]
async fn an_identifier_is_taken_once() {
    let server = Server::start().await;
    server.action(action("a")).await;
    let message = server
        .post(PATH, action("a"))
        .await
        .refused(409, "conflict");
    assert!(message.contains("\"a\""), "{message}");
    let gone = server.delete("/v1/actions/a").await.expect(200);
    assert_eq!(gone, json!({"ok": true}));
    server
        .delete("/v1/actions/a")
        .await
        .refused(404, "not_found");
    server.get("/v1/actions/a").await.refused(404, "not_found");
    server.action(action("a")).await;
}

/// Each row: where, what stands there, the warning's path, and a word of its message.
const WARNED: &[(&str, &str, &str, &str)] = &[
    (
        "/invocationMethod/body",
        r#"{"a":"{{ run.id }}"}"#,
        "invocationMethod.body.a",
        "run.id",
    ),
    (
        "/invocationMethod/body",
        r#"{"a":"{{ .x"}"#,
        "invocationMethod.body.a",
        "",
    ),
    (
        "/invocationMethod/body",
        r#"["{{ {{ .x }}"]"#,
        "invocationMethod.body[0]",
        "",
    ),
    (
        "/invocationMethod/method",
        r#""TRACE""#,
        "invocationMethod.method",
        "POST",
    ),
    (
        "/invocationMethod/headers",
        r#"{"X-Port-Signature":"mine"}"#,
        "invocationMethod.headers.X-Port-Signature",
        "",
    ),
    (
        "/invocationMethod/headers",
        r#"{"a":"b\r\nc"}"#,
        "invocationMethod.headers.a",
        "",
    ),
    (
        "/invocationMethod/url",
        r#""https://ci.example.com/generic-webhook-trigger/invoke?token=x""#,
        "invocationMethod.url",
        "unbound_signature",
    ),
    (
        "/trigger/userInputs/properties",
        r#"{"n":{"type":"string","enum":{"jqQuery":".form.x"}}}"#,
        "trigger.userInputs.properties.n.enum",
        "",
    ),
];

#[tokio::test]
async fn what_will_not_work_is_told_and_not_refused() {
    let server = Server::start().await;
    let save = async |identifier: String, pointer: &str, value: &str| {
        let mut action = action(&identifier);
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        action.pointer_mut(parent).unwrap()[key] = parsed(value);
        server.post(PATH, action).await.expect(201)
    };
    for (at, (pointer, value, path, named)) in WARNED.iter().enumerate() {
        let saved = save(at.to_string(), pointer, value).await;
        let found = saved["warnings"].as_array().unwrap().iter().any(|warning| {
            let message = warning["message"].as_str().unwrap();
            warning["path"] == *path && message.contains(named) && !message.is_empty()
        });
        assert!(found, "{pointer}: {path} {named}: {saved}");
    }
    let url = r#""https://example.com/{{ .run.id }}""#;
    let fine = save("fine".into(), "/invocationMethod/url", url).await;
    assert_eq!(fine.get("warnings"), None);
}

#[tokio::test]
async fn a_connection_with_a_secret_of_its_own_binds_the_signature() {
    let server = Server::start().await;
    let connection = json!({
        "name": "ci", "url": "https://ci.example.com/",
        "signingSecret": "a signing secret of its own, long enough",
    });
    server.post("/v1/connections", connection).await.expect(201);
    let mut action = action("a");
    action["invocationMethod"]["url"] =
        json!("https://ci.example.com/generic-webhook-trigger/invoke?token=x");
    let saved = server.post(PATH, action).await.expect(201);
    assert_eq!(saved.get("warnings"), None);
}

fn automation(identifier: &str, event: &Value, publish: Option<bool>) -> Value {
    let mut automation = json!({
        "identifier": identifier,
        "trigger": {"type": "automation", "event": event},
        "invocationMethod": {"type": "KAFKA"},
    });
    if let Some(publish) = publish {
        automation["publish"] = json!(publish);
    }
    automation
}

#[tokio::test]
async fn filters_are_joined_by_and() {
    let server = Server::start().await;
    for (identifier, operation, blueprint) in [
        ("make", "CREATE", None),
        ("grow", "DAY-2", Some("vm")),
        ("drop", "DELETE", Some("db")),
    ] {
        let mut action = action(identifier);
        action["trigger"]["operation"] = json!(operation);
        if let Some(blueprint) = blueprint {
            action["trigger"]["blueprintIdentifier"] = json!(blueprint);
        }
        server.action(action).await;
    }
    let created = json!({"type": "ENTITY_CREATED", "blueprintIdentifier": "vm"});
    server.action(automation("on_vm", &created, None)).await;
    let changed = json!({"type": "ANY_RUN_CHANGE", "actionIdentifier": "make"});
    server
        .action(automation("on_make", &changed, Some(false)))
        .await;
    for (query, expected) in [
        ("", "make grow drop on_vm on_make"),
        ("action_identifier=make&action_identifier=drop", "make drop"),
        ("action_identifier=make,drop", "make drop"),
        (
            "action_identifier[]=make&action_identifier[]=drop",
            "make drop",
        ),
        ("action_identifier=nobody", ""),
        ("blueprint_identifier=vm", "grow on_vm"),
        ("operation=DAY-2&operation=CREATE", "make grow"),
        ("published=true", "make grow drop on_vm"),
        ("published=false", "on_make"),
        ("published=0xc000123456", "make grow drop on_vm on_make"),
        ("trigger_type=self-service", "make grow drop"),
        ("trigger_type=automation", "on_vm on_make"),
        (
            "trigger_event=ENTITY_CREATED&trigger_event=ENTITY_DELETED",
            "on_vm",
        ),
        ("trigger_event_action_identifier=make", "on_make"),
        ("blueprint_identifier=vm&trigger_type=self-service", "grow"),
        ("blueprint_identifier=vm&operation=CREATE", ""),
        (
            "version=v2&unknown=1&action_identifier=",
            "make grow drop on_vm on_make",
        ),
    ] {
        let listed = server.get(&format!("{PATH}?{query}")).await.expect(200);
        let found: Vec<&str> = listed["actions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| action["identifier"].as_str().unwrap())
            .collect();
        assert_eq!(found.join(" "), expected, "{query}");
    }
    let unknown = server.get(&format!("{PATH}?trigger_type=cron")).await;
    assert!(
        unknown
            .refused(422, "invalid_request")
            .contains("trigger_type")
    );
}

#[tokio::test]
async fn an_action_is_what_was_written_last_for_everybody_at_once() {
    let server = Server::start().await;
    server.action(action("a")).await;
    for round in 0..20 {
        let mut next = action("a");
        next["title"] = json!(round.to_string());
        let (put, shown) = tokio::join!(
            server.put("/v1/actions/a", next),
            server.get("/v1/actions/a")
        );
        put.expect(200);
        shown.expect(200);
        let shown = server.get("/v1/actions/a").await.expect(200);
        assert_eq!(shown["action"]["title"], round.to_string());
    }
}
