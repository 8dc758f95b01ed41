//! An execution agent beside the demo's server, which makes the calls of one action by polling.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use longshore_agent::config::Config;
use longshore_agent::work::Stopper;
use longshore_agent::{Agent, Failure};
use serde_json::json;

use super::stage::{CLIENT_ID, Stage};
use crate::wiring::jq_worker;

/// The agent's configuration file, in the demo's directory.
const FILE: &str = "agent.toml";
/// Beside it, what the agent makes of a run's message.
const MAPPING_FILE: &str = "mapping.json";
const MAPPING: &str = include_str!("../../../../examples/agent/mapping.json");

/// An agent that polls the demo's server.
pub(crate) struct Inside {
    agent: Agent,
    stopper: Stopper,
}

impl Inside {
    /// Makes an agent whose settings stand in `directory`.
    pub(crate) async fn new(
        stage: &Stage,
        longshore: SocketAddr,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let file = directory.join(FILE);
        std::fs::write(&file, settings(stage))?;
        let mapping = directory.join(MAPPING_FILE);
        std::fs::write(&mapping, MAPPING)?;
        let variables = BTreeMap::from(
            [
                ("PORT_API_BASE_URL", format!("http://{longshore}")),
                ("PORT_CLIENT_ID", CLIENT_ID.to_owned()),
                ("PORT_CLIENT_SECRET", stage.client_secret.clone()),
                ("STREAMER_NAME", "POLLING".to_owned()),
                (
                    "CONTROL_THE_PAYLOAD_CONFIG_PATH",
                    mapping.display().to_string(),
                ),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let config = Config::load(Some(&file), &variables)
            .map_err(|mistakes| anyhow::anyhow!("the demo's agent: {}", mistakes[0]))?;
        let (agent, stopper) = Agent::new(config, jq_worker()?).await?;
        Ok(Self { agent, stopper })
    }

    /// Works while `told` is told, and takes leave.
    pub(crate) async fn during(
        self,
        told: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let working = self.agent.run();
        tokio::pin!(working);
        let told = tokio::select! {
            told = told => told,
            ended = &mut working => return ended.map_err(Failure::into),
        };
        self.stopper.stop();
        working.await?;
        told
    }
}

/// Like the server, it knows Jenkins' own signing secret.
fn settings(stage: &Stage) -> String {
    let quoted = |text: &str| json!(text).to_string();
    format!(
        "id = \"demo\"\n[network]\nallow = [\"127.0.0.0/8\"]\n[listen]\naddress = \"\"\n\
         [[connection]]\nname = \"jenkins\"\nurl = {}\nsigningSecret = {}\n",
        quoted(&stage.jenkins.base_url()),
        quoted(stage.jenkins_secret()),
    )
}
