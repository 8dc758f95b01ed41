//! Trying templates out over the API. Expressions here need no worker; the system tests use one.

use serde_json::{Value, json};

use crate::harness::{Server, with_action};

const PATH: &str = "/v1/templates/render";

#[tokio::test]
async fn a_template_is_rendered_with_a_context() {
    let server = Server::start().await;
    let body = json!({
        "template": {"n": "{{ .inputs.name }}", "{{ .inputs.name }}": ["x {{ .inputs.none }}"], "s": "{{ .secrets.KEY }}"},
        "context": {"inputs": {"name": "orders"}},
    });
    let answer = server.post(PATH, body).await.expect(200);
    let problem = json!({
        "path": "s", "expression": ".secrets.KEY", "position": 9,
        "message": "the organization has no secret `KEY`",
    });
    assert_eq!(
        answer,
        json!({
            "ok": true,
            "value": {"n": "orders", "orders": ["x null"], "s": "<secret KEY>"},
            "problems": [problem],
        })
    );
}

#[tokio::test]
async fn each_expression_says_what_went_wrong() {
    let server = Server::start().await;
    let template = json!(["{{ nothing }}", {"a": "{{ .inputs.name.x }}"}, "{{", "{{ .input }}"]);
    let body = json!({"template": template, "context": {"inputs": {"name": "orders"}}});
    let answer = server.post(PATH, body).await.expect(200);
    assert_eq!(answer["value"], json!([null, {"a": null}, null, null]));
    let problems = answer["problems"].as_array().unwrap();
    let listed: Vec<(&str, &str, Option<u64>)> = problems
        .iter()
        .map(|problem| {
            let text = |key: &str| problem[key].as_str().unwrap();
            let keys: Vec<&String> = problem.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["path", "expression", "message", "position"]);
            (
                text("path"),
                text("expression"),
                problem["position"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("[0]", "nothing", Some(0)),
            ("[1].a", ".inputs.name.x", None),
            ("[2]", "", None),
            ("[3]", ".input", Some(1)),
        ]
    );
}

#[tokio::test]
async fn a_run_lends_its_scope_and_no_secret() {
    let server = with_action().await;
    let secret = json!({"secretName": "KEY", "secretValue": "geheim-geheim"});
    let made = server.post("/v1/organization/secrets", secret).await;
    assert!(made.status.is_success(), "{}", made.text);
    let run = server.run("deploy", json!({})).await;
    let template = json!({"r": "{{ .run.id }}", "t": "{{ .run.token }}", "k": "{{ .secrets.KEY }}", "o": "{{ .trigger.origin }}"});
    let answer = server
        .post(PATH, json!({"template": template, "run": run}))
        .await;
    assert!(!answer.text.contains("geheim"));
    let answer = answer.expect(200);
    let expected = json!({"r": run, "t": "<run token>", "k": "<secret KEY>", "o": "API"});
    assert_eq!(
        (&answer["value"], &answer["problems"]),
        (&expected, &json!([]))
    );
    let unknown = json!({"template": 1, "run": "r_0000000000000000"});
    server.post(PATH, unknown).await.refused(404, "not_found");
}

#[tokio::test]
async fn wrong_bodies_are_refused_with_what_was_expected() {
    let server = Server::start().await;
    for (body, told) in [
        (json!({"template": 1}), "expected a context, or the run"),
        (
            json!({"template": 1, "context": {}, "run": "r_0000000000000000"}),
            "cannot both be given",
        ),
        (json!({"context": {}}), "template"),
        (json!({"template": 1, "context": {}, "more": 1}), "more"),
        (json!({"template": 1, "context": []}), "context"),
        (json!({"template": 1, "run": 5}), "run"),
        (json!([1]), "object"),
        (Value::Null, "object"),
    ] {
        let message = server
            .post(PATH, body.clone())
            .await
            .refused(422, "invalid_request");
        assert!(message.contains(told), "{body}: {message}");
    }
    let nonsense = json!({"template": 1, "run": "nonsense"});
    let answer = server.post(PATH, nonsense).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
}
