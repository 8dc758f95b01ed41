//! What is told of calls: each snapshot is what a terminal shows.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails like a test"
)]

use std::fmt::Display;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use longshore_emulators::jenkins::explain::{Explanation, Queue, Request, Target, explain};
use longshore_emulators::jenkins::gwt::decide::{Decision, decide};
use longshore_emulators::jenkins::gwt::model::{
    ExpressionType, GenericVariable, NamedVariable, Trigger, Whitelist, WhitelistItem,
};
use longshore_emulators::jenkins::gwt::request::GwtRequest;
use longshore_emulators::jenkins::{Config, Job};

const JSON: (&str, &str) = ("content-type", "application/json");
const TOKEN: (&str, &str) = ("token", "deploy-trigger-1");
const BODY: &str = r#"{"ref":"refs/heads/main","service":"cart","run":{"token":"rt_0123456789"}}"#;
/// Python: `hmac.new(b"a signing secret", BODY, "sha1").hexdigest()`.
const SHA1: &str = "sha1=b4e6d64a9f0b38e7b66909044b0b9d22a57bbe19";
/// The same with `sha256`.
const SHA256: &str = "sha256=ed6c2029a7301f5aa145fa12d9b6c24e5a4f0b8fc8865a068a9ee372c64dd0fc";

fn variable(key: &str, value: &str) -> GenericVariable {
    GenericVariable {
        key: key.to_owned(),
        value: value.to_owned(),
        ..GenericVariable::default()
    }
}

fn trigger() -> Trigger {
    Trigger {
        token: Some("deploy-trigger-1".into()),
        generic_variables: vec![
            variable("ref", "$.ref"),
            GenericVariable {
                regexp_filter: Some("[^a-z]".to_owned()),
                ..variable("SERVICE", "$.service")
            },
            GenericVariable {
                default_value: Some("none".to_owned()),
                ..variable("TEAM", "$.team")
            },
            variable("RUN_TOKEN", "$.run.token"),
        ],
        generic_header_variables: vec![NamedVariable {
            key: "X-GitHub-Event".to_owned(),
            regexp_filter: None,
        }],
        regexp_filter_text: Some("$ref $branch".to_owned()),
        regexp_filter_expression: Some("^refs/heads/main ".to_owned()),
        cause_string: Some("Deploy of $SERVICE".to_owned()),
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

fn setup(jobs: Vec<Job>) -> Config {
    Config {
        jobs,
        ..Config::default()
    }
}

fn signed(jobs: Vec<Job>) -> Config {
    let item = WhitelistItem {
        hmac_enabled: true,
        hmac_header: Some("X-Port-Signature".to_owned()),
        hmac_credential_id: Some("port-secret".to_owned()),
        hmac_algorithm: Some("HmacSHA1".to_owned()),
        ..WhitelistItem::default()
    };
    Config {
        whitelist: Whitelist {
            enabled: true,
            items: vec![item],
        },
        credentials: [("port-secret".to_owned(), "a signing secret".into())].into(),
        ..setup(jobs)
    }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let parsed = pairs.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
    });
    let mut headers = HeaderMap::new();
    for (name, value) in parsed {
        headers.append(name, value);
    }
    headers
}

fn told(config: &Config, query: &str, pairs: &[(&str, &str)], body: &str) -> Explanation {
    let uri: Uri = format!("/generic-webhook-trigger/invoke{query}")
        .parse()
        .unwrap();
    let request = Request {
        method: &Method::POST,
        uri: &uri,
        headers: &headers(pairs),
        body: body.as_bytes(),
        peer: "127.0.0.1:4000".parse().unwrap(),
    };
    let explanation = explain(config, &request, Queue::default());
    agrees_with_decide(config, &request, &explanation);
    explanation
}

