//! The rows that a decision writes, and the statements that write them.

use longshore_domain::id::{ConnectionId, RunId};
use longshore_domain::run::Idempotency;
use longshore_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::apply::StoredRun;
use super::change::{
    AttemptRow, Change, DeliveryPart, DocumentTexts, EventRow, PatchTexts, RunRow,
};
use super::code::Code;
use super::group::{Failure, Group};
use crate::Error;

const INSERT_RUN: &str = "INSERT INTO run (key, id, action, action_revision, blueprint, entity, \
    status, label, label_by_engine, source, required_approval_json, link_json, summary, \
    external_run_id, created_by, updated_by, created_at, updated_at, ended_at, rerun_of, redeemed, \
    redeemed_attempt, redeemed_by, log_lines, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
    ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";
const UPDATE_RUN: &str = "UPDATE run SET label = ?2, label_by_engine = ?3, link_json = ?4, \
    summary = ?5, updated_by = ?6, updated_at = ?7, redeemed = ?8, redeemed_attempt = ?9, \
    redeemed_by = ?10, log_lines = ?11, version = ?12 WHERE key = ?1";
const UPDATE_RUN_INDEXED: &str =
    "UPDATE run SET status = ?2, ended_at = ?3, external_run_id = ?4 WHERE key = ?1";
const INSERT_DOCUMENTS: &str = "INSERT INTO run_document (run_key, properties, raw_properties, \
    trigger_, entity, payload, deferred, response, votes, encrypted) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const INSERT_DELIVERY: &str = "INSERT INTO delivery (run_key, id, receiver, destination, \
    connection, repeat_, synchronized, state, due_at, attempt, attempts_used, has_left, \
    scheduled_since, diagnosis_json, created_at, updated_at, version, publication_json, action, \
    action_type) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
    ?17, ?18, ?19, ?20)";
const UPDATE_DELIVERY: &str = "UPDATE delivery SET state = ?2, due_at = ?3, attempt = ?4, \
    attempts_used = ?5, has_left = ?6, scheduled_since = ?7, diagnosis_json = ?8, \
    updated_at = ?9, version = ?10, publication_json = ?11, repeat_ = ?12 WHERE run_key = ?1";
const MOVE_DELIVERY: &str =
    "UPDATE delivery SET destination = ?2, connection = ?3 WHERE run_key = ?1";
const INSERT_ATTEMPT: &str = "INSERT OR IGNORE INTO attempt (run_key, number, started_at, \
    duration_micros, status, outcome, signed_with, diagnosis_json, answer) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/// A delivery that was recovered and sent again settles under the same number: the later finding
/// stands, as it is the one that moved the delivery.
const REPLACE_ATTEMPT: &str = "UPDATE attempt SET started_at = ?3, duration_micros = ?4, \
    status = ?5, outcome = ?6, signed_with = ?7, diagnosis_json = ?8, answer = ?9 \
    WHERE run_key = ?1 AND number = ?2";
const INSERT_EVENT: &str = "INSERT INTO event (seq, run_key, kind, at, by, changed_json) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const INSERT_LOG_LINE: &str = "INSERT INTO log_line (run_key, number, id, message, created_by, \
    created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Makes a repeated request find the run.
pub(super) fn save_idempotency(
    connection: &Connection,
    idempotency: &Idempotency,
    run: &RunId,
) -> Result<(), Failure> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (key, body, run_id, expires_at) \
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            idempotency.key.as_slice(),
            idempotency.body.as_slice(),
            run.as_str(),
            idempotency.expires_at.as_micros(),
        ])?;
    Ok(())
}

