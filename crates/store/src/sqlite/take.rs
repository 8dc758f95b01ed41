//! Taking due deliveries: chosen, marked `owned` or `published`, and handed over in one transaction.

use longshore_domain::delivery::{self, Delivery, State, Way};
use longshore_domain::run::Run;
use longshore_domain::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::change::publication_text;
use super::code::Code;
use super::except::Kinds;
use super::group::{Failure, Group, Job, Write, job};
use super::row::{self, DocumentCells};
use crate::{Error, Found};

/// How many deliveries are taken at once at most.
const TAKE_LIMIT: u32 = 1_000;

/// What becomes of what is taken.
pub(super) enum Taking {
    /// It is in the memory of this process.
    Own,
    /// It is given to agents.
    Publish(Way, Timestamp),
}

/// Takes what is due.
pub(super) struct Take {
    pub(super) destination: String,
    /// Actions and types whose runs are left alone.
    pub(super) exclude: Vec<String>,
    pub(super) taking: Taking,
    pub(super) now: Timestamp,
    pub(super) limit: u32,
    pub(super) max_bytes: u64,
}

/// What was taken. Its JSON is read by the caller, not on the writer's thread.
pub(super) struct Taken {
    rows: Vec<(i64, TakenRow)>,
    next_due_at: Option<Timestamp>,
}

/// A delivery that was taken, or what cannot be read in it.
type TakenRow = Result<(Run, Delivery, DocumentCells), Error>;

impl Taken {
    /// Reads the documents. A row that cannot be read must not stop the others: it stays `owned`,
    /// so that it is looked at again after the next start, and is told.
    pub(super) fn read(self) -> (Vec<Found>, Option<Timestamp>) {
        let mut readable = Vec::with_capacity(self.rows.len());
        for (key, row) in self.rows {
            let found = row.and_then(|(run, delivery, documents)| {
                Ok(Found {
                    run,
                    documents: documents.read(key)?,
                    delivery: Some(delivery),
                })
            });
            match found {
                Ok(found) => readable.push(found),
                Err(error) => tracing::error!(%error, "a due delivery cannot be read"),
            }
        }
        (readable, self.next_due_at)
    }
}

impl Write for Take {
    type Reply = Taken;

    fn write(&self, group: &mut Group<'_>) -> Result<Taken, Failure> {
        let connection = group.connection();
        let kinds = match self.exclude.as_slice() {
            [] => None,
            exclude => Some(Kinds::read(connection, &self.destination, exclude)?),
        };
        let rows = self.due(connection, kinds.as_ref())?;
        match &self.taking {
            Taking::Own => self.own(connection, &rows)?,
            Taking::Publish(..) => publish(connection, &rows)?,
        }
        let next_due_at = match &kinds {
            Some(kinds) => kinds.next_due_at()?,
            None => connection
                .prepare_cached(
                    "SELECT min(due_at) FROM delivery INDEXED BY delivery_due \
                     WHERE state = 0 AND destination = ?1",
                )?
                .query_row([&self.destination], |row| row.get::<_, Option<i64>>(0))?,
        };
        Ok(Taken {
            rows,
            next_due_at: next_due_at.map(Timestamp::from_micros),
        })
    }

    fn unclaimed(taken: Taken) -> Option<Box<dyn Job>> {
        let keys: Vec<(i64, Option<State>)> = taken
            .rows
            .iter()
            .map(|(key, row)| (*key, row.as_ref().ok().map(|(_, taken, _)| taken.state)))
            .collect();
        (!keys.is_empty()).then(|| job(GiveBack { keys }).0)
    }
}

/// Writes what the domain made of the readable ones; the others stay due, and are told.
fn publish(connection: &Connection, rows: &[(i64, TakenRow)]) -> Result<(), Failure> {
    let mut published = connection.prepare_cached(
        "UPDATE delivery SET state = ?2, due_at = ?3, attempt = ?4, publication_json = ?5, \
         updated_at = ?6, version = ?7 WHERE run_key = ?1",
    )?;
    for (key, row) in rows {
        let Ok((_, delivery, _)) = row else { continue };
        let publication = publication_text(delivery.publication.as_deref());
        published.execute(params![
            key,
            delivery.state.code(),
            delivery.due_at.map(Timestamp::as_micros),
            delivery.attempt,
            publication.map_err(Failure::Refused)?,
            delivery.updated_at.as_micros(),
            delivery.version,
        ])?;
    }
    Ok(())
}

