//! `/v1/deliveries`: what left, what is left to do, and sending it again.

use std::time::Duration;

use http::Method;
use longshore_emulators::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::harness::{RETRIES, START, Server, webhook, with_action};

/// Longer than both waits between attempts.
const LONG: Duration = Duration::from_secs(60);

async fn send(server: &Server, delivery: &Value, what: &str) -> crate::harness::Answer {
    let id = delivery["id"].as_str().unwrap();
    let path = format!("/v1/deliveries/{id}/{what}");
    server.call(Method::POST, &path).send().await
}

async fn attempts(server: &Server, run: &str) -> Vec<Value> {
    let id = server.delivery(run).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = server.get(&format!("/v1/deliveries/{id}/attempts")).await;
    answer.expect(200)["attempts"].as_array().unwrap().clone()
}

/// A server whose receiver's answers are lost, and where a repeat is harm.
async fn unconfirmed() -> (Server, String) {
    let server = with_action().await;
    let connection = json!({
        "name": "ci", "url": server.sink.base_url(), "repeatUnknown": false,
    });
    server.post("/v1/connections", connection).await.expect(201);
    server
        .sink
        .faults()
        .always(Fault::new(FaultKind::DropAfterReading));
    let run = server.run("deploy", json!({})).await;
    (server, run)
}

#[tokio::test]
async fn a_delivery_and_its_attempts_are_shown() {
    let server = with_action().await;
    let run = server.run("deploy", json!({})).await;
    let mut delivery = server.delivery(&run).await;
    let id = delivery["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("d_"), "{id}");
    delivery["id"] = json!("DELIVERY");
    let text = serde_json::to_string_pretty(&delivery).unwrap();
    insta::assert_snapshot!(server.stable(&text, &run), @r#"
    {
      "id": "DELIVERY",
      "runId": "RUN",
      "receiver": "webhook",
      "destination": "http://sink",
      "connectionId": null,
      "repeatUnknown": true,
      "synchronized": false,
      "state": "done",
      "dueAt": "2026-01-03T03:04:05.678Z",
      "attempts": 1,
      "attemptsUsed": 0,
      "diagnosis": null,
      "createdAt": "2026-01-02T03:04:05.678Z",
      "updatedAt": "2026-01-02T03:04:05.678Z"
    }
    "#);

    let [attempt] = &attempts(&server, &run).await[..] else {
        panic!("one attempt");
    };
    let keys: Vec<&String> = attempt.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "number",
            "startedAt",
            "durationMs",
            "status",
            "outcome",
            "signedWith",
            "diagnosis",
            "answer",
        ]
    );
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["startedAt"], START);
    assert!(attempt["durationMs"].as_f64().unwrap() > 0.0);
    assert_eq!(attempt["status"], 200);
    assert_eq!(attempt["outcome"], "accepted");
    assert!(attempt["signedWith"].is_string());
    assert_eq!(attempt["diagnosis"], Value::Null);
}

#[tokio::test]
async fn a_failing_receiver_is_tried_again_until_the_schedule_ends() {
    let server = with_action().await;
    server.sink.faults().always(Fault::status(500));
    let run = server.run("deploy", json!({})).await;
    assert_eq!(server.show(&run).await["statusLabel"], "Retrying");
    let waiting = server.delivery(&run).await;
    assert_eq!(
        (&waiting["state"], &waiting["attemptsUsed"]),
        (&json!("due"), &json!(1))
    );
    assert!(waiting["dueAt"].as_str().unwrap() > START);
    server.advance(2 * RETRIES[0]).await;
    server.advance(RETRIES[1] + 2 * RETRIES[0]).await;
    let made = attempts(&server, &run).await;
    assert_eq!(made.len(), 1 + RETRIES.len());
    for (at, attempt) in made.iter().enumerate() {
        assert_eq!(attempt["number"], at + 1);
        assert_eq!(attempt["status"], 500);
        assert_eq!(attempt["outcome"], "retry");
        assert!(attempt["diagnosis"]["message"].is_string());
        assert!(attempt["diagnosis"]["fix"].is_string());
    }
    let dead = server.delivery(&run).await;
    assert_eq!(dead["state"], "dead");
    assert_eq!(dead["diagnosis"]["reason"], "attempts_exhausted");
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "FAILURE");
    assert_ne!(shown["summary"], "");
    assert_eq!(shown["statusLabel"], Value::Null);
    let message = send(&server, &dead, "redeliver")
        .await
        .refused(409, "run_ended");
    assert!(message.contains("rerun"), "{message}");
}

