//! The demo's receivers, made from the files in `examples/`, and what is stored for them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};
use longshore_emulators::jenkins::{self, Jenkins, stored};
use longshore_emulators::{Reporting, Script, Secret, Step};
use longshore_engine::environment::{Environment, SystemEnvironment};
use serde_json::{Value, json};

use crate::api::Api;

/// The client id of the demo's credential.
pub(crate) const CLIENT_ID: &str = "demo";
/// The action that calls Jenkins.
pub(crate) const JENKINS_ACTION: &str = "create_service";
/// The same, called by an agent.
pub(crate) const INSIDE_ACTION: &str = "create_service_inside";
/// The action that calls Azure Pipelines.
pub(crate) const AZURE_ACTION: &str = "create_storage_account";

/// Longer than a trigger's answer takes to arrive: the story is told in the usual order.
const BEGINS_AFTER: Duration = Duration::from_millis(300);

/// What the examples call the servers that the demo stands in for.
const JENKINS_URL: &str = "https://ci.example.com/jenkins";
const LONGSHORE_URL: &str = "https://longshore.example.com";
const AZURE_ORGANIZATION: &str = "contoso";
const AZURE_WEBHOOK: &str = "create_storage_account";
const AZURE_CONNECTION: &str = "longshore-create-storage-account";
const TOKEN_CREDENTIAL: &str = "create-service-token";
const TOKEN_SECRET: &str = "CREATE_SERVICE_TOKEN";
const SIGNING_CREDENTIAL: &str = "longshore-signing-secret";

const JENKINS_EXAMPLE: &str =
    include_str!("../../../../examples/jenkins/create-service/action.json");
const JOB: &str = include_str!("../../../../examples/jenkins/create-service/config.xml");
const WHITELIST: &str =
    include_str!("../../../../examples/jenkins/org.jenkinsci.plugins.gwt.global.Whitelist.xml");
const AZURE_EXAMPLE: &str =
    include_str!("../../../../examples/azure/create-storage-account/action.json");
const PIPELINE: &str =
    include_str!("../../../../examples/azure/create-storage-account/azure-pipelines.yml");

/// An emulated Jenkins and an emulated Azure DevOps, each with a signing secret of its own.
pub(crate) struct Stage {
    pub(crate) jenkins: Jenkins,
    pub(crate) azure: AzureDevOps,
    pub(crate) client_secret: String,
    jenkins_secret: String,
    jenkins_token: String,
    azure_secret: String,
}

impl Stage {
    /// Starts the receivers.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let (jenkins_secret, azure_secret) = (random_secret(), random_secret());
        let jenkins_token = random_secret();
        let jenkins = Jenkins::start(jenkins_config(&jenkins_secret, &jenkins_token)?).await?;
        let azure = AzureDevOps::start(azure_config(&azure_secret)?).await?;
        Ok(Self {
            jenkins,
            azure,
            client_secret: random_secret(),
            jenkins_secret,
            jenkins_token,
            azure_secret,
        })
    }

    /// Makes connections, the job's token and actions.
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
        let token = json!({"secretName": TOKEN_SECRET, "secretValue": self.jenkins_token});
        let secrets = "/v1/organization/secrets";
        api.call(Method::POST, secrets, Some(&token)).await?;
        let here = |example: &str| {
            let text = example
                .replace(JENKINS_URL, &self.jenkins.base_url())
                .replace(LONGSHORE_URL, &format!("http://{longshore}"));
            serde_json::from_str::<Value>(&text)
        };
        let mut inside = here(JENKINS_EXAMPLE)?;
        inside["identifier"] = INSIDE_ACTION.into();
        inside["title"] = "Create a service, by an agent".into();
        inside["invocationMethod"]["agent"] = true.into();
        for action in [here(JENKINS_EXAMPLE)?, here(AZURE_EXAMPLE)?, inside] {
            api.call(Method::POST, "/v1/actions", Some(&action)).await?;
        }
        Ok(())
    }

    /// What signs calls to Jenkins.
    pub(crate) fn jenkins_secret(&self) -> &str {
        &self.jenkins_secret
    }

    /// Stops the receivers.
    pub(crate) async fn end(self) {
        self.jenkins.shutdown().await;
        self.azure.shutdown().await;
    }
}

/// A well-behaved pipeline that takes its time to begin, as real ones do.
fn pipeline() -> Script {
    let mut script = Script::well_behaved();
    script.steps.insert(0, Step::Wait(BEGINS_AFTER));
    script
}

fn jenkins_config(secret: &str, token: &str) -> anyhow::Result<jenkins::Config> {
    let mut job = stored::read_job(Path::new("create-service/config.xml"), JOB)?;
    job.script = pipeline();
    let mut config = jenkins::Config {
        context_path: "/jenkins".to_owned(),
        jobs: vec![job],
        whitelist: stored::read_whitelist(Path::new("Whitelist.xml"), WHITELIST)?,
        // The job's variables, by the names that its Jenkinsfile uses.
        reporting: Reporting {
            run_token: "RUN_TOKEN".to_owned(),
            api_url: "LONGSHORE".to_owned(),
            run_id: "RUN_ID".to_owned(),
        },
        ..jenkins::Config::default()
    };
    let credentials = [(SIGNING_CREDENTIAL, secret), (TOKEN_CREDENTIAL, token)];
    for (id, value) in credentials {
        config.credentials.insert(id.to_owned(), Secret::new(value));
    }
    Ok(config)
}

fn azure_config(secret: &str) -> anyhow::Result<azure_devops::Config> {
    let webhook = IncomingWebhook {
        connection: AZURE_CONNECTION.to_owned(),
        ..IncomingWebhook::signed(AZURE_WEBHOOK, secret)
    };
    let pipeline = Pipeline::from_yaml("create-storage-account.yml", PIPELINE, pipeline())?;
    Ok(azure_devops::Config {
        organization: AZURE_ORGANIZATION.to_owned(),
        webhooks: vec![webhook],
        pipelines: vec![pipeline],
        reporting: Reporting {
            run_token: "run.token".to_owned(),
            api_url: "run.api".to_owned(),
            run_id: "run.id".to_owned(),
        },
        ..azure_devops::Config::default()
    })
}

fn random_secret() -> String {
    let mut bytes = [0; 32];
    SystemEnvironment.fill_random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
