//! What a pipeline may do with its run's token, and a tool with a `report` credential.

use http::Method;
use longshore_emulators::Fault;
use serde_json::{Value, json};

use crate::harness::{Answer, RETRIES, Server, webhook, with_action};

fn path(run: &str, rest: &str) -> String {
    format!("/v1/actions/runs/{run}{rest}")
}

/// The four calls that report, each with a body that is taken.
fn reports() -> [(Method, &'static str, Value); 4] {
    [
        (Method::POST, "/redeem", json!({"by": "job/7"})),
        (Method::POST, "/logs", json!({"message": "compiling"})),
        (Method::PATCH, "/response", json!({"response": {"id": 7}})),
        (Method::PATCH, "", json!({"status": "SUCCESS"})),
    ]
}

async fn report(server: &Server, token: &str, run: &str, call: (Method, &str, Value)) -> Answer {
    let (method, rest, body) = call;
    let call = server.by(token, method, &path(run, rest)).json(&body);
    call.send().await
}

fn token(server: &Server) -> String {
    server.received()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_token_reports_on_its_run() {
    let server = with_action().await;
    let run = server.run("deploy", json!({})).await;
    let token = token(&server);
    for call in reports() {
        let answer = report(&server, &token, &run, call).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "SUCCESS");
    assert_eq!(shown["response"], json!({"id": 7}));
    assert_eq!(shown["updatedBy"], "run token of attempt 1");
    let logs = server.get(&path(&run, "/logs")).await.expect(200);
    assert_eq!(logs["runLogs"][0]["createdBy"], "run token of attempt 1");
    for call in reports() {
        report(&server, &token, &run, call)
            .await
            .refused(422, "run_ended");
    }
}

#[tokio::test]
async fn a_run_token_is_worth_nothing_elsewhere() {
    let server = with_action().await;
    let other = server.run("deploy", json!({})).await;
    let run = server.run("deploy", json!({})).await;
    let token = token(&server);
    for call in reports() {
        report(&server, &token, &other, call.clone())
            .await
            .refused(403, "forbidden");
        let nobody = "r_0000000000000000";
        report(&server, &token, nobody, call)
            .await
            .refused(403, "forbidden");
    }
    let forged = token.replacen(".1.", ".2.", 1);
    for call in reports() {
        report(&server, &forged, &run, call)
            .await
            .refused(401, "unauthorized");
    }
    assert_eq!(server.show(&other).await["status"], "IN_PROGRESS");
    assert_eq!(server.show(&run).await["status"], "IN_PROGRESS");
}

#[tokio::test]
async fn a_second_attempt_s_pipeline_is_told_that_the_run_is_taken() {
    let server = with_action().await;
    server
        .sink
        .faults()
        .next(1, Fault::status(500).after_processing());
    let run = server.run("deploy", json!({})).await;
    let first = token(&server);
    server.advance(2 * RETRIES[0]).await;
    let second = token(&server);
    assert_ne!(first, second);
    assert_eq!(server.sink.counts().requests, 2);
    let redeem = |by: &str| (Method::POST, "/redeem", json!({"by": by}));
    report(&server, &second, &run, redeem("job/8"))
        .await
        .expect(200);
    for call in reports() {
        let message = report(&server, &first, &run, call).await;
        let message = message.refused(409, "already_redeemed");
        assert!(message.contains("job/8"), "{message}");
    }
    report(&server, &second, &run, redeem("job/8"))
        .await
        .expect(200);
    let end = (Method::PATCH, "", json!({"status": "SUCCESS"}));
    report(&server, &second, &run, end.clone())
        .await
        .expect(200);
    report(&server, &first, &run, end)
        .await
        .refused(409, "already_redeemed");
}

#[tokio::test]
async fn a_report_credential_reports_on_every_run_and_nothing_else() {
    let server = with_action().await;
    let (id, secret) = server.credential("ci", "report").await;
    let token = server.token_for(&id, &secret).await;
    for _ in 0..2 {
        let run = server.run("deploy", json!({})).await;
        for call in reports() {
            let answer = report(&server, &token, &run, call).await;
            assert!(answer.status.is_success(), "{}", answer.text);
        }
        assert_eq!(server.show(&run).await["updatedBy"], *id);
    }
    let shown = server
        .by(&token, Method::GET, "/v1/actions/runs")
        .send()
        .await;
    shown.refused(403, "forbidden");
    for call in reports() {
        let nobody = "r_0000000000000000";
        report(&server, &token, nobody, call)
            .await
            .refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_report_credential_waits_for_the_first_attempt() {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["invocationMethod"]["agent"] = json!(true);
    server.action(action).await;
    let (id, secret) = server.credential("ci", "report").await;
    let token = server.token_for(&id, &secret).await;
    let run = server.run("deploy", json!({})).await;
    for call in reports() {
        report(&server, &token, &run, call)
            .await
            .refused(422, "not_started");
    }
    assert_eq!(server.show(&run).await["status"], "IN_PROGRESS");
    for call in reports() {
        let answer = report(&server, &server.token, &run, call).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_receipt_confirms_a_delivery_whose_answer_was_lost() {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    let connection = json!({
        "name": "ci", "url": server.sink.base_url(), "repeatUnknown": false,
    });
    server.post("/v1/connections", connection).await.expect(201);
    action["invocationMethod"]["type"] = json!("WEBHOOK");
    server.action(action).await;
    server
        .sink
        .faults()
        .next(1, Fault::status(500).after_processing());
    let run = server.run("deploy", json!({})).await;
    let shown = server.show(&run).await;
    assert_eq!(shown["statusLabel"], "Delivery unconfirmed");
    assert_eq!(server.delivery(&run).await["state"], "unconfirmed");
    let log = (Method::POST, "/logs", json!({"message": "compiling"}));
    report(&server, &token(&server), &run, log)
        .await
        .expect(201);
    assert_eq!(server.delivery(&run).await["state"], "done");
    assert_eq!(server.show(&run).await["statusLabel"], Value::Null);
}
