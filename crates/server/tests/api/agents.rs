//! Execution agents and integrations: claims, acknowledgements, starts, settlements, sessions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Server, webhook};

const LEASE: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_secs(61);
/// A URL whose receiver starts something anew with each call.
const JENKINS: &str = "http://ci.internal/generic-webhook-trigger/invoke?token=deploy";
const HOOK: &str = "http://hooks.internal/deploy";

/// A server whose action `inside` is called by agents at `url`.
async fn with_agents(url: &str) -> Server {
    let server = Server::start().await;
    let mut action = webhook(&server, "inside");
    action["invocationMethod"]["url"] = url.into();
    action["invocationMethod"]["agent"] = true.into();
    server.action(action).await;
    server
}

/// What the agent that exists sends.
fn claim_of_old() -> Value {
    json!({"installationId": "_PORT_EXEC_AGENT", "limit": 100, "invocationMethod": "WEBHOOK"})
}

fn by(session: &str, body: Value) -> Value {
    let mut body = body;
    body["agent"] = "dock".into();
    body["session"] = session.into();
    body
}

async fn claimed(server: &Server, body: Value) -> Value {
    let path = "/v1/actions/runs/claim-pending";
    server.post(path, body).await.expect(200)
}

/// Claims the one thing that waits, and answers its attempt.
async fn claim_one(server: &Server, session: &str) -> Value {
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10});
    let answer = claimed(server, by(session, body)).await;
    let deliveries = answer["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 1, "{answer}");
    assert_eq!(answer["runs"][0]["id"], deliveries[0]["run"]);
    json!({"delivery": deliveries[0]["delivery"], "attempt": deliveries[0]["attempt"]})
}

/// The answer to starting `attempt`: `started`, or why not.
async fn start(server: &Server, session: &str, attempt: &Value) -> String {
    let body = by(session, json!({"items": [attempt]}));
    let answer = server.post("/v1/deliveries/start", body).await.expect(200);
    let item = &answer["items"][0];
    assert_eq!(item["delivery"], attempt["delivery"]);
    let told = item.get("reason").unwrap_or(&item["answer"]);
    told.as_str().unwrap().to_owned()
}

async fn settle(server: &Server, session: &str, attempt: &Value, mut told: Value) -> String {
    for key in ["delivery", "attempt"] {
        told[key] = attempt[key].clone();
    }
    let body = by(session, json!({"items": [told]}));
    let answer = server.post("/v1/deliveries/settle", body).await.expect(200);
    answer["items"][0]["answer"].as_str().unwrap().to_owned()
}

fn accepted() -> Value {
    json!({"outcome": {"kind": "accepted"}, "status": 200, "durationMs": 12})
}

fn failed(kind: &str) -> Value {
    let diagnosis =
        json!({"reason": "connection_refused", "message": "refused", "fix": "Start it."});
    json!({"outcome": {"kind": kind, "diagnosis": diagnosis}})
}

async fn heartbeat(server: &Server, session: &str, more: Value) -> Answer {
    let mut body = by(session, json!({"version": "1.2.3", "streamer": "POLLING"}));
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    server.post("/v1/agents/heartbeat", body).await
}

async fn state(server: &Server, run: &str) -> (String, Value) {
    let delivery = server.delivery(run).await;
    let state = delivery["state"].as_str().unwrap().to_owned();
    (state, server.show(run).await["statusLabel"].clone())
}

#[tokio::test]
async fn the_agent_that_exists_claims_acknowledges_and_reports() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({"name": "api"})).await;
    let answer = claimed(&server, claim_of_old()).await;
    assert!(answer.get("deliveries").is_none());
    let shown = &answer["runs"][0];
    assert_eq!(shown["id"], run);
    let payload = &shown["payload"];
    assert_eq!(
        (&payload["type"], &payload["agent"], &payload["url"]),
        (&json!("WEBHOOK"), &json!(true), &json!(HOOK))
    );
    assert_eq!(payload["method"], "POST");
    assert_eq!(payload["synchronized"], false);
    assert_eq!(payload["body"]["name"], "api");
    // The token is on the wire, and stands nowhere.
    let token = payload["body"]["token"].as_str().unwrap();
    assert!(token.len() > 20, "{token}");
    assert!(!server.show(&run).await.to_string().contains(token));
    assert_eq!(shown["claimedUntil"], "2026-01-02T03:05:05.678Z");
    assert_eq!(
        state(&server, &run).await,
        ("published".into(), "Waiting for an agent".into())
    );

    let acknowledged = server.patch("/v1/actions/runs/ack", json!({"runIds": [run]}));
    assert_eq!(acknowledged.await.expect(200)["ackedCount"], 1);
    let again = server.patch("/v1/actions/runs/ack", json!({"runIds": [run]}));
    assert_eq!(again.await.expect(200)["ackedCount"], 0);
    assert_eq!(state(&server, &run).await, ("done".into(), Value::Null));
    server.advance(LEASE * 3).await;
    assert_eq!(claimed(&server, claim_of_old()).await["runs"], json!([]));

    let path = format!("/v1/actions/runs/{run}");
    server
        .patch(&path, json!({"status": "SUCCESS"}))
        .await
        .expect(200);
    assert_eq!(server.show(&run).await["status"], "SUCCESS");
}

