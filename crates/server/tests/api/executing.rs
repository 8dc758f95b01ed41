//! `POST /v1/actions/{id}/runs`: a run is stored, answered, and then delivered.

use http::{HeaderMap, Method};
use longshore_emulators::Fault;
use serde_json::{Value, json};

use crate::harness::{CLIENT_ID, START, Server, webhook, with_action};

const RUNS: &str = "/v1/actions/deploy/runs";

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[tokio::test]
async fn a_run_is_accepted_and_shown() {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["title"] = json!("Deploy");
    action["icon"] = json!("Ship");
    action["trigger"]["operation"] = json!("DAY-2");
    action["trigger"]["blueprintIdentifier"] = json!("service");
    action["trigger"]["userInputs"]["properties"]["replicas"] =
        json!({"type": "number", "default": 2});
    server.action(action).await;
    let body = json!({"properties": {"name": "api"}, "entity": "api-prod"});
    let answer = server.post(RUNS, body).await.expect(202);
    let run = &answer["run"];
    let id = run["id"].as_str().unwrap();
    insta::assert_snapshot!(server.stable(&pretty(&answer), id), @r#"
    {
      "ok": true,
      "run": {
        "id": "RUN",
        "status": "IN_PROGRESS",
        "statusLabel": null,
        "action": {
          "identifier": "deploy",
          "title": "Deploy",
          "icon": "Ship",
          "deleted": false
        },
        "blueprint": {
          "identifier": "service",
          "title": null,
          "icon": null,
          "deleted": false
        },
        "entity": {
          "identifier": "api-prod",
          "title": null,
          "icon": null,
          "deleted": false
        },
        "properties": {
          "name": "api",
          "replicas": 2
        },
        "rawProperties": {
          "name": "api"
        },
        "source": "API",
        "requiredApproval": false,
        "approval": null,
        "link": [],
        "summary": "",
        "payload": {
          "type": "WEBHOOK",
          "url": "http://sink/hook",
          "body": {
            "run": "RUN",
            "name": "api",
            "token": "{{ .run.token }}"
          },
          "agent": false,
          "synchronized": false,
          "method": "POST",
          "headers": {}
        },
        "createdBy": "admin",
        "updatedBy": "admin",
        "createdAt": "2026-01-02T03:04:05.678Z",
        "updatedAt": "2026-01-02T03:04:05.678Z"
      }
    }
    "#);
}

#[tokio::test]
async fn the_call_leaves_after_the_answer_with_what_only_the_receiver_may_see() {
    let server = with_action().await;
    let body = json!({"properties": {"name": "api"}});
    let answer = server.post(RUNS, body).await.expect(202);
    let run = &answer["run"];
    let id = run["id"].as_str().unwrap();
    server.engine.settled().await;
    assert_eq!(
        server.show(id).await,
        *run,
        "accepting the call changes nothing that is shown"
    );

    let call = server.sink.deliveries().pop().unwrap();
    assert_eq!(call.run_id.as_deref(), Some(id));
    assert!(id.starts_with("r_") && id.len() == 18, "{id}");
    assert_eq!(call.attempt, Some(1));
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!((&body["run"], &body["name"]), (&json!(id), &json!("api")));
    let token = body["token"].as_str().unwrap();
    assert!(token.starts_with("lrt_"));
    assert!(!answer.to_string().contains(token));
}

#[tokio::test]
async fn a_webhook_without_a_body_sends_the_standard_message() {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    let invocation = action["invocationMethod"].as_object_mut().unwrap();
    invocation.remove("body");
    server.action(action).await;
    let id = server.run("deploy", json!({"name": "api"})).await;
    let message = pretty(&server.received());
    insta::assert_snapshot!(server.stable(&message, &id), @r#"
    {
      "action": "deploy",
      "resourceType": "run",
      "status": "TRIGGERED",
      "trigger": {
        "by": {
          "orgId": "org_0123456789abcdef",
          "userId": "admin",
          "user": {
            "email": null,
            "firstName": null,
            "lastName": null,
            "id": "admin"
          }
        },
        "origin": "API",
        "at": "2026-01-02T03:04:05.678Z",
        "operation": "CREATE"
      },
      "context": {
        "entity": null,
        "blueprint": null,
        "runId": "RUN"
      },
      "payload": {
        "entity": null,
        "action": {
          "identifier": "deploy",
          "trigger": "CREATE",
          "invocationMethod": {
            "type": "WEBHOOK",
            "url": "http://sink/hook",
            "agent": false,
            "synchronized": false,
            "method": "POST",
            "headers": {}
          }
        },
        "properties": {
          "name": "api"
        },
        "censoredProperties": []
      }
    }
    "#);
}

#[tokio::test]
async fn calls_without_a_body_send_none() {
    let server = Server::start().await;
    for method in ["GET", "DELETE"] {
        let mut action = webhook(&server, method);
        action["invocationMethod"]["method"] = json!(method);
        action["invocationMethod"]
            .as_object_mut()
            .unwrap()
            .remove("body");
        server.action(action).await;
        server.run(method, json!({})).await;
        let call = server.sink.deliveries().pop().unwrap();
        assert_eq!(call.method.as_str(), method);
        assert!(call.body.is_empty());
        assert!(call.headers.contains_key("x-port-signature"));
    }
}

#[tokio::test]
async fn a_synchronous_call_ends_its_run() {
    for (answer, status, response) in [
        (Some((200, r#"{"id":7}"#)), "SUCCESS", json!({"id": 7})),
        (Some((201, "made")), "SUCCESS", json!("made")),
        (
            Some((404, r#"{"no":"such"}"#)),
            "FAILURE",
            json!({"no": "such"}),
        ),
        (None, "FAILURE", Value::Null),
    ] {
        let server = Server::start().await;
        let mut action = webhook(&server, "deploy");
        action["invocationMethod"]["synchronized"] = json!(true);
        server.action(action).await;
        match answer {
            Some((status, body)) => {
                server
                    .sink
                    .answers()
                    .always(longshore_emulators::webhook_sink::Answer {
                        status: status.try_into().unwrap(),
                        headers: HeaderMap::new(),
                        body: body.into(),
                    });
            }
            None => {
                let elsewhere = "http://127.0.0.1:9/".to_owned();
                let redirect = longshore_emulators::FaultKind::Redirect(elsewhere);
                server.sink.faults().always(Fault::new(redirect));
            }
        }
        let run = server.show(&server.run("deploy", json!({})).await).await;
        assert_eq!(run["status"], status, "{answer:?}: {run}");
        assert_eq!(run["endedAt"], START);
        if answer.is_some() {
            assert_eq!(run["response"], response);
        }
    }
}

#[tokio::test]
async fn bodies_are_closed() {
    let server = with_action().await;
    for (body, named) in [
        (json!({}), "properties"),
        (json!({"properties": []}), "properties"),
        (json!({"properties": null}), "properties"),
        (json!({"properties": {}, "entity": 7}), "entity"),
        (
            json!({"properties": {}, "entity": {"identifier": "a"}}),
            "entity",
        ),
        (json!({"properties": {}, "run_as": "a@b.example"}), "run_as"),
        (json!([{}]), "expected a JSON object"),
    ] {
        let message = server.post(RUNS, body.clone()).await;
        let message = message.refused(422, "invalid_request");
        assert!(message.contains(named), "{body}: {message}");
    }
    let missing = server.post("/v1/actions/nobody/runs", json!({"properties": {}}));
    missing.await.refused(404, "not_found");
    assert_eq!(server.sink.counts().requests, 0);
    let listed = server.get("/v1/actions/runs").await.expect(200);
    assert_eq!(listed["runs"], json!([]));
}

#[tokio::test]
async fn what_is_stored_but_not_executed_yet_is_refused_by_name() {
    let server = Server::start().await;
    for (kind, invocation) in [
        ("KAFKA", json!({"type": "KAFKA", "payload": {}})),
        (
            "GITHUB",
            json!({"type": "GITHUB", "org": "o", "repo": "r", "workflow": "w"}),
        ),
        (
            "UPSERT_ENTITY",
            json!({"type": "UPSERT_ENTITY", "blueprintIdentifier": "b", "mapping": {}}),
        ),
    ] {
        let mut action = webhook(&server, kind);
        action["invocationMethod"] = invocation;
        server.action(action).await;
        let path = format!("/v1/actions/{kind}/runs");
        let message = server.post(&path, json!({"properties": {}})).await;
        let message = message.refused(422, "invocation_not_available");
        assert!(message.contains(kind), "{message}");
    }
    let automation = json!({
        "identifier": "on_vm",
        "trigger": {
            "type": "automation",
            "event": {"type": "ENTITY_CREATED", "blueprintIdentifier": "vm"},
        },
        "invocationMethod": {"type": "WEBHOOK", "url": server.sink.base_url()},
    });
    server.action(automation).await;
    server.action(webhook(&server, "deploy")).await;
    for path in [
        "/v1/actions/on_vm/runs",
        "/v1/actions/deploy/runs?run_as=a%40b.example",
    ] {
        let answer = server.post(path, json!({"properties": {}})).await;
        answer.refused(422, "invocation_not_available");
    }
    assert_eq!(server.sink.counts().requests, 0);
}

#[tokio::test]
async fn an_agent_s_call_waits_for_the_agent() {
    let server = Server::start().await;
    for agent in [json!(true), json!("true"), json!("{{ true }}")] {
        let mut action = webhook(&server, "deploy");
        action["invocationMethod"]["agent"] = agent;
        let saved = match server.get("/v1/actions/deploy").await.status.as_u16() {
            404 => server.post("/v1/actions", action).await,
            _ => server.put("/v1/actions/deploy", action).await,
        };
        assert!(saved.status.is_success());
        let id = server.run("deploy", json!({})).await;
        let run = server.show(&id).await;
        assert_eq!(run["status"], "IN_PROGRESS");
        assert_eq!(run["statusLabel"], "Waiting for an agent");
        let delivery = server.delivery(&id).await;
        assert_eq!(delivery["destination"], "agent");
        assert_eq!(delivery["receiver"], "agent");
        assert_eq!(delivery["attempts"], 0);
    }
    server
        .advance(std::time::Duration::from_secs(48 * 60 * 60))
        .await;
    assert_eq!(server.sink.counts().requests, 0);
}

#[tokio::test]
async fn a_rerun_takes_the_inputs_and_the_present_revision() {
    let server = with_action().await;
    let first = server.run("deploy", json!({"name": "api"})).await;
    let mut changed = webhook(&server, "deploy");
    changed["invocationMethod"]["body"]["revision"] = json!(2);
    changed["trigger"]["userInputs"]["properties"]["size"] =
        json!({"type": "string", "default": "s"});
    server.put("/v1/actions/deploy", changed).await.expect(200);
    let path = format!("/v1/actions/runs/{first}/rerun");
    let again = server.call(Method::POST, &path).send().await.expect(202);
    server.engine.settled().await;
    assert_ne!(again["run"]["id"], *first);
    assert_eq!(
        again["run"]["properties"],
        json!({"name": "api", "size": "s"})
    );
    assert_eq!(again["run"]["createdBy"], CLIENT_ID);
    assert_eq!(server.received()["revision"], 2);
    assert_eq!(server.sink.counts().requests, 2);

    server.delete("/v1/actions/deploy").await.expect(200);
    let gone = server.call(Method::POST, &path).send().await;
    gone.refused(404, "not_found");
    let shown = server.show(&first).await;
    assert_eq!(
        shown["action"],
        json!({"identifier": "deploy", "title": null, "icon": null, "deleted": true})
    );
    let nobody = server.call(Method::POST, "/v1/actions/runs/r_0000000000000000/rerun");
    nobody.send().await.refused(404, "not_found");
}

#[tokio::test]
async fn version_v1_shows_identifiers_alone() {
    let server = Server::start().await;
    let mut action = webhook(&server, "deploy");
    action["trigger"]["operation"] = json!("DAY-2");
    action["trigger"]["blueprintIdentifier"] = json!("service");
    server.action(action).await;
    let body = json!({"properties": {}, "entity": "api"});
    let answer = server.post(RUNS, body).await.expect(202);
    let path = format!("/v1/actions/runs/{}", answer["run"]["id"].as_str().unwrap());
    let v1 = server.get(&format!("{path}?version=v1")).await.expect(200)["run"].clone();
    assert_eq!(v1["action"], "deploy");
    assert_eq!(v1["entity"], "api");
    assert_eq!(v1["blueprint"], "service");
    assert_eq!(v1["relatedEntityExists"], true);
    assert_eq!(v1["relatedBlueprintExists"], true);
    let v2 = server.get(&format!("{path}?version=v2")).await.expect(200)["run"].clone();
    assert_eq!(v2, server.get(&path).await.expect(200)["run"]);
    assert_eq!(v2["action"]["identifier"], "deploy");
    assert_eq!(v2["entity"]["identifier"], "api");
    assert!(v2.get("relatedEntityExists").is_none());
    let listed = server.get("/v1/actions/runs?version=v1").await.expect(200);
    assert_eq!(listed["runs"][0], v1);
    let other = server.get(&format!("{path}?version=v3")).await;
    assert!(other.refused(422, "invalid_request").contains("version"));
    for id in [
        "r_0000000000000000",
        "r_0",
        "x",
        "%20",
        "r_0000000000000000x",
    ] {
        let missing = server.get(&format!("/v1/actions/runs/{id}")).await;
        missing.refused(404, "not_found");
    }
}
