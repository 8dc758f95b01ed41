//! The payload-mapping file: what the existing agent's users wrote, and what becomes of it.

use longshore_agent::config::Secrets;
use longshore_agent::mapping::{Mappings, Plan, ReportContext};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::run::Status;
use longshore_domain::secret::Secret;
use longshore_jq::{Config, Evaluator};
use serde_json::{Value, json};

use crate::working::{SECRET, message, worker};

fn evaluator() -> Evaluator {
    Evaluator::new(Config::new(worker()))
}

fn secrets() -> Secrets {
    Secrets {
        current: Secret::new(SECRET.to_owned()),
        previous: None,
    }
}

async fn plan(mappings: &Mappings, message: &Value) -> Result<Option<Plan>, Diagnosis> {
    let mut message = message.clone();
    mappings.plan(&evaluator(), &mut message, &secrets()).await
}

fn mappings(list: &Value, environment: Value) -> Mappings {
    Mappings::parse(&list.to_string(), environment).unwrap()
}

#[tokio::test]
async fn the_first_enabled_mapping_makes_the_call() {
    let list = json!([
        {"enabled": false, "url": "\"http://never\""},
        {"enabled": ".action == \"other\"", "url": "\"http://other\""},
        {"enabled": ".action == \"deploy\"",
         "url": "\"http://ci/\" + .action", "method": "\"PUT\"",
         "headers": {"Authorization": "\"Bearer \" + env.CI_TOKEN", "X-Gone": ".nothing",
                     "X-Count": ".payload.properties.replicas"},
         "query": {"ref": ".payload.properties.environment", "all": "[1, 2]"},
         "body": {"data": {"fixed": 2, "deep": ["\"text\"", ".payload.properties.environment"],
                  "all": ".payload.properties | to_entries | map({key: .key, value: .value})"}}},
        {"enabled": true},
    ]);
    let mappings = mappings(&list, json!({"CI_TOKEN": "token of the ci"}));
    let made = plan(&mappings, &message("http://own"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (made.url.as_str(), made.method.as_deref()),
        ("http://ci/deploy", Some("PUT"))
    );
    let headers = [
        (
            "Authorization".to_owned(),
            "Bearer token of the ci".to_owned(),
        ),
        ("X-Count".to_owned(), "3".to_owned()),
    ];
    assert_eq!(made.headers, headers);
    let query: Vec<String> = made.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(query, ["ref=test", "all=1", "all=2"]);
    let all = json!([{"key": "environment", "value": "test"}, {"key": "replicas", "value": 3}]);
    let body = json!({"data": {"fixed": 2, "deep": ["text", "test"], "all": all}});
    assert_eq!(made.body.of(&Value::Null), Some(&body));
    let kept: Vec<&str> = made.secrets.iter().map(|it| it.expose().as_str()).collect();
    assert_eq!(kept, ["Bearer token of the ci", "token of the ci"]);
}

#[tokio::test]
async fn without_a_file_the_runs_own_url_gets_the_whole_message() {
    let built_in = Mappings::built_in(json!({}));
    let message = message("http://own/hook");
    let made = plan(&built_in, &message).await.unwrap().unwrap();
    assert_eq!(
        (made.url.as_str(), made.body.of(&message)),
        ("http://own/hook", Some(&message))
    );
    assert!(made.headers.is_empty());
    let mut get = message;
    get["payload"]["action"]["invocationMethod"]["method"] = "GET".into();
    let made = plan(&built_in, &get).await.unwrap().unwrap();
    assert_eq!(made.body.of(&get), None);
    let changed = json!({"changelogDestination": {"url": "http://log", "agent": true}});
    assert_eq!(
        plan(&built_in, &changed).await.unwrap().unwrap().url,
        "http://log"
    );
}

#[tokio::test]
async fn gitlab_pipelines_are_triggered_as_the_existing_agent_does() {
    let mut message = message("");
    let invocation = json!({"type": "GITLAB", "groupName": "shop/backend", "projectName": "api",
        "defaultRef": "stable", "agent": true, "omitPayload": true});
    message["payload"]["action"]["invocationMethod"] = invocation;
    let environment = json!({"shop_backend_api": "glptt-trigger-token", "GITLAB_URL": "https://git.example.com/"});
    let built_in = Mappings::built_in(environment);
    let made = plan(&built_in, &message).await.unwrap().unwrap();
    assert_eq!(
        made.url,
        "https://git.example.com/api/v4/projects/shop%2Fbackend%2Fapi/trigger/pipeline"
    );
    let variables = json!({"environment": "test", "replicas": "3"});
    let body = json!({"ref": "stable", "token": "glptt-trigger-token", "variables": variables,
        "port_payload": {}});
    assert_eq!(made.body.of(&message), Some(&body));
    let answer = json!({"id": 17, "web_url": "https://git.example.com/shop/-/pipelines/17"});
    let context = ReportContext {
        body: Value::Null,
        request: Value::Null,
        response: json!({"json": answer}),
    };
    let (report, notes) = built_in.report(&made, &evaluator(), context).await;
    let report = report.unwrap();
    assert_eq!(report.external_run_id.as_deref(), Some("17"));
    assert_eq!(
        report.link,
        Some("https://git.example.com/shop/-/pipelines/17".into())
    );
    assert!(notes.is_empty());

    let missing = plan(&Mappings::built_in(json!({})), &message)
        .await
        .unwrap_err();
    assert_eq!(missing.reason, Reason::MappingFailed);
    assert!(missing.message.contains("shop_backend_api"), "{missing:?}");
}

#[tokio::test]
async fn a_mapping_that_gives_no_call_says_where() {
    let cases = [
        (
            json!({"url": ".nothing"}),
            "mapping[1].url: gives another type than expected",
        ),
        (json!({"url": "empty"}), "mapping[1].url: gives nothing"),
        (
            json!({"method": "1 + {}"}),
            "mapping[1].method: fails on this message",
        ),
        (
            json!({"headers": {"A": "error"}}),
            "mapping[1].headers: mapping[1].headers.A fails",
        ),
        (
            json!({"headers": "[1]"}),
            "mapping[1].headers: gives another type than an object",
        ),
        (
            json!({"body": ".payload | error"}),
            "mapping[1].body: fails on this message",
        ),
    ];
    for (mapping, expected) in cases {
        let list = json!([{"enabled": false}, mapping]);
        let failed = plan(&mappings(&list, json!({})), &message("http://own"))
            .await
            .unwrap_err();
        assert_eq!(failed.reason, Reason::MappingFailed);
        assert!(failed.message.starts_with(expected), "{}", failed.message);
    }
    let list = json!([{"body": {"a": "1 + {}", "b": 1}}]);
    let made = plan(&mappings(&list, json!({})), &message("http://own"))
        .await
        .unwrap()
        .unwrap();
    let body = json!({"a": null, "b": 1});
    assert_eq!(made.body.of(&Value::Null), Some(&body));
    assert_eq!(
        made.notes,
        ["mapping[0].body.a fails on this message, so null is sent."]
    );
}

#[tokio::test]
async fn where_no_mapping_is_enabled_the_run_is_another_agents() {
    let list = json!([{"enabled": ".payload.properties.environment == \"prod\""},
                      {"enabled": ".payload.properties.environment"}]);
    let mappings = mappings(&list, json!({}));
    assert!(
        plan(&mappings, &message("http://own"))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn reports_read_message_request_and_answer() {
    let list = json!([{"report": {
        "status": "if .response.statusCode == 201 then \"SUCCESS\" else \"FAILURE\" end",
        "link": ".response.headers.Location", "summary": ".body.action + \" \" + .request.method",
        "externalRunId": ".response.json.id"}}]);
    let mappings = mappings(&list, json!({}));
    let made = plan(&mappings, &message("http://own"))
        .await
        .unwrap()
        .unwrap();
    assert!(made.reads_answer());
    let response = json!({"statusCode": 201, "headers": {"Location": "http://own/1"},
        "json": {"id": 5}});
    let context = ReportContext {
        body: message("http://own"),
        request: json!({"method": "POST"}),
        response,
    };
    let (report, notes) = mappings.report(&made, &evaluator(), context).await;
    let report = report.unwrap();
    assert_eq!(report.status, Some(Status::Success));
    assert_eq!(report.link, Some("http://own/1".into()));
    assert_eq!(report.summary.as_deref(), Some("deploy POST"));
    assert_eq!(report.external_run_id.as_deref(), Some("5"));
    assert!(notes.is_empty(), "{notes:?}");
}

/// The vector of the contract.
const SEALED: &str = "AAECAwQFBgcICQoLDA0ODx1t1pUKF0mAYgZ+yI6zclcWj0STUSz+/2rNqA==";
const SEALED_UNDER: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[tokio::test]
async fn encrypted_fields_are_opened_before_the_mapping_reads_them() {
    let paths = json!([
        "payload.properties.password",
        "payload.list.0",
        "payload.nothing"
    ]);
    let list = json!([{"fieldsToDecryptPaths": paths, "body": "[.payload.properties.password, .payload.list[0]]"}]);
    let mappings = mappings(&list, json!({}));
    let mut message = message("http://own");
    message["payload"]["properties"]["password"] = SEALED.into();
    message["payload"]["list"] = json!([SEALED]);
    let both = Secrets {
        current: Secret::new(SECRET.to_owned()),
        previous: Some(Secret::new(SEALED_UNDER.to_owned())),
    };
    let mut opened = message.clone();
    let made = mappings
        .plan(&evaluator(), &mut opened, &both)
        .await
        .unwrap()
        .unwrap();
    let body = json!(["pässword-1", "pässword-1"]);
    assert_eq!(made.body.of(&opened), Some(&body));
    assert!(made.secrets.iter().any(|it| it.expose() == "pässword-1"));

    for (value, problem) in [
        (json!(SEALED), "opens neither"),
        (json!("pässword-1"), "is not an encrypted value"),
        (json!("AAECAwQF"), "is not an encrypted value"),
        (json!({"value": SEALED}), "is not a text"),
    ] {
        message["payload"]["properties"]["password"] = value.clone();
        let failed = mappings
            .plan(&evaluator(), &mut message.clone(), &secrets())
            .await
            .unwrap_err();
        let place = format!("mapping[0].fieldsToDecryptPaths[0]: the field {problem}");
        assert!(failed.message.starts_with(&place), "{value}: {failed:?}");
        assert!(!failed.message.contains(SEALED), "{value}");
    }
}

/// The example of the documentation does what the page says of it.
#[tokio::test]
async fn the_documented_mapping_works() {
    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/operate/agent.md"
    ));
    let page = page.unwrap();
    let example = page.split("```json\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let environment = json!({"CI_URL": "https://ci.internal", "CI_TOKEN": "token-of-the-ci"});
    let mappings = Mappings::parse(example, environment).unwrap();
    let mut message = message("http://own");
    message["trigger"] = json!({"by": {"user": {"email": "ada@example.com"}}});
    let made = plan(&mappings, &message).await.unwrap().unwrap();
    assert_eq!(made.url, "https://ci.internal/start");
    assert_eq!(made.headers[0].1, "Bearer token-of-the-ci");
    let body = json!({"ref": "main", "by": "ada@example.com"});
    assert_eq!(made.body.of(&message), Some(&body));
    let context = ReportContext {
        body: message,
        request: Value::Null,
        response: json!({"json": {"url": "https://ci.internal/7", "id": 7}}),
    };
    let (report, notes) = mappings.report(&made, &evaluator(), context).await;
    assert_eq!(report.unwrap().external_run_id.as_deref(), Some("7"));
    assert!(notes.is_empty(), "{notes:?}");
}