#[tokio::test]
async fn a_claim_is_a_lease_and_the_first_acknowledgement_wins() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    assert_eq!(claimed(&server, claim_of_old()).await["runs"][0]["id"], run);
    assert_eq!(claimed(&server, claim_of_old()).await["runs"], json!([]));
    server.advance(LEASE).await;
    assert_eq!(claimed(&server, claim_of_old()).await["runs"][0]["id"], run);
    server.advance(LEASE).await;
    // Its lease is over and nobody else has it: it is still the claimer's to take.
    let taken = server.patch("/v1/actions/runs/ack", json!({"runId": run}));
    assert_eq!(taken.await.expect(200)["ackedCount"], 1);
    let late = server.patch("/v1/actions/runs/ack", json!({"runId": run}));
    late.await.refused(409, "conflict");
    let never = json!({"runIds": ["r_0000000000000000", "nonsense"]});
    let never = server.patch("/v1/actions/runs/ack", never);
    assert_eq!(never.await.expect(200)["ackedCount"], 0);
}

#[tokio::test]
async fn what_was_not_handed_out_cannot_be_acknowledged() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let taken = server.patch("/v1/actions/runs/ack", json!({"runId": run}));
    taken.await.refused(409, "conflict");
    for body in [
        json!({}),
        json!({"runId": run, "runIds": [run]}),
        json!({"runIds": "all"}),
    ] {
        server
            .patch("/v1/actions/runs/ack", body)
            .await
            .refused(422, "invalid_request");
    }
}

#[tokio::test]
async fn a_session_starts_calls_and_settles() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    assert_eq!(start(&server, "s1", &attempt).await, "started");
    assert_eq!(state(&server, &run).await, ("started".into(), Value::Null));
    // A lost answer is asked for again.
    assert_eq!(start(&server, "s1", &attempt).await, "started");
    let told = json!({
        "outcome": {"kind": "accepted", "externalRunId": "queue/7",
                    "links": ["http://ci.internal/queue/item/7/"]},
        "status": 200, "durationMs": 12, "answer": "{\"jobs\":{}}",
        "logs": ["Calling Jenkins", "Jenkins took it"],
    });
    assert_eq!(
        settle(&server, "s1", &attempt, told.clone()).await,
        "settled"
    );
    // Told twice, written once.
    assert_eq!(settle(&server, "s1", &attempt, told).await, "recorded");
    assert_eq!(state(&server, &run).await, ("done".into(), Value::Null));
    let shown = server.show(&run).await;
    assert_eq!(shown["externalRunId"], "queue/7");
    assert_eq!(shown["link"], json!(["http://ci.internal/queue/item/7/"]));
    let logs = server.get(&format!("/v1/actions/runs/{run}/logs")).await;
    let lines = logs.expect(200)["runLogs"].clone();
    let lines: Vec<_> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["message"])
        .collect();
    assert_eq!(lines, ["Calling Jenkins", "Jenkins took it"]);
    let delivery = attempt["delivery"].as_str().unwrap();
    let attempts = server
        .get(&format!("/v1/deliveries/{delivery}/attempts"))
        .await;
    let attempts = attempts.expect(200)["attempts"].clone();
    assert_eq!(attempts.as_array().unwrap().len(), 1);
    assert_eq!(
        (&attempts[0]["outcome"], &attempts[0]["status"]),
        (&json!("accepted"), &json!(200))
    );
}

#[tokio::test]
async fn a_synchronous_call_ends_its_run() {
    for (told, status) in [(accepted(), "SUCCESS"), (failed("refused"), "FAILURE")] {
        let server = with_agents(HOOK).await;
        let mut action = server.get("/v1/actions/inside").await.expect(200)["action"].clone();
        action["invocationMethod"]["synchronized"] = true.into();
        let action = json!({"identifier": "sync", "trigger": action["trigger"],
                            "invocationMethod": action["invocationMethod"]});
        server.action(action).await;
        let run = server.run("sync", json!({})).await;
        let attempt = claim_one(&server, "s1").await;
        start(&server, "s1", &attempt).await;
        let mut told = told;
        told["response"] = json!({"made": 7});
        assert_eq!(settle(&server, "s1", &attempt, told).await, "settled");
        let shown = server.show(&run).await;
        assert_eq!(shown["status"], status);
        assert_eq!(shown["response"], json!({"made": 7}));
    }
}

#[tokio::test]
async fn an_attempt_of_another_run_is_not_started() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let mut attempt = claim_one(&server, "s1").await;
    // What a forged record header would make an agent ask for.
    attempt["run"] = json!("r_0V76xOIA00000000");
    assert_eq!(start(&server, "s1", &attempt).await, "not_found");
    assert_eq!(state(&server, &run).await.0, "published");
    attempt["run"] = json!(run);
    // A delivery has its run's digits, and its own letter all the same.
    for delivery in [run.clone(), run.replacen("r_", "x_", 1)] {
        let alias = json!({"delivery": delivery, "attempt": 1});
        assert_eq!(start(&server, "s1", &alias).await, "not_found", "{alias}");
        assert_eq!(state(&server, &run).await.0, "published");
    }
    assert_eq!(start(&server, "s1", &attempt).await, "started");
}