/// The explained jobs are those that the plugin's functions call.
fn agrees_with_decide(config: &Config, request: &Request<'_>, explanation: &Explanation) {
    let gwt_request = GwtRequest::read(
        request.method,
        request.uri.query(),
        request.headers,
        request.body,
        request.peer,
    );
    let triggers = config.jobs.iter().map(|job| &job.trigger);
    let decision = decide(
        triggers,
        &config.whitelist,
        &config.credentials,
        &gwt_request,
    );
    let Target::Trigger(processing) = &explanation.target else {
        panic!("{explanation:?}");
    };
    let called: Vec<usize> = match decision {
        Decision::Jobs { jobs, .. } => jobs.iter().map(|(index, _)| *index).collect(),
        Decision::Refused(_) | Decision::Uncaught(_) => Vec::new(),
    };
    let explained: Vec<usize> = processing
        .jobs
        .iter()
        .enumerate()
        .filter(|(_, job)| {
            use longshore_emulators::jenkins::explain::Outcome;
            !matches!(job.outcome, Outcome::NotCalled)
        })
        .map(|(index, _)| index)
        .collect();
    assert_eq!(explained, called);
}

fn lines(explanation: &dyn Display) -> String {
    explanation.to_string()
}

#[test]
fn a_matching_call() {
    let mut with_credential = trigger();
    with_credential.token = Some("another".into());
    let config = signed(vec![
        job("deploy", trigger()),
        job("team/other", with_credential),
    ]);
    let event = ("x-github-event", "push");
    let told = told(
        &config,
        "",
        &[JSON, TOKEN, event, ("x-port-signature", SHA1)],
        BODY,
    );
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  1) any host, HmacSHA1 in X-Port-Signature: lets the call in
      token      in the header token, 16 characters
      job        deploy: called, its token was given
        RUN_TOKEN        = rt_…             JSONPath $.run.token
        SERVICE          = cart             JSONPath $.service, without [^a-z]
        TEAM             = none             default, instead of JSONPath $.team
        ref              = refs/heads/main  JSONPath $.ref
        x_github_event   = push             header X-GitHub-Event
        x_github_event_0 = push             header X-GitHub-Event
        unresolved  TEAM: $.team gave nothing (the path leads nowhere); its default is taken
        filter      "^refs/heads/main " matches "refs/heads/main $branch" (from "$ref $branch")
        left in it  no variable is called $branch
        cause       Deploy of cart
        build       queued, after the job's own quiet period
      job        team/other: not called: it has another token
      answer     200 {"jobs":{"deploy":{"regexpFilterExpression":"^refs/heads/main ","triggered":true,"resolvedVariables":{"RUN_TOKEN":"rt_…","SERVICE":"cart","TEAM":"none","ref":"refs/heads/main","x_github_event":"push","x_github_event_0":"push"},"regexpFilterText":"refs/heads/main $branch","id":1,"url":"queue/item/1/"}},"message":"Triggered jobs."}
    "#);
}

#[test]
fn a_filter_that_does_not_match() {
    let config = setup(vec![job("deploy", trigger())]);
    let body = r#"{"ref":"refs/tags/v1","service":"cart"}"#;
    let told = told(&config, "", &[JSON, TOKEN], body);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 39 bytes
      whitelist  disabled: nothing is checked
      token      in the header token, 16 characters
      job        deploy: called, its token was given
        SERVICE = cart          JSONPath $.service, without [^a-z]
        TEAM    = none          default, instead of JSONPath $.team
        ref     = refs/tags/v1  JSONPath $.ref
        unresolved  TEAM: $.team gave nothing (the path leads nowhere); its default is taken
        unresolved  RUN_TOKEN: $.run.token gave nothing (the path leads nowhere); no default
        filter      "^refs/heads/main " does not match "refs/tags/v1 $branch" (from "$ref $branch")
        left in it  no variable is called $branch
        cause       Deploy of cart
        build       none: the filter does not match
      answer     200 {"jobs":{"deploy":{"regexpFilterExpression":"^refs/heads/main ","triggered":false,"resolvedVariables":{"SERVICE":"cart","TEAM":"none","ref":"refs/tags/v1"},"regexpFilterText":"refs/tags/v1 $branch","id":0,"url":""}},"message":"Triggered jobs."}
    "#);
}

