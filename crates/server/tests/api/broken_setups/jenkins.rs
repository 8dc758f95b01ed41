//! A Jenkins that is set up wrongly, or called wrongly.

use longshore_emulators::jenkins::gwt::model::{
    Credentials, NamedVariable, Trigger, Whitelist, WhitelistItem,
};
use longshore_emulators::jenkins::{Config, Jenkins, Job};
use longshore_emulators::{Fault, FaultKind, Secret};
use serde_json::{Value, json};

use super::relay::{Relay, doubling};
use super::{Setup, TOKEN, signing_secret};
use crate::harness::Server;

const GUIDE: &str = "jenkins.md";
const CREDENTIAL: &str = "longshore";
const HEADERS: fn() -> Value = || json!({"token": TOKEN});

fn item() -> WhitelistItem {
    WhitelistItem {
        host: Some("127.0.0.1".to_owned()),
        hmac_enabled: true,
        hmac_header: Some("X-Port-Signature".to_owned()),
        hmac_credential_id: Some(CREDENTIAL.to_owned()),
        hmac_algorithm: Some("HmacSHA1".to_owned()),
    }
}

fn job(name: &str) -> Job {
    Job {
        name: name.to_owned(),
        trigger: Trigger {
            token: Some(TOKEN.into()),
            ..Trigger::default()
        },
        ..Job::default()
    }
}

/// A Jenkins as it should be.
fn sound() -> Config {
    Config {
        context_path: "/jenkins".to_owned(),
        jobs: vec![job("deploy")],
        whitelist: Whitelist {
            enabled: true,
            items: vec![item()],
        },
        credentials: Credentials::from([(CREDENTIAL.to_owned(), signing_secret())]),
        ..Config::default()
    }
}

fn with_item(change: impl FnOnce(&mut WhitelistItem)) -> Config {
    let mut config = sound();
    change(&mut config.whitelist.items[0]);
    config
}

fn with_job(change: impl FnOnce(&mut Job)) -> Config {
    let mut config = sound();
    change(&mut config.jobs[0]);
    config
}

fn connection(url: &str) -> Value {
    json!({"name": "jenkins", "url": url, "preset": "jenkins", "signingSecret": super::SIGNING_SECRET})
}