impl Take {
    fn own(&self, connection: &Connection, rows: &[(i64, TakenRow)]) -> Result<(), Failure> {
        let mut own = connection.prepare_cached(
            "UPDATE delivery SET state = 1, due_at = NULL, updated_at = ?2, version = version + 1 \
             WHERE run_key = ?1",
        )?;
        for (key, _) in rows {
            own.execute(params![key, self.now.as_micros()])?;
        }
        Ok(())
    }

    /// The delivery as it shall be.
    fn taken(&self, due: &Delivery) -> Option<Delivery> {
        let next = match self.taking {
            Taking::Own => Delivery {
                state: State::Owned,
                due_at: None,
                updated_at: self.now,
                ..due.clone()
            },
            Taking::Publish(way, until) => delivery::publish(due, way, until, self.now)?,
        };
        Some(Delivery {
            version: due.version + 1,
            ..next
        })
    }

    /// What is taken: the oldest of all, or of some kinds only.
    fn due(
        &self,
        connection: &Connection,
        kinds: Option<&Kinds<'_>>,
    ) -> Result<Vec<(i64, TakenRow)>, Failure> {
        let (now, limit) = (self.now.as_micros(), self.limit.min(TAKE_LIMIT));
        let mut batch = Batch::default();
        let Some(kinds) = kinds else {
            let sql = with_everything(
                "INDEXED BY delivery_due",
                "delivery.state = 0 AND delivery.destination = ?1 AND delivery.due_at <= ?2 \
                 ORDER BY delivery.due_at, delivery.run_key LIMIT ?3",
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![self.destination, now, limit])?;
            while let Some(found) = rows.next()?
                && self.add(&mut batch, found)?
            {}
            return Ok(batch.due);
        };
        let sql = with_everything("", "delivery.run_key = ?1");
        let mut statement = connection.prepare_cached(&sql)?;
        for key in kinds.due(now, limit)? {
            let mut rows = statement.query([key])?;
            if let Some(found) = rows.next()?
                && !self.add(&mut batch, found)?
            {
                break;
            }
        }
        Ok(batch.due)
    }

    /// Whether there was room for what was found.
    fn add(&self, batch: &mut Batch, found: &Row<'_>) -> Result<bool, Failure> {
        let key = found.get(0)?;
        let taken = row::run(found, RUN_AT).and_then(|(_, run)| {
            let due = row::delivery(found, DELIVERY_AT, run.id.clone())?;
            let taken = self.taken(&due).ok_or_else(|| not_for_agents(key))?;
            Ok((run, taken, DocumentCells::copy(found, DOCUMENTS_AT)?))
        });
        if let Ok((_, _, documents)) = &taken {
            batch.bytes = batch.bytes.saturating_add(documents.bytes());
            // The first one is taken however large, lest it wait for ever.
            if batch.bytes > self.max_bytes && !batch.due.is_empty() {
                return Ok(false);
            }
        }
        batch.due.push((key, taken));
        Ok(true)
    }
}

const DELIVERY_AT: usize = 1;
const RUN_AT: usize = DELIVERY_AT + row::width(row::DELIVERY);
const DOCUMENTS_AT: usize = RUN_AT + row::width(row::RUN);

/// Deliveries with their runs and documents.
fn with_everything(index: &str, filter: &str) -> String {
    format!(
        "SELECT delivery.run_key, {}, {}, {} FROM delivery {index} \
         LEFT JOIN run ON run.key = delivery.run_key \
         LEFT JOIN run_document ON run_document.run_key = delivery.run_key WHERE {filter}",
        row::DELIVERY,
        row::RUN,
        row::DOCUMENTS
    )
}

/// What is taken so far.
#[derive(Default)]
struct Batch {
    due: Vec<(i64, TakenRow)>,
    bytes: u64,
}

fn not_for_agents(key: i64) -> Error {
    Error::Corrupt {
        table: "delivery",
        row: key.to_string(),
        column: "receiver",
        problem: "it waits for an agent, but is not for agents".into(),
    }
}

/// Makes due again what nobody received.
struct GiveBack {
    keys: Vec<(i64, Option<State>)>,
}

impl Write for GiveBack {
    type Reply = ();

    fn write(&self, group: &mut Group<'_>) -> Result<(), Failure> {
        let mut give_back = group.connection().prepare_cached(
            "UPDATE delivery SET state = ?2, due_at = updated_at, version = version + 1 \
             WHERE run_key = ?1 AND state = ?3",
        )?;
        for (key, state) in &self.keys {
            let state = state.unwrap_or(State::Owned);
            give_back.execute(params![key, State::Due.code(), state.code()])?;
        }
        Ok(())
    }
}
