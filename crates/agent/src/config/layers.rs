//! Where values come from: defaults, the file, and the variables that the existing agent has.
//!
//! Alone reads the environment. What a value means is not decided here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use longshore_domain::lines::Lines;
use longshore_domain::nearest::nearest;
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Table, Value};

use super::mistake::Mistake;

/// The defaults, with their reasons.
const DEFAULTS: &str = include_str!("../../agent.default.toml");
/// The largest file that is read, be it a configuration or a secret.
const FILE_BYTES: u64 = 1024 * 1024;
/// Where the defaults stand.
const DEFAULT: &str = "default";
/// The key of the connections' tables.
pub(super) const CONNECTION: &str = "connection";

/// Variables and the settings that they stand with. Where two stand with one setting, the later wins.
pub(super) const VARIABLES: [(&str, &str); 34] = [
    ("PORT_API_BASE_URL", "api.base_url"),
    ("PORT_ORG_ID", "api.org_id"),
    ("PORT_CLIENT_ID", "api.client_id"),
    ("PORT_CLIENT_SECRET", "api.client_secret"),
    ("PORT_CLIENT_SECRET_FILE", "api.client_secret_file"),
    ("PORT_CLIENT_SECRET_PREVIOUS", "api.client_secret_previous"),
    (
        "PORT_CLIENT_SECRET_PREVIOUS_FILE",
        "api.client_secret_previous_file",
    ),
    ("STREAMER_NAME", "streamer"),
    ("POLLING_RUNS_BATCH_SIZE", "polling.batch"),
    ("USING_LOCAL_PORT_INSTANCE", "kafka.own_brokers"),
    ("KAFKA_CONSUMER_BOOTSTRAP_SERVERS", "kafka.brokers"),
    ("KAFKA_CONSUMER_USERNAME", "kafka.username"),
    ("KAFKA_CONSUMER_PASSWORD", "kafka.password"),
    ("KAFKA_CONSUMER_PASSWORD_FILE", "kafka.password_file"),
    (
        "KAFKA_CONSUMER_SECURITY_PROTOCOL",
        "kafka.security_protocol",
    ),
    (
        "KAFKA_CONSUMER_AUTHENTICATION_MECHANISM",
        "kafka.sasl_mechanism",
    ),
    ("KAFKA_CONSUMER_GROUP_ID", "kafka.group"),
    ("KAFKA_RUNS_TOPIC", "kafka.runs_topic"),
    ("KAFKA_CHANGE_LOG_TOPIC", "kafka.change_log_topic"),
    (
        "KAFKA_CONSUMER_SESSION_TIMEOUT_MS",
        "kafka.session_timeout_ms",
    ),
    ("KAFKA_CONSUMER_AUTO_OFFSET_RESET", ""),
    ("CONTROL_THE_PAYLOAD_CONFIG_PATH", "mapping.file"),
    ("DETAILED_LOGGING", "log.detailed"),
    ("LOG_LEVEL", "log.level"),
    ("HTTP_PROXY", "network.http_proxy"),
    ("http_proxy", "network.http_proxy"),
    ("HTTPS_PROXY", "network.https_proxy"),
    ("https_proxy", "network.https_proxy"),
    ("NO_PROXY", "network.no_proxy"),
    ("no_proxy", "network.no_proxy"),
    // Without a setting of the same name and unit; read by their own names.
    (TIMEOUT_SECONDS, TIMEOUT_SECONDS),
    (VERIFY_SSL, VERIFY_SSL),
    ("POLLING_INTERVAL_SECONDS", ""),
    ("POLLING_MAX_FAILURE_DURATION_SECONDS", ""),
];

/// The existing agent's time limit of a call, in seconds.
pub(super) const TIMEOUT_SECONDS: &str = "WEBHOOK_INVOKER_TIMEOUT";
/// Whether the existing agent checks certificates.
pub(super) const VERIFY_SSL: &str = "WEBHOOK_VERIFY_SSL";

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) origin: String,
    pub(super) value: Value,
    /// Text whose type the setting decides.
    pub(super) is_variable: bool,
}

/// What was given, by setting; later layers have replaced earlier ones.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) settings: BTreeMap<String, Given>,
    /// The names that there are.
    pub(super) known: Vec<String>,
    /// The entries of `[[connection]]`, each with where it stands.
    pub(super) connections: Vec<(String, Table)>,
}

