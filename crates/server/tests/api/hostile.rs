//! Whatever an admin sends to whatever route: an answer of ours, never a fault of the server.

use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};

use crate::harness::{BODY_BYTES, Server, webhook};
use crate::operations::{Operation, operations};

/// Servers, and requests to each of them.
const ROUNDS: u32 = 8;
const CASES: u32 = 60;

/// A request that somebody made up.
#[derive(Clone, Debug)]
struct Request {
    operation: Operation,
    /// What stands for the path's parameters.
    part: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![
            "",
            "\u{0}",
            "\r\n",
            "{{",
            "}}",
            "{{ .secrets }}",
            "{{ .run.token }}",
            "deploy",
            "APPROVE",
            "DECLINE",
            "SUCCESS",
            "FAILURE",
            "https://a.example",
            "http://[::1]:1/",
            "self-service",
            "automation",
            "WEBHOOK",
            "KAFKA",
            "string",
            "a\u{202e}b",
            "😀",
            "../..",
            "null",
            "1e999",
            "ANY",
            "full",
            "report",
        ])
        .prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ]
}

/// Keys that bodies of ours have, so that values get past the first check.
fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec![
            "identifier", "title", "trigger", "type", "operation", "userInputs", "properties",
            "required", "invocationMethod", "url", "body", "headers", "method", "agent",
            "requiredApproval", "status", "statusLabel", "link", "summary", "message",
            "terminationStatus", "externalRunId", "response", "by", "name", "scope", "enabled",
            "overlapHours", "secretName", "secretValue", "description", "settings",
            "signingCredential", "clientId", "clientSecret", "entity", "retrySchedule",
            "concurrency", "ratePerSecond", "caCertificate", "signingSecret", "event",
            "condition", "steps", "order", "default", "enum", "pattern", "minLength", "items",
        ])
        .prop_map(str::to_owned),
        1 => ".{0,10}".prop_map(String::from),
    ]
}

