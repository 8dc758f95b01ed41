//! An organization of its own on a broker: a server, receivers that check signatures, agents that
//! read the organization's topic.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use longshore_emulators::Script;
use longshore_emulators::jenkins::Jenkins;
use longshore_emulators::webhook_sink::WebhookSink;
use serde_json::{Value, json};

use crate::agents::{Agent, REPORTING, introduce_inside, jenkins_at};
use crate::api::Api;
use crate::balance::{Balance, Calls, Executed};
use crate::broker::{Broker, Listener};
use crate::ports::free_port;
use crate::receivers::sink_at;
use crate::server::{Home, Server};

/// For everything that a test has left to do.
pub(crate) const LONG: Duration = Duration::from_secs(120);
/// Of each topic.
pub(crate) const PARTITIONS: usize = 6;
/// Between two looks at what can only be asked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long an agent may be silent before the others of its group take over.
const SESSION_MS: &str = "4000";
/// Attempts of a run, a second after each other.
const ATTEMPTS: usize = 50;

/// The site.
pub(crate) struct Site {
    pub(crate) organization: &'static str,
    pub(crate) home: Home,
    pub(crate) server: Server,
    pub(crate) api: Api,
    pub(crate) jenkins: Jenkins,
    pub(crate) sink: WebhookSink,
    metrics: Api,
    /// What was executed by [`Self::execute`].
    pub(crate) executed: Executed,
}

impl Site {
    /// Starts one whose builds do `script`. No other test has this organization.
    pub(crate) async fn start(organization: &'static str, broker: &Broker, script: Script) -> Self {
        let mut home = Home::new();
        home.set("ORG_ID", organization);
        home.set("KAFKA__BROKERS", &broker.address(Listener::Plaintext));
        home.set("KAFKA__PUBLISH_TIMEOUT_MS", "3000");
        home.set(
            "DELIVERY__RETRY_DELAYS_SECONDS",
            &vec!["1"; ATTEMPTS].join(","),
        );
        home.set("LISTEN", &format!("127.0.0.1:{}", free_port()));
        let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        home.set("METRICS__LISTEN", &metrics.to_string());
        let server = home.serve().await;
        let api = server.api().await;
        let site = Self {
            organization,
            home,
            api,
            jenkins: jenkins_at(free_port(), script).await,
            sink: sink_at(free_port()).await,
            metrics: Api::anonymous(metrics),
            server,
            executed: Executed::default(),
        };
        let job = format!("{}?token={REPORTING}", site.jenkins.invoke_url());
        introduce_inside(&site.api, &site.server, "jenkins", &job).await;
        introduce_answering(&site.api, "hook", &site.sink.base_url()).await;
        site
    }

    /// An agent of the organization's usual group.
    pub(crate) fn agent(&self, id: &str) -> Agent {
        self.agent_with(id, &[])
    }

    /// An agent that is started with these variables besides.
    pub(crate) fn agent_with(&self, id: &str, more: &[(&str, &str)]) -> Agent {
        Agent::configured(&self.home, &self.server, id, "", &self.variables(more))
    }

    /// An agent that comes back under its name, and so to its partitions.
    pub(crate) fn returning_agent(&self, id: &str) -> Agent {
        let member = format!("[kafka]\nmember = \"{id}\"\n");
        Agent::configured(&self.home, &self.server, id, &member, &self.variables(&[]))
    }

    fn variables<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut variables = vec![
            ("PORT_ORG_ID", self.organization),
            ("KAFKA_CONSUMER_SESSION_TIMEOUT_MS", SESSION_MS),
            ("LOG_LEVEL", "warn"),
        ];
        variables.extend(more);
        variables
    }

    /// The topic of the organization's runs.
    pub(crate) fn runs_topic(&self) -> String {
        format!("{}.runs", self.organization)
    }

    /// Executes so many runs of each kind.
    pub(crate) async fn execute(&mut self, times: usize) {
        self.executed.more(&self.api, times).await;
    }

    /// So many agents, once together they read all partitions of the runs' topic; a share of each
    /// alone is not promised, as they share the change log's as well.
    pub(crate) async fn reading(&self, agents: usize) -> Vec<Value> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let until = async {
            loop {
                let found = self.api.get("/v1/agents").await["agents"].clone();
                let found = found.as_array().unwrap().clone();
                let partitions = found.iter().filter_map(|it| it["partitions"].as_array());
                if found.len() == agents && partitions.map(Vec::len).sum::<usize>() == PARTITIONS {
                    return found;
                }
                looks.tick().await;
            }
        };
        tokio::time::timeout(LONG, until).await.unwrap()
    }

    /// Counts, once nothing is under way.
    pub(crate) async fn balance(&self) -> Balance {
        self.api.drained(LONG).await;
        let calls = Calls::of(&self.jenkins, &self.sink);
        Balance::of(&self.api, &self.executed, &calls).await
    }

    /// How many attempts this life of the server has seen settled.
    pub(crate) async fn attempts_settled(&self) -> usize {
        let settled = self.metrics.counted("longshore_deliveries_total");
        usize::try_from(settled.await).unwrap()
    }

    /// The runs whose calls arrive at the sink end by its answer.
    pub(crate) async fn check_hooks_succeeded(&self) {
        for run in &self.executed.hooks {
            check_succeeded(&self.api, run).await;
        }
    }

    /// Ends it in order.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}

/// The run has ended well.
pub(crate) async fn check_succeeded(api: &Api, run: &str) {
    let shown = api.get(&format!("/v1/actions/runs/{run}")).await;
    assert_eq!(shown["run"]["status"], "SUCCESS", "{shown}");
}

/// An action that an agent calls at `url`, and whose run ends by the answer. Its input `cluster`
/// stands in the message.
pub(crate) async fn introduce_answering(api: &Api, identifier: &str, url: &str) {
    let inputs: Value = json!({
        "properties": {"cluster": {"type": "string"}}, "required": [],
    });
    let action = json!({
        "identifier": identifier,
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": inputs},
        "invocationMethod": {
            "type": "WEBHOOK", "agent": true, "synchronized": true, "url": url,
            "body": {"cluster": "{{ .inputs.cluster }}"},
        },
    });
    api.post("/v1/actions", &action).await;
}
