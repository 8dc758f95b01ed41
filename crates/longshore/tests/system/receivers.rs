//! The receivers that tests call, and the actions that call them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use longshore_emulators::jenkins::{self, Jenkins, Job};
use longshore_emulators::webhook_sink::{Config, Recording, WebhookSink};
use longshore_emulators::{Listen, Secret};
use serde_json::{Value, json};

use crate::api::Api;
use crate::server::CLIENT_SECRET;

pub(crate) const WEBHOOK: &str = "notify";
pub(crate) const JENKINS: &str = "deploy";
/// Calls at once to Jenkins.
pub(crate) const CONCURRENCY: u64 = 4;
/// What a receiver remembers; more than any test sends.
const CALL_LIMIT: usize = 500_000;

/// A webhook receiver that checks signatures, and a Jenkins whose job reports nothing.
pub(crate) struct Receivers {
    pub(crate) sink: WebhookSink,
    pub(crate) jenkins: Jenkins,
}

impl Receivers {
    pub(crate) async fn start() -> Self {
        Self {
            sink: sink().await,
            jenkins: jenkins_with_a_silent_job().await,
        }
    }

    /// Makes a connection for Jenkins, and an action for each receiver.
    pub(crate) async fn introduce(&self, api: &Api) {
        introduce_jenkins(api, &self.jenkins.base_url(), &self.jenkins.invoke_url()).await;
        introduce_webhook(api, WEBHOOK, &self.sink.base_url()).await;
    }

    /// How often each run reached the sink.
    pub(crate) fn webhook_arrivals(&self) -> Seen {
        let runs = self.sink.deliveries().into_iter();
        tally(runs.map(|delivery| delivery.run_id.unwrap()))
    }

    /// How often Jenkins was called for each run, and how many builds of it there are.
    pub(crate) fn jenkins_calls(&self) -> (Seen, Seen) {
        let calls = self.jenkins.calls().into_iter();
        let called = calls.map(|call| call.header("x-longshore-run-id").unwrap().to_owned());
        let builds = self.jenkins.builds().into_iter();
        let built = builds.map(|build| build.reported_run_id().to_owned());
        (tally(called), tally(built))
    }
}

/// A sink that checks each signature against the credential that signs.
pub(crate) async fn sink() -> WebhookSink {
    sink_at(0).await
}

/// The same at `port`.
pub(crate) async fn sink_at(port: u16) -> WebhookSink {
    WebhookSink::start(Config {
        listen: Listen {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            call_limit: CALL_LIMIT,
            ..Listen::default()
        },
        secret: Some(Secret::new(CLIENT_SECRET)),
        recording: Recording::Arrivals,
        ..Config::default()
    })
    .await
    .unwrap()
}

async fn jenkins_with_a_silent_job() -> Jenkins {
    let trigger = json!({
        "token": JENKINS,
        "genericVariables": [{"key": "port", "value": "$.port"}],
    });
    Jenkins::start(jenkins::Config {
        listen: Listen {
            call_limit: CALL_LIMIT,
            ..Listen::default()
        },
        jobs: vec![Job {
            name: "deploy".to_owned(),
            trigger: serde_json::from_value(trigger).unwrap(),
            ..Job::default()
        }],
        ..jenkins::Config::default()
    })
    .await
    .unwrap()
}

/// A connection for everything below `place`, and an action that triggers a job there.
pub(crate) async fn introduce_jenkins(api: &Api, place: &str, invoke_url: &str) {
    let connection = json!({
        "name": "jenkins", "url": place, "preset": "jenkins", "concurrency": CONCURRENCY,
        "repeatUnknown": false,
    });
    api.post("/v1/connections", &connection).await;
    let invocation = json!({
        "type": "JENKINS",
        "url": invoke_url,
        "headers": {"token": JENKINS},
        "body": {"port": {"run_id": "{{ .run.id }}"}},
    });
    api.post("/v1/actions", &action(JENKINS, &invocation)).await;
}

/// An action that calls a general webhook.
pub(crate) async fn introduce_webhook(api: &Api, identifier: &str, url: &str) {
    let invocation = json!({
        "type": "WEBHOOK", "url": url, "body": {"run": "{{ .run.id }}"},
    });
    api.post("/v1/actions", &action(identifier, &invocation))
        .await;
}

fn action(identifier: &str, invocation: &Value) -> Value {
    json!({
        "identifier": identifier,
        "trigger": {
            "type": "self-service", "operation": "CREATE",
            "userInputs": {"properties": {}, "required": []},
        },
        "invocationMethod": invocation,
    })
}

/// How often a receiver saw each run.
pub(crate) type Seen = BTreeMap<String, usize>;

/// Counts how often each run is named.
pub(crate) fn tally(runs: impl Iterator<Item = String>) -> Seen {
    let mut times = Seen::new();
    for run in runs {
        *times.entry(run).or_default() += 1;
    }
    times
}
