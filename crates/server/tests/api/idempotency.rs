//! `Idempotency-Key`: one request, one run, however often it is sent.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, webhook, with_action, with_threads};

const RUNS: &str = "/v1/actions/deploy/runs";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn execute(server: &Server, path: &str, key: &str, body: &Value) -> Answer {
    let call = server
        .call(Method::POST, path)
        .header("idempotency-key", key);
    call.json(body).send().await
}

fn id(answer: Answer) -> String {
    let body = answer.expect(202);
    body["run"]["id"].as_str().unwrap().to_owned()
}

fn named(name: &str) -> Value {
    json!({"properties": {"name": name}})
}

#[tokio::test]
async fn the_same_key_and_body_give_the_same_run_for_a_day() {
    let server = with_action().await;
    let first = id(execute(&server, RUNS, "k", &named("a")).await);
    assert_eq!(id(execute(&server, RUNS, "k", &named("a")).await), first);
    server
        .patch(
            &format!("/v1/actions/runs/{first}"),
            json!({"status": "SUCCESS"}),
        )
        .await
        .expect(200);
    let again = execute(&server, RUNS, "k", &named("a")).await.expect(202);
    assert_eq!(again["run"]["id"], *first);
    assert_eq!(
        again["run"]["status"], "SUCCESS",
        "it is shown as it is now"
    );
    server.engine.settled().await;
    assert_eq!(server.sink.counts().requests, 1);

    server.clock.advance(DAY - Duration::from_micros(1));
    let token = server
        .token_for(crate::harness::CLIENT_ID, crate::harness::CLIENT_SECRET)
        .await;
    let late = server
        .by(&token, Method::POST, RUNS)
        .header("idempotency-key", "k");
    assert_eq!(id(late.json(named("a")).send().await), first);
    server.clock.advance(Duration::from_micros(1));
    let next = server
        .by(&token, Method::POST, RUNS)
        .header("idempotency-key", "k");
    assert_ne!(id(next.json(named("b")).send().await), first);
}

#[tokio::test]
async fn another_body_is_a_conflict() {
    let server = with_action().await;
    let first = id(execute(&server, RUNS, "k", &named("a")).await);
    for body in [
        named("b"),
        json!({"properties": {"name": "a"}, "entity": "e"}),
    ] {
        let answer = execute(&server, RUNS, "k", &body).await;
        answer.refused(422, "idempotency_conflict");
    }
    assert_eq!(id(execute(&server, RUNS, "k", &named("a")).await), first);
    let listed = server.get("/v1/actions/runs").await.expect(200);
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_action_and_credential() {
    let server = with_action().await;
    server.action(webhook(&server, "other")).await;
    let (client, secret) = server.credential("CI", "full").await;
    let token = server.token_for(&client, &secret).await;
    let first = id(execute(&server, RUNS, "k", &named("a")).await);
    let other = id(execute(&server, "/v1/actions/other/runs", "k", &named("a")).await);
    let call = server
        .by(&token, Method::POST, RUNS)
        .header("idempotency-key", "k");
    let theirs = id(call.json(named("a")).send().await);
    let different = id(execute(&server, RUNS, "K", &named("a")).await);
    let without = id(server.post(RUNS, named("a")).await);
    let mut ids = vec![first, other, theirs, different, without];
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn a_refused_request_uses_no_key() {
    let server = with_action().await;
    let bad = json!({"properties": {"name": 7}});
    execute(&server, RUNS, "k", &bad)
        .await
        .refused(422, "invalid_request");
    id(execute(&server, RUNS, "k", &named("a")).await);
}

#[test]
fn concurrent_callers_share_one_run() {
    with_threads(async {
        let server = with_action().await;
        let body = named("a");
        let calls: Vec<_> = (0..20)
            .map(|_| execute(&server, RUNS, "k", &body))
            .collect();
        let answers = futures_util::future::join_all(calls).await;
        let mut ids: Vec<String> = answers.into_iter().map(id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 1, "{ids:?}");
        server.engine.settled().await;
        assert_eq!(server.sink.counts().requests, 1);
        let listed = server.get("/v1/actions/runs").await.expect(200);
        assert_eq!(listed["runs"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn of_concurrent_bodies_one_wins() {
    with_threads(async {
        let server = with_action().await;
        let bodies: Vec<Value> = (0..20).map(|n| named(&n.to_string())).collect();
        let calls = bodies.iter().map(|body| execute(&server, RUNS, "k", body));
        let answers = futures_util::future::join_all(calls).await;
        let (made, refused): (Vec<Answer>, Vec<Answer>) =
            answers.into_iter().partition(|answer| answer.status == 202);
        assert_eq!((made.len(), refused.len()), (1, 19));
        for answer in refused {
            answer.refused(422, "idempotency_conflict");
        }
        server.engine.settled().await;
        assert_eq!(server.sink.counts().requests, 1);
    });
}

#[tokio::test]
async fn keys_are_bounded() {
    let server = with_action().await;
    let (longest, too_long) = ("k".repeat(256), "k".repeat(257));
    id(execute(&server, RUNS, &longest, &named("a")).await);
    for key in ["", &too_long, "sch\u{f6}n"] {
        let message = execute(&server, RUNS, key, &named("a")).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains("Idempotency-Key"), "{message}");
    }
}

#[tokio::test]
async fn a_run_that_waits_for_approval_has_one_key_too() {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["requiredApproval"] = json!(true);
    server.action(action).await;
    let first = id(execute(&server, RUNS, "k", &named("a")).await);
    assert_eq!(id(execute(&server, RUNS, "k", &named("a")).await), first);
    let other = execute(&server, RUNS, "k", &named("b")).await;
    other.refused(422, "idempotency_conflict");
}
