//! `longshore backup` while the server is under load.

use std::path::Path;

use crate::receivers::Receivers;
use crate::rows;
use crate::server::{Home, mode};
use crate::traffic::{Promised, Traffic};

/// Runs that are accepted before, and again during the backups.
const RUNS: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_everything_accepted_before_it() {
    let home = Home::new();
    let receivers = Receivers::start().await;
    let server = home.serve().await;
    let api = server.api().await;
    receivers.introduce(&api).await;
    let mut before = Promised::default();
    let mut traffic = Traffic::start(&api);
    traffic.accepted(RUNS).await;
    traffic.end(&mut before).await;

    let mut traffic = Traffic::start(&api);
    traffic.accepted(1).await;
    let file = home.path("backup.db");
    let name = file.display().to_string();
    let ended = home.run(&["backup", &name]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.contains(&name), "{ended:?}");
    assert_eq!(mode(&file), 0o600);
    let during = traffic.count();
    traffic.accepted(during + RUNS / 10).await;

    let refused = home.run(&["backup", &name]).await;
    assert!(!refused.status.success(), "{refused:?}");
    assert!(refused.stderr.contains("exists already"), "{refused:?}");
    let mut after = Promised::default();
    traffic.end(&mut after).await;
    api.drained(crate::server::SOON).await;
    server.stop().await;

    let kept = rows::read(&file);
    for run in before.webhook.iter().chain(&before.jenkins) {
        assert!(kept.contains_key(run), "{run} is not in the backup");
    }
    serves(&home, &file, before.webhook.first().unwrap()).await;
}

/// A server on the backup, with the master key beside it, shows its runs.
async fn serves(home: &Home, backup: &Path, run: &str) {
    let restored = Home::new();
    std::fs::create_dir(restored.data()).unwrap();
    std::fs::copy(backup, restored.database()).unwrap();
    let key = "master-key";
    std::fs::copy(home.data().join(key), restored.data().join(key)).unwrap();
    let server = restored.serve().await;
    let shown = server
        .api()
        .await
        .get(&format!("/v1/actions/runs/{run}"))
        .await;
    assert_eq!(shown["run"]["id"], run);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_backed_up_is_refused_with_the_reason() {
    let home = Home::new();
    let target = home.path("backup.db");
    let name = target.display().to_string();
    let missing = home.run(&["backup", &name]).await;
    assert!(!missing.status.success(), "{missing:?}");
    let database = home.database().display().to_string();
    assert!(missing.stderr.contains(&database), "{missing:?}");
    assert!(!home.database().exists() && !target.exists());

    home.serve().await.stop().await;
    let nowhere = home.path("no/such/folder/backup.db").display().to_string();
    let refused = home.run(&["backup", &nowhere]).await;
    assert!(!refused.status.success(), "{refused:?}");
    assert!(refused.stderr.contains("no/such/folder"), "{refused:?}");
}
