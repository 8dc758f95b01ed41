//! How the organization's topics are read.

use std::path::PathBuf;
use std::time::Duration;

use longshore_backends::kafka::Mechanism;
use longshore_domain::secret::Secret;

use super::Api;
use super::layers::read_text;
use super::reader::Reader;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// The longest name of a topic that Kafka takes.
const TOPIC_CHARS: usize = 249;
/// The longest name of a group or member.
const NAME_CHARS: usize = 255;

/// The topics and the cluster that holds them.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// Brokers and login; none where the server names them.
    pub own: Option<(Vec<String>, Option<Login>)>,
    /// Whether calls are encrypted.
    pub tls: bool,
    /// How a login is proven; none where nobody logs in.
    pub mechanism: Option<Mechanism>,
    /// A PEM file of authorities.
    pub ca: Option<PathBuf>,
    /// The group.
    pub group: String,
    /// The member's own name in it.
    pub member: Option<String>,
    /// The topic of runs.
    pub runs: String,
    /// The topic of changes.
    pub changes: String,
    /// After which silence the others take over.
    pub session_timeout: Duration,
    /// Bytes that are fetched ahead.
    pub prefetch_bytes: usize,
}

/// A login at the brokers.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

impl Kafka {
    pub(super) fn read(from: &mut Reader<'_>, api: Option<&Api>) -> Option<Self> {
        let org = api.map(|api| api.org_id.clone());
        if org == Some(None) {
            from.unset(
                "api.org_id",
                "the organization's id, after which topics are named",
            );
        }
        let org = org.flatten();
        let mut name = |key: &str, most: usize, ending: &str| {
            let expected = "a name of letters, digits, `.`, `_` and `-`";
            let given = from.parsed(key, expected, |text| {
                let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
                (text.len() <= most && text.bytes().all(fits)).then(|| text.to_owned())
            });
            given.or_else(|| org.as_ref().map(|org| format!("{org}.{ending}")))
        };
        let group = name("kafka.group", NAME_CHARS, "longshore-agent");
        let runs = name("kafka.runs_topic", TOPIC_CHARS, "runs");
        let changes = name("kafka.change_log_topic", TOPIC_CHARS, "change.log");
        let (tls, logs_in) = from.choice(
            "kafka.security_protocol",
            [
                ("PLAINTEXT", (false, false)),
                ("SSL", (true, false)),
                ("SASL_PLAINTEXT", (false, true)),
                ("SASL_SSL", (true, true)),
            ],
        );
        let mechanism = from.choice(
            "kafka.sasl_mechanism",
            [
                ("NONE", None),
                ("PLAIN", Some(Mechanism::Plain)),
                ("SCRAM-SHA-256", Some(Mechanism::ScramSha256)),
                ("SCRAM-SHA-512", Some(Mechanism::ScramSha512)),
            ],
        );
        if logs_in != mechanism.is_some() {
            let message = "a mechanism belongs to SASL_PLAINTEXT and SASL_SSL, and they need one";
            from.mistake("kafka.sasl_mechanism", message);
        }
        let own = own(from, mechanism.is_some());
        let member = from.parsed("kafka.member", "a name of up to 255 characters", |text| {
            (text.len() <= NAME_CHARS).then(|| text.to_owned())
        });
        let settings = Self {
            own,
            tls,
            mechanism,
            ca: ca(from),
            group: group.unwrap_or_default(),
            member,
            runs: runs.unwrap_or_default(),
            changes: changes.unwrap_or_default(),
            session_timeout: from.millis("kafka.session_timeout_ms", 1_000..=3_600_000),
            prefetch_bytes: from.count("kafka.prefetch_bytes", MIB..=GIB),
        };
        Some(settings)
    }
}

fn own(from: &mut Reader<'_>, logs_in: bool) -> Option<(Vec<String>, Option<Login>)> {
    let is_own = from.switch("kafka.own_brokers");
    let brokers = from.list("kafka.brokers", "a host and a port", |text| {
        let (host, port) = text.rsplit_once(':')?;
        let fits = !host.is_empty() && port.parse::<u16>().is_ok();
        fits.then(|| text.to_owned())
    });
    if is_own && brokers.is_empty() {
        from.mistake("kafka.own_brokers", "expected kafka.brokers beside it");
    }
    if !is_own && !brokers.is_empty() {
        from.mistake("kafka.brokers", "expected kafka.own_brokers beside it");
    }
    let username = from.text("kafka.username").map(str::to_owned);
    let password = from.secret("kafka.password", "a password", |text| !text.is_empty());
    let login = match (username, password) {
        (Some(username), Some(password)) => Some(Login { username, password }),
        _ => None,
    };
    if is_own && logs_in && login.is_none() {
        let message = "expected kafka.username and kafka.password beside it";
        from.mistake("kafka.sasl_mechanism", message);
    }
    is_own.then_some((brokers, login))
}

/// The library reads the file itself, and says less when it cannot.
fn ca(from: &mut Reader<'_>) -> Option<PathBuf> {
    let path = PathBuf::from(from.text("kafka.ca_file")?);
    if let Err(cause) = read_text(&path) {
        from.mistake("kafka.ca_file", cause);
    }
    Some(path)
}
