//! Deliveries that wait, are under way, or are watched.

use async_trait::async_trait;
use longshore_domain::delivery::{Attempt, Delivery, State, Way};
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::run::{Documents, Run};
use longshore_domain::time::Timestamp;
use rusqlite::{Connection, Params, Row, params};

use super::cells::Cells;
use super::group::{Failure, Group, Write, job};
use super::read::{snapshot, unreadable};
use super::runs::{all, first};
use super::take::{Take, Taking};
use super::{Sqlite, list, row};
use crate::{
    AgentDelivery, Backlog, DeliveryFilter, DestinationRecord, Error, Found, Outbox, Page,
};

/// How many rows one scan for workers answers at most.
const SCAN_LIMIT: u32 = 10_000;

/// A delivery by its id ?1, which is that of the run ?2 or, where it was made by an earlier version,
/// a column of its own.
const OF_ID: &str = "delivery.run_key = coalesce(\
    (SELECT called.key FROM run AS called JOIN delivery AS own ON own.run_key = called.key \
     WHERE called.id = ?2 AND own.id = ''), \
    (SELECT other.run_key FROM delivery AS other WHERE other.id = ?1 AND other.id <> ''))";

/// The parameters of [`OF_ID`].
fn by_id(id: &DeliveryId) -> [String; 2] {
    // Nothing is called by an empty text.
    let run = id
        .run()
        .map_or_else(String::new, |run| run.as_str().to_owned());
    [id.as_str().to_owned(), run]
}

#[async_trait]
impl Outbox for Sqlite {
    async fn take_due(
        &self,
        destination: &str,
        now: Timestamp,
        limit: u32,
        max_bytes: u64,
    ) -> Result<(Vec<Found>, Option<Timestamp>), Error> {
        let destination = destination.to_owned();
        self.take(Take {
            destination,
            exclude: Vec::new(),
            taking: Taking::Own,
            now,
            limit,
            max_bytes,
        })
        .await
    }