fn documents() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => vec((keys(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Documents that come near to what some route takes, with one part replaced.
fn near_misses() -> impl Strategy<Value = Value> {
    let good = select(vec![
        json!({"properties": {"name": "a"}, "entity": "e"}),
        json!({"status": "SUCCESS", "statusLabel": "l", "link": ["a"], "summary": "s"}),
        json!({"message": "m", "terminationStatus": "FAILURE", "statusLabel": "l"}),
        json!({"status": "APPROVE", "description": "d"}),
        json!({"name": "n", "url": "https://a.example", "concurrency": 1}),
        json!({"secretName": "n", "secretValue": "v", "description": "d"}),
        json!({"name": "n", "settings": {"portalTitle": "t", "hiddenBlueprints": []}}),
        json!({
            "identifier": "x",
            "trigger": {
                "type": "self-service", "operation": "CREATE",
                "userInputs": {"properties": {"a": {"type": "string"}}, "required": []},
            },
            "invocationMethod": {"type": "WEBHOOK", "url": "https://a.example", "body": {}},
        }),
    ]);
    (good, keys(), documents()).prop_map(|(mut document, key, value)| {
        let replaced = document
            .as_object()
            .is_some_and(|map| map.contains_key(&key));
        let nested = [
            "/trigger",
            "/trigger/userInputs/properties/a",
            "/invocationMethod",
        ];
        match nested.iter().find(|_| !replaced) {
            Some(_) => {
                for pointer in nested {
                    if let Some(place) = document.pointer_mut(pointer) {
                        place[&key] = value.clone();
                    }
                }
                document
            }
            None => {
                document[&key] = value;
                document
            }
        }
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let text = |value: Value| value.to_string().into_bytes();
    prop_oneof![
        6 => documents().prop_map(text),
        6 => near_misses().prop_map(text),
        2 => vec(any::<u8>(), 0..200),
        1 => (documents(), any::<prop::sample::Index>()).prop_map(move |(value, at)| {
            let mut bytes = text(value);
            let at = at.index(bytes.len());
            bytes[at] = bytes[at].wrapping_add(1);
            bytes
        }),
        1 => (1_usize..300_000).prop_map(|depth| b"[".repeat(depth)),
        1 => (1_usize..2_000).prop_map(|depth| {
            [b"{\"a\":".repeat(depth), b"1".to_vec(), b"}".repeat(depth)].concat()
        }),
        1 => select(vec![0, 1, 2]).prop_map(|over| vec![b'1'; BODY_BYTES - 1 + over]),
        1 => select(vec![
            "{\"name\":\"a\",\"name\":\"b\"}", "{\"status\":\"SUCCESS\",\"status\":\"FAILURE\"}",
            "{\"properties\":{},\"properties\":[]}", "{\"identifier\":\"a\",\"identifier\":1}",
            "{\"overlapHours\":1e400}", "{\"overlapHours\":99999999999999999999999999}",
            "{\"\\u0000\":\"\\u0000\"}", "\"\\ud83d\"", "-0", "1E+2",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn parts() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => select(vec![
            "deploy", "waits", "inside", "runs", "r_0000000000000000", "d_0000000000000000",
            "admin", "%00", "%ff", "%F0%28%8C%28", "..", ".", "%2e%2e", "%2F", "a%20b", "a+b",
            "%", "%zz", ";", ":", "@", "*", "%E2%80%AE", "'%20OR%201=1--",
        ])
        .prop_map(str::to_owned),
        1 => "[!$&'()*+,;=:@a-zA-Z0-9._~-]{1,60}",
        1 => (1_usize..9_000).prop_map(|length| "x".repeat(length)),
    ]
}

fn queries() -> impl Strategy<Value = String> {
    let names = select(vec![
        "limit",
        "offset",
        "from",
        "version",
        "active",
        "source",
        "exclude",
        "entity",
        "run",
        "state",
        "destination",
        "run_as",
        "published",
        "trigger_type",
        "fields",
        "blueprint",
        "action",
        "user_id",
        "external_run_id",
        "limit[]",
        "",
        "%ff",
        "%00",
    ]);
    let values = prop_oneof![
        select(vec![
            "",
            "0",
            "1",
            "1000",
            "-1",
            "1e3",
            "%00",
            "%ff",
            "%zz",
            "true",
            "0xc000",
            "due",
            "7fffffffffffffff",
            "8000000000000000",
            "-7fffffffffffffff",
            "UI",
            "v1",
            "a%20b",
            "99999999999999999999",
            "%F0%9F%98%80",
            "'--",
            "%25",
            "1,2,,3",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9%_.~-]{0,30}".prop_filter("a URI", |text| !text.contains('%')),
    ];
    vec((names, values), 0..4).prop_map(|pairs| {
        let pairs: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    })
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let names = select(vec![
        "idempotency-key",
        "content-type",
        "content-length",
        "x-trace-id",
        "expect",
        "cookie",
        "x-http-method-override",
        "transfer-encoding",
        "accept",
        "x-port-reserved-usage",
    ])
    .prop_map(str::to_owned);
    let values = prop_oneof![
        Just(Vec::new()),
        Just(b"\xff\xfe".to_vec()),
        Just(vec![b'k'; 300]),
        Just(b"text/plain; charset=utf-7".to_vec()),
        vec(0x20_u8..0x7f, 0..20),
    ];
    vec((names, values), 0..3)
}

fn requests() -> impl Strategy<Value = Request> {
    let all = operations();
    (select(all), parts(), queries(), headers(), bodies()).prop_map(
        |(operation, part, query, headers, body)| Request {
            operation,
            part,
            query,
            headers,
            body,
        },
    )
}

/// Actions of each kind, and a run of each, whose ids stand in for path parameters.
async fn prepare(server: &Server) -> Vec<String> {
    server.action(webhook(server, "deploy")).await;
    let mut waits = webhook(server, "waits");
    waits["requiredApproval"] = json!(true);
    server.action(waits).await;
    let mut inside = webhook(server, "inside");
    inside["invocationMethod"]["agent"] = json!(true);
    server.action(inside).await;
    let mut known = Vec::new();
    for action in ["deploy", "waits", "inside"] {
        let run = server.run(action, json!({})).await;
        let listed = server
            .get(&format!("/v1/deliveries?run={run}"))
            .await
            .expect(200);
        known.extend(listed["deliveries"][0]["id"].as_str().map(str::to_owned));
        known.push(run);
    }
    known
}

/// Another credential's token: the made-up requests may well rotate or rename the first one's.
async fn admin(server: &Server) -> String {
    let (id, secret) = server.credential("hostile", "full").await;
    server.token_for(&id, &secret).await
}

async fn survive(
    server: &Server,
    token: &str,
    part: &str,
    request: &Request,
) -> Result<(), String> {
    let mut path = request.operation.path_with(part);
    if !request.query.is_empty() {
        path = format!("{path}?{}", request.query);
    }
    if path.parse::<http::Uri>().is_err() {
        return Ok(());
    }
    let mut call = server.by(token, request.operation.method.clone(), &path);
    for (name, value) in &request.headers {
        let Ok(value) = http::HeaderValue::from_bytes(value) else {
            continue;
        };
        call = call.header_value(name, value);
    }
    let answer = call.raw(request.body.clone()).send().await;
    let status = answer.status.as_u16();
    if status >= 500 {
        return Err(format!("{path}: {status}: {}", answer.text));
    }
    Ok(())
}

/// Throws [`CASES`] requests at a fresh server, whose actions and runs are still there.
fn round() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (server, known, token) = runtime.block_on(async {
        let server = Server::start().await;
        let known = prepare(&server).await;
        let token = admin(&server).await;
        (server, known, token)
    });
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (requests(), any::<prop::sample::Index>(), any::<bool>());
    let outcome = runner.run(&strategy, |(request, at, is_known)| {
        let part = match is_known {
            true => at.get(&known),
            false => &request.part,
        };
        let survived = runtime.block_on(survive(&server, &token, part, &request));
        survived.map_err(TestCaseError::fail)
    });
    outcome.unwrap();
    runtime.block_on(async {
        server.engine.settled().await;
        let ready = server.anonymous(Method::GET, "/readyz").send().await;
        ready.expect(200);
    });
}

#[test]
fn no_request_brings_the_server_down() {
    for _ in 0..ROUNDS {
        round();
    }
}