/// Makes the run's row.
pub(super) fn insert_run(connection: &Connection, key: i64, row: &RunRow) -> Result<(), Failure> {
    let run = &row.run;
    let redeemed = run.redemption.as_ref();
    connection.prepare_cached(INSERT_RUN)?.execute(params![
        key,
        run.id.as_str(),
        run.action,
        run.action_revision,
        run.blueprint,
        run.entity,
        run.status.code(),
        run.label.as_ref().map(|label| label.text.as_str()),
        run.label.as_ref().is_some_and(|label| label.by_engine),
        run.source.code(),
        row.required_approval,
        row.link,
        run.summary,
        run.external_run_id,
        run.created_by,
        run.updated_by,
        run.created_at.as_micros(),
        run.updated_at.as_micros(),
        run.ended_at.map(Timestamp::as_micros),
        run.rerun_of.as_ref().map(RunId::as_str),
        redeemed.is_some(),
        redeemed.and_then(|redeemed| redeemed.attempt),
        redeemed.and_then(|redeemed| redeemed.by.as_deref()),
        run.log_lines,
        run.version,
    ])?;
    Ok(())
}

/// What a run was requested with never changes; what indexes name is written only where it did.
pub(super) fn update_run(
    group: &mut Group<'_>,
    stored: &StoredRun,
    row: &RunRow,
) -> Result<(), Failure> {
    let (connection, run) = (group.connection(), &row.run);
    let redeemed = run.redemption.as_ref();
    connection.prepare_cached(UPDATE_RUN)?.execute(params![
        stored.key,
        run.label.as_ref().map(|label| label.text.as_str()),
        run.label.as_ref().is_some_and(|label| label.by_engine),
        row.link,
        run.summary,
        run.updated_by,
        run.updated_at.as_micros(),
        redeemed.is_some(),
        redeemed.and_then(|redeemed| redeemed.attempt),
        redeemed.and_then(|redeemed| redeemed.by.as_deref()),
        run.log_lines,
        run.version,
    ])?;
    let moved = stored.status != run.status.code()
        || stored.has_ended
        || run.ended_at.is_some()
        || stored.external_run_id != run.external_run_id;
    if moved {
        connection
            .prepare_cached(UPDATE_RUN_INDEXED)?
            .execute(params![
                stored.key,
                run.status.code(),
                run.ended_at.map(Timestamp::as_micros),
                run.external_run_id,
            ])?;
    }
    group.count_ended(i64::from(run.ended_at.is_some()) - i64::from(stored.has_ended));
    Ok(())
}

/// Makes the run's documents.
pub(super) fn insert_documents(
    connection: &Connection,
    key: i64,
    texts: &DocumentTexts,
) -> Result<(), Failure> {
    connection
        .prepare_cached(INSERT_DOCUMENTS)?
        .execute(params![
            key,
            texts.properties,
            texts.raw_properties,
            texts.trigger,
            texts.entity,
            texts.payload,
            texts.deferred,
            texts.response,
            texts.votes,
            texts.encrypted,
        ])?;
    Ok(())
}

/// Replaces the documents that a change names.
pub(super) fn patch_documents(
    connection: &Connection,
    key: i64,
    patch: &PatchTexts,
) -> Result<(), Failure> {
    if let Some((payload, deferred)) = &patch.payload {
        connection
            .prepare_cached(
                "UPDATE run_document SET payload = ?2, deferred = ?3 WHERE run_key = ?1",
            )?
            .execute(params![key, payload, deferred])?;
    }
    if let Some(response) = &patch.response {
        connection
            .prepare_cached("UPDATE run_document SET response = ?2 WHERE run_key = ?1")?
            .execute(params![key, response])?;
    }
    if let Some(votes) = &patch.votes {
        connection
            .prepare_cached("UPDATE run_document SET votes = ?2 WHERE run_key = ?1")?
            .execute(params![key, votes])?;
    }
    Ok(())
}

/// Makes the run's delivery.
pub(super) fn insert_delivery(
    connection: &Connection,
    key: i64,
    part: &DeliveryPart,
) -> Result<(), Failure> {
    let delivery = &part.delivery;
    connection
        .prepare_cached(INSERT_DELIVERY)?
        .execute(params![
            key,
            delivery.id.as_str(),
            delivery.receiver.code(),
            delivery.destination,
            delivery.connection.as_ref().map(ConnectionId::as_str),
            delivery.repeat.code(),
            delivery.synchronized,
            delivery.state.code(),
            delivery.due_at.map(Timestamp::as_micros),
            delivery.attempt,
            delivery.attempts_used,
            delivery.left,
            delivery.scheduled_since.as_micros(),
            part.diagnosis,
            delivery.created_at.as_micros(),
            delivery.updated_at.as_micros(),
            delivery.version,
            part.publication,
            part.offered.as_ref().map(|(action, _)| action),
            part.offered.as_ref().map(|(_, action_type)| action_type),
        ])?;
    Ok(())
}