#[test]
fn a_wrong_token() {
    let jobs = [
        ("other", "x"),
        ("case", "Deploy-Trigger-2"),
        ("blanks", "deploy-trigger-2\n"),
    ];
    let mut jobs: Vec<_> = jobs
        .into_iter()
        .map(|(name, token)| {
            let mut trigger = trigger();
            trigger.token = Some(token.into());
            job(name, trigger)
        })
        .collect();
    let missing = Trigger {
        token: None,
        token_credential_id: Some("gone".to_owned()),
        ..Trigger::default()
    };
    jobs.push(job("missing", missing));
    let told = told(
        &setup(jobs),
        "?token=deploy-trigger-2",
        &[JSON, ("authorization", "Bearer deploy-trigger-3")],
        BODY,
    );
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  disabled: nothing is checked
      token      in the parameter token, 16 characters; not looked at: in Authorization: Bearer
      job        other: not called: it has another token
      job        case: not called: its token differs in upper and lower case
      job        blanks: not called: its token differs in white space around it
      job        missing: not called: a token was given, and it has none (there is no credential gone: it counts as without a token)
      answer     404 {"jobs":null,"message":"Did not find any jobs with GenericTrigger configured!\nA token was supplied.\n"}
    "#);
}

#[test]
fn without_a_token() {
    let config = setup(vec![
        job("deploy", trigger()),
        job("open", Trigger::default()),
    ]);
    let told = told(&config, "", &[JSON], BODY);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  disabled: nothing is checked
      token      none was given
      job        deploy: not called: it has a token, and none was given
      job        open: called, it has no token and none was given
        filter      none: every call passes
        cause       Generic Cause
        build       queued, after the job's own quiet period
      answer     200 {"jobs":{"open":{"regexpFilterExpression":"","triggered":true,"resolvedVariables":{},"regexpFilterText":"","id":1,"url":"queue/item/1/"}},"message":"Triggered jobs."}
    "#);
}

#[test]
fn a_signature_under_another_algorithm() {
    let config = signed(vec![job("deploy", trigger())]);
    let told = told(
        &config,
        "",
        &[JSON, TOKEN, ("x-port-signature", SHA256)],
        BODY,
    );
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  1) any host, HmacSHA1 in X-Port-Signature: the signature does not hold
                    it would hold under HmacSHA256
      answer     403 {"jobs":null,"message":"Sender, 127.0.0.1, with headers {content-type=[application/json], token=[…], x-port-signature=[…]} did not pass whitelist.\nDid not find a matching whitelisted host:\n1) HMAC verification failed with \"X-Port-Signature\" as \"ed6…\" and algorithm HmacSHA1\n"}
    "#);
}

#[test]
fn a_signature_header_twice() {
    let config = signed(vec![job("deploy", trigger())]);
    let twice = ("x-port-signature", SHA1);
    let told = told(&config, "", &[JSON, TOKEN, twice, twice], BODY);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  1) any host, HmacSHA1 in X-Port-Signature: the header is there 2 times; the plugin takes exactly one
      answer     403 {"jobs":null,"message":"Sender, 127.0.0.1, with headers {content-type=[application/json], token=[…], x-port-signature=[…]} did not pass whitelist.\nDid not find a matching whitelisted host:\n1) Was unable to find header with name \"X-Port-Signature\" among {content-type=[application/json], token=[…], x-port-signature=[…]}\n"}
    "#);
}

#[test]
fn json_sent_as_a_form() {
    let config = signed(vec![job("deploy", trigger())]);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let signature = ("x-port-signature", SHA1);
    let told = told(&config, "", &[form, TOKEN, signature], BODY);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/x-www-form-urlencoded, 74 bytes
      whitelist  1) any host, HmacSHA1 in X-Port-Signature: the signature does not hold
                    it would hold under HmacSHA1, over the bytes of the body; of a form the plugin signs JSON
      answer     403 {"jobs":null,"message":"Sender, 127.0.0.1, with headers {content-type=[application/x-www-form-urlencoded], token=[…], x-port-signature=[…]} did not pass whitelist.\nDid not find a matching whitelisted host:\n1) HMAC verification failed with \"X-Port-Signature\" as \"b4e…\" and algorithm HmacSHA1\n"}
      hint       the body looks like JSON, but came as a form: no expression finds anything in it; send Content-Type: application/json (curl -d sends a form by default)
    "#);
}