/// The answers to a batch, each with its reason where it has one.
fn verdicts(answer: &Value, items: &[Value]) -> Vec<String> {
    let answered = answer["items"].as_array().unwrap();
    let named = |item: &Value| (item["delivery"].clone(), item["attempt"].clone());
    let order: Vec<_> = answered.iter().map(named).collect();
    assert_eq!(order, items.iter().map(named).collect::<Vec<_>>());
    let told = |item: &Value| item.get("reason").unwrap_or(&item["answer"]).clone();
    let told = answered.iter().map(told);
    told.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item_also_where_one_comes_twice() {
    let server = with_agents(JENKINS).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(server.run("inside", json!({})).await);
    }
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10});
    let claimed = claimed(&server, by("s1", body)).await;
    let handed = claimed["deliveries"].as_array().unwrap();
    let attempt = |number: usize| {
        let of_run = handed.iter().find(|it| it["run"] == *runs[number]).unwrap();
        json!({"delivery": of_run["delivery"], "attempt": of_run["attempt"]})
    };
    let (first, second, mut third) = (attempt(0), attempt(1), attempt(2));
    third["attempt"] = 2.into();
    let unknown = json!({"delivery": "d_0000000000000000", "attempt": 1});
    let items = [&first, &unknown, &second, &first, &third].map(Clone::clone);
    let body = by("s1", json!({"items": items}));
    let answer = server.post("/v1/deliveries/start", body).await.expect(200);
    assert_eq!(
        verdicts(&answer, &items),
        ["started", "not_found", "started", "started", "superseded"]
    );
    let told = |attempt: &Value, line: &str| {
        let mut told = accepted();
        (told["delivery"], told["attempt"]) =
            (attempt["delivery"].clone(), attempt["attempt"].clone());
        told["logs"] = json!([line]);
        told
    };
    let items = [
        told(&first, "called once"),
        told(&unknown, "never"),
        told(&first, "told again"),
        told(&third, "never"),
        told(&second, "called once"),
    ];
    let body = by("s1", json!({"items": items}));
    let answer = server.post("/v1/deliveries/settle", body).await.expect(200);
    assert_eq!(
        verdicts(&answer, &items),
        ["settled", "not_found", "recorded", "not_found", "settled"]
    );
    for (run, expected) in runs.iter().zip(["done", "done", "published"]) {
        assert_eq!(state(&server, run).await.0, expected);
        let logs = server.get(&format!("/v1/actions/runs/{run}/logs")).await;
        let logs = logs.expect(200)["runLogs"].clone();
        let lines = logs.as_array().unwrap().iter().map(|line| &line["message"]);
        let called = if expected == "done" {
            vec!["called once"]
        } else {
            vec![]
        };
        assert_eq!(lines.collect::<Vec<_>>(), called);
    }
}

#[tokio::test]
async fn of_a_key_that_comes_twice_the_last_counts() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    let body = format!(r#" {{"agent":"dock","session":"s0","session":"s1","items":[{attempt}]}}"#);
    let call = server.call(http::Method::POST, "/v1/deliveries/start");
    let answer = call.raw(body).send().await.expect(200);
    assert_eq!(answer["items"][0]["answer"], "started");
    assert_eq!(settle(&server, "s1", &attempt, accepted()).await, "settled");
    assert_eq!(state(&server, &run).await.0, "done");
}

#[tokio::test]
async fn only_one_session_may_call() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    assert_eq!(start(&server, "s1", &attempt).await, "started");
    let other = json!({"agent": "pier", "session": "p1", "items": [attempt]});
    let answer = server.post("/v1/deliveries/start", other).await.expect(200);
    assert_eq!(answer["items"][0]["answer"], "no");
    assert_eq!(answer["items"][0]["reason"], "started_elsewhere");
    // Nor may it settle what it did not start.
    let mut told = accepted();
    for key in ["delivery", "attempt"] {
        told[key] = attempt[key].clone();
    }
    let other = json!({"agent": "pier", "session": "p1", "items": [told]});
    let answer = server
        .post("/v1/deliveries/settle", other)
        .await
        .expect(200);
    assert_eq!(answer["items"][0]["answer"], "not_found");
    assert_eq!(state(&server, &run).await.0, "started");
}

#[tokio::test]
async fn a_start_is_refused_once_the_attempt_is_superseded_or_the_run_has_ended() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let first = claim_one(&server, "s1").await;
    server.advance(LEASE).await;
    assert_eq!(start(&server, "s1", &first).await, "superseded");
    let second = claim_one(&server, "s1").await;
    assert_eq!(
        (&first["attempt"], &second["attempt"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(start(&server, "s1", &first).await, "superseded");
    let path = format!("/v1/actions/runs/{run}");
    server
        .patch(&path, json!({"status": "FAILURE"}))
        .await
        .expect(200);
    assert_eq!(start(&server, "s1", &second).await, "run_ended");
    let unknown = json!({"delivery": "d_0000000000000000", "attempt": 1});
    assert_eq!(start(&server, "s1", &unknown).await, "not_found");
}

#[tokio::test]
async fn a_failed_call_is_published_again_by_the_schedule() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    for (number, wait) in [(1, 5), (2, 30)] {
        let attempt = claim_one(&server, "s1").await;
        assert_eq!(attempt["attempt"], number);
        start(&server, "s1", &attempt).await;
        assert_eq!(
            settle(&server, "s1", &attempt, failed("retry")).await,
            "settled"
        );
        assert_eq!(state(&server, &run).await.0, "due");
        server.advance(Duration::from_secs(2 * wait)).await;
    }
    let attempt = claim_one(&server, "s1").await;
    start(&server, "s1", &attempt).await;
    settle(&server, "s1", &attempt, failed("retry")).await;
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "FAILURE");
    let summary = shown["summary"].as_str().unwrap();
    assert!(summary.contains("given up after 3 attempts"), "{summary}");
}

