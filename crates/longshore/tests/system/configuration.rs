//! `config check` and `config print`: every mistake at once, every setting, and no secret.

use crate::server::{CLIENT_SECRET, Home};

#[tokio::test]
async fn a_sound_configuration_holds() {
    let ended = Home::new().run(&["config", "check"]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, "the configuration holds\n");
    assert_eq!(ended.stderr, "");
}

#[tokio::test]
async fn every_mistake_is_told_at_once_and_nothing_starts() {
    let mut home = Home::new();
    let file = home.path("longshore.toml");
    let text = "listne = \"127.0.0.1:1\"\n\n[delivery]\nwindow_count = 0\nretries = 3\n";
    std::fs::write(&file, text).unwrap();
    home.set("DELIVERY__WINDOW_CUONT", "64");
    home.set("NETWORK__ALLOW", "10.0.0.0/40");
    home.set("MASTER_KEY", "too short to be a key");
    home.set("BOOTSTRAP__CLIENT_ID", "");
    let file = file.display().to_string();
    let expected = [
        format!("{file}:1: listne: there is no such setting; the nearest is listen"),
        format!("{file}:4: delivery.window_count: found 0, expected a number from 1 to 65536"),
        format!("{file}:5: delivery.retries: there is no such setting"),
        "LONGSHORE_DELIVERY__WINDOW_CUONT: ".to_owned(),
        "LONGSHORE_NETWORK__ALLOW: network.allow: found `10.0.0.0/40`".to_owned(),
        "LONGSHORE_MASTER_KEY: master_key: ".to_owned(),
        "bootstrap.client_secret: does not fit bootstrap.client_id".to_owned(),
    ];
    for command in [&["config", "check"][..], &["config", "print"], &["serve"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["--config", &file]);
        let ended = home.run(&arguments).await;
        assert!(!ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout, "", "{command:?}");
        for line in &expected {
            assert!(
                ended.stderr.contains(line.as_str()),
                "{command:?} does not tell {line:?}: {}",
                ended.stderr
            );
        }
        let told = ended.stderr.lines().count() - 1;
        assert_eq!(told, expected.len(), "{}", ended.stderr);
        for secret in [CLIENT_SECRET, "too short to be a key"] {
            assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
        }
    }
    assert!(
        !home.data().exists(),
        "nothing is made of a wrong configuration"
    );
}

#[tokio::test]
async fn settings_are_printed_with_their_origin_and_without_secrets() {
    let mut home = Home::new();
    let (file, key) = (home.path("longshore.toml"), home.path("key"));
    std::fs::write(&key, "a master key that is read from a file\n").unwrap();
    let text = format!(
        "public_url = \"https://longshore.example.com\"\nmaster_key_file = \"{}\"\n\n\
         [delivery]\nwindow_count = 32\nbreaker_failures = 3\n",
        key.display()
    );
    std::fs::write(&file, text).unwrap();
    home.set("DELIVERY__WINDOW_COUNT", "64");
    home.set(
        "NETWORK__HTTP_PROXY",
        "http://user:hidden-password@127.0.0.1:1",
    );
    let file = file.display().to_string();
    let ended = home.run(&["config", "print", "--config", &file]).await;
    assert!(ended.status.success(), "{ended:?}");
    let origin_of = |setting: &str, value: &str| {
        let start = format!("{setting} = {value} # ");
        let mut lines = ended.stdout.lines();
        let found = lines.find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_else(|| panic!("no {start:?} in {}", ended.stdout))
    };
    // The environment wins over the file, and the file over the defaults.
    assert_eq!(
        origin_of("window_count", "64"),
        "LONGSHORE_DELIVERY__WINDOW_COUNT"
    );
    assert_eq!(origin_of("breaker_failures", "3"), format!("{file}:6"));
    assert_eq!(
        origin_of("public_url", "\"https://longshore.example.com\""),
        format!("{file}:1")
    );
    assert_eq!(origin_of("writer_group", "512"), "default");
    for secret in [CLIENT_SECRET, "hidden-password", "a master key that is"] {
        assert!(!ended.stdout.contains(secret), "{}", ended.stdout);
    }
}
