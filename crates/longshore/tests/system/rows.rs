//! What is left on disk: runs with their deliveries and attempts, read past the program.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// A delivery's state as it is stored.
pub(crate) const DONE: i64 = 4;
pub(crate) const UNCONFIRMED: i64 = 5;
/// An attempt's outcome as it is stored.
pub(crate) const ACCEPTED: i64 = 0;

/// A run with its delivery.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) action: String,
    pub(crate) state: i64,
    /// The number of the last attempt.
    pub(crate) attempt: i64,
    /// Number and outcome of each attempt.
    pub(crate) attempts: Vec<(i64, i64)>,
}

/// Every run of a database that no process uses, by its id.
pub(crate) fn read(database: &Path) -> BTreeMap<String, Row> {
    let connection = open(database);
    let mut rows = BTreeMap::new();
    let mut ids = BTreeMap::new();
    let mut runs = connection
        .prepare(
            "SELECT run.key, run.id, run.action, delivery.state, delivery.attempt
             FROM run JOIN delivery ON delivery.run_key = run.key",
        )
        .unwrap();
    let mut found = runs.query([]).unwrap();
    while let Some(row) = found.next().unwrap() {
        let (key, id): (i64, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        ids.insert(key, id.clone());
        let read = Row {
            action: row.get(2).unwrap(),
            state: row.get(3).unwrap(),
            attempt: row.get(4).unwrap(),
            attempts: Vec::new(),
        };
        rows.insert(id, read);
    }
    let mut attempts = connection
        .prepare("SELECT run_key, number, outcome FROM attempt ORDER BY run_key, number")
        .unwrap();
    let mut found = attempts.query([]).unwrap();
    while let Some(row) = found.next().unwrap() {
        let key: i64 = row.get(0).unwrap();
        let attempt = (row.get(1).unwrap(), row.get(2).unwrap());
        rows.get_mut(&ids[&key]).unwrap().attempts.push(attempt);
    }
    rows
}

/// Opens a database and checks that it is whole.
pub(crate) fn open(database: &Path) -> Connection {
    let connection =
        Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let whole: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    connection
}
