//! Backups of a database in use.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_store::sqlite::{BackupError, Config, Sqlite};
use longshore_store::{RunFilter, Runs};

use crate::sample;

fn names(directory: &std::path::Path) -> Vec<String> {
    let entries = directory.read_dir().expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("UTF-8")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_whole_private_and_never_overwrites() {
    let directory = tempfile::tempdir().expect("a directory");
    let copies = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("longshore.db");
    let store = Arc::new(Sqlite::open(&Config::new(&source)).expect("opened"));
    for number in 1..=50 {
        store
            .apply(Arc::new(sample::owned(number)))
            .await
            .expect("stored");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
        async move {
            for number in 51.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                store
                    .apply(Arc::new(sample::owned(number)))
                    .await
                    .expect("stored");
            }
        }
    };
    let target = copies.path().join("copy's name.db");
    let backup = {
        let (source, target) = (source.clone(), target.clone());
        async move {
            let made = tokio::task::spawn_blocking(move || Sqlite::backup(&source, &target)).await;
            stop.store(true, Ordering::Relaxed);
            made.expect("it ends")
        }
    };
    let ((), made) = tokio::join!(load, backup);
    made.expect("made");
    assert_eq!(names(copies.path()), ["copy's name.db"]);
    let mode = target.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&target).expect("read");
    assert!(matches!(
        Sqlite::backup(&source, &target),
        Err(BackupError::Exists(_))
    ));
    assert_eq!(std::fs::read(&target).expect("read"), before);

    let copy = Sqlite::open(&Config::new(&target)).expect("opened");
    let all = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    let runs = copy.runs(all).await.expect("read").items;
    assert!(runs.len() >= 50);
    assert!(runs.iter().any(|(run, _)| run.id == sample::run_id(50)));
    copy.apply(Arc::new(sample::owned(10_000)))
        .await
        .expect("the copy can be used");
}

#[test]
fn what_is_no_database_is_refused_and_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let target = directory.path().join("copy.db");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(
        at("text"),
        "not a database, but long enough to be looked at".repeat(100),
    )
    .expect("written");
    rusqlite::Connection::open(at("other.db"))
        .and_then(|other| other.execute_batch("CREATE TABLE t (x)"))
        .expect("made");
    assert!(matches!(
        Sqlite::backup(&at("absent"), &target),
        Err(BackupError::File { .. })
    ));
    assert!(matches!(
        Sqlite::backup(&at("text"), &target),
        Err(BackupError::File { .. })
    ));
    assert!(matches!(
        Sqlite::backup(&at("other.db"), &target),
        Err(BackupError::Foreign(_))
    ));
    let elsewhere = directory.path().join("absent").join("copy.db");
    assert!(matches!(
        Sqlite::backup(&at("other.db"), &elsewhere),
        Err(BackupError::File { .. })
    ));
    assert_eq!(names(directory.path()), ["other.db", "text"]);
}
