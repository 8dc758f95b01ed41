use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::layers::{DEFAULTS, Layers};
use super::reader::Reader;
use super::*;

const SECRET: &str = "0123456789abcdef0123456789ABCDEF";

fn load(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    load_with(None, variables)
}

fn load_with(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(file, environment)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

/// A file of the test's own, gone with it.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// The mistakes of `file`, each without the path of the scratch directory.
fn mistakes_of(file: &str) -> Vec<String> {
    let scratch = Scratch::new();
    let path = scratch.file("longshore.toml", file);
    let folder = format!("{}/", scratch.0.path().display());
    let mistakes = load_with(Some(&path), &[]).expect_err("a mistake");
    mistakes
        .into_iter()
        .map(|text| text.replace(&folder, ""))
        .collect()
}

#[test]
fn the_defaults_are_those_promised() {
    let config = load(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.data_dir, Path::new("./longshore-data"));
    assert_eq!(
        config.database_file,
        Path::new("./longshore-data/longshore.db")
    );
    assert!(config.master_key.is_none() && config.org_id.is_none() && config.public_url.is_none());
    assert!(config.bootstrap.is_none() && config.network.allow.is_empty());
    assert_eq!(config.azure.base_url, "https://dev.azure.com");
    assert_eq!(config.azure.api_version, "6.0-preview");
    assert_eq!(config.delivery.total_timeout, Duration::from_secs(30));
    let attempts = config.delivery.retry_delays.len() + 1;
    let span: Duration = config.delivery.retry_delays.iter().sum();
    assert_eq!(attempts, 10);
    assert!(span > Duration::from_secs(23 * 3600) && span <= Duration::from_secs(24 * 3600));
}

#[test]
fn every_number_names_its_bounds_where_it_is_documented() {
    let mut mistakes = Vec::new();
    let layers = Layers::collect(None, std::iter::empty(), &mut mistakes);
    let mut reader = Reader::new(&layers, mistakes);
    Config::read(&mut reader);
    let (shown, mistakes) = reader.finish();
    assert_eq!(mistakes, []);
    let mut comments = BTreeMap::new();
    let (mut section, mut comment) = (String::new(), String::new());
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
        } else if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
            comment.clear();
        } else if let Some((key, _)) = line.split_once(" = ") {
            comments.insert(format!("{section}{key}"), std::mem::take(&mut comment));
        } else {
            comment.clear();
        }
    }
    assert_eq!(comments.len(), shown.len());
    for setting in shown {
        let comment = &comments[setting.key];
        assert!(comment.len() > 10, "{} has no reason", setting.key);
        if let Some((least, most)) = setting.bounds {
            let text = format!("{least} to {most}");
            assert!(comment.contains(&text), "{}: {text}", setting.key);
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "longshore.toml",
        "listen = '0.0.0.0:80'\norg_id = 'org_file'\n[network]\nallow = ['10.0.0.0/8']\n[log]\nlevel = 'debug'\n",
    );
    let config = load_with(
        Some(&file),
        &[
            ("LONGSHORE_LISTEN", "[::1]:0"),
            ("LONGSHORE_NETWORK__ALLOW", "127.0.0.0/8, 192.168.1.7,,"),
            ("LONGSHORE_DELIVERY__RETRY_DELAYS_SECONDS", "1,2"),
            ("LONGSHORE_METRICS__LISTEN", ""),
            ("HOME", "/root"),
        ],
    )
    .unwrap();
    assert_eq!(config.listen.to_string(), "[::1]:0");
    assert_eq!(config.org_id.as_deref(), Some("org_file"));
    let allow: Vec<String> = config
        .network
        .allow
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(allow, ["127.0.0.0/8", "192.168.1.7/32"]);
    assert_eq!(config.log.level, LogLevel::Debug);
    assert_eq!(config.metrics.listen, None);
    assert_eq!(
        config.delivery.retry_delays,
        [1, 2].map(Duration::from_secs)
    );
}

