//! A real Apache Kafka in a process of its own: formatted, started, stopped, killed, and started
//! again on the same ports and data. Knows nothing of Longshore.

mod certificates;
mod process;
mod properties;

use std::path::{Path, PathBuf};

use crate::ports::free_ports;
use process::Life;

/// Who may log in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}

/// May do everything, as may whoever comes without a name.
pub(crate) const LONGSHORE: User = User {
    name: "longshore",
    password: r"the broker's password; with \ and % and ' in it",
};
/// Is known, and may do nothing.
pub(crate) const STRANGER: User = User {
    name: "stranger",
    password: "a stranger's password",
};
const USERS: [User; 2] = [LONGSHORE, STRANGER];

/// A way to reach the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Listener {
    const ALL: [Self; 4] = [
        Self::Plaintext,
        Self::Ssl,
        Self::SaslPlaintext,
        Self::SaslSsl,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }
}

/// A broker, and its data until it is dropped.
pub(crate) struct Broker {
    home: PathBuf,
    ports: Vec<u16>,
    life: Option<Life>,
}

impl Broker {
    /// Formats and starts one: it takes about 8 s.
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let ports = free_ports(Listener::ALL.len() + 1);
        certificates::write(home.path());
        properties::write(home.path(), &ports);
        process::format(home.path());
        let mut broker = Self {
            home: home.keep(),
            ports,
            life: None,
        };
        broker.rise();
        broker
    }

    /// Starts it again, where it was and with what it had.
    pub(crate) fn rise(&mut self) {
        self.life = Some(Life::start(&self.home));
    }

    /// Ends it with SIGTERM, and waits.
    pub(crate) fn stop(&mut self) {
        self.life.take().unwrap().stop();
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.life.take().unwrap().kill();
    }

    /// Host and port of a listener.
    pub(crate) fn address(&self, listener: Listener) -> String {
        let at = Listener::ALL.iter().position(|it| *it == listener);
        format!("127.0.0.1:{}", self.ports[at.unwrap() + 1])
    }

    /// The PEM file of the authority that its certificate comes from.
    pub(crate) fn authority(&self) -> PathBuf {
        certificates::authority(&self.home)
    }

    /// The PEM file of an authority that it has nothing to do with.
    pub(crate) fn other_authority(&self) -> PathBuf {
        certificates::other_authority(&self.home)
    }
}

/// The folder with the broker's jars.
fn jars() -> PathBuf {
    let pom = include_str!("../../../../xtask/kafka/pom.xml");
    let (_, rest) = pom.split_once("<kafka.version>").unwrap();
    let (version, _) = rest.split_once('<').unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("kafka").join(version);
    let complete = std::fs::read_to_string(folder.join("pom.xml")).is_ok_and(|it| it == pom);
    assert!(
        complete,
        "{} does not hold the broker of the tests: run `cargo xtask kafka install`",
        folder.display()
    );
    folder
}
