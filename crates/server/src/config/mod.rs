//! The configuration: defaults, then a file, then the environment, read into typed sections.
//!
//! Alone reads the environment. Reports all mistakes together; does nothing with what it read.

mod kafka;
mod layers;
mod mistake;
mod nearest;
mod reader;
mod sections;
mod shapes;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use longshore_domain::secret::Secret;
use toml::Value;

use layers::Layers;
use reader::{Reader, Shown};

pub use kafka::{Kafka, KafkaLogin, KafkaMechanism};
pub use mistake::{ConfigMistake, Origin, Problem};
pub use sections::{
    Azure, Bootstrap, Delivery, Limits, Log, LogFormat, LogLevel, Metrics, Network, Retention,
    Templates,
};

/// The name of the SQLite file within the data directory.
const DATABASE_FILE: &str = "longshore.db";

/// All settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// The address under which this server is reached, without a slash at its end.
    pub public_url: Option<String>,
    /// Where database, key and first credentials are kept.
    pub data_dir: PathBuf,
    /// The SQLite file.
    pub database_file: PathBuf,
    /// What encrypts secrets and signs tokens; made on the first start where absent.
    pub master_key: Option<Secret<String>>,
    /// The organization's id; made on the first start where absent.
    pub org_id: Option<String>,
    /// The first credentials.
    pub bootstrap: Option<Bootstrap>,
    /// Outgoing calls.
    pub network: Network,
    /// Azure DevOps.
    pub azure: Azure,
    /// Prometheus metrics.
    pub metrics: Metrics,
    /// Kafka, where it is used.
    pub kafka: Option<Kafka>,
    /// Deliveries.
    pub delivery: Delivery,
    /// Bounds.
    pub limits: Limits,
    /// History.
    pub retention: Retention,
    /// Expressions.
    pub templates: Templates,
    /// Logs.
    pub log: Log,
    shown: Vec<Shown>,
}

impl Config {
    /// Reads the settings: defaults, then `file`, then `environment`.
    ///
    /// # Errors
    ///
    /// All mistakes in file and environment; none of them repeats a secret.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Vec<ConfigMistake>> {
        let mut mistakes = Vec::new();
        let layers = Layers::collect(file, environment, &mut mistakes);
        let mut from = Reader::new(&layers, mistakes);
        let mut config = Self::read(&mut from);
        let (shown, mistakes) = from.finish();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        config.shown = shown;
        Ok(config)
    }

    fn read(from: &mut Reader<'_>) -> Self {
        let org_form = "1 to 64 letters, digits, `_` and `-`";
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = from.required_or("listen", shapes::socket, nowhere);
        let public_url = from.text("public_url", shapes::base_url);
        let nothing = shapes::Named(PathBuf::new());
        let data_dir = from.required_or("data_dir", shapes::directory, nothing).0;
        let database_file = from
            .text("database_url", shapes::database)
            .map_or_else(|| data_dir.join(DATABASE_FILE), |file| file.0);
        let master_key = from.secret("master_key", shapes::SECRET_FORM, shapes::secret);
        let org_id = from.text("org_id", shapes::word(64, "_-", org_form));
        let bootstrap = Bootstrap::read(from);
        let network = Network::read(from);
        let azure = Azure::read(from);
        let metrics = Metrics::read(from);
        let kafka = Kafka::read(from);
        let delivery = Delivery::read(from, network.connect_timeout);
        Self {
            listen,
            public_url,
            data_dir,
            database_file,
            master_key,
            org_id,
            bootstrap,
            network,
            azure,
            metrics,
            kafka,
            delivery,
            limits: Limits::read(from),
            retention: Retention::read(from),
            templates: Templates::read(from),
            log: Log::read(from),
            shown: Vec::new(),
        }
    }

    /// Whether nobody set `key`.
    #[must_use]
    pub fn is_default(&self, key: &str) -> bool {
        let shown = self.shown.iter().find(|shown| shown.key == key);
        shown.is_some_and(|shown| matches!(shown.origin, Origin::Default))
    }

    /// The settings in force as TOML, each with its origin; secrets are redacted.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for Shown {
            key, value, origin, ..
        } in &self.shown
        {
            let (own_section, name) = key.split_once('.').unwrap_or(("", key));
            if own_section != section {
                section = own_section;
                text.push_str(&format!("\n[{section}]\n"));
            }
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{name} = {} # {}", line(value), comment(origin));
        }
        text
    }
}

/// A value on one line: TOML's own writer breaks texts with line ends into several.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains(char::is_control) => {
            let escaped: String = text.chars().map(escape).collect();
            format!("\"{escaped}\"")
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(line).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn escape(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    }
}

fn comment(origin: &Origin) -> String {
    mistake::excerpt(&origin.to_string())
}

/// The process's variables. Those that are not UTF-8 are shown with replacement characters.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        (text(name), text(value))
    })
}
