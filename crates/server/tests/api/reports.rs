//! What is told about a run: PATCH, log lines, responses, redeeming, and what comes too late.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, LOG_MESSAGE_BYTES, REPORT_TIMEOUT, START, Server, with_action};

async fn running() -> (Server, String) {
    let server = with_action().await;
    let run = server.run("deploy", json!({"name": "api"})).await;
    (server, run)
}

fn path(run: &str, rest: &str) -> String {
    format!("/v1/actions/runs/{run}{rest}")
}

#[tokio::test]
async fn each_key_of_a_patch_overwrites_and_the_others_stay() {
    let (server, run) = running().await;
    server.clock.advance(Duration::from_millis(1));
    let mut expected = server.show(&run).await;
    for (patch, changes) in [
        (
            json!({"statusLabel": "Building"}),
            json!({"statusLabel": "Building"}),
        ),
        (
            json!({"link": "https://ci/1"}),
            json!({"link": "https://ci/1"}),
        ),
        (
            json!({"link": ["https://ci/1", "b"]}),
            json!({"link": ["https://ci/1", "b"]}),
        ),
        (
            json!({"summary": "half way"}),
            json!({"summary": "half way"}),
        ),
        (json!({"externalRunId": "7"}), json!({"externalRunId": "7"})),
        (json!({"summary": ""}), json!({"summary": ""})),
        (json!({"link": []}), json!({"link": []})),
    ] {
        let answer = server
            .patch(&path(&run, "?runId=x"), patch)
            .await
            .expect(200);
        for (key, value) in changes.as_object().unwrap() {
            expected[key] = value.clone();
        }
        expected["updatedAt"] = json!("2026-01-02T03:04:05.679Z");
        expected["updatedBy"] = json!(CLIENT_ID);
        assert_eq!(answer["run"], expected);
        assert_eq!(server.show(&run).await, expected);
    }
    server.clock.advance(Duration::from_millis(1));
    let last = json!({"status": "SUCCESS", "message": {"any": ["thing"]}, "summary": "done"});
    let ended = server.patch(&path(&run, ""), last).await.expect(200);
    assert_eq!(ended["run"]["status"], "SUCCESS");
    assert_eq!(ended["run"]["summary"], "done");
    assert_eq!(
        ended["run"]["statusLabel"], "Building",
        "a report's label stays"
    );
    assert_eq!(ended["run"]["endedAt"], "2026-01-02T03:04:05.680Z");
    assert_eq!(server.delivery(&run).await["state"], "done");
}

#[tokio::test]
async fn patches_are_closed_and_bounded() {
    let (server, run) = running().await;
    let text = |bytes: usize| "x".repeat(bytes);
    for (body, named) in [
        (json!({"status": "IN_PROGRESS"}), "status"),
        (json!({"status": "success"}), "status"),
        (json!({"status": 1}), "status"),
        (json!({"state": "SUCCESS"}), "state"),
        (json!({"run": {"status": "SUCCESS"}}), "run"),
        (json!({"link": 7}), "link"),
        (json!({"link": [7]}), "link"),
        (json!({"link": {"url": "x"}}), "link"),
        (json!({"link": vec!["x"; 51]}), "link"),
        (json!({"link": text(16 * 1024 + 1)}), "link"),
        (json!({"message": "text"}), "message"),
        (json!({"message": {"x": text(16 * 1024)}}), "message"),
        (json!({"statusLabel": text(257)}), "statusLabel"),
        (json!({"statusLabel": {}}), "statusLabel"),
        (json!({"summary": {}}), "summary"),
        (json!({"externalRunId": text(1_025)}), "externalRunId"),
        (json!({"externalRunId": true}), "externalRunId"),
        (json!({"externalRunId": [7]}), "externalRunId"),
        (json!({"status": {"SUCCESS": null}}), "status"),
        (
            json!(["SUCCESS", null, null, null, null, null]),
            "expected a JSON object",
        ),
        (json!(null), "expected a JSON object"),
    ] {
        let message = server.patch(&path(&run, ""), body).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{named}: {message}");
    }
    assert_eq!(server.show(&run).await["updatedAt"], START);
    let nobody = server
        .patch(&path("r_0000000000000000", ""), json!({}))
        .await;
    nobody.refused(404, "not_found");
}

#[tokio::test]
async fn a_number_names_a_backend_s_run_by_its_text() {
    let (server, run) = running().await;
    for (told, kept) in [
        ("7", "7"),
        ("\"7\"", "7"),
        ("12345678901234567890", "12345678901234567890"),
        ("7.0", "7.0"),
    ] {
        let body = format!("{{\"externalRunId\": {told}}}");
        let patched = server.call(Method::PATCH, &path(&run, "")).raw(body);
        let shown = patched.send().await.expect(200)["run"].clone();
        assert_eq!(shown["externalRunId"], kept, "{told}");
    }
}