#[tokio::test]
async fn what_is_not_known_is_unconfirmed_where_a_repeat_is_harm_and_else_called_again() {
    for (url, expected) in [(JENKINS, "unconfirmed"), (HOOK, "due")] {
        let server = with_agents(url).await;
        let run = server.run("inside", json!({})).await;
        let attempt = claim_one(&server, "s1").await;
        start(&server, "s1", &attempt).await;
        settle(&server, "s1", &attempt, failed("unknown")).await;
        assert_eq!(state(&server, &run).await.0, expected);
    }
}

/// Starts `attempt` and says of its call what the agent knows.
async fn start_saying(server: &Server, session: &str, attempt: &Value, said: Value) {
    let mut item = attempt.clone();
    item["repeatUnknown"] = said;
    assert_eq!(start(server, session, &item).await, "started");
    // Whoever asks again is told what holds.
    let body = by(session, json!({"items": [attempt]}));
    let answer = server.post("/v1/deliveries/start", body).await.expect(200);
    let run = server.get("/v1/deliveries?limit=1").await.expect(200);
    let expected = &run["deliveries"][0]["repeatUnknown"];
    assert_eq!(&answer["items"][0]["repeatUnknown"], expected);
}

#[tokio::test]
async fn harm_that_an_agent_adds_at_its_start_holds_however_the_call_gets_lost() {
    let ways = ["silence", "a new life", "leaving", "an unknown outcome"];
    for (url, said, expected) in [
        (HOOK, json!(false), "unconfirmed"),
        (HOOK, json!(true), "due"),
        (HOOK, Value::Null, "due"),
        (JENKINS, json!(true), "unconfirmed"),
    ] {
        for way in ways {
            let server = with_agents(url).await;
            let run = server.run("inside", json!({})).await;
            let attempt = claim_one(&server, "s1").await;
            start_saying(&server, "s1", &attempt, said.clone()).await;
            let harm = expected == "unconfirmed";
            assert_eq!(server.delivery(&run).await["repeatUnknown"], !harm);
            match way {
                "silence" => server.advance(SILENCE).await,
                "a new life" => {
                    heartbeat(&server, "s2", json!({})).await.expect(200);
                }
                "leaving" => {
                    let leaving = heartbeat(&server, "s1", json!({"leaving": true}));
                    leaving.await.expect(200);
                }
                _ => {
                    settle(&server, "s1", &attempt, failed("unknown")).await;
                }
            }
            let row = format!("{url}, {said}: {way}");
            assert_eq!(state(&server, &run).await.0, expected, "{row}");
            // Nobody gets it without a person.
            server.advance(Duration::from_secs(3_600)).await;
            let next = claimed(&server, claim_of_old()).await["runs"].clone();
            assert_eq!(next.as_array().unwrap().is_empty(), harm, "{row}");
        }
    }
}

#[tokio::test]
async fn harm_that_an_agent_added_holds_for_later_attempts_and_a_person_may_redeliver() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let first = claim_one(&server, "s1").await;
    start_saying(&server, "s1", &first, json!(false)).await;
    // Nothing was started, so there is another attempt by the schedule.
    settle(&server, "s1", &first, failed("retry")).await;
    server.advance(Duration::from_secs(10)).await;
    let second = claim_one(&server, "s1").await;
    assert_eq!(start(&server, "s1", &second).await, "started");
    server.advance(SILENCE).await;
    assert_eq!(
        state(&server, &run).await,
        ("unconfirmed".into(), "Delivery unconfirmed".into())
    );
    let delivery = first["delivery"].as_str().unwrap();
    let path = format!("/v1/deliveries/{delivery}/redeliver");
    server.post(&path, json!({})).await.expect(200);
    assert_eq!(claim_one(&server, "s2").await["attempt"], 3);
}

#[tokio::test]
async fn what_an_agent_says_of_a_repeat_is_a_boolean() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let mut attempt = claim_one(&server, "s1").await;
    attempt["repeatUnknown"] = "no".into();
    let body = by("s1", json!({"items": [attempt]}));
    server
        .post("/v1/deliveries/start", body)
        .await
        .refused(422, "invalid_request");
    assert_eq!(state(&server, &run).await.0, "published");
}