#[test]
fn a_secret_comes_as_itself_or_from_a_file() {
    let scratch = Scratch::new();
    let key = scratch.file("key", format!("{SECRET}\r\n"));
    let key = key.to_str().unwrap();
    for variables in [
        [("LONGSHORE_MASTER_KEY", SECRET), ("X", "")],
        [("LONGSHORE_MASTER_KEY_FILE", key), ("X", "")],
        [
            ("LONGSHORE_MASTER_KEY_FILE", key),
            ("LONGSHORE_MASTER_KEY", ""),
        ],
    ] {
        let config = load(&variables).unwrap();
        assert_eq!(config.master_key.unwrap().expose(), SECRET, "{variables:?}");
    }
    let file = scratch.file("longshore.toml", format!("master_key_file = '{key}'"));
    let config = load_with(Some(&file), &[]).unwrap();
    assert_eq!(config.master_key.unwrap().expose(), SECRET);
    let other = "x".repeat(32);
    let config = load_with(Some(&file), &[("LONGSHORE_MASTER_KEY", &other)]).unwrap();
    assert_eq!(config.master_key.unwrap().expose(), &other);
    let config = load_with(Some(&file), &[("LONGSHORE_MASTER_KEY", "")]).unwrap();
    assert!(config.master_key.is_none());
}

#[test]
fn a_secret_given_twice_or_badly_is_refused_and_not_repeated() {
    let scratch = Scratch::new();
    let key = scratch.file("key", SECRET);
    let key = key.to_str().unwrap();
    let empty = scratch.file("empty", "\n");
    let empty = empty.to_str().unwrap();
    let binary = scratch.file("binary", [0xff; 40]);
    let binary = binary.to_str().unwrap();
    let form = "found a secret of another form, expected a secret of 32 to 512 bytes on one line";
    let cases: [(&[(&str, &str)], String); 7] = [
        (
            &[("LONGSHORE_MASTER_KEY", SECRET), ("LONGSHORE_MASTER_KEY_FILE", key)],
            "LONGSHORE_MASTER_KEY: master_key: is given as LONGSHORE_MASTER_KEY_FILE too; expected only one of them".into(),
        ),
        (&[("LONGSHORE_MASTER_KEY", "tooshortsecret")], format!("LONGSHORE_MASTER_KEY: master_key: {form}")),
        (&[("LONGSHORE_MASTER_KEY_FILE", empty)], format!("LONGSHORE_MASTER_KEY_FILE: master_key: cannot read {empty}: it is empty")),
        (&[("LONGSHORE_MASTER_KEY_FILE", binary)], format!("LONGSHORE_MASTER_KEY_FILE: master_key: cannot read {binary}: it is not UTF-8 text")),
        (
            &[("LONGSHORE_MASTER_KEY_FILE", "/nonexistent/key")],
            "LONGSHORE_MASTER_KEY_FILE: master_key: cannot read /nonexistent/key: No such file or directory (os error 2)".into(),
        ),
        (
            &[("LONGSHORE_BOOTSTRAP__CLIENT_SECRET", SECRET)],
            "LONGSHORE_BOOTSTRAP__CLIENT_SECRET: bootstrap.client_secret: does not fit bootstrap.client_id: both or neither must be set".into(),
        ),
        (
            &[("LONGSHORE_NETWORK__HTTPS_PROXY", "socks5://user:tooshortsecret@proxy")],
            "LONGSHORE_NETWORK__HTTPS_PROXY: network.https_proxy: found a secret of another form, \
             expected a proxy as http://[user:password@]host[:port]".into(),
        ),
    ];
    for (variables, expected) in cases {
        let mistakes = load(variables).expect_err("a mistake");
        assert_eq!(mistakes, [expected]);
        assert!(
            !mistakes
                .iter()
                .any(|text| text.contains(SECRET) || text.contains("tooshort"))
        );
    }
}

