//! Starting: the first start, what is refused and why, and which credentials count.

use http::Method;
use rusqlite::Connection;

use crate::api::Api;
use crate::server::{CLIENT_ID, CLIENT_SECRET, Home, mode};

const KEY: &str = "a master key of the system tests, long enough";
const OTHER_KEY: &str = "another master key of the system tests, as long";
const OTHER_SECRET: &str = "another client secret of the system tests, as long";

#[tokio::test]
async fn it_listens_on_a_free_port_and_says_where() {
    let home = Home::new();
    let server = home.serve().await;
    assert_ne!(server.address.port(), 0);
    let api = Api::anonymous(server.address);
    assert_eq!(api.get("/healthz").await["ok"], true);
    assert_eq!(api.get("/readyz").await["ok"], true);
    let lines = server.stop().await;
    let said: Vec<&String> = lines
        .iter()
        .filter(|line| crate::server::listening(line).is_some())
        .collect();
    assert_eq!(said.len(), 1, "{lines:#?}");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let mut home = Home::new();
    let server = home.serve().await;
    let reason = home.refused().await;
    assert!(
        reason.contains("another Longshore process uses"),
        "{reason}"
    );
    // Neither through another data directory.
    let database = format!("sqlite:{}", home.database().display());
    let other = home.path("other").display().to_string();
    home.set("DATA_DIR", &other);
    home.set("DATABASE_URL", &database);
    let reason = home.refused().await;
    assert!(
        reason.contains("another Longshore process uses"),
        "{reason}"
    );
    // The first one does not suffer from it.
    server.api().await.get("/v1/organization").await;
    server.stop().await;
}

#[tokio::test]
async fn data_opens_under_its_own_master_key_alone() {
    let mut home = Home::new();
    home.set("MASTER_KEY", KEY);
    home.serve().await.stop().await;
    home.set("MASTER_KEY", OTHER_KEY);
    let reason = home.refused().await;
    assert!(
        reason.contains("the data was written under another master key"),
        "{reason}"
    );
    home.unset("MASTER_KEY");
    let reason = home.refused().await;
    assert!(reason.contains("no master key"), "{reason}");
    home.set("MASTER_KEY", KEY);
    home.serve().await.stop().await;
}

#[tokio::test]
async fn a_master_key_that_was_made_is_kept_and_missed() {
    let home = Home::new();
    home.serve().await.stop().await;
    let file = home.data().join("master-key");
    let key = std::fs::read(&file).unwrap();
    home.serve().await.stop().await;
    assert_eq!(std::fs::read(&file).unwrap(), key);
    std::fs::remove_file(&file).unwrap();
    let reason = home.refused().await;
    assert!(reason.contains("no master key"), "{reason}");
    assert!(
        !file.exists(),
        "a new key must not hide that the old one is lost"
    );
}

#[tokio::test]
async fn an_organization_keeps_its_id() {
    let mut home = Home::new();
    home.set("ORG_ID", "org_first");
    let server = home.serve().await;
    let shown = server.api().await.get("/v1/organization").await;
    assert_eq!(shown["organization"]["id"], "org_first");
    server.stop().await;
    home.set("ORG_ID", "org_second");
    let reason = home.refused().await;
    assert!(
        reason.contains("org_first") && reason.contains("org_second"),
        "{reason}"
    );
    home.unset("ORG_ID");
    home.serve().await.stop().await;
}

#[tokio::test]
async fn the_first_start_writes_key_and_credentials_for_their_owner_alone() {
    let home = Home::bare();
    let mut server = home.serve().await;
    let credentials = home.data().join("bootstrap-credentials");
    let named = server
        .logged(|line| line["file"].as_str().map(str::to_owned))
        .await;
    assert_eq!(named, credentials.display().to_string());
    let key = home.data().join("master-key");
    for file in [&credentials, &key, &home.database()] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(&home.data()), 0o700);

    let text = std::fs::read_to_string(&credentials).unwrap();
    let value = |name: &str| {
        let mut found = text.lines().filter_map(|line| line.strip_prefix(name));
        found.next().unwrap().to_owned()
    };
    let (id, secret) = (value("CLIENT_ID="), value("CLIENT_SECRET="));
    Api::connect(server.address, &id, &secret).await;
    let lines = server.stop().await.join("\n");
    let kept = std::fs::read_to_string(&key).unwrap();
    for hidden in [&id, &secret, &kept] {
        assert!(!lines.contains(hidden.trim()), "{lines}");
    }
    // A later start changes neither.
    home.serve().await.stop().await;
    assert_eq!(std::fs::read_to_string(&credentials).unwrap(), text);
}

