//! The schema's versions. A migration that was released is never edited: the next one mends it.

use rusqlite::{Connection, TransactionBehavior};

use super::config::Config;
use super::open::OpenError;

/// Says "this is ours" in the header of the file: `LGSH`.
pub(super) const APPLICATION_ID: i64 = 0x4c47_5348;
/// Migration `n` leads from schema version `n` to `n + 1`.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_initial.sql"),
    include_str!("../../migrations/0002_not_done.sql"),
    include_str!("../../migrations/0003_publication.sql"),
    include_str!("../../migrations/0004_encrypted_inputs.sql"),
    include_str!("../../migrations/0005_offered_actions.sql"),
    include_str!("../../migrations/0006_packed_documents.sql"),
    include_str!("../../migrations/0007_fewer_indexes.sql"),
];

/// The database's schema version; reads alone, so that what is not ours stays as it is.
pub(super) fn version(connection: &Connection, config: &Config) -> Result<usize, OpenError> {
    let damaged = |error: rusqlite::Error| OpenError::Damaged {
        path: config.path.clone(),
        problem: error.to_string(),
    };
    let number = |connection: &Connection, pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(damaged)
    };
    let application = number(connection, "application_id")?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(damaged)?;
    if application != APPLICATION_ID && (application != 0 || tables != 0) {
        return Err(OpenError::Foreign(config.path.clone()));
    }
    let found = number(connection, "user_version")?;
    let found = usize::try_from(found).map_err(|_| OpenError::Foreign(config.path.clone()))?;
    if found > MIGRATIONS.len() {
        let known = MIGRATIONS.len();
        return Err(OpenError::TooNew {
            path: config.path.clone(),
            found,
            known,
        });
    }
    Ok(found)
}

/// Brings the database to the newest schema version, each step whole or not at all.
pub(super) fn migrate(connection: &mut Connection, config: &Config) -> Result<(), OpenError> {
    let found = version(connection, config)?;
    for (at, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        step(connection, sql, at + 1).map_err(|error| OpenError::Migration {
            path: config.path.clone(),
            to: at + 1,
            problem: error.to_string(),
        })?;
    }
    Ok(())
}

fn step(connection: &mut Connection, sql: &str, to: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", to as i64)?;
    transaction.commit()
}