#[tokio::test]
async fn a_silent_session_s_calls_are_not_known_and_a_late_answer_still_counts() {
    for (url, expected) in [(JENKINS, "unconfirmed"), (HOOK, "due")] {
        let server = with_agents(url).await;
        let run = server.run("inside", json!({})).await;
        let attempt = claim_one(&server, "s1").await;
        start(&server, "s1", &attempt).await;
        server.advance(SILENCE / 2).await;
        heartbeat(&server, "s1", json!({"inFlight": 1}))
            .await
            .expect(200);
        server.advance(SILENCE / 2).await;
        assert_eq!(
            state(&server, &run).await.0,
            "started",
            "it was heard of meanwhile"
        );
        server.advance(SILENCE).await;
        assert_eq!(state(&server, &run).await.0, expected);
        let diagnosis = server.delivery(&run).await["diagnosis"].clone();
        assert_eq!(diagnosis["reason"], "agent_lost");
        assert_eq!(settle(&server, "s1", &attempt, accepted()).await, "settled");
        assert_eq!(state(&server, &run).await, ("done".into(), Value::Null));
    }
}

#[tokio::test]
async fn a_new_life_of_an_agent_ends_the_old_one() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    start(&server, "s1", &attempt).await;
    heartbeat(&server, "s2", json!({})).await.expect(200);
    assert_eq!(
        state(&server, &run).await,
        ("unconfirmed".into(), "Delivery unconfirmed".into())
    );
    heartbeat(&server, "s1", json!({}))
        .await
        .refused(409, "conflict");
    let body = by("s1", json!({"items": [attempt]}));
    server
        .post("/v1/deliveries/start", body)
        .await
        .refused(409, "conflict");
    // What it still has to tell is taken.
    assert_eq!(settle(&server, "s1", &attempt, accepted()).await, "settled");
    assert_eq!(state(&server, &run).await.0, "done");
}

#[tokio::test]
async fn what_a_session_claimed_and_did_not_start_is_due_again_when_it_ends_or_drains() {
    for (told, started_then) in [
        (("s1", json!({"leaving": true})), "unconfirmed"),
        (("s1", json!({"draining": true})), "started"),
        (("s2", json!({})), "unconfirmed"),
    ] {
        let server = with_agents(JENKINS).await;
        let started = server.run("inside", json!({})).await;
        let attempt = claim_one(&server, "s1").await;
        start(&server, "s1", &attempt).await;
        let waiting = server.run("inside", json!({})).await;
        let unstarted = claim_one(&server, "s1").await;
        let (session, more) = told;
        heartbeat(&server, session, more.clone()).await.expect(200);
        let row = format!("{session} {more}");
        assert_eq!(
            state(&server, &waiting).await,
            ("due".into(), "Waiting for an agent".into()),
            "{row}"
        );
        assert_eq!(state(&server, &started).await.0, started_then, "{row}");
        // It is another agent's now, and the old claim is worth nothing.
        let claim = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10,
                           "agent": "pier", "session": "p1"});
        let answer = claimed(&server, claim).await;
        assert_eq!(answer["deliveries"][0]["run"], waiting, "{row}");
        assert_eq!(answer["deliveries"][0]["attempt"], 2, "{row}");
        if more["draining"] == true {
            assert_eq!(
                start(&server, "s1", &unstarted).await,
                "superseded",
                "{row}"
            );
        }
    }
}

#[tokio::test]
async fn a_draining_session_is_handed_nothing_and_settles_what_it_started() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    start(&server, "s1", &attempt).await;
    heartbeat(&server, "s1", json!({"draining": true}))
        .await
        .expect(200);
    let next = server.run("inside", json!({})).await;
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10});
    let answer = claimed(&server, by("s1", body)).await;
    assert_eq!(
        (&answer["runs"], &answer["deliveries"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(settle(&server, "s1", &attempt, accepted()).await, "settled");
    assert_eq!(state(&server, &run).await.0, "done");
    assert_eq!(state(&server, &next).await.0, "due");
}

#[tokio::test]
async fn a_session_that_leaves_gives_back_what_it_did_not_settle() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    start(&server, "s1", &attempt).await;
    heartbeat(&server, "s1", json!({"leaving": true}))
        .await
        .expect(200);
    assert_eq!(state(&server, &run).await.0, "due");
    // What it sent before may come after, and takes nothing; its leave may come twice.
    let claim = by(
        "s1",
        json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10}),
    );
    let late = server.post("/v1/actions/runs/claim-pending", claim);
    late.await.expect(409);
    heartbeat(&server, "s1", json!({"draining": true}))
        .await
        .expect(409);
    heartbeat(&server, "s1", json!({"leaving": true}))
        .await
        .expect(200);
    let agents = server.get("/v1/agents").await.expect(200);
    assert_eq!(agents["agents"], json!([]));
    assert_eq!(state(&server, &run).await.0, "due");
}

#[tokio::test]
async fn a_message_that_cannot_be_verified_is_published_anew_unless_it_was_started() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let told = |reason: &str| {
        let diagnosis =
            json!({"reason": reason, "message": "the signature does not fit", "fix": ""});
        json!({"outcome": {"kind": "unverified", "diagnosis": diagnosis}})
    };
    let attempt = claim_one(&server, "s1").await;
    assert_eq!(
        settle(&server, "s1", &attempt, told("message_unverified")).await,
        "settled"
    );
    let delivery = server.delivery(&run).await;
    assert_eq!(
        (&delivery["state"], &delivery["attemptsUsed"]),
        (&json!("due"), &json!(1))
    );
    server.advance(Duration::from_secs(10)).await;
    let attempt = claim_one(&server, "s1").await;
    start(&server, "s1", &attempt).await;
    assert_eq!(
        settle(&server, "s1", &attempt, told("message_unverified")).await,
        "recorded"
    );
    assert_eq!(state(&server, &run).await.0, "started");
}

