//! An agent that works in this process.

use std::collections::BTreeMap;

use longshore_agent::config::Config;
use longshore_agent::work::Stopper;
use longshore_agent::{Agent, Failure, config};
use longshore_jq::WorkerCommand;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fake::{Fake, SOON};

pub(crate) const SECRET: &str = "a client secret of the tests, long enough";

/// What evaluates expressions.
pub(crate) fn worker() -> WorkerCommand {
    WorkerCommand {
        program: env!("CARGO_BIN_EXE_longshore-agent").into(),
        args: vec!["jq-worker".into()],
    }
}

/// An agent's files and variables.
pub(crate) struct Setup {
    directory: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
    file: String,
    listen: String,
}

impl Setup {
    /// For `fake`, by polling, with loopback open to calls.
    pub(crate) fn new(fake: &Fake) -> Self {
        let mut setup = Self {
            directory: tempfile::tempdir().unwrap(),
            variables: BTreeMap::new(),
            file: String::new(),
            listen: String::new(),
        };
        setup.set("PORT_API_BASE_URL", &format!("http://{}", fake.address));
        setup.set("PORT_CLIENT_ID", "tests");
        setup.set("PORT_CLIENT_SECRET", SECRET);
        setup.set("STREAMER_NAME", "POLLING");
        setup.add("id = \"tests\"\n[network]\nallow = [\"127.0.0.0/8\"]\n");
        setup.listen("");
        setup
    }

    /// Sets where health and metrics are served.
    pub(crate) fn listen(&mut self, address: &str) {
        self.listen = address.to_owned();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Adds to the configuration file.
    pub(crate) fn add(&mut self, text: &str) {
        self.file.push_str(text);
    }

    /// Sets the mapping file.
    pub(crate) fn mapping(&mut self, mapping: &Value) {
        let path = self.directory.path().join("mapping.json");
        std::fs::write(&path, mapping.to_string()).unwrap();
        self.set(
            "CONTROL_THE_PAYLOAD_CONFIG_PATH",
            &path.display().to_string(),
        );
    }

    pub(crate) fn config(&self) -> Result<Config, Vec<config::Mistake>> {
        let path = self.directory.path().join("agent.toml");
        let text = format!("{}\n[listen]\naddress = {:?}\n", self.file, self.listen);
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), &self.variables)
    }

    /// Lets it work.
    pub(crate) async fn work(&self) -> Working {
        let (agent, stopper) = Agent::new(self.config().unwrap(), worker()).await.unwrap();
        let address = agent.address();
        Working {
            address,
            stopper,
            running: spawn(agent.run()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits for its end itself")]
fn spawn(
    work: impl Future<Output = Result<(), Failure>> + Send + 'static,
) -> JoinHandle<Result<(), Failure>> {
    tokio::spawn(work)
}

/// An agent at work.
pub(crate) struct Working {
    pub(crate) address: Option<std::net::SocketAddr>,
    stopper: Stopper,
    running: JoinHandle<Result<(), Failure>>,
}

impl Working {
    /// Tells it to stop.
    pub(crate) fn stop(&self) {
        self.stopper.stop();
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) {
        timeout(SOON, self.running).await.unwrap().unwrap().unwrap();
    }

    /// Both.
    pub(crate) async fn end(self) {
        self.stop();
        self.ended().await;
    }
}

/// The message of a run that calls `url`.
pub(crate) fn message(url: &str) -> Value {
    json!({
        "action": "deploy",
        "context": {"runId": ""},
        "payload": {
            "action": {"invocationMethod": {"type": "WEBHOOK", "agent": true, "url": url,
                "method": "POST", "synchronized": false}},
            "properties": {"environment": "test", "replicas": 3},
        },
        "headers": {"X-Team": "blue"},
    })
}