async fn agrees(config: Config, headers: Value, dry_run: bool, code: &str) {
    let jenkins = Jenkins::start(config).await.unwrap();
    let setup = Setup {
        connection: connection(&jenkins.base_url()),
        invocation: json!({"type": "JENKINS", "url": jenkins.invoke_url(), "headers": headers,
            "body": {"service": "cart"}}),
        dry_run,
        code,
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
}

#[tokio::test]
async fn the_token_is_another_one() {
    let headers = json!({"token": "another"});
    agrees(sound(), headers, true, "jenkins_no_job_for_token").await;
}

#[tokio::test]
async fn there_is_no_token() {
    agrees(sound(), json!({}), true, "jenkins_token_missing").await;
}

#[tokio::test]
async fn bearer_is_written_in_small_letters() {
    let headers = json!({"Authorization": format!("bearer {TOKEN}")});
    agrees(sound(), headers, true, "jenkins_token_missing").await;
}

#[tokio::test]
async fn an_empty_token_in_the_url_hides_the_header() {
    let jenkins = Jenkins::start(sound()).await.unwrap();
    let setup = Setup {
        connection: connection(&jenkins.base_url()),
        invocation: json!({"type": "JENKINS", "url": format!("{}?token=", jenkins.invoke_url()),
            "headers": HEADERS(), "body": {}}),
        dry_run: true,
        code: "jenkins_token_missing",
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
}

#[tokio::test]
async fn the_algorithm_is_the_one_that_the_form_offers_first() {
    let config = with_item(|item| item.hmac_algorithm = Some("HmacSHA256".to_owned()));
    agrees(config, HEADERS(), false, "jenkins_signature_mismatch").await;
}

#[tokio::test]
async fn the_secret_is_another_one() {
    let mut config = sound();
    config.credentials = Credentials::from([(CREDENTIAL.to_owned(), Secret::new("another"))]);
    agrees(config, HEADERS(), false, "jenkins_signature_mismatch").await;
}

#[tokio::test]
async fn the_secret_ends_with_a_line_break() {
    let mut config = sound();
    let secret = format!("{}\n", super::SIGNING_SECRET);
    config.credentials = Credentials::from([(CREDENTIAL.to_owned(), Secret::new(secret))]);
    agrees(config, HEADERS(), false, "jenkins_signature_mismatch").await;
}

#[tokio::test]
async fn jenkins_looks_for_another_header() {
    let config = with_item(|item| item.hmac_header = Some("X-Hub-Signature".to_owned()));
    agrees(config, HEADERS(), false, "jenkins_signature_header_missing").await;
}

#[tokio::test]
async fn something_between_sends_the_header_twice() {
    let jenkins = Jenkins::start(sound()).await.unwrap();
    let relay = Relay::start(jenkins.address(), doubling("x-port-signature")).await;
    let url = format!("http://{}/jenkins", relay.address);
    let setup = Setup {
        connection: connection(&url),
        invocation: json!({"type": "JENKINS", "url": format!("{url}/generic-webhook-trigger/invoke"),
            "headers": HEADERS(), "body": {}}),
        dry_run: false,
        code: "jenkins_signature_header_missing",
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
}

#[tokio::test]
async fn the_credential_is_not_there() {
    let config = with_item(|item| item.hmac_credential_id = Some("missing".to_owned()));
    agrees(config, HEADERS(), false, "jenkins_hmac_credential_missing").await;
}

#[tokio::test]
async fn the_allow_list_has_another_address() {
    let config = with_item(|item| item.host = Some("192.0.2.1".to_owned()));
    agrees(config, HEADERS(), false, "jenkins_sender_not_allowed").await;
}

#[tokio::test]
async fn the_credential_holds_nothing() {
    let mut config = sound();
    config.credentials = Credentials::from([(CREDENTIAL.to_owned(), Secret::new(""))]);
    agrees(config, HEADERS(), false, "receiver_failed").await;
}

#[tokio::test]
async fn the_filter_does_not_match() {
    let config = with_job(|job| {
        job.trigger.regexp_filter_text = Some("$service".to_owned());
        job.trigger.regexp_filter_expression = Some("^cart$".to_owned());
    });
    agrees(config, HEADERS(), true, "jenkins_filter_mismatch").await;
}

#[tokio::test]
async fn two_jobs_have_the_token() {
    let mut config = sound();
    config.jobs.push(job("deploy-too"));
    agrees(config, HEADERS(), true, "jenkins_several_jobs").await;
}

#[tokio::test]
async fn the_job_answers_nothing() {
    let config = with_job(|job| job.trigger.silent_response = true);
    agrees(config, HEADERS(), true, "jenkins_silent_answer").await;
}

#[tokio::test]
async fn a_regular_expression_of_the_trigger_is_wrong_beside_a_sound_job() {
    let mut config = with_job(|job| {
        job.trigger.generic_header_variables = vec![NamedVariable {
            key: "user-agent".to_owned(),
            regexp_filter: Some("[".to_owned()),
        }];
    });
    config.jobs.push(job("sound"));
    agrees(config, HEADERS(), true, "jenkins_some_jobs_failed").await;
}

#[tokio::test]
async fn the_url_misses_jenkins_own_prefix() {
    let jenkins = Jenkins::start(sound()).await.unwrap();
    let url = format!("http://{}", jenkins.address());
    let setup = Setup {
        connection: connection(&url),
        invocation: json!({"type": "JENKINS", "url": format!("{url}/generic-webhook-trigger/invoke"),
            "headers": HEADERS(), "body": {}}),
        dry_run: false,
        code: "jenkins_wrong_path",
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
}

async fn behind(fault: FaultKind, code: &str) {
    let jenkins = Jenkins::start(sound()).await.unwrap();
    jenkins.faults().always(Fault::new(fault));
    let setup = Setup {
        connection: connection(&jenkins.base_url()),
        invocation: json!({"type": "JENKINS", "url": jenkins.invoke_url(), "headers": HEADERS(),
            "body": {}}),
        dry_run: false,
        code,
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
}

#[tokio::test]
async fn a_proxy_answers_with_a_page_of_its_own() {
    behind(FaultKind::ProxyPage(403), "request_refused").await;
}

#[tokio::test]
async fn a_proxy_shows_its_own_page_as_a_success() {
    behind(FaultKind::ProxyPage(200), "jenkins_unexpected_answer").await;
}

#[tokio::test]
async fn jenkins_wants_a_login() {
    let login = FaultKind::Redirect("https://ci.example.com/login?from=%2F".to_owned());
    behind(login, "redirected").await;
}

#[tokio::test]
async fn a_sound_setup_is_found_sound() {
    let jenkins = Jenkins::start(sound()).await.unwrap();
    let server = Server::start().await;
    let made = server.post("/v1/connections", connection(&jenkins.base_url()));
    let id = made.await.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let report = server.post(&path, json!({})).await.expect(200)["check"].clone();
    assert_eq!(
        steps(&report),
        [
            "name ok",
            "address ok",
            "connection ok",
            "tls ok",
            "receiver ok",
            "sender ok",
            "signature ok",
            "dry_run unknown",
        ]
    );
    let secret = json!({"secretName": "TRIGGER", "secretValue": TOKEN});
    server
        .post("/v1/organization/secrets", secret)
        .await
        .expect(200);
    let asked = json!({"dryRun": true, "headers": {"token": "{{ .secrets.TRIGGER }}"},
        "body": {"service": "cart"}});
    let answer = server.post(&path, asked).await;
    assert!(!answer.text.contains(TOKEN));
    let report = answer.expect(200)["check"].clone();
    assert_eq!(steps(&report).last().unwrap(), "dry_run ok");
    assert_eq!(report["jobs"][0]["name"], "deploy");
    assert_eq!(report["jobs"][0]["triggered"], true);
    assert!(jenkins.builds().is_empty(), "no job was started");
}

#[tokio::test]
async fn a_jenkins_that_asks_for_no_signature_is_told_of() {
    let config = with_item(|item| item.hmac_enabled = false);
    let jenkins = Jenkins::start(config).await.unwrap();
    let server = Server::start().await;
    let made = server.post("/v1/connections", connection(&jenkins.base_url()));
    let id = made.await.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let report = server.post(&path, json!({})).await.expect(200)["check"].clone();
    assert_eq!(report["verdict"], "warning");
    let findings = report["findings"].as_array().unwrap();
    let warned = findings
        .iter()
        .find(|finding| finding["step"] == "signature");
    assert_eq!(warned.unwrap()["code"], "jenkins_signature_not_required");
}

fn steps(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let shown = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        format!("{} {}", text("step"), text("verdict"))
    };
    findings.iter().map(shown).collect()
}
