//! Runs that wait for approval: approved, declined, cancelled, or left without their action.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, START, Server, webhook};

async fn waiting(approval: Value) -> (Server, String) {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["requiredApproval"] = approval;
    server.action(action).await;
    let run = server.run("deploy", json!({"name": "api"})).await;
    (server, run)
}

fn path(run: &str, rest: &str) -> String {
    format!("/v1/actions/runs/{run}{rest}")
}

async fn answer_as(
    server: &Server,
    token: &str,
    run: &str,
    status: &str,
) -> crate::harness::Answer {
    let call = server.by(token, Method::PATCH, &path(run, "/approval"));
    call.json(json!({"status": status})).send().await
}

#[tokio::test]
async fn a_waiting_run_is_neither_rendered_nor_sent() {
    for approval in [json!(true), json!({"type": "ANY"}), json!({"type": "ALL"})] {
        let (server, run) = waiting(approval.clone()).await;
        let shown = server.show(&run).await;
        assert_eq!(shown["status"], "WAITING_FOR_APPROVAL");
        assert_eq!(shown["requiredApproval"], approval);
        assert_eq!(shown["approval"], Value::Null);
        assert_eq!(shown["payload"], Value::Null);
        let listed = server
            .get(&format!("/v1/deliveries?run={run}"))
            .await
            .expect(200);
        assert_eq!(listed["deliveries"], json!([]));
        assert_eq!(server.sink.counts().requests, 0);
        let approvers = server.get(&path(&run, "/approvers?include_pending_approvers=true"));
        assert_eq!(approvers.await.expect(200)["approvers"], json!([]));
    }
}

#[tokio::test]
async fn an_approval_executes_the_requested_revision() {
    let (server, run) = waiting(json!(true)).await;
    let mut changed = webhook(&server, "deploy");
    changed["invocationMethod"]["body"]["revision"] = json!(2);
    server.put("/v1/actions/deploy", changed).await.expect(200);
    let body = json!({"status": "APPROVE", "description": "go"});
    let approved = server
        .patch(&path(&run, "/approval"), body)
        .await
        .expect(201);
    assert_eq!(approved["run"]["status"], "IN_PROGRESS");
    assert_eq!(
        approved["run"]["approval"],
        json!({"state": "APPROVED", "description": "go", "userId": CLIENT_ID})
    );
    server.engine.settled().await;
    assert_eq!(server.received()["name"], "api");
    assert_eq!(server.received().get("revision"), None);
    let approvers = server.get(&path(&run, "/approvers")).await.expect(200);
    assert_eq!(
        approvers["approvers"],
        json!([{"userId": CLIENT_ID, "state": "APPROVED", "description": "go"}])
    );
    let again = answer_as(&server, &server.token, &run, "APPROVE").await;
    again.refused(422, "not_waiting");
    assert_eq!(server.sink.counts().requests, 1);
}

#[tokio::test]
async fn one_decline_ends_the_run() {
    let (server, run) = waiting(json!({"type": "QUORUM", "count": 2})).await;
    let body = json!({"status": "DECLINE", "description": "not today"});
    let declined = server
        .patch(&path(&run, "/approval"), body)
        .await
        .expect(201);
    assert_eq!(declined["run"]["status"], "DECLINED");
    assert_eq!(declined["run"]["endedAt"], START);
    assert_eq!(declined["run"]["approval"]["state"], "DECLINED");
    for status in ["APPROVE", "DECLINE"] {
        let late = answer_as(&server, &server.token, &run, status).await;
        late.refused(422, "not_waiting");
    }
    let report = server
        .patch(&path(&run, ""), json!({"status": "SUCCESS"}))
        .await;
    report.refused(422, "run_ended");
    assert_eq!(server.sink.counts().requests, 0);
}

#[tokio::test]
async fn a_quorum_needs_different_approvers() {
    let (server, run) = waiting(json!({"type": "QUORUM", "count": 2})).await;
    let first = answer_as(&server, &server.token, &run, "APPROVE").await;
    assert_eq!(first.expect(201)["run"]["status"], "WAITING_FOR_APPROVAL");
    let twice = answer_as(&server, &server.token, &run, "APPROVE").await;
    twice.refused(422, "not_waiting");
    let (id, secret) = server.credential("second", "full").await;
    let token = server.token_for(&id, &secret).await;
    let second = answer_as(&server, &token, &run, "APPROVE").await;
    assert_eq!(second.expect(201)["run"]["status"], "IN_PROGRESS");
    server.engine.settled().await;
    assert_eq!(server.sink.counts().requests, 1);
}

