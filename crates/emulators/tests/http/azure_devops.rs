//! The emulated Azure DevOps over HTTP: signature forms, every answer, filters, scalars only.

use crate::support::{SOON, send};
use http::HeaderMap;
use longshore_emulators::azure_devops::{
    AzureDevOps, Config, IncomingWebhook, Pipeline, PipelineOutcome, RunPhase, SignatureFault,
    verify,
};
use longshore_emulators::{Script, ScriptEnd, Verdict};
use serde_json::{Value, json};

const TARGET: &str =
    "/contoso/_apis/public/distributedtask/webhooks/portal?api-version=6.0-preview";
const BODY: &str = r#"{"a":1,"b":2}"#;
const SIGNATURE: &str = "183e96873d4ba50aae99f8ba4eaa403457c26f14";

async fn organization(pipelines: Vec<Pipeline>) -> AzureDevOps {
    let unregistered = IncomingWebhook {
        registered: false,
        ..IncomingWebhook::signed("fresh", "secret")
    };
    let unsigned = IncomingWebhook {
        secret: None,
        ..IncomingWebhook::signed("open", "")
    };
    AzureDevOps::start(Config {
        webhooks: vec![
            IncomingWebhook::signed("portal", "secret"),
            unregistered,
            unsigned,
        ],
        pipelines,
        ..Config::default()
    })
    .await
    .unwrap()
}

#[test]
fn signatures_of_the_vendor_hold_in_every_form() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../vectors/azure-signature.json")).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let lower = text("hmac_sha1_hex_lower");
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-port-signature", value.parse().unwrap());
            let secret = text("secret").into();
            verify(
                &secret,
                "X-Port-Signature",
                &headers,
                text("body_utf8").as_bytes(),
            )
        };
        for form in [
            lower.to_owned(),
            lower.to_uppercase(),
            format!("sha1={lower}"),
            format!("sha1={}", lower.to_uppercase()),
        ] {
            assert_eq!(check(&form), Ok(()), "{form}");
        }
        if let Some(documented) = vector["doc_header_value"].as_str() {
            assert_eq!(check(documented), Ok(()));
        }
        for form in [
            "",
            &lower[1..],
            &format!("sha256={lower}"),
            &format!("{lower}0"),
        ] {
            assert_eq!(check(form), Err(SignatureFault::Wrong), "{form}");
        }
    }
}

#[tokio::test]
async fn a_signed_call_starts_every_pipeline_and_tells_nothing() {
    let pipelines =
        ["deploy", "notify"].map(|name| Pipeline::new(name, "portal", Script::default()));
    let azure = organization(pipelines.into()).await;
    let answer = send(
        azure.address(),
        "POST",
        TARGET,
        &[("X-Port-Signature", SIGNATURE)],
        BODY,
    )
    .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    azure
        .wait_for(
            |state| {
                let done = RunPhase::Completed(ScriptEnd::Finished { succeeded: true });
                state.runs().iter().filter(|run| run.phase == done).count() == 2
            },
            SOON,
        )
        .await
        .unwrap();
    assert_eq!(azure.calls()[0].started, [1, 2]);
    let page = send(
        azure.address(),
        "GET",
        "/contoso/portal/_apis/build/builds/2",
        &[],
        "",
    )
    .await
    .json();
    assert_eq!(
        (&page["status"], &page["result"]),
        (&json!("completed"), &json!("succeeded"))
    );
    assert!(azure.webhook_url("portal").ends_with(TARGET));
}

fn hook(name: &str) -> String {
    TARGET.replace("portal", name)
}

