//! How SQLite itself was compiled: `.cargo/config.toml` says it, and a build that misses it is slower.

use std::collections::BTreeSet;

use rusqlite::Connection;

#[test]
fn sqlite_is_compiled_as_the_workspace_says() {
    let connection = Connection::open_in_memory().expect("a database");
    let mut statement = connection
        .prepare("PRAGMA compile_options")
        .expect("the pragma");
    let options: BTreeSet<String> = statement
        .query_map([], |row| row.get(0))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("texts");
    assert!(options.contains("DEFAULT_MEMSTATUS=0"), "{options:?}");
    for unused in ["ENABLE_API_ARMOR", "ENABLE_FTS5", "ENABLE_STAT4"] {
        assert!(!options.contains(unused), "{options:?}");
    }
}
