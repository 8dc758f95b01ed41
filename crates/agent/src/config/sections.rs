//! The typed sections, and how each is read: name, form and bounds of every setting. Defaults and
//! reasons stand in `agent.default.toml`.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use longshore_backends::client::ProxyRules;
use longshore_backends::target::Target;
use longshore_domain::agent::CLAIM_WAIT_LIMIT_SECONDS;
use longshore_domain::secret::Secret;

use super::layers::{self, read_text};
use super::reader::{CLIENT_SECRET, Reader, is_client_secret};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// The longest time limit of a call, in milliseconds.
const TIMEOUT_MS: u64 = 600_000;

/// The server, and who this agent is to it.
#[derive(Clone, Debug)]
pub struct Api {
    /// Its address, without a slash at its end.
    pub base_url: String,
    /// The organization's id.
    pub org_id: Option<String>,
    /// The credential's id.
    pub client_id: String,
    /// Its secrets.
    pub secrets: Secrets,
    /// For a call, without the wait of a claim.
    pub timeout: Duration,
}

/// The client secret, and the one before it.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The present one: it signs.
    pub current: Secret<String>,
    /// The one before a rotation.
    pub previous: Option<Secret<String>>,
}

impl Secrets {
    /// Both, the present one first.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let previous = self.previous.as_ref().map(Secret::expose);
        [Some(self.current.expose()), previous]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

impl Api {
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let base_url = from.required("api.base_url", "the server's http(s) address", |text| {
            let target = Target::parse(text).ok()?;
            let bare = !text.contains(['?', '#']);
            (bare && target.host().is_some()).then(|| text.trim_end_matches('/').to_owned())
        });
        let org_id = from.parsed(
            "api.org_id",
            "1 to 64 letters, digits, `_` and `-`",
            |text| {
                let fits = text.len() <= 64
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                fits.then(|| text.to_owned())
            },
        );
        let client_id = from.required("api.client_id", "a credential's id", |text| {
            Some(text.to_owned())
        });
        let mistakes = from.mistakes.len();
        let current = from.secret("api.client_secret", CLIENT_SECRET, is_client_secret);
        if current.is_none() && from.mistakes.len() == mistakes {
            from.unset("api.client_secret", CLIENT_SECRET);
        }
        let previous = from.secret(
            "api.client_secret_previous",
            CLIENT_SECRET,
            is_client_secret,
        );
        let timeout = from.millis("api.timeout_ms", 1_000..=TIMEOUT_MS);
        Some(Self {
            base_url: base_url?,
            org_id,
            client_id: client_id?,
            secrets: Secrets {
                current: current?,
                previous,
            },
            timeout,
        })
    }
}

/// How runs are claimed.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    /// How long a claim waits for work, in seconds.
    pub wait_seconds: u64,
    /// The most runs of a claim.
    pub batch: usize,
}

impl Polling {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            wait_seconds: from.number("polling.wait_seconds", 0..=CLAIM_WAIT_LIMIT_SECONDS),
            batch: from.count("polling.batch", 1..=100),
        }
    }
}

/// How receivers are called, and what may be in memory.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    /// Calls at once.
    pub concurrency: usize,
    /// Calls at once to one receiver where a repeat is allowed.
    pub concurrency_repeat_allowed: usize,
    /// Calls at once to one receiver where a repeat is harm.
    pub concurrency_repeat_harm: usize,
    /// For a call.
    pub timeout: Duration,
    /// For its connection.
    pub connect_timeout: Duration,
    /// Runs in memory.
    pub runs_limit: usize,
    /// Runs of one receiver that wait.
    pub waiting_limit: usize,
    /// Bytes of all messages.
    pub messages_bytes: usize,
    /// Bytes of all answers that are being read.
    pub answers_bytes: usize,
    /// Bytes of what is not yet reported.
    pub reports_bytes: usize,
    /// How long a stopping agent waits.
    pub shutdown_grace: Duration,
}

