//! Actions with every revision that a run may still need.

use std::sync::Arc;

use async_trait::async_trait;
use longshore_domain::run::RunChange;
use longshore_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::cells::Cells;
use super::change::Change;
use super::group::{Failure, Group, Write};
use super::runs::{all, first};
use crate::{ActionRecord, Catalog, Error, NewAction};

const SELECT: &str = "SELECT action.key, action.identifier, action.revision, \
    action_revision.document, action.created_by, action.updated_by, action.created_at, \
    action.updated_at FROM action \
    LEFT JOIN action_revision ON action_revision.revision = action.revision";

#[async_trait]
impl Catalog for Sqlite {
    async fn add_action(&self, action: NewAction) -> Result<ActionRecord, Error> {
        self.write(AddAction(action)).await
    }

    async fn replace_action(
        &self,
        identifier: &str,
        action: NewAction,
    ) -> Result<ActionRecord, Error> {
        self.write(ReplaceAction {
            identifier: identifier.to_owned(),
            action,
        })
        .await
    }

    async fn remove_action(&self, identifier: &str, changes: Vec<RunChange>) -> Result<(), Error> {
        let changes = changes
            .into_iter()
            .map(|change| Change::prepare(Arc::new(change)))
            .collect::<Result<_, _>>()?;
        self.write(RemoveAction {
            identifier: identifier.to_owned(),
            changes,
        })
        .await
    }

    async fn action(&self, identifier: &str) -> Result<Option<ActionRecord>, Error> {
        let identifier = identifier.to_owned();
        self.readers
            .read(move |connection| {
                let sql = format!("{SELECT} WHERE action.identifier = ?1");
                first(connection, &sql, [identifier], record)
            })
            .await
    }

    async fn action_revision(&self, revision: i64) -> Result<Option<String>, Error> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT revision, document FROM action_revision WHERE revision = ?1";
                first(connection, sql, [revision], |found| {
                    let mut cells = Cells::new(found, "action_revision", 0);
                    cells.key("revision")?;
                    cells.text("document")
                })
            })
            .await
    }

    async fn actions(&self) -> Result<Vec<ActionRecord>, Error> {
        self.readers
            .read(|connection| {
                all(
                    connection,
                    &format!("{SELECT} ORDER BY action.key"),
                    [],
                    record,
                )
            })
            .await
    }
}

fn record(found: &Row<'_>) -> Result<ActionRecord, Error> {
    let mut cells = Cells::new(found, "action", 0);
    cells.key("key")?;
    Ok(ActionRecord {
        identifier: cells.text("identifier")?,
        revision: cells.integer("revision")?,
        document: cells.text("document")?,
        created_by: cells.text("created_by")?,
        updated_by: cells.text("updated_by")?,
        created_at: cells.instant("created_at")?,
        updated_at: cells.instant("updated_at")?,
    })
}

/// The action's key, who made it, and when.
fn stored(
    connection: &Connection,
    identifier: &str,
) -> rusqlite::Result<Option<(i64, String, i64)>> {
    connection
        .prepare_cached("SELECT key, created_by, created_at FROM action WHERE identifier = ?1")?
        .query_row([identifier], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
}

fn insert_revision(connection: &Connection, document: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO action_revision (document) VALUES (?1)")?
        .insert([document])
}

struct AddAction(NewAction);

impl Write for AddAction {
    type Reply = ActionRecord;

    fn write(&self, group: &mut Group<'_>) -> Result<ActionRecord, Failure> {
        let (connection, action) = (group.connection(), &self.0);
        if stored(connection, &action.identifier)?.is_some() {
            return Err(Failure::Refused(Error::Conflict("action")));
        }
        let revision = insert_revision(connection, &action.document)?;
        connection
            .prepare_cached(
                "INSERT INTO action (identifier, revision, created_by, updated_by, created_at, \
                 updated_at) VALUES (?1, ?2, ?3, ?3, ?4, ?4)",
            )?
            .execute(params![
                action.identifier,
                revision,
                action.by,
                action.now.as_micros()
            ])?;
        Ok(ActionRecord {
            identifier: action.identifier.clone(),
            revision,
            document: action.document.clone(),
            created_by: action.by.clone(),
            updated_by: action.by.clone(),
            created_at: action.now,
            updated_at: action.now,
        })
    }
}

struct ReplaceAction {
    identifier: String,
    action: NewAction,
}

impl Write for ReplaceAction {
    type Reply = ActionRecord;

    fn write(&self, group: &mut Group<'_>) -> Result<ActionRecord, Failure> {
        let (connection, action) = (group.connection(), &self.action);
        let Some((key, created_by, created_at)) = stored(connection, &self.identifier)? else {
            return Err(Failure::Refused(Error::NotFound("action")));
        };
        if stored(connection, &action.identifier)?.is_some_and(|(other, ..)| other != key) {
            return Err(Failure::Refused(Error::Conflict("action")));
        }
        let revision = insert_revision(connection, &action.document)?;
        connection
            .prepare_cached(
                "UPDATE action SET identifier = ?2, revision = ?3, updated_by = ?4, \
                 updated_at = ?5 WHERE key = ?1",
            )?
            .execute(params![
                key,
                action.identifier,
                revision,
                action.by,
                action.now.as_micros()
            ])?;
        Ok(ActionRecord {
            identifier: action.identifier.clone(),
            revision,
            document: action.document.clone(),
            created_by,
            updated_by: action.by.clone(),
            created_at: Timestamp::from_micros(created_at),
            updated_at: action.now,
        })
    }
}

struct RemoveAction {
    identifier: String,
    changes: Vec<Change>,
}

impl Write for RemoveAction {
    type Reply = ();

    fn write(&self, group: &mut Group<'_>) -> Result<(), Failure> {
        let removed = group
            .connection()
            .prepare_cached("DELETE FROM action WHERE identifier = ?1")?
            .execute([&self.identifier])?;
        if removed == 0 {
            return Err(Failure::Refused(Error::NotFound("action")));
        }
        for change in &self.changes {
            change.write(group).map_err(|failure| match failure {
                // The action is deleted already, so the refusal has something to undo.
                Failure::Refused(error) => Failure::Torn(error),
                other => other,
            })?;
        }
        Ok(())
    }
}