#[tokio::test]
async fn a_summary_that_is_too_long_is_cut_and_the_end_that_it_came_with_kept() {
    const LIMIT: usize = 16 * 1024;
    // Two bytes each, and one before them: the bound lies within a letter.
    let page = format!("<{}", "é".repeat(LIMIT));
    for (told, kept) in [
        ("x".repeat(LIMIT), "x".repeat(LIMIT)),
        (
            "x".repeat(LIMIT + 1),
            format!("{}…", "x".repeat(LIMIT - "…".len())),
        ),
        (page, format!("<{}…", "é".repeat(LIMIT / 2 - 2))),
    ] {
        let (server, run) = running().await;
        let report = json!({"status": "FAILURE", "summary": told});
        let ended = server.patch(&path(&run, ""), report).await.expect(200);
        assert_eq!(ended["run"]["status"], "FAILURE");
        assert_eq!(ended["run"]["summary"], kept);
    }
}

#[tokio::test]
async fn log_lines_are_kept_in_their_order() {
    let (server, run) = running().await;
    for at in 0..60 {
        let body = json!({"message": format!("line {at}")});
        let added = server.post(&path(&run, "/logs"), body).await.expect(201);
        let line = &added["runLog"];
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "runId", "message", "createdBy", "createdAt"]);
        assert_eq!(line["runId"], *run);
        assert_eq!(line["createdBy"], CLIENT_ID);
        assert_eq!(line["createdAt"], START);
    }
    for (query, first, count) in [
        ("", 0, 50),
        ("?limit=5", 0, 5),
        ("?limit=50&offset=50", 50, 10),
        ("?offset=59", 59, 1),
    ] {
        let listed = server
            .get(&path(&run, &format!("/logs{query}")))
            .await
            .expect(200);
        let lines = listed["runLogs"].as_array().unwrap();
        assert_eq!(lines.len(), count, "{query}");
        assert_eq!(lines[0]["message"], format!("line {first}"), "{query}");
    }
    let beyond = server.get(&path(&run, "/logs?offset=60")).await.expect(200);
    assert_eq!(beyond["runLogs"], json!([]));
    for query in ["limit=0", "limit=51", "offset=-1", "offset=x"] {
        let answer = server.get(&path(&run, &format!("/logs?{query}"))).await;
        answer.refused(422, "invalid_request");
    }
    let longest = json!({"message": "x".repeat(LOG_MESSAGE_BYTES)});
    server.post(&path(&run, "/logs"), longest).await.expect(201);
    for (body, named) in [
        (
            json!({"message": "x".repeat(LOG_MESSAGE_BYTES + 1)}),
            "message",
        ),
        (json!({"message": ["a"]}), "message"),
        (json!({}), "message"),
        (
            json!({"message": "a", "terminationStatus": "DONE"}),
            "terminationStatus",
        ),
        (
            json!({"message": "a", "terminationStatus": {"SUCCESS": null}}),
            "terminationStatus",
        ),
        (json!({"message": "a", "level": "INFO"}), "level"),
    ] {
        let message = server.post(&path(&run, "/logs"), body).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{named}: {message}");
    }
}

