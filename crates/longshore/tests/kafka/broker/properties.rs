//! The broker's configuration: all listeners, users, and nothing that a test would wait for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{LONGSHORE, Listener, USERS, certificates};

/// One node that is broker and controller, quick to start and to notice that a client is gone.
const FIXED: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=1000
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
ssl.keystore.type=PEM
";

pub(super) fn file(home: &Path) -> PathBuf {
    home.join("server.properties")
}

/// Writes them; the first port is the controller's.
pub(super) fn write(home: &Path, ports: &[u16]) {
    let mut text = FIXED.to_owned();
    let mut set = |key: &str, value: &str| writeln!(text, "{key}={value}").unwrap();
    let (controller, ports) = ports.split_first().unwrap();
    let mut listeners = format!("CONTROLLER://127.0.0.1:{controller}");
    let mut protocols = "CONTROLLER:PLAINTEXT".to_owned();
    for (listener, port) in Listener::ALL.into_iter().zip(ports) {
        let name = listener.name();
        write!(listeners, ",{name}://127.0.0.1:{port}").unwrap();
        write!(protocols, ",{name}:{name}").unwrap();
    }
    set("listeners", &listeners);
    set("listener.security.protocol.map", &protocols);
    set(
        "controller.quorum.bootstrap.servers",
        &format!("127.0.0.1:{controller}"),
    );
    set("log.dirs", &home.join("data").display().to_string());
    set(
        "ssl.keystore.location",
        &certificates::keystore(home).display().to_string(),
    );
    set(
        "super.users",
        &format!("User:ANONYMOUS;User:{}", LONGSHORE.name),
    );
    let module = "org.apache.kafka.common.security";
    let plain: String = USERS
        .iter()
        .map(|user| format!(" user_{}=\"{}\"", user.name, escaped(user.password)))
        .collect();
    for listener in ["sasl_plaintext", "sasl_ssl"] {
        set(
            &format!("listener.name.{listener}.plain.sasl.jaas.config"),
            &format!("{module}.plain.PlainLoginModule required{plain};"),
        );
        for mechanism in ["scram-sha-256", "scram-sha-512"] {
            set(
                &format!("listener.name.{listener}.{mechanism}.sasl.jaas.config"),
                &format!("{module}.scram.ScramLoginModule required;"),
            );
        }
    }
    std::fs::write(file(home), text).unwrap();
}

/// A backslash is read twice: by the properties file, and within the quotes of its value.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\\\")
}