#[tokio::test]
async fn concurrent_approvals_execute_once() {
    let (server, run) = waiting(json!(true)).await;
    let mut tokens = vec![server.token.clone()];
    for name in ["b", "c", "d"] {
        let (id, secret) = server.credential(name, "full").await;
        tokens.push(server.token_for(&id, &secret).await);
    }
    let calls = tokens
        .iter()
        .map(|token| answer_as(&server, token, &run, "APPROVE"));
    let answers = futures_util::future::join_all(calls).await;
    let approved = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(approved, 1, "{answers:?}");
    server.engine.settled().await;
    assert_eq!(server.sink.counts().requests, 1);
}

#[tokio::test]
async fn a_patch_to_failure_cancels_and_nothing_else_is_taken_meanwhile() {
    let (server, run) = waiting(json!(true)).await;
    for body in [
        json!({"status": "SUCCESS"}),
        json!({"statusLabel": "x"}),
        json!({"summary": "x"}),
    ] {
        let answer = server.patch(&path(&run, ""), body).await;
        answer.refused(422, "not_in_progress");
    }
    for (method, rest, body) in [
        (Method::POST, "/logs", json!({"message": "m"})),
        (Method::POST, "/redeem", json!({})),
        (Method::PATCH, "/response", json!({"response": 1})),
    ] {
        let call = server.call(method, &path(&run, rest)).json(&body);
        call.send().await.refused(422, "not_in_progress");
    }
    let body = json!({"status": "FAILURE", "summary": "changed my mind"});
    let cancelled = server.patch(&path(&run, ""), body).await.expect(200);
    assert_eq!(cancelled["run"]["status"], "FAILURE");
    assert_eq!(cancelled["run"]["summary"], "changed my mind");
    let late = answer_as(&server, &server.token, &run, "APPROVE").await;
    late.refused(422, "not_waiting");
    assert_eq!(server.sink.counts().requests, 0);
}

#[tokio::test]
async fn deleting_the_action_ends_the_runs_that_wait_for_it_alone() {
    let (server, run) = waiting(json!(true)).await;
    server.action(webhook(&server, "other")).await;
    let running = server.run("other", json!({})).await;
    let declined = server.run("deploy", json!({})).await;
    answer_as(&server, &server.token, &declined, "DECLINE")
        .await
        .expect(201);
    server.delete("/v1/actions/deploy").await.expect(200);
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "FAILURE");
    assert_eq!(shown["statusLabel"], "Action deleted");
    assert_eq!(shown["endedAt"], START);
    assert_eq!(server.show(&running).await["status"], "IN_PROGRESS");
    assert_eq!(server.show(&declined).await["status"], "DECLINED");
    let late = answer_as(&server, &server.token, &run, "APPROVE").await;
    late.refused(422, "not_waiting");
    server.delete("/v1/actions/other").await.expect(200);
    assert_eq!(server.show(&running).await["status"], "IN_PROGRESS");
}

#[tokio::test]
async fn bodies_are_closed() {
    let (server, run) = waiting(json!(true)).await;
    let long = "x".repeat(16 * 1024 + 1);
    for (body, named) in [
        (json!({}), "status"),
        (json!({"status": "approve"}), "status"),
        (json!({"status": "APPROVED"}), "status"),
        (json!({"status": {"APPROVE": null}}), "status"),
        (json!({"status": "APPROVE", "by": "me"}), "by"),
        (
            json!({"status": "APPROVE", "description": 1}),
            "description",
        ),
        (
            json!({"status": "APPROVE", "description": long}),
            "description",
        ),
    ] {
        let message = server.patch(&path(&run, "/approval"), body).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{named}: {message}");
    }
    let missing = path("r_0000000000000000", "/approval");
    let missing = server.patch(&missing, json!({"status": "APPROVE"})).await;
    missing.refused(404, "not_found");
    let missing = server.get(&path("r_0000000000000000", "/approvers")).await;
    missing.refused(404, "not_found");
    assert_eq!(server.show(&run).await["status"], "WAITING_FOR_APPROVAL");
}
