use hmac::Hmac;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use proptest::prelude::*;
use sha2::Sha256;

use crate::azure_devops::{Config, Explanation, Incoming, IncomingWebhook, Pipeline, explain};
use crate::pipeline::Script;
use crate::secret::Secret;
use crate::signature::{hex, hmac_sha1, mac};

const TARGET: &str =
    "/contoso/_apis/public/distributedtask/webhooks/deploy?api-version=6.0-preview";
const SECRET: &str = "the connection's secret";
const OTHER_SECRET: &str = "another connection's secret";

const DEPLOY: &str = "\
trigger: none
resources:
  webhooks:
    - webhook: call
      connection: longshore
      filters:
        - path: action.identifier
          value: deploy
        - path: $.environments[0]
          value: prod
steps:
  - bash: ./deploy.sh ${{ parameters.call.flags }}
    condition: ${{ eq(parameters.call.dry, false) }}
    env:
      SERVICE: ${{ parameters.call.service }}
      TOKEN: ${{ parameters.call.run.token }}
      NOTE: ${{ parameters.call.note }}
";

fn organization() -> Config {
    let yaml = |file: &str, text: &str| Pipeline::from_yaml(file, text, Script::default()).unwrap();
    let feature = Pipeline {
        branch: "feature".to_owned(),
        ..yaml("ci/feature.yaml", DEPLOY)
    };
    Config {
        webhooks: vec![
            IncomingWebhook {
                connection: "longshore".to_owned(),
                ..IncomingWebhook::signed("deploy", SECRET)
            },
            IncomingWebhook {
                registered: false,
                ..IncomingWebhook::signed("fresh", OTHER_SECRET)
            },
            IncomingWebhook {
                secret: None,
                ..IncomingWebhook::signed("open", "")
            },
        ],
        pipelines: vec![
            yaml("ci/deploy.yml", DEPLOY),
            feature,
            Pipeline::new("notify", "open", Script::default()),
        ],
        ..Config::default()
    }
}

fn explained(target: &str, headers: &[(&str, &str)], body: &str) -> Explanation {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            )
        })
        .collect();
    let call = Incoming {
        method: &Method::POST,
        uri: &target.parse().unwrap(),
        headers: &headers,
        body: body.as_bytes(),
    };
    explain(&organization(), &call)
}

fn sha1(secret: &str, body: &str) -> String {
    hex(&hmac_sha1(secret.as_bytes(), body.as_bytes()).unwrap())
}

fn sha256(secret: &str, body: &str) -> Vec<u8> {
    mac::<Hmac<Sha256>>(secret.as_bytes(), body.as_bytes()).unwrap()
}

/// A signed call.
fn called(body: &str) -> String {
    explained(TARGET, &[("X-Port-Signature", &sha1(SECRET, body))], body).to_string()
}

#[test]
fn a_run_starts() {
    let body = r#"{"action": {"identifier": "deploy"}, "environments": ["prod"], "dry": false,
        "service": "billing", "run": {"token": "rt_0123456789"}, "flags": null}"#;
    insta::assert_snapshot!(called(body), @r#"
    POST /contoso/_apis/public/distributedtask/webhooks/deploy
      webhook    "deploy" of connection "longshore", registered
      signature  X-Port-Signature holds: 40 hex digits
      body       156 bytes
      pipeline   deploy (ci/deploy.yml): starts
        webhook    call (line 4), all filters match
        filter     action.identifier = "deploy": matches
        filter     $.environments[0] = "prod": matches
        parameter  call.flags (line 12) = null
        parameter  call.dry (line 13) = "false", in an expression that is not evaluated here
        parameter  call.service (line 15) = "billing"
        parameter  call.run.token (line 16) = (13 characters, not shown)
        parameter  call.note (line 17) = nothing
        warning    line 12: a value of the payload is put into a script, where it can be more than a text; pass it through `env`
      pipeline   feature (ci/feature.yaml): does not start, its YAML is on "feature", and webhooks are read from the default branch, "main"
        webhook    call (line 4), all filters match
        filter     action.identifier = "deploy": matches
        filter     $.environments[0] = "prod": matches
      pipeline   notify: does not start, it waits for "open"
      answer     200, which tells nothing of runs
    "#);
}