#[test]
fn all_mistakes_are_reported_together_each_with_its_place() {
    let scratch = Scratch::new();
    let path = scratch.file(
        "longshore.toml",
        "listen = 'nowhere'\nlog.level = 'loud'\n\n[netwrok]\nallow = []\n[delivery]\nwindow_count = 0\nwindow_byte = 1\n",
    );
    let mistakes = load_with(
        Some(&path),
        &[
            ("LONGSHORE_LISTEN", "0.0.0.0:3000"),
            ("LONGSHORE_NETWORK_ALLOW", "10.0.0.0/8"),
            ("LONGSHORE_TEMPLATES__WORKERS", "many"),
        ],
    )
    .expect_err("mistakes");
    let file = path.display();
    assert_eq!(
        mistakes,
        [
            format!("{file}:1: listen: found `nowhere`, expected an IP address and a port, such as 0.0.0.0:3000 or [::1]:3000"),
            format!("{file}:7: delivery.window_count: found 0, expected a number from 1 to 65536"),
            "LONGSHORE_TEMPLATES__WORKERS: templates.workers: found `many`, expected a whole number".into(),
            format!("{file}:2: log.level: found `loud`, expected `error` or `warn` or `info` or `debug` or `trace`"),
            format!("{file}:8: delivery.window_byte: there is no such setting; the nearest is delivery.window_bytes"),
            format!("{file}:5: netwrok.allow: there is no such setting; the nearest is network.allow"),
            "LONGSHORE_NETWORK_ALLOW: there is no such setting; the nearest is LONGSHORE_NETWORK__ALLOW".into(),
        ]
    );
}

/// A file with one mistake on its last line, and what is said about it.
const MISTAKEN: &[(&str, &str)] = &[
    ("listen = 3000", "listen: found a number, expected a text"),
    (
        "limits = 3",
        "limits: found a number, expected the section [limits]",
    ),
    ("[listen]", "listen: found a section, expected a text"),
    (
        "[delivery]\nwindow_count = 1.5",
        "delivery.window_count: found a fraction, expected a number",
    ),
    (
        "[delivery]\nwindow_count = -1",
        "delivery.window_count: found -1, expected a number from 1 to 65536",
    ),
    (
        "[delivery]\nwindow_count = 99999999999999999999",
        "delivery.window_count: found a number beyond 64 bits, expected a number",
    ),
    (
        "[network]\nallow = [1]",
        "network.allow: found a number, expected a text",
    ),
    (
        "[network]\nallow = ['10.0.0.0/33']",
        "network.allow: found `10.0.0.0/33`, expected an address range such as 10.0.0.0/8 or fd00::/8",
    ),
    (
        "[network]\nallow = ['169.254.169.254']",
        "network.allow: found `169.254.169.254`, expected a range that can be opened: link-local addresses stay closed",
    ),
    (
        "[network]\nallow = ['::ffff:10.0.0.0/104']",
        "network.allow: found `::ffff:10.0.0.0/104`, expected the range's IPv4 form: mapped addresses are compared as IPv4",
    ),
    (
        "[network]\nno_proxy = 'a,http://b/'",
        "network.no_proxy: found `http://b/`, expected a domain or address, both also with a port, a range or `*`",
    ),
    (
        "[network]\nbind_address = ['10.0.0.1', '10.0.0.2']",
        "network.bind_address: does not fit network.bind_address: of two addresses one must be IPv4 and one IPv6",
    ),
    (
        "[network]\nbind_address = ['10.0.0.1', '10.0.0.2', '::1']",
        "network.bind_address: found 3 entries, expected at most 2",
    ),
    (
        "database_url = 'postgres://user:hush@db/longshore'",
        "database_url: PostgreSQL is not built yet; expected `sqlite:PATH`, or nothing for a file in the data directory",
    ),
    (
        "database_url = 'mysql://user:hush@db/longshore'",
        "database_url: found another form, expected `sqlite:PATH`",
    ),
    (
        "public_url = 'https://user:hush@example.com'",
        "public_url: found `(an address with a user name or password)`, expected an http:// or https:// address without user, query or fragment",
    ),
    (
        "org_id = 'a/b'",
        "org_id: found `a/b`, expected 1 to 64 letters, digits, `_` and `-`",
    ),
    (
        "[kafka]\nbrokers = ['kafka']",
        "kafka.brokers: found `kafka`, expected a host and a port, such as kafka.example.com:9092",
    ),
    (
        "[kafka]\nsasl_mechanism = 'GSSAPI'",
        "kafka.sasl_mechanism: found `GSSAPI`, expected `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`",
    ),
    (
        "[kafka]\nsecurity_protocol = 'tls'",
        "kafka.security_protocol: found `tls`, expected `plaintext` or `ssl` or `sasl_plaintext` or `sasl_ssl`",
    ),
    (
        "[delivery]\ntotal_timeout_ms = 1000",
        "delivery.total_timeout_ms: does not fit network.connect_timeout_ms: the whole call must not end before its connection may",
    ),
];

