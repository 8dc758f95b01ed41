//! An Azure DevOps that is set up wrongly. What a check cannot know without starting a pipeline it
//! says, with the fix that the failed run would show.

use longshore_emulators::azure_devops::{AzureDevOps, Config, IncomingWebhook, Pipeline};
use longshore_emulators::{Script, Secret};
use serde_json::{Value, json};

use super::{SIGNING_SECRET, Setup};
use crate::harness::Server;

const GUIDE: &str = "azure_pipelines.md";

fn organization(change: impl FnOnce(&mut IncomingWebhook)) -> Config {
    let mut webhook = IncomingWebhook::signed("deploy", SIGNING_SECRET);
    change(&mut webhook);
    Config {
        webhooks: vec![webhook],
        pipelines: vec![Pipeline::new("deploy", "deploy", Script::default())],
        ..Config::default()
    }
}

async fn agrees(config: Config, organization: &str, code: &str) {
    let azure = AzureDevOps::start(config).await.unwrap();
    let url = format!("{}/{organization}", azure.base_url());
    let setup = Setup {
        connection: connection(&url),
        invocation: json!({"type": "WEBHOOK", "body": {},
            "url": azure.webhook_url("deploy").replace("/contoso/", &format!("/{organization}/"))}),
        dry_run: false,
        code,
        guide: GUIDE,
    };
    setup.agrees(&Server::start().await).await;
    assert!(azure.builds().is_empty(), "no pipeline was started");
}

fn connection(url: &str) -> Value {
    json!({"name": "azure", "url": url, "preset": "azure-devops", "signingSecret": SIGNING_SECRET})
}

#[tokio::test]
async fn the_pipeline_was_never_run_by_hand() {
    let config = organization(|webhook| webhook.registered = false);
    agrees(config, "contoso", "azure_webhook_unknown").await;
}

#[tokio::test]
async fn the_service_connection_has_another_header() {
    let config = organization(|webhook| webhook.header = "X-Hub-Signature".to_owned());
    agrees(config, "contoso", "azure_signature_header_missing").await;
}

#[tokio::test]
async fn the_service_connection_has_another_secret() {
    let config = organization(|webhook| webhook.secret = Some(Secret::new("another")));
    agrees(config, "contoso", "azure_signature_mismatch").await;
}

#[tokio::test]
async fn the_organization_is_another_one() {
    agrees(organization(|_| {}), "fabrikam", "azure_wrong_path").await;
}

#[tokio::test]
async fn a_check_starts_no_pipeline_even_where_no_signature_is_asked_for() {
    let azure = AzureDevOps::start(organization(|webhook| webhook.secret = None));
    let azure = azure.await.unwrap();
    let server = Server::start().await;
    let url = format!("{}/contoso", azure.base_url());
    let made = server.post("/v1/connections", connection(&url)).await;
    let id = made.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    for url in [url, azure.webhook_url("deploy")] {
        let report = server.post(&path, json!({"url": url})).await.expect(200)["check"].clone();
        assert_eq!(report["receiver"], "azure_pipelines");
        assert_eq!(report["verdict"], "unknown", "{report:#}");
    }
    assert!(azure.builds().is_empty());
}

#[tokio::test]
async fn a_server_of_ones_own_is_checked_where_calls_really_go() {
    let azure = AzureDevOps::start(organization(|_| {})).await.unwrap();
    let server = Server::start().await;
    let own = json!({"name": "azure", "url": "https://dev.azure.com/contoso",
        "baseUrl": azure.base_url()});
    let made = server.post("/v1/connections", own).await;
    let id = made.expect(201)["connection"]["id"].clone();
    let path = format!("/v1/connections/{}/check", id.as_str().unwrap());
    let report = server.post(&path, json!({})).await.expect(200)["check"].clone();
    assert_eq!(report["receiver"], "azure_pipelines");
    assert_eq!(report["url"], format!("{}/contoso", azure.base_url()));
    assert_eq!(report["verdict"], "unknown", "{report:#}");
    assert!(azure.builds().is_empty());
}