/// Sends a call that must be refused; gives the envelope's message.
async fn refused(
    azure: &AzureDevOps,
    method: &str,
    target: &str,
    signature: &str,
    body: &str,
) -> (u16, String) {
    let headers = [("X-Port-Signature", signature)];
    let headers = if signature.is_empty() {
        &[]
    } else {
        &headers[..]
    };
    let answer = send(azure.address(), method, target, headers, body).await;
    let envelope = answer.json();
    let keys = [
        "$id",
        "innerException",
        "message",
        "typeName",
        "typeKey",
        "errorCode",
        "eventId",
    ];
    for key in keys {
        assert!(envelope.get(key).is_some(), "{key} in {envelope}");
    }
    (
        answer.status,
        envelope["message"].as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn a_webhook_refuses_in_an_envelope() {
    let azure = organization(Vec::new()).await;
    let zeros = "0".repeat(40);
    let sha256 = format!("sha256={}", "0".repeat(64));
    let mismatch = "the signature does not match the body";
    let unknown = "Cannot find webhook for the given webHookId nobody. \
                   Try enabling CD trigger for this artifact.";
    let unregistered = unknown.replace("nobody", "fresh");
    let cases = [
        ("nobody", SIGNATURE, BODY, 500, unknown),
        ("fresh", SIGNATURE, BODY, 500, unregistered.as_str()),
        ("portal", "", BODY, 500, "RequiredHeaderSignatureNotFound"),
        ("portal", &zeros, BODY, 401, mismatch),
        ("portal", "GD6WhzvU1Qw3Vsy5Wvpr4eY=", BODY, 401, mismatch),
        ("portal", &sha256, BODY, 401, mismatch),
        (
            "open",
            "",
            "[1]",
            400,
            "The request body must be a JSON object.",
        ),
        (
            "open",
            "",
            "{",
            400,
            "The request body must be a JSON object.",
        ),
    ];
    for (name, signature, body, status, message) in cases {
        let answer = refused(&azure, "POST", &hook(name), signature, body).await;
        assert_eq!(answer, (status, message.to_owned()), "{name} {signature}");
    }
    assert!(azure.builds().is_empty());
}

#[tokio::test]
async fn other_addresses_and_methods_are_refused_in_an_envelope() {
    let azure = organization(Vec::new()).await;
    let cases = [
        ("GET", hook("portal"), 405),
        ("POST", hook("portal").replace("/public", ""), 404),
        ("POST", hook("portal").replace("contoso", "else"), 404),
        (
            "POST",
            hook("portal").replace("?api-version=6.0-preview", ""),
            400,
        ),
        (
            "GET",
            "/contoso/portal/_apis/build/builds/1".to_owned(),
            404,
        ),
        ("GET", "/".to_owned(), 404),
    ];
    for (method, target, status) in cases {
        let answer = refused(&azure, method, &target, SIGNATURE, BODY).await;
        assert_eq!(answer.0, status, "{target}");
    }
}

#[tokio::test]
async fn a_header_that_stands_there_twice_is_refused() {
    let azure = organization(Vec::new()).await;
    let header = ("X-Port-Signature", SIGNATURE);
    let answer = send(azure.address(), "POST", TARGET, &[header, header], BODY).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn each_call_leaves_the_explanation_that_was_acted_on() {
    let deploy = Pipeline::new("deploy", "portal", Script::default());
    let azure = organization(vec![deploy]).await;
    let page = "/contoso/portal/_apis/build/builds/1";
    let signed = [("X-Port-Signature", SIGNATURE)];
    send(azure.address(), "POST", TARGET, &signed, BODY).await;
    send(azure.address(), "GET", page, &[], "").await;
    send(azure.address(), "POST", TARGET, &[], BODY).await;
    let explanations = azure.explanations(0).await;
    let told: Vec<_> = explanations
        .iter()
        .map(|(number, explanation)| {
            let outcomes = explanation.pipelines.iter().map(|it| &it.outcome);
            let status = explanation.answer.status.as_u16();
            (*number, status, outcomes.collect::<Vec<_>>())
        })
        .collect();
    let expected = [(1, 200, vec![&PipelineOutcome::Starts]), (2, 500, vec![])];
    assert_eq!(told, expected);
    assert_eq!(azure.explanations(1).await.len(), 1);
}

#[tokio::test]
async fn no_more_runs_than_the_limit_are_started() {
    let azure = AzureDevOps::start(Config {
        webhooks: vec![IncomingWebhook {
            secret: None,
            ..IncomingWebhook::signed("portal", "")
        }],
        pipelines: vec![Pipeline::new("deploy", "portal", Script::default())],
        run_limit: 1,
        ..Config::default()
    })
    .await
    .unwrap();
    for _ in 0..2 {
        send(azure.address(), "POST", TARGET, &[], BODY).await;
    }
    let explanations = azure.explanations(1).await;
    let outcome = &explanations[0].1.pipelines[0].outcome;
    assert_eq!(outcome, &PipelineOutcome::RunLimit);
    assert_eq!(azure.builds().len(), 1);
}

#[tokio::test]
async fn filters_and_non_scalars_keep_a_run_from_starting_silently() {
    let yaml = "
resources:
  webhooks:
    - webhook: call
      connection: open
      filters:
        - path: action.identifier
          value: deploy
steps:
  - bash: ./deploy.sh
    env:
      TAGS: ${{ parameters.call.tags }}
";
    let filtered = Pipeline::from_yaml("deploy.yml", yaml, Script::default()).unwrap();
    let azure = organization(vec![filtered]).await;
    let target = TARGET.replace("portal", "open");
    let cases = [
        (json!({"action": {"identifier": "deploy"}}), 1, 0),
        (json!({"action": {"identifier": "destroy"}}), 1, 0),
        (
            json!({"action": {"identifier": "deploy"}, "tags": {}}),
            1,
            1,
        ),
    ];
    for (body, runs, issues) in cases {
        let answer = send(azure.address(), "POST", &target, &[], &body.to_string()).await;
        assert_eq!(answer.status, 200, "{body}");
        assert_eq!(
            (azure.builds().len(), azure.trigger_issues().len()),
            (runs, issues),
            "{body}"
        );
        assert_eq!(azure.calls().last().unwrap().verdict, Verdict::Accepted);
    }
}