#[test]
fn values_of_another_type_or_form_are_refused() {
    for (file, expected) in MISTAKEN {
        let line = file.lines().count();
        assert_eq!(
            mistakes_of(file),
            [format!("longshore.toml:{line}: {expected}")],
            "{file}"
        );
    }
}

#[test]
fn a_hostile_file_is_a_mistake_and_nothing_worse() {
    let deep = format!("a = {}", "[".repeat(100_000));
    let wide = format!("x = \"{}\"", "y".repeat(2_000_000));
    let long_name = format!("{} = 1", "n".repeat(100_000));
    for file in [
        deep.as_str(),
        &wide,
        &long_name,
        "=",
        "a = 1\na = 2",
        "\0",
        "[a]\n[a]",
    ] {
        let mistakes = mistakes_of(file);
        assert!(!mistakes.is_empty());
        assert!(mistakes.iter().all(|text| text.len() < 400), "{mistakes:?}");
    }
    let missing = load_with(Some(Path::new("/nonexistent.toml")), &[]).expect_err("a mistake");
    assert_eq!(
        missing,
        [
            "/nonexistent.toml: cannot read /nonexistent.toml: No such file or directory (os error 2)"
        ]
    );
}

#[test]
fn conventional_proxy_variables_stand_in_where_nothing_else_is_set() {
    let proxies = [
        ("HTTP_PROXY", "http://upper:1"),
        ("http_proxy", "lower:3128"),
        ("HTTPS_PROXY", "http://user:hush@secure:8080/"),
        (
            "NO_PROXY",
            "localhost .cluster.local:8443,10.0.0.0/8,[::1], *",
        ),
    ];
    let network = load(&proxies).unwrap().network;
    assert_eq!(network.http_proxy.unwrap().expose(), "http://lower:3128");
    assert_eq!(
        network.https_proxy.unwrap().expose(),
        "http://user:hush@secure:8080"
    );
    assert_eq!(
        network.no_proxy,
        [
            "localhost",
            ".cluster.local:8443",
            "10.0.0.0/8",
            "[::1]",
            "*"
        ]
    );

    let scratch = Scratch::new();
    let file = scratch.file(
        "longshore.toml",
        "[network]\nhttp_proxy = ''\nhttps_proxy = 'http://file:1'\n",
    );
    let network = load_with(Some(&file), &proxies).unwrap().network;
    assert_eq!(network.http_proxy, None);
    assert_eq!(network.https_proxy.unwrap().expose(), "http://file:1");
}

