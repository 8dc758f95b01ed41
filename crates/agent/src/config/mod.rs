//! The agent's configuration: defaults, then a file, then the existing agent's variables.
//!
//! Reports all mistakes together; does nothing with what it read.

mod connections;
mod kafka;
mod layers;
mod mistake;
mod reader;
mod sections;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use longshore_domain::agent::{NAME_CHARS_LIMIT, Streamer};
use serde_json::Value;

use crate::mapping::Mappings;
use layers::Layers;
use reader::Reader;

pub use connections::KnownConnection;
pub use kafka::{Kafka, Login};
pub use layers::environment;
pub use mistake::Mistake;
pub use sections::{Api, Calls, Log, LogFormat, LogLevel, Network, Polling, Secrets};

/// All settings in force.
#[derive(Debug)]
pub struct Config {
    /// This agent's name.
    pub id: String,
    /// How runs reach it.
    pub streamer: Streamer,
    /// The server.
    pub api: Api,
    /// Claims.
    pub polling: Polling,
    /// The topics, where runs come from there.
    pub kafka: Option<Kafka>,
    /// Calls to receivers.
    pub calls: Calls,
    /// What calls may reach.
    pub network: Network,
    /// Known servers.
    pub connections: Vec<KnownConnection>,
    /// From a message to the call.
    pub mappings: Mappings,
    /// Processes that evaluate expressions.
    pub workers: usize,
    /// Where health and metrics are served.
    pub listen: Option<SocketAddr>,
    /// What is logged, and how.
    pub log: Log,
}

impl Config {
    /// Reads the settings: defaults, then `file`, then the variables of `environment`.
    ///
    /// # Errors
    /// All mistakes, those of the mapping file too; none of them repeats a secret.
    pub fn load(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let layers = Layers::collect(file, environment, &mut mistakes);
        let mut from = Reader::new(&layers, mistakes);
        let id = id(&mut from);
        let streamer = from.choice(
            "streamer",
            [("KAFKA", Streamer::Kafka), ("POLLING", Streamer::Polling)],
        );
        let api = Api::read(&mut from);
        let polling = Polling::read(&mut from);
        let kafka = match streamer {
            Streamer::Kafka => Kafka::read(&mut from, api.as_ref()),
            Streamer::Polling => None,
        };
        let calls = Calls::read(&mut from);
        let network = Network::read(&mut from);
        let connections = connections::read(&layers.connections, &mut from.mistakes);
        let mappings = mappings(&mut from, environment);
        let workers = from.count("mapping.workers", 1..=64);
        let listen = from.parsed("listen.address", "an IP address and a port", |text| {
            text.parse().ok()
        });
        let log = Log::read(&mut from);
        match (api, network, mappings) {
            (Some(api), Some(network), Some(mappings)) if from.mistakes.is_empty() => Ok(Self {
                id,
                streamer,
                api,
                polling,
                kafka,
                calls,
                network,
                connections,
                mappings,
                workers,
                listen,
                log,
            }),
            _ => Err(from.mistakes),
        }
    }
}

fn id(from: &mut Reader<'_>) -> String {
    let expected = "1 to 128 printable characters";
    let is_id = |text: &str| {
        text.chars().count() <= NAME_CHARS_LIMIT && !text.chars().any(char::is_control)
    };
    let given = from.parsed("id", expected, |text| is_id(text).then(|| text.to_owned()));
    given.unwrap_or_else(|| {
        let host = rustix::system::uname();
        host.nodename().to_string_lossy().into_owned()
    })
}

/// The mappings of the file, else the built-in ones.
fn mappings(from: &mut Reader<'_>, environment: &BTreeMap<String, String>) -> Option<Mappings> {
    let visible = visible(environment);
    let Some(path) = from.text("mapping.file") else {
        return Some(Mappings::built_in(visible));
    };
    let parsed = match layers::read_text(Path::new(path)) {
        Ok(text) => Mappings::parse(&text, visible),
        Err(cause) => Err(vec![cause]),
    };
    match parsed {
        Ok(mappings) => Some(mappings),
        Err(found) => {
            for message in found {
                from.mistake("mapping.file", message);
            }
            None
        }
    }
}

/// The variables that expressions may read: all but the agent's own secrets.
fn visible(environment: &BTreeMap<String, String>) -> Value {
    let is_secret = |key: &str| {
        ["secret", "proxy", "password"]
            .iter()
            .any(|it| key.contains(it))
    };
    let own = |name: &str| {
        let mut known = layers::VARIABLES.iter();
        known.any(|(known, key)| *known == name && is_secret(key))
    };
    environment
        .iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
