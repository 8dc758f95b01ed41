//! What holds for every route: unknown ones, methods, sizes, broken JSON, trailing slashes.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{BODY_BYTES, Server, with_action};
use crate::operations::operations;

#[tokio::test]
async fn unknown_routes_and_methods_are_refused_as_json() {
    let server = Server::start().await;
    for path in [
        "/",
        "/v1",
        "/v2/actions",
        "/v1/blueprints",
        "/v1/actions/a/b",
        "/v1//actions",
        "//",
        "/v1/actions/a/runs/b",
        "/V1/actions",
        "/v1/%61ctions/x/y",
        "/metrics",
        "/..%2fetc/passwd",
        "/v1/actions;x",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let answer = server.call(method, path).send().await;
            answer.refused(404, "not_found");
        }
    }
    let long = format!("/v1/{}", "x".repeat(10_000));
    let message = server.get(&long).await.refused(404, "not_found");
    assert!(message.len() < 300, "{message}");
    for (method, path) in [
        (Method::PUT, "/v1/actions"),
        (Method::DELETE, "/v1/actions"),
        (Method::POST, "/v1/actions/a"),
        (Method::GET, "/v1/actions/a/runs"),
        (Method::POST, "/v1/actions/runs"),
        (Method::GET, "/v1/auth/access_token"),
        (Method::POST, "/healthz"),
        (Method::POST, "/openapi.json"),
        (Method::OPTIONS, "/v1/organization"),
        (Method::TRACE, "/v1/apps"),
        (Method::from_bytes(b"BREW").unwrap(), "/v1/apps"),
    ] {
        let answer = server.call(method.clone(), path).send().await;
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
        answer.refused(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn a_trailing_slash_changes_nothing() {
    let server = with_action().await;
    let listed = server.get("/v1/actions").await.expect(200);
    for path in [
        "/v1/actions/",
        "/v1/actions//",
        "/v1/actions/?published=true",
    ] {
        assert_eq!(server.get(path).await.expect(200), listed, "{path}");
    }
    let none = server
        .get("/v1/actions/?action_identifier=x/")
        .await
        .expect(200);
    assert_eq!(none["actions"], json!([]));
    server.get("/v1/actions/deploy/").await.expect(200);
    let body = json!({"properties": {}});
    server
        .post("/v1/actions/deploy/runs/", body)
        .await
        .expect(202);
    server
        .anonymous(Method::GET, "/healthz/")
        .send()
        .await
        .expect(200);
}

/// Bodies that are no JSON object of UTF-8 text.
fn broken() -> Vec<Vec<u8>> {
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    vec![
        b"{".to_vec(),
        b"{\"a\":}".to_vec(),
        b"{'a':1}".to_vec(),
        b"{} {}".to_vec(),
        b"{\"a\":1,}".to_vec(),
        b"nul".to_vec(),
        b"NaN".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"a\":\"\xff\"}".to_vec(),
        b"{\"a\":\"\\ud800\"}".to_vec(),
        b"\0".to_vec(),
        b"1e999".to_vec(),
        deep,
    ]
}

#[tokio::test]
async fn what_is_no_json_is_refused_by_every_route_that_reads_a_body() {
    let server = with_action().await;
    for operation in operations().iter().filter(|operation| operation.has_body) {
        for body in broken() {
            let call = server.call(operation.method.clone(), &operation.path_with("x"));
            let answer = call.raw(body.clone()).send().await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
            assert_eq!(answer.status, 422, "{operation:?} {shown}: {}", answer.text);
            let message = answer.refused(422, "invalid_request");
            assert!(
                message.contains("not JSON"),
                "{operation:?} {shown}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_refused_by_every_route_that_reads_one() {
    let server = with_action().await;
    for operation in operations().iter().filter(|operation| operation.has_body) {
        let path = operation.path_with("x");
        let blanks = |bytes: usize| vec![b' '; bytes];
        let call = server.call(operation.method.clone(), &path);
        let over = call.raw(blanks(BODY_BYTES + 1)).send().await;
        over.refused(413, "payload_too_large");
        let call = server.call(operation.method.clone(), &path);
        let within = call.raw(blanks(BODY_BYTES)).send().await;
        assert_ne!(within.status, 413, "{operation:?}");
    }
    let mut largest = json!({"properties": {"name": ""}});
    let room = BODY_BYTES - largest.to_string().len();
    largest["properties"]["name"] = json!("n".repeat(room));
    server
        .post("/v1/actions/deploy/runs", largest)
        .await
        .expect(202);
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for path in ["/healthz", "/healthz", "/nowhere", "/v1/actions"] {
        let answer = server.anonymous(Method::GET, path).send().await;
        ids.push(answer.headers["x-trace-id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn the_document_that_is_served_is_the_committed_one() {
    let server = Server::start().await;
    let served = server.anonymous(Method::GET, "/openapi.json").send().await;
    let served = served.expect(200);
    let committed: Value = serde_json::from_str(&longshore_server::api::document()).unwrap();
    assert_eq!(served, committed);
}

#[tokio::test]
async fn a_refusal_has_the_shape_that_the_document_gives_it() {
    let server = Server::start().await;
    let document: Value = serde_json::from_str(&longshore_server::api::document()).unwrap();
    let refusal = &document["components"]["schemas"]["Refusal"];
    for (path, operations) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/v1/") {
            continue;
        }
        for (method, operation) in operations.as_object().unwrap() {
            let schema = &operation["responses"]["default"]["content"]["application/json"];
            let named = json!({"$ref": "#/components/schemas/Refusal"});
            assert_eq!(schema["schema"], named, "{method} {path}");
        }
    }
    let refused = server.get("/v1/actions/no-such-action").await.expect(404);
    let members = refused.as_object().unwrap();
    let described = refusal["properties"].as_object().unwrap();
    let (told, known) = (members.keys(), described.keys());
    assert_eq!(
        told.collect::<BTreeSet<_>>(),
        known.collect::<BTreeSet<_>>()
    );
    assert_eq!(refusal["properties"]["ok"]["enum"], json!([false]));
}
