//! The existing agent's variables, the file beside them, and the mistakes in both.

use std::collections::BTreeMap;
use std::path::Path;

use longshore_agent::config::Config;
use longshore_domain::agent::Streamer;

use crate::fake::Fake;
use crate::working::{SECRET, Setup};

fn load(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::load(file, &variables)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

const NEEDED: [(&str, &str); 4] = [
    ("PORT_API_BASE_URL", "https://longshore.example.com/"),
    ("PORT_CLIENT_ID", "id"),
    ("PORT_CLIENT_SECRET", SECRET),
    ("STREAMER_NAME", "POLLING"),
];

#[test]
fn the_existing_agents_variables_are_enough() {
    let more = [
        ("WEBHOOK_INVOKER_TIMEOUT", "45"),
        ("DETAILED_LOGGING", "False"),
        ("POLLING_RUNS_BATCH_SIZE", "7"),
        ("POLLING_INTERVAL_SECONDS", "10"),
        ("WEBHOOK_VERIFY_SSL", "true"),
        ("LOG_LEVEL", "INFO"),
    ];
    let config = load(None, &[NEEDED.as_slice(), &more].concat()).unwrap();
    assert_eq!(config.api.base_url, "https://longshore.example.com");
    assert_eq!(config.streamer, Streamer::Polling);
    assert_eq!(config.calls.timeout.as_secs(), 45);
    assert_eq!(config.polling.batch, 7);
    assert!(!config.log.detailed);
    assert!(!config.id.is_empty());
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn private_networks_are_open_and_what_the_host_trusts_is_not() {
    let config = load(None, &NEEDED).unwrap();
    let opens = |address: &str| {
        let address: std::net::IpAddr = address.parse().unwrap();
        config
            .network
            .allow
            .iter()
            .any(|net| net.contains(&address))
    };
    for (address, open) in [
        ("10.1.2.3", true),
        ("172.31.0.1", true),
        ("192.168.1.1", true),
        ("fd12::1", true),
        ("127.0.0.1", false),
        ("169.254.169.254", false),
        ("::1", false),
    ] {
        assert_eq!(opens(address), open, "{address}");
    }
}

#[test]
fn secrets_come_from_files_and_a_rotation_has_two() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let path = file.display().to_string();
    let variables = [
        ("PORT_API_BASE_URL", "http://longshore:3000"),
        ("PORT_CLIENT_ID", "id"),
        ("PORT_CLIENT_SECRET_FILE", path.as_str()),
        (
            "PORT_CLIENT_SECRET_PREVIOUS",
            "another secret of at least 32 bytes",
        ),
        ("STREAMER_NAME", "polling"),
    ];
    let config = load(None, &variables).unwrap();
    let secrets: Vec<&str> = config.api.secrets.all().collect();
    assert_eq!(secrets, [SECRET, "another secret of at least 32 bytes"]);
}

#[test]
fn all_mistakes_are_told_together_and_none_repeats_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("agent.toml");
    let mapping = directory.path().join("mapping.json");
    std::fs::write(
        &mapping,
        r#"[{"enable": true, "url": ".a |", "report": {"state": ".b"}}]"#,
    )
    .unwrap();
    let text = format!(
        "[calls]\nconcurency = 4\ntimeout_ms = \"soon\"\n[network]\nallow = [\"here\"]\n\
         [mapping]\nfile = {:?}\n[[connection]]\nname = \"ci\"\nurl = \"ftp://h\"\nretrySchedule = [1]\n\
         signingSecret = \"short secret\"\n",
        mapping.display().to_string()
    );
    std::fs::write(&file, text).unwrap();
    let variables = [
        ("PORT_CLIENT_SECRET", "tooshort"),
        ("WEBHOOK_VERIFY_SSL", "false"),
        ("STREAMER_NAME", "CARRIER_PIGEON"),
    ];
    let mistakes = load(Some(&file), &variables).unwrap_err();
    for expected in [
        "agent.toml:2: calls.concurency: there is no such setting; the nearest is calls.concurrency",
        "agent.toml:3: calls.timeout_ms: found `a string`, expected a number from 100 to 600000",
        "agent.toml:5: network.allow: found `here`, expected an address range",
        "api.base_url: is not set",
        "api.client_id: is not set",
        "PORT_CLIENT_SECRET: api.client_secret: found a secret of another form",
        "WEBHOOK_VERIFY_SSL: certificates are always checked",
        "STREAMER_NAME: streamer: found `CARRIER_PIGEON`",
        "mapping[0]: there is no key `enable`; the nearest is enabled",
        "mapping[0].url:",
        "mapping[0].report: there is no key `state`",
        "agent.toml:8: connection[0].url: expected http:// or https://",
        "agent.toml:8: connection[0].retrySchedule: is the server's to set",
        "connection[0].signingSecret: found a secret of another form",
    ] {
        let told = mistakes.iter().any(|mistake| mistake.contains(expected));
        assert!(told, "{expected}: {mistakes:#?}");
    }
    let all = mistakes.join("\n");
    assert!(
        !all.contains("tooshort") && !all.contains("short secret"),
        "{all}"
    );
}

#[test]
fn a_file_that_is_not_toml_is_pointed_into() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("agent.toml");
    std::fs::write(&file, "[calls]\nconcurrency = 4\ntimeout_ms = = 5\n").unwrap();
    let mistakes = load(Some(&file), &[]).unwrap_err();
    let told = |it: &String| it.contains("agent.toml:3: not TOML: ");
    assert!(mistakes.iter().any(told), "{mistakes:#?}");
    std::fs::write(&file, "id = 99999999999999999999\n").unwrap();
    let mistakes = load(Some(&file), &[]).unwrap_err();
    let told = |it: &String| it.contains("agent.toml:1: id: ");
    assert!(mistakes.iter().any(told), "{mistakes:#?}");
}

#[tokio::test]
async fn the_file_is_used_where_no_variable_says_otherwise() {
    let fake = Fake::start(SECRET).await;
    let mut setup = Setup::new(&fake);
    setup.add("[polling]\nbatch = 3\nwait_seconds = 1\n[calls]\nconcurrency = 2\n");
    let config = setup.config().unwrap();
    assert_eq!((config.polling.batch, config.calls.concurrency), (3, 2));
    setup.set("POLLING_RUNS_BATCH_SIZE", "4");
    assert_eq!(setup.config().unwrap().polling.batch, 4);
}