#[test]
fn variables_that_kubernetes_sets_for_a_service_of_our_name_are_none_of_ours() {
    let links = [
        ("LONGSHORE_SERVICE_HOST", "10.0.0.11"),
        ("LONGSHORE_SERVICE_PORT", "3000"),
        ("LONGSHORE_SERVICE_PORT_HTTP", "3000"),
        ("LONGSHORE_PORT", "tcp://10.0.0.11:3000"),
        ("LONGSHORE_PORT_3000_TCP", "tcp://10.0.0.11:3000"),
        ("LONGSHORE_PORT_3000_TCP_PROTO", "tcp"),
        ("LONGSHORE_PORT_3000_TCP_ADDR", "10.0.0.11"),
        ("LONGSHORE_METRICS_PORT_9464_TCP_PORT", "9464"),
    ];
    assert!(load(&links).is_ok());
    assert!(load(&[("LONGSHORE_PORT", "3000")]).is_err());
    assert!(load(&[("LONGSHORE_listen", "127.0.0.1:0")]).is_err());
}

#[test]
fn what_is_printed_names_origins_redacts_secrets_and_can_be_read_again() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "longshore.toml",
        "data_dir = '''/tmp/\"a\\b\nc'''\n[network]\nallow = ['10.1.2.3/8']\n",
    );
    let config = load_with(
        Some(&file),
        &[
            ("LONGSHORE_MASTER_KEY", SECRET),
            ("https_proxy", "http://user:hush@secure:8080"),
        ],
    )
    .unwrap();
    let printed = config.print();
    for line in [
        "listen = \"127.0.0.1:3000\" # default",
        "master_key = \"<redacted>\" # LONGSHORE_MASTER_KEY",
        "https_proxy = \"<redacted>\" # https_proxy",
        "[network]",
        "retry_delays_seconds = [5, 30, 120, 600, 1800, 3600, 10800, 21600, 46800] # default",
    ] {
        assert!(
            printed.lines().any(|found| found == line),
            "{line}\n{printed}"
        );
    }
    assert!(printed.contains("allow = [\"10.0.0.0/8\"] # "));
    let debug = format!("{config:?}");
    for secret in [SECRET, "hush"] {
        assert!(!printed.contains(secret) && !debug.contains(secret));
    }
    let again: toml::Table = printed.parse().unwrap();
    assert_eq!(again["data_dir"].as_str(), Some("/tmp/\"a\\b\nc"));
}

#[test]
fn what_is_printed_means_the_same_when_it_is_read_again() {
    let scratch = Scratch::new();
    let first = load(&[
        (
            "LONGSHORE_DATABASE_URL",
            "sqlite:///var/lib/longshore/runs.db",
        ),
        ("LONGSHORE_NETWORK__BIND_ADDRESS", "10.0.0.5,fd00::5"),
        (
            "LONGSHORE_PUBLIC_URL",
            "https://longshore.example.com/base/",
        ),
        ("LONGSHORE_LOG__FORMAT", "text"),
    ])
    .unwrap();
    assert_eq!(first.database_file, Path::new("/var/lib/longshore/runs.db"));
    assert_eq!(
        first.public_url.as_deref(),
        Some("https://longshore.example.com/base")
    );
    let file = scratch.file("longshore.toml", first.print());
    let second = load_with(Some(&file), &[]).unwrap();
    let without_origins = |config: &Config| {
        let printed = config.print();
        let values = printed.lines().map(|line| line.split(" # ").next());
        values.map(Option::unwrap).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_origins(&first), without_origins(&second));
    assert_eq!(second.network.bind_addresses.len(), 2);
}

#[test]
fn without_brokers_there_is_no_kafka_whatever_else_is_said() {
    assert!(load(&[]).unwrap().kafka.is_none());
    let config = load(&[
        ("LONGSHORE_KAFKA__BROKERS", ""),
        ("LONGSHORE_KAFKA__SECURITY_PROTOCOL", "sasl_ssl"),
    ]);
    assert!(config.unwrap().kafka.is_none());
}

