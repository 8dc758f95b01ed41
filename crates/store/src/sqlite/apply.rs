//! One decision, written. Every check comes before the first row, so a refusal leaves nothing.

use longshore_domain::id::RunId;
use longshore_domain::run::{Idempotency, Run};
use rusqlite::{Connection, OptionalExtension};

use super::bind;
use super::change::{Change, DocumentTexts, RunPart, RunRow};
use super::group::{Failure, Group, Write};
use crate::{Applied, Error};

impl Write for Change {
    type Reply = Applied;

    fn write(&self, group: &mut Group<'_>) -> Result<Applied, Failure> {
        let key = match &self.run {
            RunPart::Insert(row, texts) => self.insert_run(group, row, texts)?,
            RunPart::Update { row, from, patch } => {
                let stored = stored_run(group.connection(), &row.run.id)?;
                if stored.version != i64::from(*from) {
                    return Err(Failure::Refused(Error::Conflict("run")));
                }
                self.write_delivery(group, Some(stored.key))?;
                bind::update_run(group, &stored, row)?;
                bind::patch_documents(group.connection(), stored.key, patch)?;
                stored.key
            }
            RunPart::Keep(id) => self.keep_run(group, id)?,
        };
        bind::write_history(group, key, self)?;
        Ok(Applied)
    }
}

impl Change {
    fn insert_run(
        &self,
        group: &mut Group<'_>,
        row: &RunRow,
        texts: &DocumentTexts,
    ) -> Result<i64, Failure> {
        let connection = group.connection();
        if let Some(idempotency) = &self.idempotency {
            refuse_replay(connection, idempotency, &row.run)?;
        }
        if self
            .delivery
            .as_ref()
            .is_some_and(|part| part.from.is_some())
        {
            return Err(Failure::Refused(Error::NotFound("delivery")));
        }
        let key = group.next_run();
        bind::insert_run(connection, key, row)?;
        bind::insert_documents(connection, key, texts)?;
        if let Some(part) = &self.delivery {
            bind::insert_delivery(connection, key, part)?;
        }
        if let Some(idempotency) = &self.idempotency {
            bind::save_idempotency(connection, idempotency, &row.run.id)?;
        }
        group.count_revision(row.run.action_revision, 1);
        group.count_ended(i64::from(row.run.ended_at.is_some()));
        Ok(key)
    }

    fn keep_run(&self, group: &Group<'_>, id: &RunId) -> Result<i64, Failure> {
        if self
            .delivery
            .as_ref()
            .is_some_and(|part| part.from.is_some())
        {
            return self.write_delivery(group, None);
        }
        let key = stored_run(group.connection(), id)?.key;
        self.write_delivery(group, Some(key))
    }

    /// The run's key; for a delivery that exists it need not be known.
    fn write_delivery(&self, group: &Group<'_>, key: Option<i64>) -> Result<i64, Failure> {
        let connection = group.connection();
        let missing = Failure::Refused(Error::NotFound("delivery"));
        if self
            .delivery
            .as_ref()
            .is_some_and(|part| part.delivery.run != *self.run.id())
        {
            return Err(missing);
        }
        match (&self.delivery, key) {
            (None, key) => key.ok_or(missing),
            (Some(part), key) if part.from.is_some() => {
                bind::update_delivery(connection, key, part)
            }
            (Some(_), None) => Err(missing),
            (Some(part), Some(key)) => {
                let mut existing =
                    connection.prepare_cached("SELECT 1 FROM delivery WHERE run_key = ?1")?;
                if existing.exists([key])? {
                    return Err(Failure::Refused(Error::Conflict("delivery")));
                }
                bind::insert_delivery(connection, key, part)?;
                Ok(key)
            }
        }
    }
}

/// What of a run decides how a change of it is written.
pub(super) struct StoredRun {
    pub(super) key: i64,
    pub(super) version: i64,
    pub(super) has_ended: bool,
    pub(super) status: i64,
    pub(super) external_run_id: Option<String>,
}

fn stored_run(connection: &Connection, id: &RunId) -> Result<StoredRun, Failure> {
    connection
        .prepare_cached(
            "SELECT key, version, ended_at IS NOT NULL, status, external_run_id \
             FROM run WHERE id = ?1",
        )?
        .query_row([id.as_str()], |row| {
            Ok(StoredRun {
                key: row.get(0)?,
                version: row.get(1)?,
                has_ended: row.get(2)?,
                status: row.get(3)?,
                external_run_id: row.get(4)?,
            })
        })
        .optional()?
        .ok_or(Failure::Refused(Error::NotFound("run")))
}

fn refuse_replay(
    connection: &Connection,
    idempotency: &Idempotency,
    run: &Run,
) -> Result<(), Failure> {
    let earlier = connection
        .prepare_cached("SELECT run_id, body, expires_at FROM idempotency WHERE key = ?1")?
        .query_row([idempotency.key.as_slice()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Vec<u8>>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })
        .optional()?;
    let Some((id, body, expires_at)) = earlier else {
        return Ok(());
    };
    if expires_at <= run.created_at.as_micros() {
        return Ok(());
    }
    let run = RunId::parse(&id).ok_or_else(|| {
        Failure::Refused(Error::Corrupt {
            table: "idempotency",
            row: id,
            column: "run_id",
            problem: "not an id of this kind".into(),
        })
    })?;
    let same_body = body == idempotency.body;
    Err(Failure::Refused(Error::IdempotencyReplay {
        run,
        same_body,
    }))
}