#[tokio::test]
async fn bootstrap_variables_count_only_while_there_are_no_credentials() {
    let mut home = Home::new();
    home.serve().await.stop().await;
    home.set("BOOTSTRAP__CLIENT_ID", "somebody-else");
    home.set("BOOTSTRAP__CLIENT_SECRET", OTHER_SECRET);
    let server = home.serve().await;
    let api = Api::anonymous(server.address);
    let refused = api.token("somebody-else", OTHER_SECRET).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    assert_eq!(api.token(CLIENT_ID, CLIENT_SECRET).await.status, 200);
    // Nor does the same id with another secret.
    let refused = api.token(CLIENT_ID, OTHER_SECRET).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    server.stop().await;
}

#[tokio::test]
async fn secrets_come_from_files_too() {
    let mut home = Home::new();
    let file = |name: &str, text: &str| {
        let path = home.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = file("key", &format!("{KEY}\n"));
    let secret = file("secret", &format!("{CLIENT_SECRET}\r\n"));
    home.set("MASTER_KEY_FILE", &key);
    home.unset("BOOTSTRAP__CLIENT_SECRET");
    home.set("BOOTSTRAP__CLIENT_SECRET_FILE", &secret);
    let server = home.serve().await;
    server.api().await.get("/v1/organization").await;
    server.stop().await;
    // The file's key is the same as the variable's.
    home.unset("MASTER_KEY_FILE");
    home.set("MASTER_KEY", KEY);
    home.serve().await.stop().await;
    home.set("MASTER_KEY_FILE", &key);
    let reason = home.refused().await;
    assert!(reason.contains("LONGSHORE_MASTER_KEY"), "{reason}");
    assert!(!reason.contains(KEY), "{reason}");
}

#[tokio::test]
async fn databases_of_others_and_of_the_future_are_refused_and_left_alone() {
    type Spoil = fn(&Home);
    let cases: [(&str, Spoil, &str); 3] = [
        (
            "newer",
            |home| {
                let database = Connection::open(home.database()).unwrap();
                database.pragma_update(None, "user_version", 999).unwrap();
            },
            "schema version 999",
        ),
        (
            "foreign",
            |home| {
                std::fs::remove_file(home.database()).unwrap();
                let database = Connection::open(home.database()).unwrap();
                database.execute_batch("CREATE TABLE theirs (a)").unwrap();
            },
            "not a Longshore database",
        ),
        (
            "no database",
            |home| std::fs::write(home.database(), "something else entirely".repeat(99)).unwrap(),
            "not a database",
        ),
    ];
    for (name, spoil, expected) in cases {
        let home = Home::new();
        home.serve().await.stop().await;
        spoil(&home);
        let before = std::fs::read(home.database()).unwrap();
        let reason = home.refused().await;
        assert!(reason.contains(expected), "{name}: {reason}");
        let after = std::fs::read(home.database()).unwrap();
        assert!(after == before, "{name}: the file was changed");
    }
}

#[tokio::test]
async fn an_address_in_use_is_refused_with_the_address() {
    let mut home = Home::new();
    let server = home.serve().await;
    let address = server.address.to_string();
    let data = home.path("other").display().to_string();
    home.set("DATA_DIR", &data);
    home.set("LISTEN", &address);
    let reason = home.refused().await;
    assert!(reason.contains(&address), "{reason}");
    let answer = server.api().await.call(Method::GET, "/readyz", None).await;
    assert_eq!(answer.status, 200);
    server.stop().await;
}