#[tokio::test]
async fn a_pipeline_may_report_before_its_agent_settles() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10});
    let answer = claimed(&server, by("s1", body)).await;
    let token = answer["runs"][0]["payload"]["body"]["token"]
        .as_str()
        .unwrap();
    let attempt = json!({"delivery": answer["deliveries"][0]["delivery"], "attempt": 1});
    start(&server, "s1", &attempt).await;
    let path = format!("/v1/actions/runs/{run}");
    let redeemed = server.by(token, http::Method::POST, &format!("{path}/redeem"));
    redeemed
        .json(json!({"by": "build 7"}))
        .send()
        .await
        .expect(200);
    let ended = server.by(token, http::Method::PATCH, &path);
    ended
        .json(json!({"status": "SUCCESS"}))
        .send()
        .await
        .expect(200);
    assert_eq!(
        settle(&server, "s1", &attempt, failed("unknown")).await,
        "recorded"
    );
    let shown = server.show(&run).await;
    assert_eq!(
        (&shown["status"], &shown["statusLabel"]),
        (&json!("SUCCESS"), &Value::Null)
    );
    assert_eq!(state(&server, &run).await.0, "done");
}

#[tokio::test]
async fn what_an_agent_tells_is_scrubbed() {
    let server = with_agents(HOOK).await;
    let secret = json!({"secretName": "KEY", "secretValue": "a-very-secret-value"});
    server
        .post("/v1/organization/secrets", secret)
        .await
        .expect(200);
    let run = server.run("inside", json!({})).await;
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10});
    let answer = claimed(&server, by("s1", body)).await;
    let token = answer["runs"][0]["payload"]["body"]["token"]
        .as_str()
        .unwrap();
    let attempt = json!({"delivery": answer["deliveries"][0]["delivery"], "attempt": 1});
    start(&server, "s1", &attempt).await;
    let leak = format!("you sent {token} and a-very-secret-value");
    let told = json!({
        "outcome": {"kind": "accepted", "externalRunId": leak, "links": [leak]},
        "answer": leak, "response": {"deep": [leak]}, "logs": [leak],
        "report": {"summary": leak, "link": leak},
    });
    assert_eq!(settle(&server, "s1", &attempt, told).await, "settled");
    let delivery = attempt["delivery"].as_str().unwrap();
    for path in [
        format!("/v1/actions/runs/{run}"),
        format!("/v1/actions/runs/{run}/logs"),
        format!("/v1/actions/runs/{run}/timeline"),
        format!("/v1/deliveries/{delivery}/attempts"),
    ] {
        let text = server.get(&path).await.expect(200).to_string();
        assert!(
            text.contains("you sent") || path.ends_with("attempts"),
            "{path}: {text}"
        );
        assert!(
            !text.contains(token) && !text.contains("a-very-secret"),
            "{path}: {text}"
        );
    }
}

#[tokio::test]
async fn a_mapping_s_report_ends_the_run() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    start(&server, "s1", &attempt).await;
    let mut told = accepted();
    told["report"] = json!({"status": "SUCCESS", "link": "http://x/1", "summary": "made",
                            "externalRunId": "7"});
    assert_eq!(settle(&server, "s1", &attempt, told).await, "settled");
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "SUCCESS");
    assert_eq!(
        (&shown["summary"], &shown["link"]),
        (&json!("made"), &json!("http://x/1"))
    );
    assert_eq!(state(&server, &run).await.0, "done");
}

#[tokio::test]
async fn agents_are_listed_and_a_waiting_run_says_whether_one_is_there() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let timeline = format!("/v1/actions/runs/{run}/timeline");
    let last = |answer: Value| {
        answer["timeline"]
            .as_array()
            .unwrap()
            .last()
            .cloned()
            .unwrap()
    };
    let waits = last(server.get(&timeline).await.expect(200));
    assert_eq!(waits["what"], "waiting_for_agent");
    assert_eq!(waits["detail"]["agentsConnected"], 0);
    assert_eq!(server.delivery(&run).await["agentsConnected"], 0);
    let more = json!({"streamer": "KAFKA", "group": "org.agents", "inFlight": 3, "partitions": [
        {"partition": 0, "committed": 40, "end": 42}, {"partition": 1, "committed": 7, "end": 7}]});
    let answer = heartbeat(&server, "s1", more).await.expect(200);
    assert_eq!(
        (&answer["heartbeatSeconds"], &answer["sessionSeconds"]),
        (&json!(10), &json!(60))
    );
    assert_eq!(server.delivery(&run).await["agentsConnected"], 1);
    let agents = server.get("/v1/agents").await.expect(200)["agents"].clone();
    assert_eq!(
        agents,
        json!([{
            "id": "dock", "session": "s1", "version": "1.2.3", "streamer": "KAFKA",
            "group": "org.agents", "lastSeenAt": "2026-01-02T03:04:05.678Z",
            "partitions": [{"partition": 0, "committed": 40, "lag": 2},
                           {"partition": 1, "committed": 7, "lag": 0}],
            "inFlight": 3,
        }])
    );
    server.advance(SILENCE).await;
    assert_eq!(
        server.get("/v1/agents").await.expect(200)["agents"],
        json!([])
    );
    let waits = last(server.get(&timeline).await.expect(200));
    assert_eq!(waits["detail"]["agentsConnected"], 0);
}