#[test]
fn a_pipeline_of_several_webhooks_reads_the_one_that_was_called() {
    let text = "\
resources:
  webhooks:
    - connection: open
      webhook: all
    - webhook: some
      connection: open
      filters: [{ path: kind, value: some }]
    - webhook: other
      connection: fresh
      filters: [{ path: '$..kind', value: a }]
steps:
  - bash: run
    env:
      ALL: ${{ parameters.all.name }}
      SOME: ${{ parameters.some.name }}
      OTHER: ${{ parameters.other.name }}
";
    let config = Config {
        pipelines: vec![Pipeline::from_yaml("several.yml", text, Script::default()).unwrap()],
        ..organization()
    };
    let call = Incoming {
        method: &Method::POST,
        uri: &TARGET.replace("/deploy", "/open").parse().unwrap(),
        headers: &HeaderMap::new(),
        body: br#"{"name": "billing"}"#,
    };
    insta::assert_snapshot!(explain(&config, &call), @r#"
    POST /contoso/_apis/public/distributedtask/webhooks/open
      webhook    "open" of connection "open", registered
      signature  not asked for: the connection has no secret
      body       19 bytes
      pipeline   several (several.yml): starts
        webhook    all (line 3), without filters
        webhook    some (line 5), not all filters match
        filter     kind = "some": does not match, found nothing
        parameter  all.name (line 14) = "billing"
        parameter  some.name (line 15) = nothing: its webhook was not called, or is filtered out
        parameter  other.name (line 16) = nothing: its webhook was not called, or is filtered out
        warning    line 3: `webhook` is required to be the first key of a webhook
        warning    line 10: the path "$..kind" names no single value (members, `[0]` and `['name']` are followed here), so that the filter never matches
      answer     200, which tells nothing of runs
    "#);
}

#[test]
fn a_filter_does_not_match() {
    let body = r#"{"action": {"identifier": "destroy"}, "environments": {"0": "prod"}}"#;
    insta::assert_snapshot!(called(body), @r#"
    POST /contoso/_apis/public/distributedtask/webhooks/deploy
      webhook    "deploy" of connection "longshore", registered
      signature  X-Port-Signature holds: 40 hex digits
      body       68 bytes
      pipeline   deploy (ci/deploy.yml): does not start, a filter does not match
        webhook    call (line 4), not all filters match
        filter     action.identifier = "deploy": does not match, found "destroy"
        filter     $.environments[0] = "prod": does not match, found nothing
        warning    line 12: a value of the payload is put into a script, where it can be more than a text; pass it through `env`
      pipeline   feature (ci/feature.yaml): does not start, its YAML is on "feature", and webhooks are read from the default branch, "main"
        webhook    call (line 4), not all filters match
        filter     action.identifier = "deploy": does not match, found "destroy"
        filter     $.environments[0] = "prod": does not match, found nothing
      pipeline   notify: does not start, it waits for "open"
      answer     200, which tells nothing of runs
    "#);
}

#[test]
fn a_trigger_issue_keeps_it_from_starting() {
    let body = r#"{"action": {"identifier": "deploy"}, "environments": ["prod"],
        "service": {"name": "billing", "tags": {}}}"#;
    insta::assert_snapshot!(called(body), @r#"
    POST /contoso/_apis/public/distributedtask/webhooks/deploy
      webhook    "deploy" of connection "longshore", registered
      signature  X-Port-Signature holds: 40 hex digits
      body       114 bytes
      warning    the payload holds an empty object at "service.tags"; such calls were reported to start nothing
      pipeline   deploy (ci/deploy.yml): does not start, trigger issue: line 15: call.service is an object, and only a text, number or boolean can be put into YAML; send it as a JSON text
        webhook    call (line 4), all filters match
        filter     action.identifier = "deploy": matches
        filter     $.environments[0] = "prod": matches
        parameter  call.flags (line 12) = nothing
        parameter  call.dry (line 13) = nothing, in an expression that is not evaluated here
        parameter  call.service (line 15) = an object
        parameter  call.run.token (line 16) = nothing
        parameter  call.note (line 17) = nothing
        warning    line 12: a value of the payload is put into a script, where it can be more than a text; pass it through `env`
      pipeline   feature (ci/feature.yaml): does not start, its YAML is on "feature", and webhooks are read from the default branch, "main"
        webhook    call (line 4), all filters match
        filter     action.identifier = "deploy": matches
        filter     $.environments[0] = "prod": matches
      pipeline   notify: does not start, it waits for "open"
      answer     200, which tells nothing of runs
    "#);
}

#[test]
fn inputs_that_are_more_than_texts_are_warned_of() {
    let body = r#"{"action": {"identifier": "deploy"}, "environments": ["prod"], "flags": "; env # $(pat)",
        "service": "a\n      PATH: /tmp", "note": "the connection's secret"}"#;
    insta::assert_snapshot!(called(body), @r#"
    POST /contoso/_apis/public/distributedtask/webhooks/deploy
      webhook    "deploy" of connection "longshore", registered
      signature  X-Port-Signature holds: 40 hex digits
      body       166 bytes
      pipeline   deploy (ci/deploy.yml): starts
        webhook    call (line 4), all filters match
        filter     action.identifier = "deploy": matches
        filter     $.environments[0] = "prod": matches
        parameter  call.flags (line 12) = "; env # $(pat)"
        parameter  call.dry (line 13) = nothing, in an expression that is not evaluated here
        parameter  call.service (line 15) = "a\n      PATH: /tmp"
        parameter  call.run.token (line 16) = nothing
        parameter  call.note (line 17) = (23 characters, not shown)
        warning    line 12: a value of the payload is put into a script, where it can be more than a text; pass it through `env`
        warning    line 12: the value of call.flags holds `$(`: a variable, which the agent fills in
        warning    line 12: the input alters the pipeline: steps[0].bash is not read as the text with the values in it
        warning    line 15: the input alters the pipeline: steps[0].env.SERVICE is not read as the text with the values in it
        warning    line 15: the input alters the pipeline: steps[0].env has another key than written
      pipeline   feature (ci/feature.yaml): does not start, its YAML is on "feature", and webhooks are read from the default branch, "main"
        webhook    call (line 4), all filters match
        filter     action.identifier = "deploy": matches
        filter     $.environments[0] = "prod": matches
      pipeline   notify: does not start, it waits for "open"
      answer     200, which tells nothing of runs
    "#);
}

#[test]
fn refusals_say_what_was_expected() {
    let body = r#"{"a":1}"#;
    let good = sha1(SECRET, body);
    let signed = [("x-port-signature", good.as_str())];
    let cases = [
        (TARGET.replace("/deploy", "/nobody"), body),
        (TARGET.replace("/deploy", "/longshore"), body),
        (TARGET.replace("/deploy", "/fresh"), body),
        (TARGET.replace("/public", ""), body),
        (TARGET.replace("contoso", "contoso/portal"), body),
        (TARGET.replace("contoso", "%1b%0aelse"), body),
        (TARGET.replace("?api-version=6.0-preview", ""), body),
        ("/".to_owned(), body),
        (TARGET.replace("/deploy", "/open"), "[1]"),
    ];
    let told: String = cases
        .iter()
        .map(|(target, body)| explained(target, &signed, body).to_string())
        .collect();
    insta::assert_snapshot!(told, @r#"
    POST /contoso/_apis/public/distributedtask/webhooks/nobody
      webhook    "nobody" is not the WebHook Name of any connection; known: "deploy", "fresh", "open"
      signature  not looked at
      body       7 bytes
      answer     500 Cannot find webhook for the given webHookId nobody. Try enabling CD trigger for this artifact.
    POST /contoso/_apis/public/distributedtask/webhooks/longshore
      webhook    "longshore" is not the WebHook Name of any connection; it is a connection's name, whose WebHook Name is "deploy"
      signature  not looked at
      body       7 bytes
      answer     500 Cannot find webhook for the given webHookId longshore. Try enabling CD trigger for this artifact.
    POST /contoso/_apis/public/distributedtask/webhooks/fresh
      webhook    "fresh" of connection "fresh", not registered: run a pipeline that uses it once by hand, from its default branch
      signature  not looked at
      body       7 bytes
      answer     500 Cannot find webhook for the given webHookId fresh. Try enabling CD trigger for this artifact.
    POST /contoso/_apis/distributedtask/webhooks/deploy
      webhook    `public` is missing from the path; expected /contoso/_apis/public/distributedtask/webhooks/NAME?api-version=6.0-preview
      signature  not looked at
      body       7 bytes
      answer     404 The controller for path '/contoso/_apis/distributedtask/webhooks/deploy' was not found.
    POST /contoso/portal/_apis/public/distributedtask/webhooks/deploy
      webhook    webhooks belong to the organization, so no project stands in the path; expected /contoso/_apis/public/distributedtask/webhooks/NAME?api-version=6.0-preview
      signature  not looked at
      body       7 bytes
      answer     404 The controller for path '/contoso/portal/_apis/public/distributedtask/webhooks/deploy' was not found.
    POST /%1b%0aelse/_apis/public/distributedtask/webhooks/deploy
      webhook    the path begins with "\u{1b}\nelse", which is not the organization; expected /contoso/_apis/public/distributedtask/webhooks/NAME?api-version=6.0-preview
      signature  not looked at
      body       7 bytes
      answer     404 The controller for path '/%1b%0aelse/_apis/public/distributedtask/webhooks/deploy' was not found.
    POST /contoso/_apis/public/distributedtask/webhooks/deploy
      webhook    "deploy" of connection "longshore", registered
      signature  not looked at
      body       7 bytes
      answer     400 No api-version was supplied for the "POST" request. The version must be supplied either as part of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter (e.g. "?api-version=1.0").
    POST /
      webhook    the path is empty; expected /contoso/_apis/public/distributedtask/webhooks/NAME?api-version=6.0-preview
      signature  not looked at
      body       7 bytes
      answer     404 The controller for path '/' was not found.
    POST /contoso/_apis/public/distributedtask/webhooks/open
      webhook    "open" of connection "open", registered
      signature  not asked for: the connection has no secret
      body       3 bytes
      answer     400 The request body must be a JSON object.
    "#);
}

#[test]
fn a_wrong_signature_is_explained() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let body = "{\"a\": 1}";
    let base64 = STANDARD.encode(hmac_sha1(SECRET.as_bytes(), body.as_bytes()).unwrap());
    let good = sha1(SECRET, body);
    let cases = [
        good.clone(),
        good.to_uppercase(),
        format!("sha1={good}"),
        format!("SHA1={}", good.to_uppercase()),
        String::new(),
        "0".repeat(40),
        good[1..].to_owned(),
        format!("sha256={good}"),
        base64.clone(),
        format!("sha1={base64}"),
        hex(&sha256(SECRET, body)),
        format!("sha256={}", hex(&sha256(SECRET, body))),
        STANDARD.encode(sha256(SECRET, body)),
        format!("v1,{}", STANDARD.encode(sha256(SECRET, body))),
        sha1(SECRET, &format!("{body}\n")),
        sha1(SECRET, "{\"a\":1}"),
        sha1(&format!("{SECRET}\n"), body),
        sha1(OTHER_SECRET, body),
        hex(&sha256(OTHER_SECRET, body)),
        "no signature at all".to_owned(),
    ];
    let told: Vec<_> = cases
        .iter()
        .map(|value| {
            explained(TARGET, &[("X-Port-Signature", value)], body)
                .signature
                .to_string()
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    X-Port-Signature holds: 40 hex digits
    X-Port-Signature holds: 40 hex digits
    X-Port-Signature holds: 40 hex digits behind sha1=
    X-Port-Signature holds: 40 hex digits behind sha1=
    X-Port-Signature does not hold: nothing; expected HMAC-SHA1 of the body as 40 hex digits
    X-Port-Signature does not hold: 40 hex digits; expected HMAC-SHA1 of the body as 40 hex digits
    X-Port-Signature does not hold: 39 hex digits; expected HMAC-SHA1 of the body as 40 hex digits
    X-Port-Signature does not hold: 40 hex digits behind sha256=; expected HMAC-SHA1 of the body as 40 hex digits
    X-Port-Signature does not hold: Base64, as of SHA-1; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in Base64
    X-Port-Signature does not hold: Base64 behind sha1=, as of SHA-1; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in Base64
    X-Port-Signature does not hold: 64 hex digits, as of SHA-256; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA256 in hex
    X-Port-Signature does not hold: 64 hex digits behind sha256=, as of SHA-256; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA256 in hex
    X-Port-Signature does not hold: Base64, as of SHA-256; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA256 in Base64
    X-Port-Signature does not hold: `v1,` and a digest, the form of Port's own signatures; expected HMAC-SHA1 of the body as 40 hex digits
    X-Port-Signature does not hold: 40 hex digits; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in hex over the body and a line end behind it, which was not sent
    X-Port-Signature does not hold: 40 hex digits; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in hex over the body written without spaces
    X-Port-Signature does not hold: 40 hex digits; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in hex with the secret and a line end behind it
    X-Port-Signature does not hold: 40 hex digits; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in hex with the secret of the connection "fresh"
    X-Port-Signature does not hold: 64 hex digits, as of SHA-256; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA256 in hex with the secret of the connection "fresh"
    X-Port-Signature does not hold: 19 characters, not hex digits alone; expected HMAC-SHA1 of the body as 40 hex digits
    "#);
}

#[test]
fn a_signature_elsewhere_is_found() {
    let body = "{\"a\": 1}";
    let sent = format!("{body}\n");
    let good = sha1(SECRET, body);
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[], body),
        (&[("X-Hub-Signature", &good)], body),
        (
            &[("X-Port-Signature", &good), ("X-Port-Signature", &good)],
            body,
        ),
        (&[("X-Port-Signature", &good)], &sent),
    ];
    let told: Vec<_> = cases
        .iter()
        .map(|(headers, body)| explained(TARGET, headers, body).signature.to_string())
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    the header X-Port-Signature is missing; expected HMAC-SHA1 of the body as 40 hex digits
    the header X-Port-Signature is missing; x-hub-signature holds the signature
    the header X-Port-Signature stands there 2 times; expected once
    X-Port-Signature does not hold: 40 hex digits; expected HMAC-SHA1 of the body as 40 hex digits; it is HMAC-SHA1 in hex over the body without the line end at its end
    ");
}

#[test]
fn nothing_that_is_secret_is_told() {
    let body = r#"{"action": {"identifier": "deploy"}, "environments": ["prod"],
        "service": "the connection's secret", "run": {"token": "rt_0123456789"}}"#;
    let signature = sha1(SECRET, body);
    let explanation = explained(TARGET, &[("X-Port-Signature", &signature)], body);
    for told in [explanation.to_string(), format!("{explanation:?}")] {
        assert!(told.contains("call.service"), "{told}");
        for hidden in [SECRET, "rt_0123456789", &signature] {
            assert!(!told.contains(hidden), "{told}");
        }
    }
}

#[test]
fn explanations_are_of_a_bounded_size_and_time() {
    let name = "n".repeat(1 << 20);
    let nested = format!(
        "{{\"{name}\":[{}{{}}]}}",
        "{\"tags\":{},\"a\":{}},".repeat(50_000)
    );
    let many = format!("{{\"tags\":[{}0]}}", "0,".repeat(500_000));
    for body in [nested, many] {
        let told = explained(&TARGET.replace("/deploy", "/open"), &[], &body).to_string();
        assert!(told.len() < 10_000, "{} bytes", told.len());
        assert!(
            told.ends_with("answer     200, which tells nothing of runs\n"),
            "{told}"
        );
    }
}

proptest! {
    #[test]
    fn any_call_is_explained_in_printable_lines(
        path in "(/contoso/_apis/public/distributedtask/webhooks/open|/[a-z%0-9/]{0,20})",
        value in "[ -~]{0,70}",
        flags in any::<String>(),
        service in any::<String>(),
    ) {
        let payload = serde_json::json!({
            "action": {"identifier": "deploy"}, "environments": ["prod"],
            "flags": flags, "service": service,
        });
        let uri: Result<Uri, _> = path.parse();
        prop_assume!(uri.is_ok());
        let told = explained(&path, &[("X-Port-Signature", &value)], &payload.to_string());
        let started = called(&payload.to_string());
        for told in [told.to_string(), started] {
            let is_printable = |character: char| character == '\n' || !character.is_control();
            prop_assert!(told.chars().all(is_printable), "{told:?}");
            prop_assert!(told.contains("\n  answer     "), "{told}");
        }
    }
}

#[test]
fn secrets_are_not_in_what_is_configured() {
    let shown = format!("{:?} {:?}", organization(), Secret::new(SECRET));
    assert!(!shown.contains(SECRET), "{shown}");
}
