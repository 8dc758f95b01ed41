//! Taking due deliveries: chosen, marked `owned` or `published`, and handed over in one transaction.

use longshore_domain::delivery::{self, Delivery, State, Way};
use longshore_domain::run::Run;
use longshore_domain::time::Timestamp;
use rusqlite::{Connection, params};

use super::change::publication_text;
use super::code::Code;
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
        let rows = self.due(connection)?;
        match &self.taking {
            Taking::Own => self.own(connection, &rows)?,
            Taking::Publish(..) => publish(connection, &rows)?,
        }
        let next_due_at = connection
            .prepare_cached(
                "SELECT min(due_at) FROM delivery INDEXED BY delivery_due \
                 WHERE state = 0 AND destination = ?1",
            )?
            .query_row([&self.destination], |row| row.get::<_, Option<i64>>(0))?
            .map(Timestamp::from_micros);
        Ok(Taken { rows, next_due_at })
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

    fn due(&self, connection: &Connection) -> Result<Vec<(i64, TakenRow)>, Failure> {
        const DELIVERY_AT: usize = 1;
        const RUN_AT: usize = DELIVERY_AT + row::width(row::DELIVERY);
        const DOCUMENTS_AT: usize = RUN_AT + row::width(row::RUN);
        let sql = format!(
            "SELECT delivery.run_key, {}, {}, {} FROM delivery INDEXED BY delivery_due \
             LEFT JOIN run ON run.key = delivery.run_key \
             LEFT JOIN run_document ON run_document.run_key = delivery.run_key \
             WHERE delivery.state = 0 AND delivery.destination = ?1 AND delivery.due_at <= ?2 \
             ORDER BY delivery.due_at, delivery.run_key LIMIT ?3",
            row::DELIVERY,
            row::RUN,
            row::DOCUMENTS
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let limit = self.limit.min(TAKE_LIMIT);
        let mut rows = statement.query(params![self.destination, self.now.as_micros(), limit])?;
        let (mut due, mut bytes) = (Vec::new(), 0u64);
        while let Some(found) = rows.next()? {
            let key = found.get(0)?;
            let taken = row::run(found, RUN_AT).and_then(|(_, run)| {
                let due = row::delivery(found, DELIVERY_AT, run.id.clone())?;
                let taken = self.taken(&due).ok_or_else(|| not_for_agents(key))?;
                Ok((run, taken, DocumentCells::copy(found, DOCUMENTS_AT)?))
            });
            if let Ok((_, _, documents)) = &taken {
                bytes = bytes.saturating_add(documents.bytes());
                // The first one is taken however large, lest it wait for ever.
                if bytes > self.max_bytes && !due.is_empty() {
                    break;
                }
            }
            due.push((key, taken));
        }
        Ok(due)
    }
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