#[tokio::test]
async fn a_log_line_can_end_the_run_once() {
    let (server, run) = running().await;
    let body = json!({
        "message": "broken", "terminationStatus": "FAILURE", "statusLabel": "Tests failed",
    });
    server
        .post(&path(&run, "/logs"), body.clone())
        .await
        .expect(201);
    let shown = server.show(&run).await;
    assert_eq!(shown["status"], "FAILURE");
    assert_eq!(shown["statusLabel"], "Tests failed");
    assert_eq!(shown["endedAt"], START);
    server
        .post(&path(&run, "/logs"), body)
        .await
        .refused(422, "run_ended");
    let listed = server.get(&path(&run, "/logs")).await.expect(200);
    assert_eq!(listed["runLogs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_response_is_kept_as_it_was_sent() {
    let (server, run) = running().await;
    for response in [json!({"b": 1.0, "a": [null]}), json!("text"), json!([1])] {
        let body = json!({"response": response});
        let answer = server
            .patch(&path(&run, "/response"), body)
            .await
            .expect(200);
        assert_eq!(answer, json!({"ok": true}));
        let shown = server.show(&run).await;
        assert_eq!(shown["response"].to_string(), response.to_string());
        assert_eq!(shown["status"], "IN_PROGRESS");
    }
    for body in [json!({}), json!({"response": 1, "status": "SUCCESS"})] {
        let answer = server.patch(&path(&run, "/response"), body).await;
        answer.refused(422, "invalid_request");
    }
}

#[tokio::test]
async fn only_one_caller_redeems_a_run() {
    let (server, run) = running().await;
    let redeem = async |by: Value| server.post(&path(&run, "/redeem"), by).await;
    let first = redeem(json!({"by": "https://ci/job/7"})).await;
    assert_eq!(first.expect(200), json!({"ok": true}));
    redeem(json!({"by": "https://ci/job/7"})).await.expect(200);
    for other in [json!({"by": "https://ci/job/8"}), json!({})] {
        let message = redeem(other).await.refused(409, "already_redeemed");
        assert!(message.contains("https://ci/job/7"), "{message}");
    }
    for (body, named) in [
        (json!({"by": 7}), "by"),
        (json!({"who": "me"}), "who"),
        (json!({"by": "x".repeat(16 * 1024 + 1)}), "by"),
    ] {
        let message = redeem(body).await.refused(422, "invalid_request");
        assert!(message.contains(named), "{message}");
    }
    server
        .patch(&path(&run, ""), json!({"status": "SUCCESS"}))
        .await
        .expect(200);
    redeem(json!({"by": "https://ci/job/7"}))
        .await
        .refused(422, "run_ended");
}

#[tokio::test]
async fn without_a_name_only_the_first_call_redeems() {
    let (server, run) = running().await;
    let call = server.call(Method::POST, &path(&run, "/redeem"));
    call.send().await.expect(200);
    for body in ["", "{}", "  ", r#"{"by":null}"#, r#"{"by":"me"}"#] {
        let call = server.call(Method::POST, &path(&run, "/redeem")).raw(body);
        call.send().await.refused(409, "already_redeemed");
    }
}

#[tokio::test]
async fn what_comes_too_late_is_refused_and_kept() {
    let (server, run) = running().await;
    server
        .patch(&path(&run, ""), json!({"status": "FAILURE"}))
        .await
        .expect(200);
    let before = server.show(&run).await;
    server.clock.advance(Duration::from_secs(1));
    let late = json!({"status": "SUCCESS", "summary": "it worked after all"});
    server
        .patch(&path(&run, ""), late)
        .await
        .refused(422, "run_ended");
    let line = json!({"message": "still here", "terminationStatus": "SUCCESS"});
    server
        .post(&path(&run, "/logs"), line)
        .await
        .refused(422, "run_ended");
    let response = server
        .patch(&path(&run, "/response"), json!({"response": 1}))
        .await;
    response.refused(422, "run_ended");
    assert_eq!(server.show(&run).await["status"], before["status"]);
    assert_eq!(server.show(&run).await["summary"], before["summary"]);
    assert_eq!(server.show(&run).await["endedAt"], before["endedAt"]);
    let timeline = server.get(&path(&run, "/timeline")).await.expect(200);
    let kept: Vec<&Value> = timeline["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["what"] == "late_report")
        .collect();
    assert_eq!(kept.len(), 3, "{timeline}");
    let told = &kept[0]["detail"];
    assert_eq!(told["status"], "SUCCESS");
    assert_eq!(told["summary"], "it worked after all");
    assert_eq!(kept[0]["at"], "2026-01-02T03:04:06.678Z");
    assert_eq!(kept[0]["by"], CLIENT_ID);
}

#[tokio::test]
async fn a_timeline_tells_everything_in_order() {
    let (server, run) = running().await;
    let step = async |method: Method, rest: &str, body: Value| {
        server.clock.advance(Duration::from_secs(60));
        let answer = server
            .call(method, &path(&run, rest))
            .json(&body)
            .send()
            .await;
        assert!(answer.status.is_success(), "{}", answer.text);
    };
    step(Method::POST, "/redeem", json!({"by": "job/7"})).await;
    step(Method::POST, "/logs", json!({"message": "compiling"})).await;
    step(Method::PATCH, "", json!({"statusLabel": "Testing"})).await;
    step(Method::PATCH, "", json!({"status": "SUCCESS"})).await;
    let timeline = server.get(&path(&run, "/timeline")).await.expect(200);
    let told: Vec<String> = timeline["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let by = entry["by"].as_str().unwrap_or("-");
            format!("{} {by}", entry["what"].as_str().unwrap())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    requested admin
    signed -
    delivered -
    redeemed admin
    logged admin
    reported admin
    reported admin
    SUCCESS admin
    ");
    let nobody = server.get(&path("r_0000000000000000", "/timeline")).await;
    nobody.refused(404, "not_found");
}

#[tokio::test]
async fn silence_is_labelled_and_then_ends_the_run() {
    let (server, run) = running().await;
    server
        .advance(REPORT_TIMEOUT - Duration::from_secs(1))
        .await;
    let token = server
        .token_for(CLIENT_ID, crate::harness::CLIENT_SECRET)
        .await;
    let shown = async |rest: &str| {
        let call = server.by(&token, Method::GET, &path(&run, rest));
        call.send().await
    };
    assert_eq!(
        shown("").await.expect(200)["run"]["statusLabel"],
        Value::Null
    );
    server.advance(Duration::from_secs(1)).await;
    let labelled = shown("").await.expect(200);
    assert_eq!(labelled["run"]["statusLabel"], "No report");
    assert_eq!(labelled["run"]["status"], "IN_PROGRESS");
    server.advance(REPORT_TIMEOUT).await;
    let token = server
        .token_for(CLIENT_ID, crate::harness::CLIENT_SECRET)
        .await;
    let call = server.by(&token, Method::GET, &path(&run, ""));
    let ended = call.send().await.expect(200);
    assert_eq!(ended["run"]["status"], "FAILURE");
    assert_ne!(ended["run"]["summary"], "");
}