impl Calls {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let mut timeout = from.millis("calls.timeout_ms", 100..=TIMEOUT_MS);
        if from.given(layers::TIMEOUT_SECONDS).is_some() {
            timeout = Duration::from_secs(from.number(layers::TIMEOUT_SECONDS, 1..=600));
        }
        if from.given(layers::VERIFY_SSL).is_some() && !from.switch(layers::VERIFY_SSL) {
            let message = "certificates are always checked: name the authority in network.ca_file, \
                           or in caCertificateFile of the receiver's connection, and unset this";
            from.mistake(layers::VERIFY_SSL, message);
        }
        Self {
            concurrency: from.count("calls.concurrency", 1..=10_000),
            concurrency_repeat_allowed: from.count("calls.concurrency_repeat_allowed", 1..=1_000),
            concurrency_repeat_harm: from.count("calls.concurrency_repeat_harm", 1..=1_000),
            timeout,
            connect_timeout: from.millis("calls.connect_timeout_ms", 100..=60_000),
            runs_limit: from.count("calls.runs_limit", 1..=100_000),
            waiting_limit: from.count("calls.waiting_limit", 1..=100_000),
            messages_bytes: from.count("calls.messages_bytes", MIB..=4 * GIB),
            answers_bytes: from.count("calls.answers_bytes", MIB..=4 * GIB),
            reports_bytes: from.count("calls.reports_bytes", MIB..=4 * GIB),
            shutdown_grace: from.millis("calls.shutdown_grace_ms", 0..=TIMEOUT_MS),
        }
    }
}

/// What calls may reach, and how.
#[derive(Clone, Debug)]
pub struct Network {
    /// Ranges open beyond the public internet.
    pub allow: Vec<IpNet>,
    /// Further certificate authorities, as PEM.
    pub ca_bundle: Option<Vec<u8>>,
    /// The proxies.
    pub proxies: ProxyRules,
    /// The local addresses that calls come from.
    pub bind: Vec<IpAddr>,
}

impl Network {
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let range = "an address range such as 10.0.0.0/8";
        let allow = from.list("network.allow", range, |text| {
            let address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse::<IpNet>().or_else(|_| address()).ok()
        });
        let ca_file = from.text("network.ca_file").map(|path| {
            let pem = read_text(Path::new(path));
            pem.and_then(|pem| {
                let holds = pem.contains("-----BEGIN CERTIFICATE-----");
                holds
                    .then(|| pem.into_bytes())
                    .ok_or_else(|| format!("{path} holds no PEM certificate"))
            })
        });
        let ca_bundle = match ca_file.transpose() {
            Ok(pem) => pem,
            Err(cause) => {
                from.mistake("network.ca_file", cause);
                None
            }
        };
        let proxies = proxies(from);
        let bind = from.list("network.bind_address", "an IP address", |text| {
            text.parse::<IpAddr>().ok()
        });
        let twice = |first: &IpAddr, second: &IpAddr| first.is_ipv4() == second.is_ipv4();
        if bind.len() > 2 || matches!(bind.as_slice(), [first, second] if twice(first, second)) {
            from.mistake(
                "network.bind_address",
                "expected at most one of each family",
            );
        }
        Some(Self {
            allow,
            ca_bundle,
            proxies: proxies?,
            bind,
        })
    }
}

fn proxies(from: &mut Reader<'_>) -> Option<ProxyRules> {
    let expected = "a proxy as http://[user:password@]host[:port]";
    let holds = |text: &str| ProxyRules::parse(Some(text), None, None).is_ok();
    let http = from.secret("network.http_proxy", expected, holds);
    let https = from.secret("network.https_proxy", expected, holds);
    let exceptions = from
        .list("network.no_proxy", "a host, address or range", |text| {
            Some(text.to_owned())
        })
        .join(",");
    let shown = |secret: Option<Secret<String>>| secret.map(|secret| secret.expose().clone());
    let (http, https) = (shown(http), shown(https));
    match ProxyRules::parse(http.as_deref(), https.as_deref(), Some(&exceptions)) {
        Ok(rules) => Some(rules),
        Err(fault) => {
            from.mistake("network.no_proxy", fault.to_string());
            None
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// The least grave level that is logged.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
    /// Whether runs' logs repeat the beginning of a refusing answer.
    pub detailed: bool,
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed that a person has to look at.
    Error,
    /// Something is odd and was handled.
    Warn,
    /// What an operator follows.
    Info,
    /// What a developer follows.
    Debug,
    /// Everything.
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Log {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let levels = [
            ("info", LogLevel::Info),
            ("error", LogLevel::Error),
            ("critical", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("warning", LogLevel::Warn),
            ("debug", LogLevel::Debug),
            ("trace", LogLevel::Trace),
        ];
        Self {
            level: from.choice("log.level", levels),
            format: from.choice(
                "log.format",
                [("json", LogFormat::Json), ("text", LogFormat::Text)],
            ),
            detailed: from.switch("log.detailed"),
        }
    }
}
