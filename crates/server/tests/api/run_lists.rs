//! `GET /v1/actions/runs`: filters, pages, and what is left out.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, Server, webhook};

const RUNS: &str = "/v1/actions/runs";

/// Actions `a` (about entities of `service`) and `b`, and who may execute them.
async fn start() -> Server {
    let server = Server::start().await;
    let mut action = webhook(&server, "a");
    action["trigger"]["operation"] = json!("DAY-2");
    action["trigger"]["blueprintIdentifier"] = json!("service");
    server.action(action).await;
    server.action(webhook(&server, "b")).await;
    server
}

async fn execute(server: &Server, token: &str, action: &str, entity: Option<&str>) -> String {
    let mut body = json!({"properties": {}});
    if let Some(entity) = entity {
        body["entity"] = json!(entity);
    }
    let path = format!("/v1/actions/{action}/runs");
    let call = server.by(token, Method::POST, &path).json(&body);
    let answer = call.send().await.expect(202);
    server.engine.settled().await;
    server.clock.advance(Duration::from_millis(1));
    answer["run"]["id"].as_str().unwrap().to_owned()
}

fn texts<'i>(ids: &[&'i String]) -> Vec<&'i str> {
    ids.iter().map(|id| id.as_str()).collect()
}

fn ids(listed: &Value) -> Vec<&str> {
    let runs = listed["runs"].as_array().unwrap();
    runs.iter().map(|run| run["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_filter_and_several_together() {
    let server = start().await;
    let (other, secret) = server.credential("other", "full").await;
    let theirs = server.token_for(&other, &secret).await;
    let mine = server.token.clone();
    let one = execute(&server, &mine, "a", Some("x")).await;
    let two = execute(&server, &mine, "a", Some("y")).await;
    let three = execute(&server, &theirs, "b", None).await;
    let four = execute(&server, &theirs, "a", Some("x")).await;
    let report = json!({"status": "SUCCESS", "externalRunId": "build/7 ä"});
    server
        .patch(&format!("{RUNS}/{one}"), report)
        .await
        .expect(200);
    let all = [&four, &three, &two, &one];
    for (query, expected) in [
        (String::new(), texts(&all)),
        ("entity=x".into(), texts(&[&four, &one])),
        ("blueprint=service".into(), texts(&[&four, &two, &one])),
        ("blueprint=".into(), texts(&all)),
        ("action=b".into(), texts(&[&three])),
        ("action=nobody".into(), vec![]),
        ("active=true".into(), texts(&[&four, &three, &two])),
        ("active=false".into(), texts(&[&one])),
        ("active=0xc0001234".into(), texts(&all)),
        (format!("user_id={other}"), texts(&[&four, &three])),
        (format!("user_email={CLIENT_ID}"), texts(&[&two, &one])),
        ("external_run_id=build%2F7%20%C3%A4".into(), texts(&[&one])),
        ("external_run_id=build".into(), vec![]),
        ("source=API".into(), texts(&all)),
        ("source=UI".into(), vec![]),
        ("source=UI&source=API&source=AUTOMATION".into(), texts(&all)),
        ("source=UI,AUTOMATION".into(), vec![]),
        ("source[]=API".into(), texts(&all)),
        (
            format!("entity=x&active=true&user_id={other}"),
            texts(&[&four]),
        ),
        ("entity=x&action=b".into(), vec![]),
        ("limit=1".into(), texts(&[&four])),
        ("limit=1000&unknown=1&runId=x".into(), texts(&all)),
        ("version=v2".into(), texts(&all)),
    ] {
        let listed = server.get(&format!("{RUNS}?{query}")).await.expect(200);
        assert_eq!(ids(&listed), expected, "{query}");
    }
}

#[tokio::test]
async fn bounds_and_choices_are_named() {
    let server = start().await;
    for (query, named) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("source=CRON", "source"),
        ("source=API&source=api", "source"),
        ("version=v3", "version"),
        ("from=nothing-of-ours", "from"),
        ("from=-1", "from"),
        ("from=0", "from"),
        ("from=ffffffffffffffffffff", "from"),
    ] {
        let message = server.get(&format!("{RUNS}?{query}")).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{query}: {message}");
    }
}

#[tokio::test]
async fn excluded_keys_are_left_out() {
    let server = start().await;
    let run = execute(&server, &server.token, "b", None).await;
    for query in [
        "exclude=payload&exclude=properties&exclude=response",
        "exclude=payload,properties",
        "exclude[]=payload&exclude[]=properties&exclude[]=no.such.key",
    ] {
        let listed = server.get(&format!("{RUNS}?{query}")).await.expect(200);
        let found = &listed["runs"][0];
        assert_eq!(found["id"], *run);
        assert!(found.get("payload").is_none() && found.get("properties").is_none());
        assert_eq!(found["status"], "IN_PROGRESS");
    }
}

/// Walks through all pages; `between` happens after each of them.
async fn walk(server: &Server, query: &str, between: impl AsyncFn()) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = String::new();
    loop {
        let path = format!("{RUNS}?{query}{from}");
        let listed = server.get(&path).await.expect(200);
        found.extend(ids(&listed).into_iter().map(str::to_owned));
        let Some(next) = listed["next"].as_str() else {
            return found;
        };
        from = format!("&from={next}");
        between().await;
    }
}

#[tokio::test]
async fn pages_stay_where_they_are_while_new_runs_arrive() {
    let server = start().await;
    let mut expected = Vec::new();
    for at in 0..11 {
        let action = if at % 3 == 0 { "b" } else { "a" };
        expected.insert(0, execute(&server, &server.token, action, None).await);
    }
    let arrive = async || {
        execute(&server, &server.token, "a", None).await;
        execute(&server, &server.token, "b", None).await;
    };
    for limit in [1, 3, 10, 11] {
        let oldest = expected.clone();
        let present = walk(&server, "limit=1000", async || {}).await;
        let walked = walk(&server, &format!("limit={limit}"), arrive).await;
        assert_eq!(walked, present, "limit {limit}");
        assert!(walked.ends_with(&oldest));
    }
    let of_b = walk(&server, "limit=1000&action=b", async || {}).await;
    let walked = walk(&server, "limit=2&action=b", arrive).await;
    assert_eq!(walked, of_b);
    let sources = walk(&server, "limit=2&source=API&source=UI", async || {}).await;
    let all = walk(&server, "limit=1000", async || {}).await;
    assert_eq!(sources, all);
}

#[tokio::test]
async fn a_page_that_holds_everything_has_no_next() {
    let server = start().await;
    for _ in 0..3 {
        execute(&server, &server.token, "b", None).await;
    }
    for (limit, has_next) in [(2, true), (3, false), (4, false)] {
        let listed = server
            .get(&format!("{RUNS}?limit={limit}"))
            .await
            .expect(200);
        assert_eq!(listed.get("next").is_some(), has_next, "limit {limit}");
    }
    let empty = server
        .get(&format!("{RUNS}?action=nobody"))
        .await
        .expect(200);
    assert_eq!(empty, json!({"ok": true, "runs": []}));
}

#[tokio::test]
async fn fifty_runs_make_a_page_where_nothing_is_said() {
    let server = start().await;
    for _ in 0..51 {
        execute(&server, &server.token, "b", None).await;
    }
    let listed = server.get(RUNS).await.expect(200);
    assert_eq!(ids(&listed).len(), 50);
    assert!(listed["next"].is_string());
}
