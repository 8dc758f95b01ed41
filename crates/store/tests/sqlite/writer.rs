//! The writer's queues, and callers that go away.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use longshore_domain::run::RunChange;
use longshore_store::sqlite::{Config, Sqlite};
use longshore_store::{Applied, Error, Outbox, RunFilter, Runs, Upkeep};
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::sample;

/// An open database whose writer can be held up by another process' transaction.
fn held_up(config: impl FnOnce(Config) -> Config) -> (Arc<Sqlite>, Connection, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    let store = Arc::new(Sqlite::open(&config(Config::new(&path))).expect("opened"));
    let other = Connection::open(&path).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    (store, other, directory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_runs_over_the_limit_are_refused_at_once_and_changes_are_not() {
    let (store, other, _directory) = held_up(|config| Config {
        new_runs_limit: 10,
        changes_limit: 5,
        ..config
    });
    let mut callers = JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.apply(Arc::new(sample::owned(number))).await });
        tokio::task::yield_now().await;
    }
    let mut answers = Vec::new();
    // Ten wait, and at most one group is with the writer already.
    while answers.len() < 80 {
        answers.push(callers.join_next().await.expect("some").expect("no panic"));
    }
    assert!(
        answers
            .iter()
            .all(|answer| *answer == Err(Error::Overloaded)),
        "{answers:?}"
    );
    let mut probes = JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&store);
        probes.spawn(async move { store.probe().await });
    }
    other.execute_batch("COMMIT").expect("released");
    assert!(probes.join_all().await.iter().all(Result::is_ok));
    let rest = callers.join_all().await;
    let stored = rest.iter().filter(|answer| **answer == Ok(Applied)).count();
    assert!(stored >= 10, "{rest:?}");
    let all = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    assert_eq!(store.runs(all).await.expect("read").items.len(), stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_new_runs_are_bounded_in_bytes() {
    let (store, other, _directory) = held_up(|config| Config {
        new_runs_bytes_limit: 10_000,
        ..config
    });
    let mut callers = JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.apply(Arc::new(sample::owned(number))).await });
    }
    let mut refused = 0;
    while refused < 70 {
        let answer = callers.join_next().await.expect("some").expect("no panic");
        assert_eq!(answer, Err(Error::Overloaded));
        refused += 1;
    }
    other.execute_batch("COMMIT").expect("released");
    assert!(callers.join_all().await.contains(&Ok(Applied)));
    // A run that alone is over the bound is taken.
    let mut large = sample::request(500);
    large.properties = serde_json::json!({"filler": "x".repeat(50_000)});
    store
        .apply(Arc::new(longshore_domain::run::accept(large, None)))
        .await
        .expect("stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_for_a_caller_that_went_away_is_due_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    let store = Sqlite::open(&Config::new(&path)).expect("opened");
    for number in 1..=3 {
        store
            .apply(Arc::new(sample::due(number, "a")))
            .await
            .expect("stored");
    }
    let other = Connection::open(&path).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    {
        let mut take = pin!(store.take_due("a", sample::at(9), 10, u64::MAX));
        assert!(
            take.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    other.execute_batch("COMMIT").expect("released");
    // This change is written behind the abandoned take, and before what undoes it.
    store
        .apply(Arc::new(RunChange::keep(sample::run_id(1))))
        .await
        .expect("stored");
    store.probe().await.expect("written");
    let (found, _) = store
        .take_due("a", sample::at(9), 10, u64::MAX)
        .await
        .expect("taken");
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn a_dropped_store_lets_go_of_its_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    for number in 1..=3 {
        let store = Sqlite::open(&Config::new(&path)).expect("opened");
        store
            .apply(Arc::new(sample::owned(number)))
            .await
            .expect("stored");
        store
            .close(std::time::Duration::from_secs(30))
            .await
            .expect("closed");
        let log = path.with_extension("db-wal");
        assert!(
            log.metadata().map_or(true, |log| log.len() == 0),
            "the log was copied"
        );
    }
    Sqlite::check(&path).expect("whole");
}