#[tokio::test]
async fn filters_and_pages() {
    let server = with_action().await;
    let mut agent = webhook(&server, "inside");
    agent["invocationMethod"]["agent"] = json!(true);
    server.action(agent).await;
    let mut runs = Vec::new();
    for action in ["deploy", "inside", "deploy", "inside", "deploy"] {
        runs.insert(0, server.run(action, json!({})).await);
    }
    let listed = async |query: &str| {
        let answer = server
            .get(&format!("/v1/deliveries?{query}"))
            .await
            .expect(200);
        let runs: Vec<String> = answer["deliveries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|delivery| delivery["runId"].as_str().unwrap().to_owned())
            .collect();
        (runs, answer.get("next").cloned())
    };
    let of = |places: &[usize]| {
        places
            .iter()
            .map(|at| runs[*at].clone())
            .collect::<Vec<_>>()
    };
    let base = server.sink.base_url();
    for (query, expected) in [
        (String::new(), of(&[0, 1, 2, 3, 4])),
        ("state=done".into(), of(&[0, 2, 4])),
        ("state=due".into(), of(&[1, 3])),
        ("state=dead".into(), of(&[])),
        ("destination=agent".into(), of(&[1, 3])),
        (format!("destination={base}"), of(&[0, 2, 4])),
        (format!("run={}", runs[3]), of(&[3])),
        (format!("run={}&state=done", runs[3]), of(&[])),
        ("run=r_0000000000000000".into(), of(&[])),
    ] {
        assert_eq!(listed(&query).await.0, expected, "{query}");
    }
    let (first, next) = listed("limit=2&state=done").await;
    assert_eq!(first, of(&[0, 2]));
    server.run("deploy", json!({})).await;
    let from = next.unwrap().as_str().unwrap().to_owned();
    let (second, next) = listed(&format!("limit=2&state=done&from={from}")).await;
    assert_eq!((second, next), (of(&[4]), None));
    for (query, named) in [
        ("state=gone", "state"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("from=%20", "from"),
    ] {
        let message = server.get(&format!("/v1/deliveries?{query}")).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{query}: {message}");
    }
}

#[tokio::test]
async fn a_person_sends_an_accepted_delivery_again() {
    let server = with_action().await;
    let run = server.run("deploy", json!({})).await;
    let delivery = server.delivery(&run).await;
    let due = send(&server, &delivery, "redeliver").await.expect(200);
    assert_eq!(due["delivery"]["state"], "due");
    assert_eq!(due["delivery"]["attemptsUsed"], 0);
    server.engine.settled().await;
    let calls = server.sink.deliveries();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].delivery_id, calls[1].delivery_id);
    assert_eq!(calls[1].attempt, Some(2));
    assert_eq!(server.delivery(&run).await["state"], "done");
    let path = format!("/v1/actions/runs/{run}");
    server
        .patch(&path, json!({"status": "SUCCESS"}))
        .await
        .expect(200);
    send(&server, &delivery, "redeliver")
        .await
        .refused(409, "run_ended");
}

#[tokio::test]
async fn an_unconfirmed_delivery_waits_for_a_person() {
    let (server, run) = unconfirmed().await;
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "IN_PROGRESS");
    assert_eq!(shown["statusLabel"], "Delivery unconfirmed");
    server.advance(LONG).await;
    assert_eq!(
        server.sink.counts().requests,
        1,
        "never sent again by itself"
    );
    let delivery = server.delivery(&run).await;
    assert_eq!(delivery["state"], "unconfirmed");
    assert_eq!(delivery["repeatUnknown"], false);

    server.sink.faults().clear();
    send(&server, &delivery, "redeliver").await.expect(200);
    server.engine.settled().await;
    assert_eq!(server.sink.counts().requests, 2);
    let done = server.delivery(&run).await;
    assert_eq!(done["state"], "done");
    assert_eq!(server.show(&run).await["statusLabel"], Value::Null);
    let message = send(&server, &done, "give-up")
        .await
        .refused(409, "conflict");
    assert!(message.contains("done"), "{message}");
}

#[tokio::test]
async fn a_person_gives_an_unconfirmed_delivery_up() {
    let (server, run) = unconfirmed().await;
    let delivery = server.delivery(&run).await;
    let dead = send(&server, &delivery, "give-up").await.expect(200);
    assert_eq!(dead["delivery"]["state"], "dead");
    assert_eq!(dead["delivery"]["diagnosis"]["reason"], "never_confirmed");
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "FAILURE");
    assert_ne!(shown["summary"], "");
    send(&server, &delivery, "give-up")
        .await
        .refused(409, "conflict");
    send(&server, &delivery, "redeliver")
        .await
        .refused(409, "run_ended");
}

#[tokio::test]
async fn nobody_s_receipt_for_a_day_gives_it_up_too() {
    let (server, run) = unconfirmed().await;
    server.advance(Duration::from_secs(24 * 60 * 60)).await;
    let secret = crate::harness::CLIENT_SECRET;
    let token = server.token_for(crate::harness::CLIENT_ID, secret).await;
    let call = server.by(&token, Method::GET, &format!("/v1/actions/runs/{run}"));
    assert_eq!(call.send().await.expect(200)["run"]["status"], "FAILURE");
}

#[tokio::test]
async fn what_is_under_way_is_not_sent_twice() {
    let server = with_action().await;
    server
        .sink
        .faults()
        .next(1, Fault::new(FaultKind::NeverAnswer));
    let body = json!({"properties": {}});
    let answer = server
        .post("/v1/actions/deploy/runs", body)
        .await
        .expect(202);
    let run = answer["run"]["id"].as_str().unwrap().to_owned();
    let seen = |seen: &longshore_emulators::webhook_sink::Seen| seen.counts().requests == 1;
    let delivery = server.delivery(&run).await;
    assert_eq!(delivery["state"], "owned");
    let message = send(&server, &delivery, "redeliver").await;
    message.refused(409, "delivery_in_flight");
    send(&server, &delivery, "give-up")
        .await
        .refused(409, "conflict");
    server
        .sink
        .wait_for(seen, Duration::from_secs(20))
        .await
        .unwrap();
    let path = format!("/v1/actions/runs/{run}");
    server
        .patch(&path, json!({"status": "FAILURE"}))
        .await
        .expect(200);
    assert_eq!(server.delivery(&run).await["state"], "cancelled");
}

#[tokio::test]
async fn unknown_deliveries() {
    let server = with_action().await;
    for id in ["d_0000000000000000", "r_0000000000000000", "x", "%00"] {
        for (method, what) in [
            (Method::GET, "attempts"),
            (Method::POST, "redeliver"),
            (Method::POST, "give-up"),
        ] {
            let call = server.call(method, &format!("/v1/deliveries/{id}/{what}"));
            call.send().await.refused(404, "not_found");
        }
    }
    let run = server.get("/v1/deliveries?run=nonsense").await;
    run.refused(404, "not_found");
}