#[tokio::test]
async fn a_claim_waits_until_there_is_work() {
    let server = with_agents(HOOK).await;
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10, "waitSeconds": 20});
    let waiting = claimed(&server, by("s1", body));
    let (answer, run) = tokio::join!(waiting, server.run("inside", json!({})));
    assert_eq!(answer["runs"][0]["id"], run);
}

#[tokio::test]
async fn an_integration_claims_what_is_its_own() {
    let server = with_agents(HOOK).await;
    server.action(dispatched("dispatch")).await;
    let run = server.run("dispatch", json!({})).await;
    assert_eq!(claimed(&server, claim_of_old()).await["runs"], json!([]));
    let other = json!({"installationId": "gh-2", "limit": 5});
    assert_eq!(claimed(&server, other).await["runs"], json!([]));
    let own = json!({"installationId": "gh-1", "limit": 5, "visibilityTimeoutMs": 30_000});
    let answer = claimed(&server, own.clone()).await;
    let payload = &answer["runs"][0]["payload"];
    assert_eq!(payload["type"], "INTEGRATION_ACTION");
    assert_eq!(payload["integrationActionExecutionProperties"]["repo"], "r");
    server.advance(Duration::from_secs(30)).await;
    assert_eq!(claimed(&server, own).await["runs"][0]["id"], run);
    let taken = server.patch("/v1/actions/runs/ack", json!({"runId": run}));
    taken.await.expect(200);
    let path = format!("/v1/actions/runs/{run}");
    let reported = server.patch(
        &path,
        json!({"externalRunId": "gh_1_2_3", "link": "http://x"}),
    );
    reported.await.expect(200);
}

/// An action that the integration `gh-1` executes.
fn dispatched(identifier: &str) -> Value {
    json!({
        "identifier": identifier,
        "trigger": {"type": "self-service", "operation": "CREATE",
                    "userInputs": {"properties": {}}},
        "invocationMethod": {
            "type": "INTEGRATION_ACTION", "installationId": "gh-1",
            "integrationActionType": "dispatch_workflow",
            "integrationActionExecutionProperties": {"org": "o", "repo": "r", "workflow": "w.yml"},
        },
    })
}

fn ids_of(answer: &Value) -> Vec<Value> {
    let runs = answer["runs"].as_array().unwrap();
    runs.iter().map(|run| run["id"].clone()).collect()
}

