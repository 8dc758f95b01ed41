//! Runs, their documents, logs and events.

use std::sync::Arc;

use async_trait::async_trait;
use longshore_domain::delivery::Delivery;
use longshore_domain::id::RunId;
use longshore_domain::run::{Documents, Event, LogLine, Run, RunChange};
use rusqlite::{Connection, Params, Row};

use super::change::Change;
use super::group::{Job, job};
use super::read::unreadable;
use super::{Sqlite, list, row};
use crate::{Applied, Error, Found, Page, RunFilter, Runs};

/// How many log lines one read answers at most.
const LOG_LINES_LIMIT: u32 = 10_000;
/// How many events of a run are shown; the rules stop a run from having more.
const EVENTS_LIMIT: u32 = 50_000;

#[async_trait]
impl Runs for Sqlite {
    async fn apply(&self, change: Arc<RunChange>) -> Result<Applied, Error> {
        let change = Change::prepare(change)?;
        let new_run_bytes = change.new_run_bytes();
        let (job, reply) = job(change);
        match new_run_bytes {
            Some(bytes) => self.queue.new_run(job, bytes)?,
            None => self.queue.change(job).await?,
        }
        super::replied(reply).await
    }

    /// Queued at once, so that one group writes them all where they fit in.
    async fn apply_all(&self, changes: Vec<Arc<RunChange>>) -> Vec<Result<Applied, Error>> {
        let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(changes.len());
        let mut replies = Vec::with_capacity(changes.len());
        for change in changes {
            let queued = Change::prepare(change).and_then(|change| {
                let new_run_bytes = change.new_run_bytes();
                let (job, reply) = job(change);
                match new_run_bytes {
                    Some(bytes) => self.queue.new_run(job, bytes)?,
                    None => jobs.push(job),
                }
                Ok(reply)
            });
            replies.push(queued);
        }
        self.queue.changes(jobs).await;
        let mut applied = Vec::with_capacity(replies.len());
        for queued in replies {
            applied.push(match queued {
                Ok(reply) => super::replied(reply).await,
                Err(error) => Err(error),
            });
        }
        applied
    }

    async fn run(&self, id: &RunId) -> Result<Option<Found>, Error> {
        let id = id.clone();
        self.readers
            .read(move |connection| run(connection, &id))
            .await
    }

    async fn run_state(&self, id: &RunId) -> Result<Option<(Run, Option<Delivery>)>, Error> {
        let id = id.clone();
        self.readers
            .read(move |connection| run_state(connection, &id))
            .await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Page<(Run, Documents)>, Error> {
        self.list_readers
            .read(move |connection| list::runs(connection, &filter))
            .await
    }

    async fn waiting_runs(&self, action: &str) -> Result<Vec<Run>, Error> {
        let action = action.to_owned();
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {} FROM run INDEXED BY run_waiting \
                     WHERE status = 0 AND action = ?1 ORDER BY key",
                    row::RUN
                );
                all(connection, &sql, [action], |found| {
                    row::run(found, 0).map(|(_, run)| run)
                })
            })
            .await
    }

    async fn log_lines(&self, run: &RunId, offset: u32, limit: u32) -> Result<Vec<LogLine>, Error> {
        let id = run.clone();
        self.readers
            .read(move |connection| {
                // Lines are numbered from 0 without gaps, so an offset is a number.
                let sql = format!(
                    "SELECT {} FROM log_line WHERE run_key = (SELECT key FROM run WHERE id = ?1) \
                     AND number >= ?2 ORDER BY number LIMIT ?3",
                    row::LOG_LINE
                );
                let bounds = (id.as_str(), offset, limit.min(LOG_LINES_LIMIT));
                all(connection, &sql, bounds, row::log_line)
            })
            .await
    }

    async fn events(&self, run: &RunId) -> Result<Vec<Event>, Error> {
        let id = run.clone();
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "SELECT {} FROM event WHERE run_key = (SELECT key FROM run WHERE id = ?1) \
                     ORDER BY number LIMIT {EVENTS_LIMIT}",
                    row::EVENT
                );
                all(connection, &sql, [id.as_str()], row::event)
            })
            .await
    }
}

/// Every row of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let mut rows = statement.query(params).map_err(unreadable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unreadable)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row of a query.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(unreadable)?;
    let mut rows = statement.query(params).map_err(unreadable)?;
    rows.next().map_err(unreadable)?.map(read).transpose()
}

fn run(connection: &Connection, id: &RunId) -> Result<Option<Found>, Error> {
    let sql = format!(
        "SELECT {}, {}, {} FROM run LEFT JOIN run_document ON run_document.run_key = run.key \
         LEFT JOIN delivery ON delivery.run_key = run.key WHERE run.id = ?1",
        row::RUN,
        row::DOCUMENTS,
        row::DELIVERY
    );
    first(connection, &sql, [id.as_str()], |found| {
        const DOCUMENTS_AT: usize = row::width(row::RUN);
        const DELIVERY_AT: usize = DOCUMENTS_AT + row::width(row::DOCUMENTS);
        let (key, run) = row::run(found, 0)?;
        Ok(Found {
            documents: row::documents(found, DOCUMENTS_AT, key)?,
            delivery: row::maybe_delivery(found, DELIVERY_AT, &run.id)?,
            run,
        })
    })
}

fn run_state(
    connection: &Connection,
    id: &RunId,
) -> Result<Option<(Run, Option<Delivery>)>, Error> {
    let sql = format!(
        "SELECT {}, {} FROM run LEFT JOIN delivery ON delivery.run_key = run.key \
         WHERE run.id = ?1",
        row::RUN,
        row::DELIVERY
    );
    first(connection, &sql, [id.as_str()], |found| {
        let (_, run) = row::run(found, 0)?;
        let delivery = row::maybe_delivery(found, row::width(row::RUN), &run.id)?;
        Ok((run, delivery))
    })
}