#[test]
fn a_silent_answer() {
    let config = setup(vec![job(
        "deploy",
        Trigger {
            silent_response: true,
            ..trigger()
        },
    )]);
    let told = told(&config, "", &[JSON, TOKEN], BODY);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  disabled: nothing is checked
      token      in the header token, 16 characters
      job        deploy: called, its token was given
        RUN_TOKEN = rt_…             JSONPath $.run.token
        SERVICE   = cart             JSONPath $.service, without [^a-z]
        TEAM      = none             default, instead of JSONPath $.team
        ref       = refs/heads/main  JSONPath $.ref
        unresolved  TEAM: $.team gave nothing (the path leads nowhere); its default is taken
        filter      "^refs/heads/main " matches "refs/heads/main $branch" (from "$ref $branch")
        left in it  no variable is called $branch
        cause       Deploy of cart
        build       queued, after the job's own quiet period; the answer leaves this job out
      answer     200 without a body
      hint       200 without a body: every called job answers silently or failed
    "#);
}

#[test]
fn two_jobs_on_one_token() {
    let bare = || Trigger {
        token: Some("deploy-trigger-1".into()),
        ..Trigger::default()
    };
    let mut jobs = vec![job("first", bare()), job("second", bare())];
    jobs[1].disabled = true;
    let told = told(&setup(jobs), "", &[JSON, TOKEN], BODY);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  disabled: nothing is checked
      token      in the header token, 16 characters
      job        first: called, its token was given
        filter      none: every call passes
        cause       Generic Cause
        build       queued, after the job's own quiet period
      job        second: called, its token was given
        filter      none: every call passes
        cause       Generic Cause
        build       none: the job is disabled
      answer     200 {"jobs":{"first":{"regexpFilterExpression":"","triggered":true,"resolvedVariables":{},"regexpFilterText":"","id":1,"url":"queue/item/1/"},"second":{"regexpFilterExpression":"","triggered":false,"resolvedVariables":{},"regexpFilterText":"","id":0,"url":""}},"message":"Triggered jobs."}
      hint       2 jobs have this token: each call triggers all of them
    "#);
}

#[test]
fn a_bearer_in_lower_case() {
    let config = setup(vec![job("deploy", trigger())]);
    let bearer = ("authorization", "bearer deploy-trigger-1");
    let told = told(&config, "", &[JSON, bearer], BODY);
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, application/json, 74 bytes
      whitelist  disabled: nothing is checked
      token      none was given
      job        deploy: not called: it has a token, and none was given
      answer     404 {"jobs":null,"message":"Did not find any jobs with GenericTrigger configured!\nNo token was supplied.\nIf you are using a token, you need to pass it like ...trigger/invoke?token=TOKENHERE\nIf you are not using a token, you need to authenticate like http://user:passsword@example.org/generic-webhook...\n"}
      hint       Authorization is read only as `Bearer `, with a capital and one space
    "#);
}