    async fn publish_due(
        &self,
        destination: &str,
        (way, until): (Way, Timestamp),
        now: Timestamp,
        (limit, max_bytes): (u32, u64),
        exclude: &[String],
    ) -> Result<(Vec<Found>, Option<Timestamp>), Error> {
        let destination = destination.to_owned();
        self.take(Take {
            destination,
            exclude: exclude.to_vec(),
            taking: Taking::Publish(way, until),
            now,
            limit,
            max_bytes,
        })
        .await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>, Error> {
        self.readers
            .read(|connection| snapshot(connection, backlog))
            .await
    }

    async fn lost(&self, limit: u32) -> Result<Vec<(Run, Delivery)>, Error> {
        self.readers
            .read(move |connection| {
                let found = "INDEXED BY delivery_not_done JOIN run ON run.key = delivery.run_key \
                             WHERE delivery.state <> 4 AND delivery.state IN (1, 2) \
                             AND NOT (delivery.state = 2 AND delivery.receiver = 3)";
                scan(connection, found, [], limit)
            })
            .await
    }

    async fn started_by_agents(
        &self,
        after: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<(Run, Delivery)>, Error> {
        let after = after.cloned();
        self.readers
            .read(move |connection| {
                let found = "INDEXED BY delivery_not_done JOIN run ON run.key = delivery.run_key \
                             WHERE delivery.state <> 4 AND delivery.state = 2 \
                             AND delivery.receiver = 3 AND delivery.run_key > \
                             coalesce((SELECT key FROM run WHERE id = ?1), -1) \
                             ORDER BY delivery.run_key";
                scan(
                    connection,
                    found,
                    [after.as_ref().map(RunId::as_str)],
                    limit,
                )
            })
            .await
    }

    async fn unstarted(&self, now: Timestamp, limit: u32) -> Result<Vec<(Run, Delivery)>, Error> {
        self.readers
            .read(move |connection| {
                let found = "INDEXED BY delivery_published JOIN run ON run.key = delivery.run_key \
                             WHERE delivery.state = 3 AND delivery.due_at <= ?1 \
                             ORDER BY delivery.due_at";
                scan(connection, found, [now.as_micros()], limit)
            })
            .await
    }

    async fn silent(&self, now: Timestamp, limit: u32) -> Result<Vec<(Run, Delivery)>, Error> {
        self.readers
            .read(move |connection| {
                let found = "INDEXED BY delivery_watched JOIN run ON run.key = delivery.run_key \
                             WHERE delivery.state IN (4, 5) AND delivery.due_at IS NOT NULL \
                             AND delivery.due_at <= ?1 ORDER BY delivery.due_at";
                scan(connection, found, [now.as_micros()], limit)
            })
            .await
    }

    async fn overdue(
        &self,
        destination: &str,
        before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Run, Delivery)>, Error> {
        let destination = destination.to_owned();
        self.readers
            .read(move |connection| {
                let found = "INDEXED BY delivery_overdue JOIN run ON run.key = delivery.run_key \
                             WHERE delivery.state = 0 AND delivery.destination = ?1 \
                             AND delivery.scheduled_since < ?2 AND delivery.due_at <= ?3 ORDER BY delivery.scheduled_since";
                scan(
                    connection,
                    found,
                    params![destination, before.as_micros(), now.as_micros()],
                    limit,
                )
            })
            .await
    }

    async fn documents_per_attempt(
        &self,
        ids: &[DeliveryId],
    ) -> Result<Vec<(DeliveryId, Documents)>, Error> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT delivery.run_key, {} FROM delivery \
                     JOIN run_document ON run_document.run_key = delivery.run_key \
                     WHERE {OF_ID} \
                     AND (run_document.deferred IS NOT NULL OR run_document.encrypted IS NOT NULL)",
                    row::DOCUMENTS
                );
                let read = |found: &Row<'_>| {
                    let key = Cells::new(found, "run_document", 0).key("run_key")?;
                    row::documents(found, 1, key)
                };
                snapshot(connection, |connection| {
                    let found = each(connection, &sql, &ids, read)?;
                    let named = ids.into_iter().zip(found);
                    Ok(named.filter_map(|(id, found)| Some((id, found?))).collect())
                })
            })
            .await
    }

    async fn deliveries_of(&self, ids: &[DeliveryId]) -> Result<Vec<AgentDelivery>, Error> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {}, {}, run_document.deferred IS NOT NULL \
                     OR run_document.encrypted IS NOT NULL \
                     FROM delivery JOIN run ON run.key = delivery.run_key \
                     LEFT JOIN run_document ON run_document.run_key = delivery.run_key \
                     WHERE {OF_ID}",
                    row::RUN,
                    row::DELIVERY
                );
                snapshot(connection, |connection| {
                    let found = each(connection, &sql, &ids, agent_delivery)?;
                    Ok(found.into_iter().flatten().collect())
                })
            })
            .await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<(Run, Delivery)>, Error> {
        let id = id.clone();
        self.readers
            .read(move |connection| {
                let from = format!("JOIN run ON run.key = delivery.run_key WHERE {OF_ID}");
                first(connection, &select(&from), by_id(&id), read)
            })
            .await
    }

    async fn deliveries(&self, filter: DeliveryFilter) -> Result<Page<Delivery>, Error> {
        self.list_readers
            .read(move |connection| list::deliveries(connection, &filter))
            .await
    }

    async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>, Error> {
        let id = id.clone();
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {} FROM attempt \
                     WHERE run_key = (SELECT run_key FROM delivery WHERE {OF_ID}) ORDER BY number",
                    row::ATTEMPT
                );
                all(connection, &sql, by_id(&id), row::attempt)
            })
            .await
    }

    async fn destinations(&self) -> Result<Vec<DestinationRecord>, Error> {
        self.readers
            .read(|connection| {
                let sql = "SELECT destination, paused_until, last_accepted_at FROM destination \
                           ORDER BY destination";
                all(connection, sql, [], |found| {
                    let mut cells = Cells::new(found, "destination", 0);
                    Ok(DestinationRecord {
                        destination: cells.text("destination")?,
                        paused_until: cells.maybe_instant("paused_until")?,
                        last_accepted_at: cells.maybe_instant("last_accepted_at")?,
                    })
                })
            })
            .await
    }

    async fn save_destination(&self, destination: DestinationRecord) -> Result<(), Error> {
        self.write(SaveDestination(destination)).await
    }

    async fn count_open(&self) -> Result<Vec<(String, String, u64)>, Error> {
        self.readers
            .read(|connection| snapshot(connection, count_open))
            .await
    }
}

impl Sqlite {
    async fn take(&self, take: Take) -> Result<(Vec<Found>, Option<Timestamp>), Error> {
        let (job, reply) = job(take);
        self.queue.change(job).await?;
        let taken = super::replied(reply).await?;
        Ok(taken.read())
    }
}

