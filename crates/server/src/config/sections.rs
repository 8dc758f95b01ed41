//! The typed sections, and how each is read: name, form and bounds of every setting.
//!
//! Components receive their own section. Defaults and reasons stand in `config.default.toml`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use longshore_domain::secret::Secret;
use longshore_engine::templates::Bounds;

use super::reader::Reader;
use super::shapes;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY_SECONDS: u64 = 86_400;
/// The most entries of a list of addresses or hosts: each call compares them all.
const LIST_ENTRIES: usize = 256;
/// The most further attempts of a delivery.
const RETRIES: usize = 50;

/// The first pair of credentials, used while the organization has none.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Secret<String>,
}

impl Bootstrap {
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let form = "1 to 128 letters, digits, `_`, `-`, `.` and `@`";
        let id = from.text("bootstrap.client_id", shapes::word(128, "_-.@", form));
        let secret = from.secret(
            "bootstrap.client_secret",
            shapes::SECRET_FORM,
            shapes::secret,
        );
        let rule = "both or neither must be set";
        match (id, secret) {
            (Some(client_id), Some(client_secret)) => Some(Self {
                client_id,
                client_secret,
            }),
            (None, None) => None,
            (Some(_), None) => {
                from.conflict("bootstrap.client_id", "bootstrap.client_secret", rule);
                None
            }
            (None, Some(_)) => {
                from.conflict("bootstrap.client_secret", "bootstrap.client_id", rule);
                None
            }
        }
    }
}

/// What outgoing calls may reach, and how.
#[derive(Clone, Debug)]
pub struct Network {
    /// Ranges open beyond the public internet; host bits are zero, none is IPv4-mapped.
    pub allow: Vec<IpNet>,
    /// A PEM file with further certificates to trust; it was readable when the configuration was loaded.
    pub ca_file: Option<PathBuf>,
    /// The proxy for `http://` receivers, as `http://[user:password@]host[:port]`.
    pub http_proxy: Option<Secret<String>>,
    /// The proxy for `https://` receivers, in the same form.
    pub https_proxy: Option<Secret<String>>,
    /// Domains, addresses (both also with a port), ranges or `*` called without the proxy.
    pub no_proxy: Vec<String>,
    /// The local addresses calls come from: none, or at most one of each family.
    pub bind_addresses: Vec<IpAddr>,
    /// The addresses and ranges that receivers see.
    pub egress_addresses: Vec<String>,
    /// For a connection: name lookup, TCP and TLS.
    pub connect_timeout: Duration,
}

impl Network {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            allow: from.list("network.allow", LIST_ENTRIES, shapes::reachable_range),
            ca_file: from
                .text("network.ca_file", shapes::certificates)
                .map(|named| named.0),
            http_proxy: from.secret("network.http_proxy", shapes::PROXY_FORM, shapes::proxy),
            https_proxy: from.secret("network.https_proxy", shapes::PROXY_FORM, shapes::proxy),
            no_proxy: from.list("network.no_proxy", LIST_ENTRIES, shapes::unproxied),
            bind_addresses: bind_addresses(from),
            egress_addresses: from.list(
                "network.egress_addresses",
                LIST_ENTRIES,
                shapes::address_or_range,
            ),
            connect_timeout: from.millis("network.connect_timeout_ms", 100..=60_000),
        }
    }
}

fn bind_addresses(from: &mut Reader<'_>) -> Vec<IpAddr> {
    let key = "network.bind_address";
    let addresses = from.list(key, 2, shapes::address);
    if let [first, second] = addresses.as_slice()
        && first.is_ipv4() == second.is_ipv4()
    {
        from.conflict(key, key, "of two addresses one must be IPv4 and one IPv6");
    }
    addresses
}

/// Azure DevOps.
#[derive(Clone, Debug)]
pub struct Azure {
    /// Where organizations are found, without a slash at its end.
    pub base_url: String,
    /// The `api-version` of calls.
    pub api_version: String,
}

impl Azure {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let form = "1 to 32 letters, digits, `.` and `-`";
        Self {
            base_url: from.required("azure.base_url", shapes::base_url),
            api_version: from.required("azure.api_version", shapes::word(32, ".-", form)),
        }
    }
}

/// Prometheus metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Where they are served; `None`: nowhere.
    pub listen: Option<SocketAddr>,
}

impl Metrics {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            listen: from.text("metrics.listen", shapes::socket),
        }
    }
}

/// How deliveries are made where no connection says otherwise.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Calls at once to a destination where a repeat is allowed.
    pub concurrency_repeat_allowed: usize,
    /// Calls at once to a destination where a repeat is harm.
    pub concurrency_repeat_harm: usize,
    /// Deliveries of a destination in memory.
    pub window_count: usize,
    /// Bytes of bodies of a destination in memory.
    pub window_bytes: usize,
    /// Bytes of all bodies in memory.
    pub bodies_budget_bytes: usize,
    /// Bytes of all answers in memory.
    pub answers_budget_bytes: usize,
    /// For a call, from connecting to the end of its answer.
    pub total_timeout: Duration,
    /// The waits before the second and each further attempt.
    pub retry_delays: Vec<Duration>,
    /// Failures in a row that open a destination's breaker.
    pub breaker_failures: u64,
    /// Silence of an accepted run until it is labelled, and again until it fails.
    pub report_timeout: Duration,
    /// How long a shutdown waits for calls under way.
    pub shutdown_grace: Duration,
}

