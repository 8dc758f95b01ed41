//! Receivers, each ready to be called, with its action and connection.

use std::time::{Duration, Instant};

use longshore_emulators::azure_devops::{self, AzureDevOps, IncomingWebhook, Pipeline};
use longshore_emulators::jenkins::{self, Jenkins, Job};
use longshore_emulators::webhook_sink::{self, WebhookSink};
use longshore_emulators::{Fault, Plan, Script, Secret};
use serde_json::{Value, json};

use super::world::{SOON, World};

pub(crate) const JENKINS_TOKEN: &str = "job-token-1";
pub(crate) const JENKINS_SECRET: &str = "jenkins-signing-secret-0123456789abcdef";
pub(crate) const AZURE_WEBHOOK: &str = "provision";
pub(crate) const AZURE_SECRET: &str = "azure-signing-secret-0123456789abcdefgh";
const JENKINS_CREDENTIAL: &str = "signing";

/// Which receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Webhook,
    Jenkins,
    Azure,
}

/// A receiver that runs.
pub(crate) enum Target {
    Webhook(WebhookSink),
    Jenkins(Jenkins),
    Azure(AzureDevOps),
}

/// One request as the receiver saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `X-Longshore-Delivery-Id`.
    pub(crate) delivery: Option<String>,
    /// `X-Longshore-Attempt`.
    pub(crate) attempt: Option<String>,
    /// What was answered, where it was the receiver's own answer.
    pub(crate) status: Option<u16>,
}

impl Target {
    pub(crate) fn start(world: &mut World, kind: Kind) -> Self {
        match kind {
            Kind::Webhook => Self::Webhook(sink(world)),
            Kind::Jenkins => Self::Jenkins(jenkins(world, &[job("deploy")])),
            Kind::Azure => Self::Azure(azure(world)),
        }
    }

    pub(crate) fn base_url(&self) -> String {
        match self {
            Self::Webhook(sink) => sink.base_url(),
            Self::Jenkins(jenkins) => jenkins.base_url(),
            Self::Azure(azure) => azure.base_url(),
        }
    }

    pub(crate) fn faults(&self) -> &Plan<Fault> {
        match self {
            Self::Webhook(sink) => sink.faults(),
            Self::Jenkins(jenkins) => jenkins.faults(),
            Self::Azure(azure) => azure.faults(),
        }
    }

    /// How an action calls it.
    pub(crate) fn invocation(&self, synchronized: bool) -> Value {
        let body = json!({"name": "{{ .inputs.name }}", "token": "{{ .run.token }}"});
        match self {
            Self::Webhook(sink) => json!({
                "type": "WEBHOOK",
                "url": format!("{}/hook", sink.base_url()),
                "synchronized": synchronized,
                "body": body,
            }),
            Self::Jenkins(jenkins) => json!({
                "type": "JENKINS",
                "url": jenkins.invoke_url(),
                "headers": {"token": JENKINS_TOKEN},
                "synchronized": synchronized,
                "body": body,
            }),
            Self::Azure(_) => json!({
                "type": "AZURE_DEVOPS",
                "org": "contoso",
                "webhook": AZURE_WEBHOOK,
                "payload": body,
            }),
        }
    }

    /// A connection to it, with `more` settings.
    pub(crate) fn connection(&self, more: &Value) -> Value {
        let mut connection = json!({"name": "receiver", "url": self.base_url()});
        match self {
            Self::Webhook(_) => {}
            Self::Jenkins(_) => connection["signingSecret"] = JENKINS_SECRET.into(),
            Self::Azure(_) => connection["signingSecret"] = AZURE_SECRET.into(),
        }
        for (key, value) in more.as_object().expect("an object") {
            connection[key] = value.clone();
        }
        connection
    }

