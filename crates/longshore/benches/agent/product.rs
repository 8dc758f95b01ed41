//! (c) Longshore: the release binary's server and agent, each a process of its own, with default
//! settings.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Result, bail};
use serde_json::json;

use crate::broker::{Broker, Listener};
use crate::rig::load::Sent;
use crate::rig::procfs::{children, peak_memory_kib};
use crate::rig::role::Role;
use crate::rig::server::Longshore;
use crate::rig::trial::Measured as _;
use crate::rig::{CLIENT_ID, SECRET, body, program};

/// The action that an agent calls.
pub(crate) const INSIDE: &str = "deploy_inside";
/// Connections to the server on which runs are asked for.
pub(crate) const CONNECTIONS: u64 = 64;
const LOG_LINES_SHOWN: usize = 20;

/// Where the broker is reached.
pub(crate) fn address(broker: &Broker) -> String {
    broker.address(Listener::Plaintext)
}

/// A server that publishes to the topics of `organization`, with an action whose agents call `url`.
pub(crate) fn publishing(
    data: &Path,
    broker: &Broker,
    organization: &str,
    url: &str,
) -> Result<Longshore> {
    let brokers = address(broker);
    let more = [
        ("org_id", organization),
        ("kafka.brokers", brokers.as_str()),
    ];
    let mut server = Longshore::start_with(data, INSIDE, &more)?;
    create_inside(&mut server, url)?;
    Ok(server)
}

/// Makes the action whose agents call `url` with the measured body.
pub(crate) fn create_inside(server: &mut Longshore, url: &str) -> Result<()> {
    let invocation = json!({
        "type": "WEBHOOK", "agent": true, "url": url, "body": body::template(),
    });
    server.create_action(INSIDE, &invocation)
}

/// Asks for `runs` as fast as the server takes them.
pub(crate) fn request(server: &Longshore, load: &mut Role, runs: u64) -> Result<Sent> {
    let mut asked = server.load()?;
    (asked.runs, asked.connections) = (runs, CONNECTIONS);
    let sent: Sent = serde_json::from_value(load.ask(&serde_json::to_value(asked)?)?)?;
    match &sent.refusal {
        Some(refusal) => bail!(
            "{} of {runs} requests were refused, the first with {refusal}",
            sent.refused
        ),
        None => Ok(sent),
    }
}

/// A running agent.
pub(crate) struct Agent {
    child: Child,
    log: std::path::PathBuf,
}

impl Agent {
    /// Starts an agent that reads the topics of `organization`, or polls where that is absent.
    pub(crate) fn start(
        data: &Path,
        server: &Longshore,
        organization: Option<&str>,
    ) -> Result<Self> {
        let config = data.join("agent.toml");
        // Loopback is closed by default, and the port of the listener may be taken.
        let text =
            "id = \"measured\"\n[network]\nallow = [\"127.0.0.0/8\"]\n[listen]\naddress = \"\"\n";
        std::fs::write(&config, text)?;
        let log = data.join("agent.log");
        let written = File::create(&log)?;
        let mut command = Command::new(program::measured());
        command
            .arg("agent")
            .arg("--config")
            .arg(&config)
            .current_dir(data)
            .env_clear()
            .env("PORT_API_BASE_URL", format!("http://{}", server.address()?))
            .env("PORT_CLIENT_ID", CLIENT_ID)
            .env("PORT_CLIENT_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(written.try_clone()?)
            .stderr(written);
        match organization {
            Some(organization) => command.env("PORT_ORG_ID", organization),
            None => command.env("STREAMER_NAME", "POLLING"),
        };
        let child = command.spawn()?;
        Ok(Self { child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it has held at once, and that of the processes which evaluate its
    /// expressions, in kibibytes.
    pub(crate) fn peak_kib(&self) -> Result<(u64, u64)> {
        let workers: Result<Vec<u64>> = children(self.pid())?
            .into_iter()
            .map(peak_memory_kib)
            .collect();
        Ok((peak_memory_kib(self.pid())?, workers?.iter().sum()))
    }

    /// An error where it has ended, with what it said last.
    pub(crate) fn must_work(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the agent has ended, {status}:\n{}", self.last_words()?),
            None => Ok(()),
        }
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        if !program::end(&mut self.child)? {
            bail!("the agent did not stop:\n{}", self.last_words()?);
        }
        Ok(())
    }

    fn last_words(&self) -> Result<String> {
        let text = std::fs::read_to_string(&self.log)?;
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(LOG_LINES_SHOWN);
        Ok(lines[first..].join("\n"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