#[test]
fn kafka_by_the_variables_that_are_documented() {
    let scratch = Scratch::new();
    let pem = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let ca = scratch.file("ca.pem", pem);
    let password = scratch.file("password", "hush\n");
    let config = load(&[
        ("LONGSHORE_KAFKA__BROKERS", "a:9092, [::1]:9093"),
        ("LONGSHORE_KAFKA__SECURITY_PROTOCOL", "sasl_ssl"),
        ("LONGSHORE_KAFKA__SASL_MECHANISM", "SCRAM-SHA-512"),
        ("LONGSHORE_KAFKA__USERNAME", "longshore"),
        ("LONGSHORE_KAFKA__PASSWORD_FILE", password.to_str().unwrap()),
        ("LONGSHORE_KAFKA__CA", ca.to_str().unwrap()),
    ])
    .unwrap();
    let kafka = config.kafka.as_ref().unwrap();
    assert_eq!(kafka.brokers, ["a:9092", "[::1]:9093"]);
    let (mechanism, login) = kafka.login.as_ref().unwrap();
    assert_eq!(*mechanism, KafkaMechanism::ScramSha512);
    let shown = (login.username.as_str(), login.password.expose().as_str());
    assert_eq!(shown, ("longshore", "hush"));
    assert_eq!((kafka.tls, kafka.ca.as_deref()), (true, Some(ca.as_path())));
    assert_eq!((kafka.partitions, kafka.replication_factor), (6, None));
    assert_eq!(kafka.login_of_agents().unwrap().username, "longshore");
    assert!(!config.print().contains("hush") && !format!("{config:?}").contains("hush"));
}

#[test]
fn settings_of_kafka_that_do_not_fit_together_are_named() {
    let scratch = Scratch::new();
    let ca = scratch.file("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let ca = ca.to_str().unwrap();
    let needs = "this protocol needs a mechanism, a name and a password";
    let only = "only `sasl_plaintext` and `sasl_ssl` log in";
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str, &'a str)]);
    let protocol = "kafka.security_protocol";
    let cases: [Case<'_>; 5] = [
        (
            &[("CA", ca)],
            &[(
                "kafka.ca",
                protocol,
                "only `ssl` and `sasl_ssl` meet a certificate",
            )],
        ),
        (
            &[
                ("SECURITY_PROTOCOL", "sasl_ssl"),
                ("SASL_MECHANISM", "PLAIN"),
            ],
            &[
                ("kafka.username", protocol, needs),
                ("kafka.password", protocol, needs),
            ],
        ),
        (
            &[
                ("SECURITY_PROTOCOL", "ssl"),
                ("SASL_MECHANISM", "PLAIN"),
                ("USERNAME", "u"),
                ("PASSWORD", "p"),
            ],
            &[
                ("kafka.sasl_mechanism", protocol, only),
                ("kafka.username", protocol, only),
                ("kafka.password", protocol, only),
            ],
        ),
        (
            &[("AGENT_USERNAME", "u")],
            &[(
                "kafka.agent_username",
                "kafka.agent_password",
                "both or neither must be set",
            )],
        ),
        (
            &[("AGENT_USERNAME", "u"), ("AGENT_PASSWORD", "p")],
            &[("kafka.agent_username", protocol, only)],
        ),
    ];
    for (given, expected) in cases {
        let names: Vec<(String, &str)> = given
            .iter()
            .map(|(name, value)| (format!("LONGSHORE_KAFKA__{name}"), *value))
            .collect();
        let mut variables = vec![("LONGSHORE_KAFKA__BROKERS", "a:9092")];
        variables.extend(names.iter().map(|(name, value)| (name.as_str(), *value)));
        let expected: Vec<String> = expected
            .iter()
            .map(|(key, with, rule)| format!("{key}: does not fit {with}: {rule}"))
            .collect();
        let found = load(&variables).expect_err("a mistake");
        let found: Vec<&str> = found
            .iter()
            .map(|mistake| mistake.split_once(": ").unwrap().1)
            .collect();
        assert_eq!(found, expected, "{given:?}");
    }
}