    /// Everything that it was called with.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let of_call = |call: &longshore_emulators::Call| Seen {
            delivery: call.header("x-longshore-delivery-id").map(str::to_owned),
            attempt: call.header("x-longshore-attempt").map(str::to_owned),
            status: call.status.map(|status| status.as_u16()),
        };
        match self {
            Self::Webhook(sink) => sink
                .deliveries()
                .into_iter()
                .map(|seen| Seen {
                    delivery: seen.delivery_id,
                    attempt: seen.attempt.map(|attempt| attempt.to_string()),
                    status: seen.status.map(|status| status.as_u16()),
                })
                .collect(),
            Self::Jenkins(jenkins) => jenkins.calls().iter().map(of_call).collect(),
            Self::Azure(azure) => azure.calls().iter().map(of_call).collect(),
        }
    }

    /// When each call had been read.
    pub(crate) fn arrivals(&self) -> Vec<Instant> {
        match self {
            Self::Webhook(sink) => sink
                .deliveries()
                .iter()
                .map(|seen| seen.arrived_at)
                .collect(),
            Self::Jenkins(jenkins) => jenkins.calls().iter().map(|call| call.arrived_at).collect(),
            Self::Azure(azure) => azure.calls().iter().map(|call| call.arrived_at).collect(),
        }
    }

    /// How many calls it had.
    pub(crate) fn calls(&self) -> usize {
        self.seen().len()
    }

    /// Waits until it had so many calls.
    pub(crate) fn wait_for_calls(&self, world: &World, count: usize) {
        let waited = world.on(async {
            match self {
                Self::Webhook(sink) => {
                    sink.wait_for(|seen| seen.deliveries().len() >= count, SOON)
                        .await
                }
                Self::Jenkins(jenkins) => {
                    jenkins
                        .wait_for(|state| state.calls().len() >= count, SOON)
                        .await
                }
                Self::Azure(azure) => {
                    azure
                        .wait_for(|state| state.calls().len() >= count, SOON)
                        .await
                }
            }
        });
        waited.expect("the receiver is called");
    }
}

/// A sink that checks signatures with nothing and keeps everything.
pub(crate) fn sink(world: &World) -> WebhookSink {
    sink_with(world, webhook_sink::Config::default())
}

pub(crate) fn sink_with(world: &World, config: webhook_sink::Config) -> WebhookSink {
    let config = webhook_sink::Config {
        tolerance: None::<Duration>,
        ..config
    };
    world.on(WebhookSink::start(config)).expect("a sink")
}

/// A job whose trigger has the token.
pub(crate) fn job(name: &str) -> Job {
    job_with(name, &json!({}))
}

/// The same with more settings of its trigger.
pub(crate) fn job_with(name: &str, more: &Value) -> Job {
    let mut trigger = json!({
        "token": JENKINS_TOKEN,
        "genericVariables": [{"key": "name", "value": "$.name"}],
    });
    for (key, value) in more.as_object().expect("an object") {
        trigger[key] = value.clone();
    }
    Job {
        name: name.to_owned(),
        trigger: serde_json::from_value(trigger).expect("a trigger"),
        script: Script::default(),
        ..Job::default()
    }
}

/// A Jenkins that lets in what is signed with [`JENKINS_SECRET`].
pub(crate) fn jenkins(world: &World, jobs: &[Job]) -> Jenkins {
    let whitelist = json!({
        "enabled": true,
        "items": [{
            "host": "127.0.0.1",
            "hmacEnabled": true,
            "hmacHeader": "X-Port-Signature",
            "hmacCredentialId": JENKINS_CREDENTIAL,
            "hmacAlgorithm": "HmacSHA1",
        }],
    });
    let mut config = jenkins::Config {
        jobs: jobs.to_vec(),
        whitelist: serde_json::from_value(whitelist).expect("a whitelist"),
        ..jenkins::Config::default()
    };
    config
        .credentials
        .insert(JENKINS_CREDENTIAL.to_owned(), Secret::new(JENKINS_SECRET));
    world.on(Jenkins::start(config)).expect("a Jenkins")
}

/// An organisation whose one webhook wants [`AZURE_SECRET`]; the world's Azure lies there.
pub(crate) fn azure(world: &mut World) -> AzureDevOps {
    azure_with(world, IncomingWebhook::signed(AZURE_WEBHOOK, AZURE_SECRET))
}

pub(crate) fn azure_with(world: &mut World, webhook: IncomingWebhook) -> AzureDevOps {
    let config = azure_devops::Config {
        webhooks: vec![webhook],
        pipelines: vec![Pipeline::new("provision", AZURE_WEBHOOK, Script::default())],
        ..azure_devops::Config::default()
    };
    let azure = world
        .on(AzureDevOps::start(config))
        .expect("an Azure DevOps");
    world.settings.azure.base_url = azure.base_url();
    azure
}
