//! Rows that this program would not have written.

use std::sync::Arc;

use longshore_domain::delivery::State;
use longshore_domain::run::RunChange;
use longshore_store::sqlite::{Config, Sqlite};
use longshore_store::{
    Catalog, DocumentKind, Documented, Error, NewAction, Outbox, RunFilter, Runs,
};
use rusqlite::Connection;

use crate::sample;

/// The table and column that an error names.
fn corrupt<T: std::fmt::Debug>(answer: Result<T, Error>) -> (&'static str, &'static str) {
    match answer {
        Err(Error::Corrupt {
            table, column, row, ..
        }) => {
            assert!(row.parse::<i64>().is_ok(), "{row}");
            (table, column)
        }
        other => panic!("{other:?}"),
    }
}

async fn stored(path: &std::path::Path) -> Sqlite {
    let store = Sqlite::open(&Config::new(path)).expect("opened");
    let insert = sample::owned(1);
    let delivery = sample::delivery_of(&insert);
    store.apply(Arc::new(insert)).await.expect("stored");
    let mut settled = sample::settled(&delivery, 1);
    settled.attempt = Some(sample::attempt(1));
    store.apply(Arc::new(settled)).await.expect("settled");
    store
}

#[tokio::test]
async fn damaged_cells_are_named() {
    const CELLS: [(&str, &str, &str); 16] = [
        ("run", "id", "'r_short'"),
        ("run", "status", "99"),
        ("run", "source", "-1"),
        ("run", "label_by_engine", "2"),
        ("run", "required_approval_json", "'{\"type\":'"),
        ("run", "link_json", "'[1] 2'"),
        ("run", "log_lines", "-1"),
        ("run", "version", "4294967296"),
        ("run", "summary", "CAST(x'ff' AS TEXT)"),
        ("run_document", "properties", "'{\"a\"}'"),
        ("run_document", "deferred", "'{}'"),
        ("run_document", "encrypted", "'{}'"),
        ("run_document", "packed", "x'ffffffff00'"),
        ("delivery", "state", "8"),
        ("delivery", "connection", "'x'"),
        ("delivery", "attempt", "9223372036854775807"),
    ];
    for (table, column, value) in CELLS {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("longshore.db");
        let store = stored(&path).await;
        let tool = Connection::open(&path).expect("opened");
        let changed = tool.execute(&format!("UPDATE {table} SET {column} = {value}"), []);
        assert_eq!(changed, Ok(1), "{table}.{column}");
        let by_delivery = store.delivery(&sample::delivery_id(1)).await;
        match (table, column) {
            ("run_document", _) => {}
            // By its own id nothing is found any more.
            ("run", "id") => assert!(matches!(by_delivery, Ok(None))),
            _ => assert_eq!(corrupt(by_delivery), (table, column)),
        }
        if table != "delivery" {
            let all = RunFilter {
                limit: 10,
                ..RunFilter::default()
            };
            assert_eq!(corrupt(store.runs(all).await), (table, column));
        }
    }
}

#[tokio::test]
async fn damaged_history_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    let store = stored(&path).await;
    let action = NewAction {
        identifier: "deploy".into(),
        document: "{}".into(),
        by: "ann".into(),
        now: sample::at(1),
    };
    let revision = store.add_action(action).await.expect("added").revision;
    let tool = Connection::open(&path).expect("opened");
    tool.execute_batch(&format!(
        "UPDATE event SET kind = 77; UPDATE attempt SET outcome = 5; \
         DELETE FROM action_revision WHERE revision = {revision}; \
         INSERT INTO document (kind, key, body, version) VALUES (1, 'k', '{{}}', -1);"
    ))
    .expect("damaged");
    assert_eq!(
        corrupt(store.events(&sample::run_id(1)).await),
        ("event", "kind")
    );
    assert_eq!(
        corrupt(store.attempts(&sample::delivery_id(1)).await),
        ("attempt", "outcome")
    );
    assert_eq!(
        corrupt(store.action("deploy").await),
        ("action", "document")
    );
    assert_eq!(
        corrupt(store.documents(DocumentKind::Credential).await),
        ("document", "version")
    );
}

#[tokio::test]
async fn a_damaged_row_does_not_stop_its_neighbours() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("longshore.db");
    let store = Sqlite::open(&Config::new(&path)).expect("opened");
    for number in 1..=3 {
        store
            .apply(Arc::new(sample::due(number, "a")))
            .await
            .expect("stored");
    }
    let tool = Connection::open(&path).expect("opened");
    tool.execute(
        "UPDATE run_document SET payload = '[' WHERE run_key = 1",
        [],
    )
    .expect("damaged");
    let (found, next) = store
        .take_due("a", sample::at(9), 10, u64::MAX)
        .await
        .expect("taken");
    let ids: Vec<_> = found.into_iter().map(|found| found.run.id).collect();
    assert_eq!(
        (ids, next),
        (vec![sample::run_id(2), sample::run_id(3)], None)
    );
    // It is held, so that it is neither sent nor taken again and again.
    let (_, state) = store
        .run_state(&sample::run_id(1))
        .await
        .expect("read")
        .expect("there");
    assert_eq!(state.expect("there").state, State::Owned);
    tool.execute("UPDATE run SET status = 50 WHERE key = 2", [])
        .expect("damaged");
    assert_eq!(store.lost(10).await.expect("read").len(), 2);
    let keep = RunChange::keep(sample::run_id(2));
    store
        .apply(Arc::new(keep))
        .await
        .expect("it may still be written");
}
