//! The emulated Jenkins over HTTP: every row of the plugin's answers, and Jenkins' own pages.

use crate::support::{SOON, post_json, send};
use longshore_emulators::jenkins::gwt::model::{
    ExpressionType, GenericVariable, NamedVariable, Trigger, Whitelist, WhitelistItem,
};
use longshore_emulators::jenkins::{BuildPhase, Config, Jenkins, Job};
use longshore_emulators::{Listen, ScriptEnd, StartError, Verdict};
use serde_json::json;

const INVOKE: &str = "/generic-webhook-trigger/invoke";

fn trigger(token: &str) -> Trigger {
    Trigger {
        token: Some(token.into()),
        generic_variables: vec![GenericVariable {
            key: "ref".to_owned(),
            value: "$.ref".to_owned(),
            ..GenericVariable::default()
        }],
        ..Trigger::default()
    }
}

fn job(name: &str, trigger: Trigger) -> Job {
    Job {
        name: name.to_owned(),
        trigger,
        ..Job::default()
    }
}

async fn jenkins(jobs: Vec<Job>) -> Jenkins {
    start(Config {
        jobs,
        ..Config::default()
    })
    .await
}

async fn start(config: Config) -> Jenkins {
    Jenkins::start(config).await.unwrap()
}

#[tokio::test]
async fn a_triggered_job_is_answered_and_built() {
    let jenkins = jenkins(vec![job("f/deploy", trigger("t"))]).await;
    let target = format!("{INVOKE}?token=t");
    let answer = post_json(jenkins.address(), &target, r#"{"ref":"main"}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    assert_eq!(
        answer.body,
        r#"{"jobs":{"f/deploy":{"regexpFilterExpression":"","triggered":true,"resolvedVariables":{"ref":"main"},"regexpFilterText":"","id":1,"url":"queue/item/1/"}},"message":"Triggered jobs."}"#
    );
    jenkins
        .wait_for(|state| state.finished().count() == 1, SOON)
        .await
        .unwrap();
    let build = &jenkins.builds()[0];
    assert_eq!(
        build.phase,
        BuildPhase::Finished(ScriptEnd::Finished { succeeded: true })
    );
    assert_eq!(
        (build.number, build.cause.as_str()),
        (Some(1), "Generic Cause")
    );
    let call = &jenkins.calls()[0];
    assert_eq!(
        (&call.verdict, call.started.as_slice()),
        (&Verdict::Accepted, &[1][..])
    );
    assert_eq!(&call.body[..], br#"{"ref":"main"}"#);

    let item = send(jenkins.address(), "GET", "/queue/item/1/api/json", &[], "")
        .await
        .json();
    let url = format!("{}/job/f/job/deploy/1/", jenkins.base_url());
    assert_eq!(item["executable"], json!({"number": 1, "url": url}));
    let page = send(
        jenkins.address(),
        "GET",
        "/job/f/job/deploy/1/api/json",
        &[],
        "",
    )
    .await
    .json();
    assert_eq!(
        (&page["result"], &page["queueId"]),
        (&json!("SUCCESS"), &json!(1))
    );
    let page = send(
        jenkins.address(),
        "GET",
        "/job/f/job/deploy/api/json",
        &[],
        "",
    )
    .await
    .json();
    assert_eq!(page["builds"][0]["number"], 1);
}

#[tokio::test]
async fn every_method_triggers_but_options() {
    let jenkins = jenkins(vec![job("a", trigger("t"))]).await;
    let targets = [
        format!("{INVOKE}?token=t"),
        format!("{INVOKE}/more/?token=t"),
    ];
    let mut expected = 0;
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "options"] {
        for target in &targets {
            let answer = send(jenkins.address(), method, target, &[], "").await;
            assert_eq!(answer.status, 200, "{method} {target}");
            expected += 1;
        }
    }
    let answer = send(jenkins.address(), "OPTIONS", &targets[0], &[], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(jenkins.builds().len(), expected);
}

fn jobs_of_each_kind() -> Vec<Job> {
    let broken = Trigger {
        regexp_filter_text: Some("$ref".to_owned()),
        regexp_filter_expression: Some("(".to_owned()),
        ..trigger("broken")
    };
    let silent = |token| Trigger {
        silent_response: true,
        ..trigger(token)
    };
    let unmatched = Trigger {
        regexp_filter_text: Some("$ref".to_owned()),
        regexp_filter_expression: Some("^x$".to_owned()),
        ..trigger("unmatched")
    };
    let null = Trigger {
        generic_variables: vec![GenericVariable {
            key: "null".to_owned(),
            value: "$.ref".to_owned(),
            ..GenericVariable::default()
        }],
        ..trigger("null")
    };
    vec![
        job("silent", silent("silent")),
        job("broken", broken.clone()),
        job(
            "broken-2",
            Trigger {
                token: Some("both".into()),
                ..broken
            },
        ),
        job("fine", trigger("both")),
        job("unmatched", unmatched),
        job("null", null),
        Job {
            disabled: true,
            ..job("disabled", trigger("disabled"))
        },
    ]
}

#[tokio::test]
async fn each_row_of_the_answers() {
    let jenkins = jenkins(jobs_of_each_kind()).await;
    // token, status, text in the body, builds queued
    let cases = [
        ("silent", 200, "", 1),
        ("broken", 200, "", 0),
        (
            "both",
            500,
            "\"message\":\"There were errors when triggering jobs.\"",
            1,
        ),
        ("unmatched", 200, "\"triggered\":false", 0),
        ("disabled", 200, "\"id\":0,\"url\":\"\"", 0),
        ("null", 500, "<title>Oops!</title>", 1),
        (
            "nobody",
            404,
            "\"jobs\":null,\"message\":\"Did not find any jobs with GenericTrigger configured!\\nA token was supplied.\\n\"",
            0,
        ),
        ("", 404, "No token was supplied.\\n", 0),
    ];
    for (token, status, text, queued) in cases {
        let before = jenkins.builds().len();
        let target = format!("{INVOKE}?token={token}");
        let answer = post_json(jenkins.address(), &target, r#"{"ref":"main"}"#).await;
        assert_eq!(answer.status, status, "{token}");
        assert!(answer.body.contains(text), "{token}: {}", answer.body);
        assert_eq!(answer.body.is_empty(), text.is_empty(), "{token}");
        assert_eq!(
            answer.header("content-type").is_none(),
            text.is_empty(),
            "{token}"
        );
        assert_eq!(jenkins.builds().len() - before, queued, "{token}");
    }
    let target = format!("{INVOKE}?token=both");
    let errors = post_json(jenkins.address(), &target, "{}").await.json();
    let message = errors["jobs"]["broken-2"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Exception occurred (class java.util.regex.PatternSyntaxException: \
             Unclosed group near index 1\n(), full stack trace in Jenkins server log. Thrown in: "
        ),
        "{message}"
    );
    assert_eq!(errors["jobs"]["fine"]["triggered"], true);
}

#[tokio::test]
async fn a_refusal_echoes_the_headers_and_hides_a_bad_token() {
    let item = WhitelistItem {
        host: Some("127.0.0.1".to_owned()),
        hmac_enabled: true,
        hmac_header: Some("X-Port-Signature".to_owned()),
        hmac_credential_id: Some("port".to_owned()),
        hmac_algorithm: Some("HmacSHA1".to_owned()),
    };
    let jenkins = start(Config {
        jobs: vec![job("a", trigger("t"))],
        whitelist: Whitelist {
            enabled: true,
            items: vec![item],
        },
        credentials: [("port".to_owned(), "secret".into())].into(),
        ..Config::default()
    })
    .await;
    let body = r#"{"a":1,"b":2}"#;
    let good = "183e96873d4ba50aae99f8ba4eaa403457c26f14";
    let cases = [
        (good, "t", 200, ""),
        (
            "00",
            "t",
            403,
            "1) HMAC verification failed with \"X-Port-Signature\" as \"00\" and algorithm HmacSHA1\n",
        ),
        ("00", "wrong", 403, "Sender, 127.0.0.1, with headers {"),
        (good, "wrong", 404, "A token was supplied."),
    ];
    for (signature, token, status, text) in cases {
        let headers = [("X-Port-Signature", signature), ("token", token)];
        let answer = send(jenkins.address(), "POST", INVOKE, &headers, body).await;
        assert_eq!(answer.status, status, "{signature} {token}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(text), "{message}");
    }
    assert_eq!(jenkins.builds().len(), 1);
    assert!(
        matches!(&jenkins.calls()[1].verdict, Verdict::Refused(reason) if reason.contains("HMAC"))
    );
    assert!(!format!("{:?}", jenkins.calls()).contains(good));
}

#[tokio::test]
async fn paths_beside_the_endpoint_answer_html() {
    let jenkins = start(Config {
        jobs: vec![job("a", trigger("t"))],
        context_path: "/jenkins".to_owned(),
        users: [("ann".to_owned(), "api-token".into())].into(),
        ..Config::default()
    })
    .await;
    let crumb = "No valid crumb was included in the request";
    let cases = [
        (
            "POST",
            "/jenkins/generic-webhook-triger/invoke?token=t",
            403,
            crumb,
        ),
        ("POST", "/jenkins/generic-webhook-trigger", 403, crumb),
        (
            "POST",
            "/jenkins/generic-webhook-trigger/invok",
            404,
            "Not Found",
        ),
        (
            "POST",
            "/jenkins/generic-webhook-trigger/invoker",
            404,
            "Not Found",
        ),
        (
            "GET",
            "/jenkins/generic-webhook-triger/invoke",
            404,
            "Not Found",
        ),
        ("GET", "/jenkins/queue/item/7/api/json", 404, "Not Found"),
        (
            "POST",
            "/generic-webhook-trigger/invoke?token=t",
            404,
            "Not Found",
        ),
        ("GET", "/jenkinsx/else", 404, "Not Found"),
    ];
    for (method, target, status, text) in cases {
        let answer = send(jenkins.address(), method, target, &[], "{}").await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert!(
            answer.body.contains(text) && answer.body.starts_with("<html>"),
            "{target}"
        );
    }
    // "ann:api-token" and "ann:wrong"
    let logins = [
        ("Basic YW5uOmFwaS10b2tlbg==", 404),
        ("Basic YW5uOndyb25n", 401),
        ("Basic ?", 401),
    ];
    for (login, status) in logins {
        let headers = [("Authorization", login)];
        let answer = send(jenkins.address(), "POST", "/jenkins/else", &headers, "").await;
        assert_eq!(answer.status, status, "{login}");
    }
    let invoked = post_json(
        jenkins.address(),
        "/jenkins/generic-webhook-trigger/invoke?token=t",
        "{}",
    )
    .await;
    assert_eq!(invoked.status, 200);
}

#[tokio::test]
async fn a_dry_run_resolves_and_queues_nothing() {
    let jenkins = start(Config {
        jobs: vec![job("f/b", trigger("t"))],
        root_url: Some("https://ci.example/jenkins/".to_owned()),
        ..Config::default()
    })
    .await;
    let headers = [("gwt-dry-run", "True"), ("token", "t")];
    let answer = send(
        jenkins.address(),
        "POST",
        INVOKE,
        &headers,
        r#"{"ref":"x"}"#,
    )
    .await
    .json();
    assert_eq!(
        answer["jobs"]["f/b"]["url"],
        "https://ci.example/jenkins/job/f/job/b/"
    );
    assert_eq!(
        answer["jobs"]["f/b"]["resolvedVariables"],
        json!({"ref": "x"})
    );
    assert_eq!(
        (&answer["jobs"]["f/b"]["id"], jenkins.builds().len()),
        (&json!(0), 0)
    );
}

#[tokio::test]
async fn headers_and_parameters_become_variables() {
    let named = |key: &str| NamedVariable {
        key: key.to_owned(),
        regexp_filter: None,
    };
    let jenkins = jenkins(vec![job(
        "a",
        Trigger {
            generic_header_variables: vec![named("X-GitHub-Event")],
            generic_request_variables: vec![named("who")],
            cause_string: Some("by $who".to_owned()),
            ..trigger("t")
        },
    )])
    .await;
    let headers = [("x-github-event", "push"), ("X-GitHub-Event", "again")];
    let target = format!("{INVOKE}?token=t&who=J%C3%B6rg");
    let answer = send(jenkins.address(), "POST", &target, &headers, "{}")
        .await
        .json();
    assert_eq!(
        answer["jobs"]["a"]["resolvedVariables"],
        json!({
            "who": "Jörg", "who_0": "Jörg",
            "x_github_event": "push", "x_github_event_0": "push", "x_github_event_1": "again",
        })
    );
    assert_eq!(jenkins.builds()[0].cause, "by Jörg");
}

#[tokio::test]
async fn queued_calls_merge_only_where_allowed() {
    let merging = Trigger {
        allow_several_triggers_per_build: true,
        override_quiet_period: true,
        ..trigger("merging")
    };
    let apart = Trigger {
        override_quiet_period: true,
        ..trigger("apart")
    };
    let jenkins = jenkins(vec![job("merging", merging), job("apart", apart)]).await;
    let mut ids = Vec::new();
    for token in ["merging", "merging", "apart", "apart"] {
        let target = format!("{INVOKE}?token={token}&jobQuietPeriod=3600");
        let answer = post_json(jenkins.address(), &target, "{}").await.json();
        ids.push(answer["jobs"][token]["id"].as_u64().unwrap());
    }
    assert_eq!(ids, [1, 1, 2, 3]);
    let builds = jenkins.builds();
    assert_eq!(
        (builds[0].merged_calls, builds[0].phase),
        (2, BuildPhase::Queued)
    );
    assert_eq!(builds[2].quiet_period_s, 3600);
    let item = send(jenkins.address(), "GET", "/queue/item/3/api/json", &[], "")
        .await
        .json();
    assert_eq!(
        (&item["executable"], &item["why"]),
        (&json!(null), &json!("In the quiet period."))
    );
}

#[tokio::test]
async fn jobs_without_a_token_need_read_permission() {
    let open = Trigger {
        token: None,
        ..trigger("")
    };
    let jenkins = start(Config {
        jobs: vec![job("open", open)],
        anonymous_read: false,
        users: [("ann".to_owned(), "api-token".into())].into(),
        ..Config::default()
    })
    .await;
    assert_eq!(post_json(jenkins.address(), INVOKE, "{}").await.status, 404);
    let headers = [("Authorization", "Basic YW5uOmFwaS10b2tlbg==")];
    assert_eq!(
        send(jenkins.address(), "POST", INVOKE, &headers, "{}")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn bodies_and_records_are_bounded() {
    let jenkins = start(Config {
        listen: Listen {
            body_limit_bytes: 10,
            call_limit: 2,
            ..Listen::default()
        },
        jobs: vec![job("a", trigger("t"))],
        build_limit: 1,
        ..Config::default()
    })
    .await;
    assert_eq!(
        post_json(jenkins.address(), INVOKE, "12345678901")
            .await
            .status,
        413
    );
    let target = format!("{INVOKE}?token=t");
    for triggered in [true, false, false] {
        let answer = post_json(jenkins.address(), &target, "{}").await.json();
        assert_eq!(answer["jobs"]["a"]["triggered"], triggered);
    }
    jenkins
        .wait_for(|state| state.call_count() == 4, SOON)
        .await
        .unwrap();
    assert_eq!(jenkins.calls().len(), 2);
}

#[tokio::test]
async fn hostile_payloads_are_answered() {
    let whole = Trigger {
        generic_variables: vec![
            GenericVariable {
                key: "all".to_owned(),
                value: "$".to_owned(),
                ..GenericVariable::default()
            },
            GenericVariable {
                key: "deep".to_owned(),
                value: "$..*".to_owned(),
                ..GenericVariable::default()
            },
        ],
        regexp_filter_text: Some("$all_a $deep".to_owned()),
        ..trigger("t")
    };
    let jenkins = jenkins(vec![job("a", whole)]).await;
    let target = format!("{INVOKE}?token=t");
    let doubling: String = (0..60)
        .map(|n| format!("\"a{n}\":\"$all_a{0}$all_a{0}\",", n + 1))
        .collect();
    let bodies = [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        format!("{{\"{}\":[{}]}}", "k".repeat(500_000), "1,".repeat(100_000)),
        format!("{{{doubling}\"a\":\"$all_a0\"}}"),
        "\"\\u".to_owned(),
        "\u{feff}{}".to_owned(),
    ];
    for body in bodies {
        let answer = post_json(jenkins.address(), &target, &body).await;
        assert_eq!(answer.status, 200, "{}", &body[..body.len().min(40)]);
    }
}

#[tokio::test]
async fn what_is_not_emulated_is_refused_at_the_start() {
    let xpath = Trigger {
        generic_variables: vec![GenericVariable {
            key: "v".to_owned(),
            value: "/a/namespace::x".to_owned(),
            expression_type: ExpressionType::XPath,
            ..GenericVariable::default()
        }],
        ..trigger("t")
    };
    let configs = [
        Config {
            jobs: vec![job("a", xpath)],
            ..Config::default()
        },
        Config {
            jobs: vec![job("a", trigger("t")), job("a", trigger("u"))],
            ..Config::default()
        },
        Config {
            context_path: "jenkins/".to_owned(),
            ..Config::default()
        },
    ];
    for config in configs {
        let error = Jenkins::start(config).await.unwrap_err();
        assert!(matches!(error, StartError::Config { .. }), "{error}");
    }
}
