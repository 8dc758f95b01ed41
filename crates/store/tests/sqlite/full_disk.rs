//! A full disk stops writes, loses nothing, and is survived.

use std::sync::Arc;

use longshore_store::sqlite::{Config, Sqlite};
use longshore_store::{Error, RunFilter, Runs, Upkeep};
use tokio::task::JoinSet;

use crate::sample;
use crate::vfs::{self, Disk};

/// Applies runs `from..to` side by side; answers which were confirmed.
async fn insert(store: &Arc<Sqlite>, from: u64, to: u64) -> Vec<(u64, Result<(), Error>)> {
    let mut callers = JoinSet::new();
    for number in from..to {
        let store = Arc::clone(store);
        callers.spawn(async move {
            (
                number,
                store.apply(Arc::new(sample::owned(number))).await.map(drop),
            )
        });
    }
    callers.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_until_there_is_space_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = vfs::canonical(&directory.path().join("longshore.db"));
    let disk = Disk::of(&path);
    let config = Config {
        vfs: Some(vfs::NAME.into()),
        ..Config::new(&path)
    };
    let store = Arc::new(Sqlite::open(&config).expect("opened"));
    let mut kept = 0;
    for round in 0..5 {
        let first = round * 100;
        assert!(
            insert(&store, first, first + 40)
                .await
                .iter()
                .all(|(_, stored)| stored.is_ok())
        );
        kept += 40;
        disk.set_full(true);
        for (number, stored) in insert(&store, first + 40, first + 80).await {
            assert!(
                matches!(stored, Err(Error::Unavailable(_))),
                "run {number}: {stored:?}"
            );
        }
        assert!(matches!(store.probe().await, Err(Error::Unavailable(_))));
        // Reading goes on.
        let all = RunFilter {
            limit: 1_000,
            ..RunFilter::default()
        };
        assert_eq!(store.runs(all).await.expect("read").items.len(), kept);
        disk.set_full(false);
        store.probe().await.expect("there is space again");
    }
    drop(store);
    let store = Sqlite::open(&Config::new(&path)).expect("opened");
    let all = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    assert_eq!(store.runs(all).await.expect("read").items.len(), kept);
    Sqlite::check(&path).expect("whole");
}
