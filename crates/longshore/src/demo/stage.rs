//! The demo's receivers, and the actions that call them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};
use longshore_emulators::jenkins::{self, Jenkins, Job};
use longshore_emulators::{Script, Secret, Step};
use longshore_engine::environment::{Environment, SystemEnvironment};
use serde_json::{Value, json};

use crate::api::Api;

/// The client id of the demo's credential.
pub(crate) const CLIENT_ID: &str = "demo";
/// The action that calls Jenkins.
pub(crate) const JENKINS_ACTION: &str = "create_service";
/// The action that calls Azure Pipelines.
pub(crate) const AZURE_ACTION: &str = "create_storage_account";
const JENKINS_TOKEN: &str = "create-service";
const AZURE_ORGANIZATION: &str = "contoso";
const AZURE_WEBHOOK: &str = "create_storage_account";
/// Longer than a trigger's answer takes to arrive: the story is told in the usual order.
const BEGINS_AFTER: Duration = Duration::from_millis(300);
const SIGNING_CREDENTIAL: &str = "longshore-signing-secret";

/// An emulated Jenkins and an emulated Azure DevOps, each with a signing secret of its own.
pub(crate) struct Stage {
    pub(crate) jenkins: Jenkins,
    pub(crate) azure: AzureDevOps,
    pub(crate) client_secret: String,
    jenkins_secret: String,
    azure_secret: String,
}

impl Stage {
    /// Starts the receivers.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let (jenkins_secret, azure_secret) = (random_secret(), random_secret());
        let jenkins = Jenkins::start(jenkins_config(&jenkins_secret)?).await?;
        let azure = AzureDevOps::start(azure_devops::Config {
            organization: AZURE_ORGANIZATION.to_owned(),
            webhooks: vec![IncomingWebhook::signed(AZURE_WEBHOOK, &azure_secret)],
            pipelines: vec![Pipeline::new(
                "create-storage-account",
                AZURE_WEBHOOK,
                pipeline(),
            )],
            ..azure_devops::Config::default()
        })
        .await?;
        Ok(Self {
            jenkins,
            azure,
            client_secret: random_secret(),
            jenkins_secret,
            azure_secret,
        })
    }

    /// Makes the connections and actions.
    pub(crate) async fn seed(&self, api: &Api, longshore: SocketAddr) -> anyhow::Result<()> {
        for connection in [
            json!({"name": "jenkins", "url": self.jenkins.base_url(), "preset": "jenkins",
                   "signingSecret": self.jenkins_secret}),
            json!({"name": "azure", "url": self.azure.base_url(), "preset": "azure-devops",
                   "signingSecret": self.azure_secret}),
        ] {
            api.call(Method::POST, "/v1/connections", Some(&connection))
                .await?;
        }
        for action in [self.jenkins_action(longshore), azure_action(longshore)] {
            api.call(Method::POST, "/v1/actions", Some(&action)).await?;
        }
        Ok(())
    }

    /// Stops the receivers.
    pub(crate) async fn end(self) {
        self.jenkins.shutdown().await;
        self.azure.shutdown().await;
    }

    fn jenkins_action(&self, longshore: SocketAddr) -> Value {
        json!({
            "identifier": JENKINS_ACTION,
            "title": "Create a service",
            "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": inputs()},
            "invocationMethod": {
                "type": "JENKINS",
                "url": self.jenkins.invoke_url(),
                "headers": {"token": JENKINS_TOKEN},
                "body": {"name": "{{ .inputs.name }}", "port": access(longshore)},
            },
        })
    }
}

fn azure_action(longshore: SocketAddr) -> Value {
    json!({
        "identifier": AZURE_ACTION,
        "title": "Create a storage account",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": inputs()},
        "invocationMethod": {
            "type": "AZURE_DEVOPS",
            "org": AZURE_ORGANIZATION,
            "webhook": AZURE_WEBHOOK,
            "payload": {"name": "{{ .inputs.name }}", "port": access(longshore)},
        },
    })
}

fn inputs() -> Value {
    json!({
        "properties": {
            "name": {"type": "string", "title": "Name", "pattern": "^[a-z][a-z0-9-]{2,29}$"},
        },
        "required": ["name"],
    })
}

/// What a pipeline needs to report: where, about which run, and a token for that run alone.
fn access(longshore: SocketAddr) -> Value {
    json!({
        "api_url": format!("http://{longshore}"),
        "run_id": "{{ .run.id }}",
        "run_token": "{{ .run.token }}",
    })
}

/// A well-behaved pipeline that takes its time to begin, as real ones do.
fn pipeline() -> Script {
    let mut script = Script::well_behaved();
    script.steps.insert(0, Step::Wait(BEGINS_AFTER));
    script
}

fn jenkins_config(secret: &str) -> anyhow::Result<jenkins::Config> {
    let trigger = serde_json::from_value(json!({
        "token": JENKINS_TOKEN,
        "genericVariables": [
            {"key": "name", "value": "$.name"},
            {"key": "port", "value": "$.port"},
        ],
        "causeString": "Longshore run $port_run_id",
    }))
    .context("the demo's Jenkins job")?;
    let whitelist = serde_json::from_value(json!({
        "enabled": true,
        "items": [{
            "host": "127.0.0.1",
            "hmacEnabled": true,
            "hmacHeader": "X-Port-Signature",
            "hmacCredentialId": SIGNING_CREDENTIAL,
            "hmacAlgorithm": "HmacSHA1",
        }],
    }))
    .context("the demo's Jenkins whitelist")?;
    let mut config = jenkins::Config {
        jobs: vec![Job {
            name: "create-service".to_owned(),
            trigger,
            parameters: Vec::new(),
            disabled: false,
            script: pipeline(),
        }],
        whitelist,
        ..jenkins::Config::default()
    };
    config
        .credentials
        .insert(SIGNING_CREDENTIAL.to_owned(), Secret::new(secret));
    Ok(config)
}

fn random_secret() -> String {
    let mut bytes = [0; 32];
    SystemEnvironment.fill_random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