struct SaveDestination(DestinationRecord);

impl Write for SaveDestination {
    type Reply = ();

    fn write(&self, group: &mut Group<'_>) -> Result<(), Failure> {
        let DestinationRecord {
            destination,
            paused_until,
            last_accepted_at,
        } = &self.0;
        group
            .connection()
            .prepare_cached(
                "INSERT OR REPLACE INTO destination (destination, paused_until, last_accepted_at) \
                 VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                destination,
                paused_until.map(Timestamp::as_micros),
                last_accepted_at.map(Timestamp::as_micros),
            ])?;
        Ok(())
    }
}

fn select(from: &str) -> String {
    format!(
        "SELECT {}, {} FROM delivery {from}",
        row::RUN,
        row::DELIVERY
    )
}

fn read(found: &Row<'_>) -> Result<(Run, Delivery), Error> {
    let (_, run) = row::run(found, 0)?;
    let delivery = row::delivery(found, row::width(row::RUN), run.id.clone())?;
    Ok((run, delivery))
}

fn agent_delivery(found: &Row<'_>) -> Result<AgentDelivery, Error> {
    const PER_ATTEMPT_AT: usize = row::width(row::RUN) + row::width(row::DELIVERY);
    let (run, delivery) = read(found)?;
    Ok(AgentDelivery {
        run,
        delivery,
        per_attempt: found.get(PER_ATTEMPT_AT).map_err(unreadable)?,
    })
}

/// The first row for each id, where there is one.
fn each<T>(
    connection: &Connection,
    sql: &str,
    ids: &[DeliveryId],
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<Option<T>>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query(by_id(id)).map_err(unreadable)?;
        let row = rows.next().map_err(unreadable)?;
        found.push(row.map(&read).transpose()?);
    }
    Ok(found)
}

/// What a worker works off. A row that cannot be read must not stop the others: it is told and
/// left where it is.
fn scan(
    connection: &Connection,
    found: &str,
    params: impl Params,
    limit: u32,
) -> Result<Vec<(Run, Delivery)>, Error> {
    let limit = limit.min(SCAN_LIMIT) as usize;
    let mut statement = connection
        .prepare_cached(&select(found))
        .map_err(unreadable)?;
    let mut rows = statement.query(params).map_err(unreadable)?;
    let mut readable = Vec::new();
    while readable.len() < limit {
        let Some(row) = rows.next().map_err(unreadable)? else {
            break;
        };
        match read(row) {
            Ok(pair) => readable.push(pair),
            Err(error) => tracing::error!(%error, "a delivery is left out"),
        }
    }
    Ok(readable)
}

/// From destination to destination, one step in the index each, however many deliveries wait.
fn backlog(connection: &Connection) -> Result<Vec<Backlog>, Error> {
    let sql = "SELECT destination, due_at FROM delivery INDEXED BY delivery_due \
               WHERE state = 0 AND destination > ?1 ORDER BY destination, due_at LIMIT 1";
    let mut found: Vec<Backlog> = Vec::new();
    loop {
        let after = found.last().map_or("", |last| last.destination.as_str());
        let next = first(connection, sql, [after], |row| {
            let mut cells = Cells::new(row, "delivery", 0);
            let destination = cells.text("destination")?;
            Ok(Backlog {
                destination,
                first_due_at: cells.instant("due_at")?,
            })
        })?;
        match next {
            Some(backlog) => found.push(backlog),
            None => return Ok(found),
        }
    }
}

/// From the partial indexes alone: what is done is not counted.
fn count_open(connection: &Connection) -> Result<Vec<(String, String, u64)>, Error> {
    let mut counts = Vec::new();
    for (index, condition) in [
        ("delivery_due", "state = 0"),
        ("delivery_not_done", "state <> 4 AND state IN (1, 2, 3, 5)"),
    ] {
        let sql = format!(
            "SELECT destination, state, count(*) FROM delivery INDEXED BY {index} \
             WHERE {condition} GROUP BY destination, state"
        );
        counts.extend(all(connection, &sql, [], |found| {
            let mut cells = Cells::new(found, "delivery", 0);
            let destination = cells.text("destination")?;
            let state: State = cells.code("state")?;
            Ok((destination, state.name().to_owned(), cells.number("count")?))
        })?);
    }
    Ok(counts)
}