#[tokio::test]
async fn a_claim_leaves_out_what_its_caller_has_enough_of() {
    let server = with_agents(HOOK).await;
    for action in ["build", "release"] {
        server.action(dispatched(action)).await;
    }
    let mut builds = Vec::new();
    for _ in 0..30 {
        builds.push(json!(server.run("build", json!({})).await));
    }
    let release = server.run("release", json!({})).await;
    let claim = |exclude: Value| json!({"installationId": "gh-1", "limit": 5, "exclude": exclude});
    let answer = claimed(&server, claim(json!(["dispatch_workflow"]))).await;
    assert_eq!(ids_of(&answer), [""; 0]);
    let answer = claimed(&server, claim(json!(["build", "another"]))).await;
    assert_eq!(ids_of(&answer), [json!(release)]);
    // What was left out is whoever's that has room for it.
    for exclude in [json!(["release"]), json!([]), Value::Null] {
        let answer = claimed(&server, claim(exclude)).await;
        assert_eq!(ids_of(&answer), builds.drain(..5).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_execution_agent_leaves_actions_out_as_well_and_waits_for_others() {
    let server = with_agents(HOOK).await;
    let run = server.run("inside", json!({})).await;
    let claim = |exclude: &str| {
        json!({"installationId": "_PORT_EXEC_AGENT", "limit": 9, "exclude": [exclude],
               "waitSeconds": 1})
    };
    let left = claimed(&server, by("s1", claim("inside"))).await;
    assert_eq!(left["deliveries"], json!([]));
    let taken = claimed(&server, by("s1", claim("outside"))).await;
    assert_eq!(ids_of(&taken), [json!(run)]);
}

#[tokio::test]
async fn what_a_claim_leaves_out_is_a_short_list_of_texts() {
    let server = with_agents(HOOK).await;
    let many: Vec<String> = (0..501).map(|number| format!("a{number}")).collect();
    for (exclude, named) in [
        (
            json!("build"),
            "exclude: expected a list of at most 500 texts",
        ),
        (json!({"0": "build"}), "exclude: expected a list"),
        (json!(many), "exclude: expected a list of at most 500 texts"),
        (
            json!(["a", 7]),
            "exclude[1]: expected a text of 1 to 200 characters",
        ),
        (json!([""]), "exclude[0]: expected a text"),
        (json!(["é".repeat(201)]), "exclude[0]: expected a text"),
        (json!([null]), "exclude[0]: expected a text"),
    ] {
        let body = json!({"installationId": "gh-1", "limit": 1, "exclude": exclude});
        let answer = server.post("/v1/actions/runs/claim-pending", body).await;
        let message = answer.refused(422, "invalid_request");
        assert!(message.contains(named), "{message}");
    }
    let full: Vec<String> = vec!["é".repeat(200); 500];
    let body = json!({"installationId": "gh-1", "limit": 1, "exclude": full});
    assert_eq!(ids_of(&claimed(&server, body).await), [""; 0]);
}

#[tokio::test]
async fn pipelines_of_gitlab_go_to_agents_that_know_them() {
    let server = with_agents(HOOK).await;
    let action = json!({
        "identifier": "pipeline",
        "trigger": {"type": "self-service", "operation": "CREATE",
                    "userInputs": {"properties": {}}},
        "invocationMethod": {"type": "GITLAB", "projectName": "p", "groupName": "g",
                             "pipelineVariables": {"run": "{{ .run.id }}"}},
    });
    server.action(action).await;
    let run = server.run("pipeline", json!({})).await;
    assert_eq!(claimed(&server, claim_of_old()).await["runs"], json!([]));
    let body = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 10});
    let answer = claimed(&server, by("s1", body)).await;
    assert_eq!(
        answer["runs"][0]["payload"]["pipelineVariables"]["run"],
        run
    );
    assert_eq!(server.delivery(&run).await["repeatUnknown"], false);
}

#[tokio::test]
async fn workflow_nodes_are_never_there() {
    let server = Server::start().await;
    let claim = json!({"installationId": "_PORT_EXEC_AGENT", "limit": 100});
    let answer = server.post("/v1/workflows/runs/claim-pending", claim);
    assert_eq!(answer.await.expect(200)["nodeRuns"], json!([]));
    let acknowledged = json!({"nodeRunIdentifier": "n"});
    let acknowledged = server.patch("/v1/workflows/runs/ack", acknowledged);
    assert_eq!(acknowledged.await.expect(200)["acked"], false);
    let node = server.patch("/v1/workflows/nodes/runs/n", json!({"status": "COMPLETED"}));
    node.await.refused(404, "not_found");
    let line = json!({"logs": [{"level": "INFO", "message": "m"}]});
    let line = server.post("/v1/workflows/nodes/runs/n/logs", line);
    line.await.refused(404, "not_found");
    let claim = server.post("/v1/workflows/runs/claim-pending", json!([]));
    claim.await.refused(422, "invalid_request");
}

#[tokio::test]
async fn mistakes_are_named() {
    let server = with_agents(HOOK).await;
    let claim = "/v1/actions/runs/claim-pending";
    let item = json!({"delivery": "d_0000000000000000", "attempt": 1});
    let many: Vec<&Value> = std::iter::repeat_n(&item, 501).collect();
    for (path, body, named) in [
        (claim, json!({}), "installationId"),
        (claim, json!({"installationId": "x", "limit": 0}), "limit"),
        (claim, json!({"installationId": "x", "limit": "9"}), "limit"),
        (
            claim,
            json!({"installationId": "x", "limit": 1, "agent": "a"}),
            "session",
        ),
        (
            claim,
            json!({"installationId": "x", "limit": 1, "visibilityTimeoutMs": -1}),
            "visibilityTimeoutMs",
        ),
        ("/v1/deliveries/start", json!({"items": []}), "agent"),
        (
            "/v1/deliveries/start",
            by("", json!({"items": []})),
            "session",
        ),
        (
            "/v1/deliveries/start",
            by("s", json!({"items": many})),
            "at most 500",
        ),
        (
            "/v1/deliveries/settle",
            by("s", json!({"items": [item]})),
            "outcome",
        ),
        (
            "/v1/agents/heartbeat",
            by("s", json!({"version": "1"})),
            "streamer",
        ),
    ] {
        let message = server
            .post(path, body)
            .await
            .refused(422, "invalid_request");
        assert!(message.contains(named), "{path}: {message}");
    }
}

#[tokio::test]
async fn a_redelivery_waits_for_agents_and_one_that_is_published_is_refused() {
    let server = with_agents(JENKINS).await;
    let run = server.run("inside", json!({})).await;
    let attempt = claim_one(&server, "s1").await;
    let path = format!(
        "/v1/deliveries/{}/redeliver",
        attempt["delivery"].as_str().unwrap()
    );
    server
        .post(&path, json!({}))
        .await
        .refused(409, "delivery_in_flight");
    start(&server, "s1", &attempt).await;
    settle(&server, "s1", &attempt, failed("unknown")).await;
    server.post(&path, json!({})).await.expect(200);
    assert_eq!(
        state(&server, &run).await,
        ("due".into(), "Waiting for an agent".into())
    );
    let second = claim_one(&server, "s1").await;
    assert_eq!(second["attempt"], 2);
    // The first attempt's answer comes late: nothing is started again.
    assert_eq!(
        settle(&server, "s1", &attempt, accepted()).await,
        "recorded"
    );
    assert_eq!(start(&server, "s1", &second).await, "started");
}
