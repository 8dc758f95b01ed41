//! The section `[kafka]`: how it is read, and what of it does not fit together.

use std::path::PathBuf;
use std::time::Duration;

use longshore_domain::secret::Secret;

use super::mistake::Problem;
use super::reader::Reader;
use super::shapes;

/// The most brokers to ask first; a few are enough to find all.
const BROKERS: usize = 64;

const PROTOCOL: &str = "kafka.security_protocol";
const MECHANISM: &str = "kafka.sasl_mechanism";
const USERNAME: &str = "kafka.username";
const PASSWORD: &str = "kafka.password";
const CA: &str = "kafka.ca";
const AGENT_USERNAME: &str = "kafka.agent_username";
const AGENT_PASSWORD: &str = "kafka.agent_password";

/// Kafka, where messages are published.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Brokers to ask first.
    pub brokers: Vec<String>,
    /// Whether calls are encrypted.
    pub tls: bool,
    /// A PEM file of authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// The server's login, and how it is proven.
    pub login: Option<(KafkaMechanism, KafkaLogin)>,
    /// What agents are given instead of the server's login.
    pub agent_login: Option<KafkaLogin>,
    /// Partitions of topics that are made.
    pub partitions: u16,
    /// Copies of each message in topics that are made; `None`: the cluster's own default.
    pub replication_factor: Option<u16>,
    /// Until a message that is not confirmed is given up.
    pub publish_timeout: Duration,
}

/// A name and its password.
#[derive(Clone, Debug)]
pub struct KafkaLogin {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

/// How a login is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaMechanism {
    /// By the password itself.
    Plain,
    /// By a hash of 256 bits.
    ScramSha256,
    /// By a hash of 512 bits.
    ScramSha512,
}

impl KafkaMechanism {
    const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Its name in Kafka.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| Problem::invalid(text, "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`"))
    }
}

impl std::fmt::Display for KafkaMechanism {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy)]
struct Protocol {
    tls: bool,
    sasl: bool,
}

impl Kafka {
    /// The section, unless it names no broker: then nothing of it is used.
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let brokers = from.list("kafka.brokers", BROKERS, shapes::host_and_port);
        let plaintext = Protocol {
            tls: false,
            sasl: false,
        };
        let protocols = [
            ("plaintext", plaintext),
            (
                "ssl",
                Protocol {
                    tls: true,
                    ..plaintext
                },
            ),
            (
                "sasl_plaintext",
                Protocol {
                    sasl: true,
                    ..plaintext
                },
            ),
            (
                "sasl_ssl",
                Protocol {
                    tls: true,
                    sasl: true,
                },
            ),
        ];
        let protocol = from.choice(PROTOCOL, protocols, plaintext);
        let mechanism = from.text(MECHANISM, KafkaMechanism::parse);
        let username = from.text(USERNAME, name);
        let password = from.secret(PASSWORD, shapes::PASSWORD_FORM, shapes::password);
        let ca = from.text(CA, shapes::certificates).map(|named| named.0);
        let agent_username = from.text(AGENT_USERNAME, name);
        let agent_password = from.secret(AGENT_PASSWORD, shapes::PASSWORD_FORM, shapes::password);
        let count = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
        let partitions = count(from.number("kafka.partitions", 1..=1_000));
        let replication = count(from.number("kafka.replication_factor", 0..=32));
        let publish_timeout = from.millis("kafka.publish_timeout_ms", 1_000..=300_000);
        if brokers.is_empty() {
            return None;
        }
        if ca.is_some() && !protocol.tls {
            from.conflict(CA, PROTOCOL, "only `ssl` and `sasl_ssl` meet a certificate");
        }
        let login = login(from, protocol.sasl, mechanism, username, password);
        let agent_login = agent_login(from, protocol.sasl, agent_username, agent_password);
        Some(Self {
            brokers,
            tls: protocol.tls,
            ca,
            login,
            agent_login,
            partitions,
            replication_factor: (replication > 0).then_some(replication),
            publish_timeout,
        })
    }

    /// What agents log in with.
    #[must_use]
    pub fn login_of_agents(&self) -> Option<&KafkaLogin> {
        let own = self.login.as_ref().map(|(_, login)| login);
        self.agent_login.as_ref().or(own)
    }
}

fn name(text: &str) -> Result<String, Problem> {
    if text.len() <= 256 && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Problem::invalid(
        text,
        "a name of 1 to 256 bytes on one line",
    ))
}

fn login(
    from: &mut Reader<'_>,
    is_used: bool,
    mechanism: Option<KafkaMechanism>,
    username: Option<String>,
    password: Option<Secret<String>>,
) -> Option<(KafkaMechanism, KafkaLogin)> {
    let given = [
        (MECHANISM, mechanism.is_some()),
        (USERNAME, username.is_some()),
        (PASSWORD, password.is_some()),
    ];
    for (key, is_given) in given {
        if is_given && !is_used {
            let rule = "only `sasl_plaintext` and `sasl_ssl` log in";
            from.conflict(key, PROTOCOL, rule);
        }
        if !is_given && is_used {
            let rule = "this protocol needs a mechanism, a name and a password";
            from.conflict(key, PROTOCOL, rule);
        }
    }
    let login = KafkaLogin {
        username: username?,
        password: password?,
    };
    Some((mechanism?, login))
}

fn agent_login(
    from: &mut Reader<'_>,
    is_used: bool,
    username: Option<String>,
    password: Option<Secret<String>>,
) -> Option<KafkaLogin> {
    let rule = "both or neither must be set";
    match (username, password) {
        (None, None) => None,
        (Some(_), Some(_)) if !is_used => {
            let rule = "only `sasl_plaintext` and `sasl_ssl` log in";
            from.conflict(AGENT_USERNAME, PROTOCOL, rule);
            None
        }
        (Some(username), Some(password)) => Some(KafkaLogin { username, password }),
        (Some(_), None) => {
            from.conflict(AGENT_USERNAME, AGENT_PASSWORD, rule);
            None
        }
        (None, Some(_)) => {
            from.conflict(AGENT_PASSWORD, AGENT_USERNAME, rule);
            None
        }
    }
}
