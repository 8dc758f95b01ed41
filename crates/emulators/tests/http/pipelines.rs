//! Scripted pipelines of both vendors, reporting to a stand-in for the API.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{SOON, post_json};
use http::StatusCode;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline, RunPhase};
use longshore_emulators::jenkins::gwt::model::{GenericVariable, Trigger};
use longshore_emulators::jenkins::{self, BuildPhase, Jenkins, Job};
use longshore_emulators::webhook_sink::{self, Answer, WebhookSink};
use longshore_emulators::{ReportOutcome, Script, ScriptEnd, Step};
use serde_json::{Value, json};

const DONE: ScriptEnd = ScriptEnd::Finished { succeeded: true };

/// The sink stands in for the API: it keeps every call, and answers as scripted.
async fn api() -> WebhookSink {
    WebhookSink::start(webhook_sink::Config::default())
        .await
        .unwrap()
}

async fn jenkins(script: Script) -> Jenkins {
    let port = GenericVariable {
        key: "port".to_owned(),
        value: "$.port".to_owned(),
        ..GenericVariable::default()
    };
    let trigger = Trigger {
        token: Some("t".into()),
        generic_variables: vec![port],
        ..Trigger::default()
    };
    let job = Job {
        name: "deploy".to_owned(),
        trigger,
        script,
        ..Job::default()
    };
    Jenkins::start(jenkins::Config {
        jobs: vec![job],
        ..jenkins::Config::default()
    })
    .await
    .unwrap()
}

fn payload(api_url: &str) -> String {
    json!({"port": {"run_token": "tok", "api_url": api_url, "run_id": "r_1"}}).to_string()
}

async fn trigger(jenkins: &Jenkins, body: &str) -> u16 {
    let target = "/generic-webhook-trigger/invoke?token=t";
    post_json(jenkins.address(), target, body).await.status
}

async fn ended(jenkins: &Jenkins) -> jenkins::Build {
    jenkins
        .wait_for(|state| state.finished().count() == 1, SOON)
        .await
        .unwrap();
    jenkins.builds().remove(0)
}

/// Method, path and body of every call to the API.
fn reported(api: &WebhookSink) -> Vec<(String, String, Value)> {
    api.deliveries()
        .iter()
        .map(|call| {
            assert_eq!(call.headers["authorization"], "Bearer tok");
            (
                call.method.to_string(),
                call.uri.path().to_owned(),
                serde_json::from_slice(&call.body).unwrap(),
            )
        })
        .collect()
}

fn call(method: &str, path: &str, body: Value) -> (String, String, Value) {
    (
        method.to_owned(),
        format!("/v1/actions/runs/r_1{path}"),
        body,
    )
}

#[tokio::test]
async fn a_jenkins_build_reports_as_a_real_one_would() {
    let api = api().await;
    let mut script = Script::well_behaved();
    script.steps.insert(1, Step::ExternalRunId);
    script
        .steps
        .insert(2, Step::Patch(json!({"statusLabel": null})));
    let jenkins = jenkins(script).await;
    assert_eq!(trigger(&jenkins, &payload(&api.base_url())).await, 200);
    let build = ended(&jenkins).await;
    assert_eq!(build.phase, BuildPhase::Finished(DONE));
    assert_eq!(build.reported_run_id(), "r_1");
    let url = format!("{}/job/deploy/1/", jenkins.base_url());
    assert_eq!(
        reported(&api),
        [
            call("POST", "/redeem", json!({"by": url})),
            call("PATCH", "", json!({"externalRunId": url})),
            call("PATCH", "", json!({"statusLabel": null})),
            call("PATCH", "", json!({"statusLabel": "Running"})),
            call("PATCH", "", json!({"link": url})),
            call("POST", "/logs", json!({"message": "Build #1 started"})),
            call("POST", "/logs", json!({"message": "All steps done"})),
            call(
                "PATCH",
                "",
                json!({"status": "SUCCESS", "summary": "Finished by build #1"})
            ),
        ]
    );
    assert_eq!(build.variables["port_run_token"], "tok");
    assert!(!format!("{build:?} {:?}", jenkins.calls()).contains("tok\""));
    assert!(!format!("{build:?} {:?}", jenkins.calls()).contains("\"tok"));
}

#[tokio::test]
async fn an_azure_run_reports_as_a_real_one_would() {
    let api = api().await;
    let azure = AzureDevOps::start(azure_devops::Config {
        webhooks: vec![IncomingWebhook {
            secret: None,
            ..IncomingWebhook::signed("portal", "")
        }],
        pipelines: vec![Pipeline::new(
            "deploy",
            "portal",
            Script::new(vec![Step::Redeem, Step::fail("broken in {run_id}")]),
        )],
        ..azure_devops::Config::default()
    })
    .await
    .unwrap();
    let url = azure.webhook_url("portal");
    let target = url.strip_prefix(&azure.base_url()).unwrap();
    assert_eq!(
        post_json(azure.address(), target, &payload(&api.base_url()))
            .await
            .status,
        200
    );
    let end = RunPhase::Completed(ScriptEnd::Finished { succeeded: false });
    azure
        .wait_for(
            |state| state.runs().iter().any(|run| run.phase == end),
            SOON,
        )
        .await
        .unwrap();
    let build_url = format!(
        "{}/contoso/portal/_build/results?buildId=1",
        azure.base_url()
    );
    assert_eq!(
        reported(&api),
        [
            call("POST", "/redeem", json!({"by": build_url})),
            call(
                "PATCH",
                "",
                json!({"status": "FAILURE", "summary": "broken in r_1"})
            ),
        ]
    );
}