impl Layers {
    pub(super) fn collect(
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let mut layers = Self::default();
        layers.add_text(DEFAULT, DEFAULTS, mistakes);
        layers.known = layers.settings.keys().cloned().collect();
        if let Some(path) = file {
            let file = path.display().to_string();
            match read_text(path) {
                Ok(text) => layers.add_text(&file, &text, mistakes),
                Err(cause) => mistakes.push(Mistake::new(&file, "", cause)),
            }
        }
        for (name, key) in VARIABLES {
            let value = environment.get(name).filter(|value| !value.is_empty());
            if let (Some(value), false) = (value, key.is_empty()) {
                layers.add_variable(name, key, value);
            }
        }
        layers
    }

    fn add_variable(&mut self, name: &str, key: &str, value: &str) {
        // What every program on the host reads does not replace what was written for this one.
        let in_file = |key: &str| {
            let given = self.settings.get(key);
            given.is_some_and(|given| !given.is_variable && given.origin != DEFAULT)
        };
        if key.starts_with("network.") && (in_file(key) || in_file(&format!("{key}_file"))) {
            return;
        }
        // A secret in one form takes the place of the same secret in the other.
        let other = match key.strip_suffix("_file") {
            Some(direct) => direct.to_owned(),
            None => format!("{key}_file"),
        };
        let from_another_layer = |given: &mut Given| !given.is_variable;
        if self
            .settings
            .get_mut(&other)
            .is_some_and(from_another_layer)
        {
            self.settings.remove(&other);
        }
        let given = Given {
            origin: name.to_owned(),
            value: Value::String(value.to_owned()),
            is_variable: true,
        };
        self.settings.insert(key.to_owned(), given);
    }

    fn add_text(&mut self, origin: &str, text: &str, mistakes: &mut Vec<Mistake>) {
        let lines = Lines::of(text);
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let at = error.span().map(|span| lines.line_of(span.start));
                let message = format!("not TOML: {}", error.message());
                mistakes.push(Mistake::new(placed(origin, at), "", message));
                return;
            }
        };
        let at = |offset: usize| placed(origin, Some(lines.line_of(offset)));
        for (name, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Array(entries) if name.get_ref() == CONNECTION => {
                    for entry in entries {
                        let at = at(entry.span().start);
                        match plain(entry) {
                            Ok(Value::Table(entry)) => self.connections.push((at, entry)),
                            Ok(_) => mistakes.push(Mistake::new(
                                at,
                                CONNECTION,
                                "expected tables, written as [[connection]]",
                            )),
                            Err(error) => {
                                mistakes.push(Mistake::new(at, CONNECTION, error.message()));
                            }
                        }
                    }
                }
                DeValue::Table(section) => {
                    for (key, value) in section {
                        let setting = format!("{}.{}", name.get_ref(), key.get_ref());
                        self.add(&at(key.span().start), setting, value, mistakes);
                    }
                }
                _ => {
                    let setting = name.get_ref().to_string();
                    self.add(&at(name.span().start), setting, value, mistakes);
                }
            }
        }
    }

    fn add(
        &mut self,
        origin: &str,
        key: String,
        value: &Spanned<DeValue<'_>>,
        mistakes: &mut Vec<Mistake>,
    ) {
        let direct = key.strip_suffix("_file").unwrap_or(&key);
        let is_known = self.known.is_empty()
            || self.known.contains(&key)
            || (direct.contains("secret")
                || direct.contains("proxy")
                || direct.contains("password"))
                && self.known.iter().any(|known| known == direct);
        if !is_known {
            let known = self.known.iter().map(String::as_str);
            let meant = nearest(&key, known).map(|name| format!("; the nearest is {name}"));
            let message = format!("there is no such setting{}", meant.unwrap_or_default());
            mistakes.push(Mistake::new(origin, key, message));
            return;
        }
        match plain(value) {
            Ok(value) => {
                let given = Given {
                    origin: origin.to_owned(),
                    value,
                    is_variable: false,
                };
                self.settings.insert(key, given);
            }
            Err(error) => mistakes.push(Mistake::new(origin, key, error.message())),
        }
    }
}

/// A value as it was written; an error where it does not fit, such as a number beyond 64 bits.
fn plain(written: &Spanned<DeValue<'_>>) -> Result<Value, toml::de::Error> {
    Value::deserialize(ValueDeserializer::from(written.clone()))
}

/// A line of a file; the defaults are not the reader's to look into.
fn placed(origin: &str, line: Option<usize>) -> String {
    match line {
        Some(line) if origin != DEFAULT => format!("{origin}:{line}"),
        _ => origin.to_owned(),
    }
}

/// The text of a file, where it is readable, not too large and UTF-8; else what is wrong with it.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |cause: String| format!("cannot read {}: {cause}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(unreadable(format!("it is larger than {FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
}

/// The process's variables; those that are not UTF-8 are left out.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