#[test]
fn a_dry_run_of_xpath() {
    let trigger = Trigger {
        generic_variables: vec![
            GenericVariable {
                expression_type: ExpressionType::XPath,
                ..variable("title", "//title")
            },
            GenericVariable {
                expression_type: ExpressionType::XPath,
                ..variable("count", "count(//title)")
            },
            variable("json", "$.a"),
        ],
        ..Trigger::default()
    };
    let xml = ("content-type", "text/xml");
    let told = told(
        &setup(vec![job("books", trigger)]),
        "",
        &[xml, ("gwt-dry-run", "true"), ("host", "ci.example.com")],
        "<books>\n<title>One</title>\n</books>",
    );
    insta::assert_snapshot!(lines(&told), @r#"
    POST /generic-webhook-trigger/invoke from 127.0.0.1:4000, text/xml, 35 bytes
      whitelist  disabled: nothing is checked
      token      none was given
      dry run    asked for by gwt-dry-run: nothing is queued
      job        books: called, it has no token and none was given
        title = One  XPath //title
        unresolved  count: count(//title) gave nothing (the expression gives a number, not nodes); no default
        unresolved  json: $.a gave nothing (the path leads nowhere); no default
        filter      none: every call passes
        cause       Generic Cause
        build       none: a dry run
      answer     200 {"jobs":{"books":{"regexpFilterExpression":"","triggered":true,"resolvedVariables":{"title":"One"},"regexpFilterText":"","id":0,"url":"http://ci.example.com/job/books/"}},"message":"Triggered jobs."}
    "#);
}

#[test]
fn hostile_texts_reach_no_terminal_and_no_secret_is_told() {
    let mut trigger = trigger();
    trigger.generic_variables.push(variable("everything", "$"));
    let config = signed(vec![job("deploy", trigger)]);
    let body = "{\"ref\":\"\u{1b}]0;owned\u{7}\u{202e}\",\"service\":\"deploy-trigger-1\",\"run\":{\"token\":\"rt_0123456789\"}}";
    let signature = ("x-port-signature", "sha1=0123456789abcdef");
    for pairs in [
        &[JSON, TOKEN][..],
        &[JSON, TOKEN, signature],
        &[
            JSON,
            ("authorization", "Bearer deploy-trigger-1"),
            signature,
        ],
    ] {
        for config in [&config, &setup(config.jobs.clone())] {
            let explanation = told(config, "", pairs, body);
            for text in [explanation.to_string(), format!("{explanation:?}")] {
                for secret in [
                    "deploy-trigger-1",
                    "a signing secret",
                    "rt_0123456789",
                    "0123456789abcdef",
                ] {
                    assert!(!text.contains(secret), "{secret} in {text}");
                }
            }
            let text = explanation.to_string();
            let other = |character: char| character != '\n' && character.is_control();
            assert!(!text.contains(other), "{text:?}");
            assert!(!text.contains('\u{202e}'), "{text:?}");
        }
    }
}

#[test]
fn short_tokens_are_not_echoed() {
    let mut short = trigger();
    short.token = Some("t".into());
    short.generic_variables.push(variable("token", "$.t"));
    let config = signed(vec![job("deploy", short)]);
    for config in [&config, &setup(config.jobs.clone())] {
        let text = told(config, "", &[JSON, ("token", "t")], r#"{"t":"t"}"#).to_string();
        for secret in ["=[t]", "\"token\":\"t\"", "token = t"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn a_call_full_of_secrets_is_told_without_texts() {
    let query: Vec<_> = (0..200).map(|n| format!("token=secret-{n}")).collect();
    let query = format!("?{}", query.join("&"));
    let config = setup(vec![job("open", trigger())]);
    let text = told(&config, &query, &[JSON], BODY).to_string();
    assert!(!text.contains("secret-"), "{text}");
    assert!(text.contains("too many secrets"), "{text}");
}

#[test]
fn other_requests_are_told_apart() {
    let config = Config {
        context_path: "/jenkins".to_owned(),
        ..setup(Vec::new())
    };
    let cases = [
        (
            Method::POST,
            "/generic-webhook-trigger/invoke",
            Target::Outside("/jenkins".to_owned()),
        ),
        (
            Method::OPTIONS,
            "/jenkins/generic-webhook-trigger/invoke",
            Target::Options,
        ),
        (
            Method::POST,
            "/jenkins/generic-webhook-triger/invoke",
            Target::NoCrumb,
        ),
        (Method::GET, "/jenkins/queue/item/1/api/json", Target::Page),
    ];
    for (method, path, expected) in cases {
        let request = Request {
            method: &method,
            uri: &path.parse().unwrap(),
            headers: &HeaderMap::new(),
            body: b"",
            peer: "127.0.0.1:4000".parse().unwrap(),
        };
        let explanation = explain(&config, &request, Queue::default());
        assert_eq!(explanation.target, expected);
        assert_eq!(explanation.to_string().lines().count(), 2, "{explanation}");
    }
}
