//! How a cluster is reached, and the library's configuration made of it.

use std::path::PathBuf;

use longshore_domain::secret::Secret;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Hosts with ports; one that answers names the others.
    pub brokers: Vec<String>,
    /// Whether calls are encrypted.
    pub tls: bool,
    /// A PEM file of authorities to trust, instead of the system's own.
    pub ca: Option<PathBuf>,
    /// How we say who we are.
    pub sasl: Option<Sasl>,
}

/// A login.
#[derive(Clone, Debug)]
pub struct Sasl {
    /// How it is proven.
    pub mechanism: Mechanism,
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

/// How a login is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The password itself is sent.
    Plain,
    /// The password stays here.
    ScramSha256,
    /// The same with a longer hash.
    ScramSha512,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Its name in Kafka's protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Settings {
    /// A cluster that takes everybody, unencrypted.
    #[must_use]
    pub fn plaintext(brokers: Vec<String>) -> Self {
        Self {
            brokers,
            tls: false,
            ca: None,
            sasl: None,
        }
    }

    const fn protocol(&self) -> &'static str {
        match (self.tls, &self.sasl) {
            (false, None) => "plaintext",
            (true, None) => "ssl",
            (false, Some(_)) => "sasl_plaintext",
            (true, Some(_)) => "sasl_ssl",
        }
    }

    pub(super) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "longshore")
            .set("bootstrap.servers", self.brokers.join(","))
            .set("security.protocol", self.protocol())
            // A cluster that is back is found again within seconds.
            .set("reconnect.backoff.max.ms", "2000")
            .set("socket.connection.setup.timeout.ms", "10000")
            .set("socket.keepalive.enable", "true")
            // Brokers close idle connections: that is no news.
            .set("log.connection.close", "false")
            .set("allow.auto.create.topics", "false");
        if let Some(ca) = &self.ca {
            config.set("ssl.ca.location", ca.display().to_string());
        }
        if let Some(sasl) = &self.sasl {
            config
                .set("sasl.mechanisms", sasl.mechanism.as_str())
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password.expose());
        }
        config.set_log_level(RDKafkaLogLevel::Info);
        config
    }
}
