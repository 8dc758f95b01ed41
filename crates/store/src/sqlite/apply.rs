//! One decision, written. Every check comes before the first row, so a refusal leaves nothing; a run
//! that was only remembered is checked by its own update, and what was written before that is undone.

use longshore_domain::id::RunId;
use longshore_domain::run::{DeliveryWrite, Idempotency, NewRun, Run, RunWrite};
use rusqlite::{Connection, OptionalExtension};

use super::bind;
use super::change::Change;
use super::group::{Failure, Group, Write};
use super::kept::Kept;
use super::seen::StoredRun;
use crate::{Applied, Error};

impl Write for Change {
    type Reply = Applied;

    fn write(&self, group: &mut Group<'_>) -> Result<Applied, Failure> {
        let key = match &self.decided.run {
            RunWrite::Insert(new) => self.insert_run(group, new)?,
            RunWrite::Update {
                run,
                from,
                documents,
            } => {
                let stored = as_read(group, &run.id, i64::from(*from))?;
                self.write_delivery(group, Some(stored.key))?;
                if !bind::update_run(group, &stored, run, &self.texts)? {
                    group.forget_seen();
                    return Err(Failure::Torn(Error::Conflict("run")));
                }
                bind::patch_documents(group.connection(), stored.key, documents, &self.texts)?;
                stored.key
            }
            RunWrite::Keep(id) => self.keep_run(group, id)?,
        };
        bind::write_history(group, key, self)?;
        Ok(Applied)
    }
}

impl Change {
    fn insert_run(&self, group: &mut Group<'_>, new: &NewRun) -> Result<i64, Failure> {
        let connection = group.connection();
        let run = &new.run;
        let idempotency = self.decided.idempotency.as_ref();
        if let Some(idempotency) = idempotency {
            refuse_replay(connection, idempotency, run)?;
        }
        if self.moves_delivery() {
            return Err(Failure::Refused(Error::NotFound("delivery")));
        }
        let key = group.next_run();
        group.see(&run.id, StoredRun::of(run, key));
        bind::insert_run(group, key, run, &self.texts)?;
        bind::insert_documents(group, key, &new.documents, &self.texts)?;
        if let Some(write) = &self.decided.delivery {
            bind::insert_delivery(group, key, write.delivery(), self)?;
        }
        if let Some(idempotency) = idempotency {
            bind::save_idempotency(connection, idempotency, &run.id)?;
        }
        group.count_revision(run.action_revision, 1);
        group.count_ended(i64::from(run.ended_at.is_some()));
        Ok(key)
    }

    /// Whether it changes a delivery that is there already.
    fn moves_delivery(&self) -> bool {
        matches!(self.decided.delivery, Some(DeliveryWrite::Update { .. }))
    }

    fn keep_run(&self, group: &mut Group<'_>, id: &RunId) -> Result<i64, Failure> {
        if self.moves_delivery() {
            return self.write_delivery(group, None);
        }
        let key = stored_run(group, id)?.key;
        self.write_delivery(group, Some(key))
    }

    /// The run's key; for a delivery that exists it need not be known.
    fn write_delivery(&self, group: &mut Group<'_>, key: Option<i64>) -> Result<i64, Failure> {
        let missing = Failure::Refused(Error::NotFound("delivery"));
        let Some(write) = &self.decided.delivery else {
            return key.ok_or(missing);
        };
        if write.delivery().run != *self.decided.run_id() {
            return Err(missing);
        }
        match (write, key) {
            (DeliveryWrite::Update { delivery, from }, key) => {
                bind::update_delivery(group, key, delivery, *from, &self.texts)
            }
            (DeliveryWrite::Insert(_), None) => Err(missing),
            (DeliveryWrite::Insert(delivery), Some(key)) => {
                let mut existing = group
                    .connection()
                    .prepare_cached("SELECT 1 FROM delivery WHERE run_key = ?1")?;
                if existing.exists([key])? {
                    return Err(Failure::Refused(Error::Conflict("delivery")));
                }
                bind::insert_delivery(group, key, delivery, self)?;
                Ok(key)
            }
        }
    }
}

/// The run as it stands in version `from`, which is the one that was decided on: as it was seen
/// when that was written, else as it is found.
fn as_read(group: &mut Group<'_>, id: &RunId, from: i64) -> Result<StoredRun, Failure> {
    if let Some(seen) = group.seen(id).filter(|seen| seen.version == from) {
        return Ok(seen.clone());
    }
    let stored = stored_run(group, id)?;
    if stored.version != from {
        return Err(Failure::Refused(Error::Conflict("run")));
    }
    Ok(stored)
}

fn stored_run(group: &mut Group<'_>, id: &RunId) -> Result<StoredRun, Failure> {
    let found = group
        .kept(Kept::FindRun)?
        .query_row([id.as_str()], |row| {
            Ok(StoredRun {
                key: row.get(0)?,
                version: row.get(1)?,
                has_ended: row.get(2)?,
                status: row.get(3)?,
                external_run_id: row.get::<_, Option<Box<str>>>(4)?,
            })
        })
        .optional()?;
    let found = found.ok_or(Failure::Refused(Error::NotFound("run")))?;
    group.see(id, found.clone());
    Ok(found)
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