impl Delivery {
    pub(super) fn read(from: &mut Reader<'_>, connect_timeout: Duration) -> Self {
        let delays = from.numbers(
            "delivery.retry_delays_seconds",
            RETRIES,
            &(1..=7 * DAY_SECONDS),
        );
        let delivery = Self {
            concurrency_repeat_allowed: from.count("delivery.concurrency_repeat_allowed", 1..=1024),
            concurrency_repeat_harm: from.count("delivery.concurrency_repeat_harm", 1..=1024),
            window_count: from.count("delivery.window_count", 1..=65_536),
            window_bytes: from.count("delivery.window_bytes", 64 * KIB..=GIB),
            bodies_budget_bytes: from.count("delivery.bodies_budget_bytes", MIB..=4 * GIB),
            answers_budget_bytes: from.count("delivery.answers_budget_bytes", MIB..=4 * GIB),
            total_timeout: from.millis("delivery.total_timeout_ms", 100..=600_000),
            retry_delays: delays.into_iter().map(Duration::from_secs).collect(),
            breaker_failures: from.number("delivery.breaker_failures", 1..=1000),
            report_timeout: from.seconds("delivery.report_timeout_seconds", 60..=30 * DAY_SECONDS),
            shutdown_grace: from.millis("delivery.shutdown_grace_ms", 0..=600_000),
        };
        delivery.check(from, connect_timeout);
        delivery
    }

    fn check(&self, from: &mut Reader<'_>, connect_timeout: Duration) {
        if self.total_timeout < connect_timeout {
            from.conflict(
                "delivery.total_timeout_ms",
                "network.connect_timeout_ms",
                "the whole call must not end before its connection may",
            );
        }
        if self.window_bytes > self.bodies_budget_bytes {
            from.conflict(
                "delivery.window_bytes",
                "delivery.bodies_budget_bytes",
                "one destination must not hold more than all together",
            );
        }
    }
}

/// Bounds on callers and queues.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Connections open to the API at once.
    pub connections: usize,
    /// For a request's head to arrive.
    pub header_timeout: Duration,
    /// For a request from head to answer.
    pub request_timeout: Duration,
    /// Bytes of one log message.
    pub log_message_bytes: usize,
    /// Changes that may wait for the database's writer.
    pub writer_queue: usize,
    /// Changes that the database's writer commits at once.
    pub writer_group: usize,
}

impl Limits {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            body_bytes: from.count("limits.body_bytes", KIB..=16 * MIB),
            connections: from.count("limits.connections", 1..=1_000_000),
            header_timeout: from.millis("limits.header_timeout_ms", 100..=600_000),
            request_timeout: from.millis("limits.request_timeout_ms", 100..=600_000),
            log_message_bytes: from.count("limits.log_message_bytes", 256..=MIB),
            writer_queue: from.count("limits.writer_queue", 16..=1_000_000),
            writer_group: from.count("limits.writer_group", 1..=10_000),
        }
    }
}

/// How long finished things are kept.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Age at which an ended run is deleted.
    pub runs_age: Duration,
    /// Ended runs kept.
    pub runs_count: u64,
    /// Between two rounds of deletion.
    pub interval: Duration,
    /// Rows deleted in one transaction.
    pub batch: usize,
}

impl Retention {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        let days = from.number("retention.runs_days", 1..=36_500);
        Self {
            runs_age: Duration::from_secs(days * DAY_SECONDS),
            runs_count: from.number("retention.runs_count", 1_000..=1_000_000_000),
            interval: from.seconds("retention.interval_seconds", 1..=DAY_SECONDS),
            batch: from.count("retention.batch", 1..=10_000),
        }
    }
}

/// How far the expressions of templates may go, and the processes that evaluate them.
#[derive(Clone, Debug)]
pub struct Templates {
    /// How far the expressions of one body may go.
    pub bounds: Bounds,
    /// How many processes evaluate what is known to be quick.
    pub workers: usize,
    /// How long a call waits for a free one.
    pub wait: Duration,
}

impl Templates {
    pub(super) fn read(from: &mut Reader<'_>) -> Self {
        Self {
            bounds: Bounds {
                deadline: from.millis("templates.deadline_ms", 10..=60_000),
                memory_bytes: from.count("templates.memory_bytes", 4 * MIB..=GIB),
                output_bytes: from.count("templates.output_bytes", KIB..=MIB),
                outputs_bytes: from.count("templates.outputs_bytes", KIB..=64 * MIB),
                depth: from.count("templates.depth", 1..=127),
                expression_bytes: from.count("templates.expression_bytes", 64..=16 * KIB),
                expressions: from.count("templates.expressions", 1..=65_536),
            },
            workers: from.count("templates.workers", 1..=64),
            wait: from.millis("templates.wait_ms", 10..=600_000),
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// The least grave level that is logged.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
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
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
            ("trace", LogLevel::Trace),
        ];
        let formats = [("json", LogFormat::Json), ("text", LogFormat::Text)];
        Self {
            level: from.choice("log.level", levels, LogLevel::Info),
            format: from.choice("log.format", formats, LogFormat::Json),
        }
    }
}