/// Checks and updates the delivery; answers its run's key.
pub(super) fn update_delivery(
    connection: &Connection,
    run_key: Option<i64>,
    part: &DeliveryPart,
) -> Result<i64, Failure> {
    let delivery = &part.delivery;
    let mut find = connection.prepare_cached(
        "SELECT run_key, version, destination = ?2 AND connection IS ?3 FROM delivery \
         WHERE id = ?1",
    )?;
    let connection_id = delivery.connection.as_ref().map(ConnectionId::as_str);
    let found = find
        .query_row(
            params![delivery.id.as_str(), delivery.destination, connection_id],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, bool>(2)?,
                ))
            },
        )
        .optional()?;
    let Some((key, version, stays)) = found else {
        return Err(Failure::Refused(Error::NotFound("delivery")));
    };
    if run_key.is_some_and(|run_key| run_key != key) || part.from.map(i64::from) != Some(version) {
        return Err(Failure::Refused(Error::Conflict("delivery")));
    }
    connection
        .prepare_cached(UPDATE_DELIVERY)?
        .execute(params![
            key,
            delivery.state.code(),
            delivery.due_at.map(Timestamp::as_micros),
            delivery.attempt,
            delivery.attempts_used,
            delivery.left,
            delivery.scheduled_since.as_micros(),
            part.diagnosis,
            delivery.updated_at.as_micros(),
            delivery.version,
            part.publication,
            delivery.repeat.code(),
        ])?;
    if !stays {
        connection.prepare_cached(MOVE_DELIVERY)?.execute(params![
            key,
            delivery.destination,
            connection_id
        ])?;
    }
    Ok(key)
}

/// Adds attempt, events and log lines.
pub(super) fn write_history(
    group: &mut Group<'_>,
    key: i64,
    change: &Change,
) -> Result<(), Failure> {
    let connection = group.connection();
    if let Some(row) = &change.attempt {
        save_attempt(connection, key, row)?;
    }
    for EventRow {
        kind,
        at,
        by,
        changed,
    } in &change.events
    {
        connection.prepare_cached(INSERT_EVENT)?.execute(params![
            group.next_event(),
            key,
            kind.code(),
            at.as_micros(),
            by,
            changed,
        ])?;
    }
    if change.log.is_empty() {
        return Ok(());
    }
    let first: i64 = connection
        .prepare_cached("SELECT coalesce(max(number) + 1, 0) FROM log_line WHERE run_key = ?1")?
        .query_row([key], |row| row.get(0))?;
    for (number, line) in (first..).zip(&change.log) {
        connection
            .prepare_cached(INSERT_LOG_LINE)?
            .execute(params![
                key,
                number,
                line.id.as_str(),
                line.message,
                line.created_by,
                line.created_at.as_micros(),
            ])?;
    }
    Ok(())
}

fn save_attempt(connection: &Connection, key: i64, row: &AttemptRow) -> Result<(), Failure> {
    let attempt = &row.attempt;
    let duration_micros = i64::try_from(attempt.duration_micros).unwrap_or(i64::MAX);
    for sql in [INSERT_ATTEMPT, REPLACE_ATTEMPT] {
        let saved = connection.prepare_cached(sql)?.execute(params![
            key,
            attempt.number,
            attempt.started_at.as_micros(),
            duration_micros,
            attempt.status,
            attempt.outcome.code(),
            attempt.signed_with,
            row.diagnosis,
            attempt.answer,
        ])?;
        if saved == 1 {
            break;
        }
    }
    Ok(())
}