#[tokio::test]
async fn a_second_build_of_a_redeemed_run_stops_quietly() {
    let api = api().await;
    let conflict = json!({"ok": false, "error": "already_redeemed", "message": "by another"});
    api.answers()
        .next(1, Answer::json(StatusCode::CONFLICT, conflict.to_string()));
    let jenkins = jenkins(Script::well_behaved()).await;
    trigger(&jenkins, &payload(&api.base_url())).await;
    let build = ended(&jenkins).await;
    assert_eq!(build.phase, BuildPhase::Finished(ScriptEnd::NotRedeemed));
    assert_eq!(build.reports[0].outcome, ReportOutcome::Answered(409));
    assert_eq!(api.counts().requests, 1);
}

#[tokio::test]
async fn a_script_before_answering_is_over_when_the_answer_comes() {
    let api = api().await;
    let jenkins = jenkins(Script::well_behaved().before_answering()).await;
    trigger(&jenkins, &payload(&api.base_url())).await;
    assert_eq!(jenkins.builds()[0].phase, BuildPhase::Finished(DONE));
    assert_eq!(api.counts().requests, 6);
}

#[tokio::test]
async fn a_build_waits_at_a_gate_until_it_is_opened() {
    let api = api().await;
    let steps = vec![
        Step::Redeem,
        Step::Gate("go".to_owned()),
        Step::succeed("done"),
    ];
    let jenkins = Arc::new(jenkins(Script::new(steps)).await);
    trigger(&jenkins, &payload(&api.base_url())).await;
    jenkins
        .wait_for(
            |state| state.builds().iter().any(|build| build.reports.len() == 1),
            SOON,
        )
        .await
        .unwrap();
    assert_eq!(jenkins.builds()[0].phase, BuildPhase::Running);
    jenkins.gates().open("go");
    assert_eq!(ended(&jenkins).await.reports.len(), 2);
}

#[tokio::test]
async fn an_aborted_build_reports_nothing_more() {
    let api = api().await;
    let jenkins = jenkins(Script::new(vec![
        Step::Redeem,
        Step::Abort,
        Step::succeed("never"),
    ]))
    .await;
    trigger(&jenkins, &payload(&api.base_url())).await;
    assert_eq!(
        ended(&jenkins).await.phase,
        BuildPhase::Finished(ScriptEnd::Aborted)
    );
    assert_eq!(api.counts().requests, 1);
}

#[tokio::test]
async fn reports_are_sent_again_where_the_script_says_so() {
    let api = api().await;
    api.answers()
        .next(2, Answer::json(StatusCode::SERVICE_UNAVAILABLE, "{}"));
    let script = Script {
        report_attempts: 3,
        report_pause: Duration::from_millis(1),
        ..Script::new(vec![Step::Log("once".to_owned())])
    };
    let jenkins = jenkins(script).await;
    trigger(&jenkins, &payload(&api.base_url())).await;
    let build = ended(&jenkins).await;
    assert_eq!((build.reports.len(), api.counts().requests), (1, 3));
    assert_eq!(build.reports[0].outcome, ReportOutcome::Answered(200));
}

#[tokio::test]
async fn nothing_from_a_hostile_payload_reaches_a_request() {
    let api = api().await;
    let base = api.base_url();
    let access = |token: &str, url: &str, run: &str| {
        json!({"port": {"run_token": token, "api_url": url, "run_id": run}}).to_string()
    };
    let payloads = [
        "{}".to_owned(),
        access("", &base, "r_1"),
        access("tok\r\nX: y", &base, "r_1"),
        access("tok", &base, "../../v1/apps"),
        access("tok", &base, &"r".repeat(65)),
        access("tok", "https://elsewhere.example", "r_1"),
        access("tok", "file:///etc/passwd", "r_1"),
        access("tok", "http://", "r_1"),
    ];
    for payload in payloads {
        let jenkins = jenkins(Script::new(vec![Step::Redeem])).await;
        assert_eq!(trigger(&jenkins, &payload).await, 200);
        let build = ended(&jenkins).await;
        assert!(
            matches!(build.reports[0].outcome, ReportOutcome::Failed(_)),
            "{payload}"
        );
    }
    assert_eq!(api.counts().requests, 0);
}

#[tokio::test]
async fn a_dead_api_shows_in_the_report() {
    let api = api().await;
    let base = api.base_url();
    api.shutdown().await;
    let jenkins = jenkins(Script::new(vec![
        Step::Log("x".to_owned()),
        Step::fail("y"),
    ]))
    .await;
    trigger(&jenkins, &payload(&base)).await;
    let build = ended(&jenkins).await;
    assert_eq!(
        build.phase,
        BuildPhase::Finished(ScriptEnd::Finished { succeeded: false })
    );
    assert!(
        build
            .reports
            .iter()
            .all(|report| matches!(report.outcome, ReportOutcome::Failed(_)))
    );
}
