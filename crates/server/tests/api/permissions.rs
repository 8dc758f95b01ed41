//! Who may call what: proven for every operation of the document.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, with_action};
use crate::operations::{Operation, operations};

const PUBLIC: [&str; 4] = [
    "POST /v1/auth/access_token",
    "GET /healthz",
    "GET /openapi.json",
    "GET /readyz",
];

const REPORTS: [&str; 4] = [
    "PATCH /v1/actions/runs/{run_id}",
    "POST /v1/actions/runs/{run_id}/logs",
    "POST /v1/actions/runs/{run_id}/redeem",
    "PATCH /v1/actions/runs/{run_id}/response",
];

/// A run that is under way, and its token.
struct Pipeline {
    run: String,
    token: String,
}

async fn pipeline(server: &Server) -> Pipeline {
    let run = server.run("deploy", json!({})).await;
    let token = server.received()["token"].as_str().unwrap().to_owned();
    Pipeline { run, token }
}

fn taken_body(operation: &Operation) -> Value {
    match operation.path.rsplit('/').next() {
        Some("logs") => json!({"message": "m"}),
        Some("response") => json!({"response": 1}),
        _ => json!({}),
    }
}

/// The operation called about `run` by whoever holds `token`, with a body that no schema refuses
/// where it is a report, and an empty one elsewhere.
async fn ask(server: &Server, operation: &Operation, token: Option<&str>, run: &str) -> Answer {
    let path = match operation.path.starts_with("/v1/deliveries/") {
        true => operation.path_with("d_0000000000000000"),
        false => operation.path_with(run),
    };
    let call = match token {
        Some(token) => server.by(token, operation.method.clone(), &path),
        None => server.anonymous(operation.method.clone(), &path),
    };
    call.json(taken_body(operation)).send().await
}

#[tokio::test]
async fn everybody_is_refused() {
    let server = with_action().await;
    let (client, secret) = server.credential("ci", "report").await;
    let report_token = server.token_for(&client, &secret).await;
    let own = pipeline(&server).await;
    let other = pipeline(&server).await;
    let (mut public, mut reports, mut proven) = (Vec::new(), Vec::new(), Vec::new());
    for operation in operations() {
        let name = operation.name();
        proven.push(name.clone());
        let anonymous = ask(&server, &operation, None, &own.run).await;
        if operation.is_public {
            assert_ne!(anonymous.code(), "unauthorized", "{name}");
            public.push(name);
            continue;
        }
        anonymous.refused(401, "unauthorized");
        let garbage = ask(&server, &operation, Some("garbage"), &own.run).await;
        garbage.refused(401, "unauthorized");
        let elsewhere = ask(&server, &operation, Some(&other.token), &own.run).await;
        elsewhere.refused(403, "forbidden");
        let at_home = ask(&server, &operation, Some(&own.token), &own.run).await;
        let by_tool = ask(&server, &operation, Some(&report_token), &own.run).await;
        if REPORTS.contains(&name.as_str()) {
            assert!(at_home.status.is_success(), "{name}: {}", at_home.text);
            assert_ne!(by_tool.code(), "forbidden", "{name}");
            reports.push(name);
        } else {
            at_home.refused(403, "forbidden");
            by_tool.refused(403, "forbidden");
        }
    }
    let sorted = |names: &[&str]| {
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    };
    public.sort();
    reports.sort();
    assert_eq!(public, sorted(&PUBLIC));
    assert_eq!(reports, sorted(&REPORTS));
    let all: Vec<String> = operations().iter().map(Operation::name).collect();
    assert_eq!(proven, all);
}

#[test]
fn the_document_s_operations() {
    let all: Vec<String> = operations().iter().map(Operation::name).collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    GET /healthz
    GET /openapi.json
    GET /readyz
    GET /v1/actions
    POST /v1/actions
    GET /v1/actions/runs
    PATCH /v1/actions/runs/ack
    POST /v1/actions/runs/claim-pending
    GET /v1/actions/runs/{run_id}
    PATCH /v1/actions/runs/{run_id}
    PATCH /v1/actions/runs/{run_id}/approval
    GET /v1/actions/runs/{run_id}/approvers
    GET /v1/actions/runs/{run_id}/logs
    POST /v1/actions/runs/{run_id}/logs
    POST /v1/actions/runs/{run_id}/redeem
    POST /v1/actions/runs/{run_id}/rerun
    PATCH /v1/actions/runs/{run_id}/response
    GET /v1/actions/runs/{run_id}/timeline
    GET /v1/actions/{action_identifier}
    PUT /v1/actions/{action_identifier}
    DELETE /v1/actions/{action_identifier}
    POST /v1/actions/{action_identifier}/runs
    GET /v1/agents
    POST /v1/agents/heartbeat
    GET /v1/apps
    POST /v1/apps
    PUT /v1/apps/{id}
    DELETE /v1/apps/{id}
    POST /v1/apps/{id}/activate-secret
    POST /v1/apps/{id}/rotate-secret
    POST /v1/auth/access_token
    GET /v1/connections
    POST /v1/connections
    GET /v1/connections/{id}
    PUT /v1/connections/{id}
    DELETE /v1/connections/{id}
    POST /v1/connections/{id}/check
    GET /v1/deliveries
    POST /v1/deliveries/settle
    POST /v1/deliveries/start
    GET /v1/deliveries/{id}/attempts
    POST /v1/deliveries/{id}/give-up
    POST /v1/deliveries/{id}/redeliver
    GET /v1/kafka-credentials
    GET /v1/organization
    PUT /v1/organization
    PATCH /v1/organization
    GET /v1/organization/secrets
    POST /v1/organization/secrets
    GET /v1/organization/secrets/{secret_name}
    DELETE /v1/organization/secrets/{secret_name}
    PATCH /v1/organization/secrets/{secret_name}
    POST /v1/templates/render
    PATCH /v1/workflows/nodes/runs/{run_id}
    POST /v1/workflows/nodes/runs/{run_id}/logs
    PATCH /v1/workflows/runs/ack
    POST /v1/workflows/runs/claim-pending
    ");
}

#[tokio::test]
async fn every_operation_of_the_document_is_routed_and_no_other_method_is() {
    let server = with_action().await;
    let all = operations();
    for operation in &all {
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let is_described = all
                .iter()
                .any(|known| known.path == operation.path && known.method == method);
            let path = operation.path_with("r_0000000000000000");
            let answer = server.anonymous(method.clone(), &path).send().await;
            let is_routed = answer.status != 405;
            assert_eq!(is_routed, is_described, "{method} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn nobody_learns_whether_a_thing_exists() {
    let server = with_action().await;
    let run = server.run("deploy", json!({})).await;
    for path in ["/v1/actions/deploy", "/v1/actions/nobody"] {
        let answer = server.anonymous(Method::GET, path).send().await;
        answer.refused(401, "unauthorized");
    }
    for id in [run.as_str(), "r_0000000000000000", "nonsense"] {
        let path = format!("/v1/actions/runs/{id}");
        let answer = server.anonymous(Method::GET, &path).send().await;
        answer.refused(401, "unauthorized");
    }
}
