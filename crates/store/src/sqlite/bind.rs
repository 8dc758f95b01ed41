//! The rows that a decision writes, and the statements that write them.

use longshore_domain::delivery::{Attempt, Delivery};
use longshore_domain::id::{ConnectionId, RunId};
use longshore_domain::run::{Documents, DocumentsPatch, Idempotency, Run, RunWrite};
use longshore_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::change::{Change, Texts};
use super::code::Code;
use super::group::{Failure, Group};
use super::kept::Kept;
use super::packed;
use super::seen::StoredRun;
use crate::Error;

const MOVE_DELIVERY: &str =
    "UPDATE delivery SET destination = ?2, connection = ?3 WHERE run_key = ?1";
const OWN_DELIVERY: &str = "SELECT 1 FROM run JOIN delivery ON delivery.run_key = run.key \
    WHERE run.id = ?1 AND delivery.id = ''";
const NEXT_LOG_LINE: &str = "SELECT coalesce(max(number) + 1, 0) FROM log_line WHERE run_key = ?1";
/// A delivery that was recovered and sent again settles under the same number: the later finding
/// stands, as it is the one that moved the delivery.
const REPLACE_ATTEMPT: &str = "UPDATE attempt SET started_at = ?3, duration_micros = ?4, \
    status = ?5, outcome = ?6, signed_with = ?7, diagnosis_json = ?8, answer = ?9 \
    WHERE run_key = ?1 AND number = ?2";

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
pub(super) fn insert_run(
    group: &mut Group<'_>,
    key: i64,
    run: &Run,
    texts: &Texts,
) -> Result<(), Failure> {
    let redeemed = run.redemption.as_ref();
    group.kept(Kept::InsertRun)?.execute(params![
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
        texts.required_approval,
        texts.link,
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
/// Answers whether it stood there as `stored` says.
pub(super) fn update_run(
    group: &mut Group<'_>,
    stored: &StoredRun,
    run: &Run,
    texts: &Texts,
) -> Result<bool, Failure> {
    let redeemed = run.redemption.as_ref();
    let moved = stored.status != run.status.code()
        || stored.has_ended
        || run.ended_at.is_some()
        || stored.external_run_id.as_deref() != run.external_run_id.as_deref();
    let update = group.kept(if moved {
        Kept::MoveRun
    } else {
        Kept::UpdateRun
    })?;
    // The shorter statement takes the first of these.
    let row: &[&dyn ToSql] = params![
        stored.key,
        run.id.as_str(),
        stored.version,
        run.label.as_ref().map(|label| label.text.as_str()),
        run.label.as_ref().is_some_and(|label| label.by_engine),
        texts.link,
        run.summary,
        run.updated_by,
        run.updated_at.as_micros(),
        redeemed.is_some(),
        redeemed.and_then(|redeemed| redeemed.attempt),
        redeemed.and_then(|redeemed| redeemed.by.as_deref()),
        run.log_lines,
        run.version,
        run.status.code(),
        run.ended_at.map(Timestamp::as_micros),
        run.external_run_id,
    ];
    let taken = update.parameter_count().min(row.len());
    if update.execute(&row[..taken])? != 1 {
        return Ok(false);
    }
    group.count_ended(i64::from(run.ended_at.is_some()) - i64::from(stored.has_ended));
    group.see(&run.id, StoredRun::of(run, stored.key));
    Ok(true)
}

/// Makes the run's documents.
pub(super) fn insert_documents(
    group: &mut Group<'_>,
    key: i64,
    documents: &Documents,
    texts: &Texts,
) -> Result<(), Failure> {
    let [properties, raw_properties, trigger, entity, payload] = match texts.packed {
        Some(_) => [None; packed::COLUMNS.len()],
        None => texts.made_with(documents).map_err(Failure::Refused)?,
    };
    group.kept(Kept::InsertDocuments)?.execute(params![
        key,
        properties.unwrap_or_default(),
        raw_properties,
        trigger.unwrap_or_default(),
        entity,
        payload,
        texts.deferred,
        texts.response,
        texts.votes,
        texts.encrypted,
        texts.packed,
    ])?;
    Ok(())
}

/// Replaces the documents that a change names.
pub(super) fn patch_documents(
    connection: &Connection,
    key: i64,
    patch: &DocumentsPatch,
    texts: &Texts,
) -> Result<(), Failure> {
    if patch.payload.is_some() {
        connection
            .prepare_cached(
                "UPDATE run_document SET payload = ?2, deferred = ?3 WHERE run_key = ?1",
            )?
            .execute(params![key, texts.payload, texts.deferred])?;
    }
    if patch.response.is_some() {
        connection
            .prepare_cached("UPDATE run_document SET response = ?2 WHERE run_key = ?1")?
            .execute(params![key, texts.response])?;
    }
    if patch.votes.is_some() {
        connection
            .prepare_cached("UPDATE run_document SET votes = ?2 WHERE run_key = ?1")?
            .execute(params![key, texts.votes])?;
    }
    Ok(())
}

/// Makes the run's delivery.
pub(super) fn insert_delivery(
    group: &mut Group<'_>,
    key: i64,
    delivery: &Delivery,
    change: &Change,
) -> Result<(), Failure> {
    if !delivery.id.is_of(&delivery.run)
        && let Some(other) = delivery.id.run()
    {
        // No index holds the ids that are runs' own, so it would not refuse one of them.
        let mut own = group.connection().prepare_cached(OWN_DELIVERY)?;
        if own.exists([other.as_str()])? {
            return Err(Failure::Torn(Error::Conflict("delivery")));
        }
    }
    let (texts, offered) = (&change.texts, change.offered.as_ref());
    group.kept(Kept::InsertDelivery)?.execute(params![
        key,
        stored_id(delivery),
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
        texts.diagnosis,
        delivery.created_at.as_micros(),
        delivery.updated_at.as_micros(),
        delivery.version,
        texts.publication,
        offered.map(|(action, _)| action),
        offered.map(|(_, action_type)| action_type),
    ])?;
    Ok(())
}

/// Its id as it is kept: empty where it is the run's own, so that no index has to hold it too.
fn stored_id(delivery: &Delivery) -> &str {
    match delivery.id.is_of(&delivery.run) {
        true => "",
        false => delivery.id.as_str(),
    }
}

/// Checks and updates the delivery; answers its run's key, with which, where it is known or was
/// seen lately, the row is checked and written in one step.
pub(super) fn update_delivery(
    group: &mut Group<'_>,
    run_key: Option<i64>,
    delivery: &Delivery,
    from: u32,
    texts: &Texts,
) -> Result<i64, Failure> {
    let seen = || group.seen(&delivery.run).map(|seen| seen.key);
    if let Some(key) = run_key.or_else(seen)
        && replace_delivery(group, key, delivery, from, texts)?
    {
        return Ok(key);
    }
    let found = group
        .kept(Kept::FindDelivery)?
        .query_row([delivery.run.as_str(), stored_id(delivery)], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    let Some((key, version)) = found else {
        return Err(Failure::Refused(Error::NotFound("delivery")));
    };
    let conflict = || Error::Conflict("delivery");
    if run_key.is_some_and(|run_key| run_key != key) || version != i64::from(from) {
        return Err(Failure::Refused(conflict()));
    }
    if replace_delivery(group, key, delivery, from, texts)? {
        return Ok(key);
    }
    // It goes elsewhere, which nearly none does.
    let connection_id = delivery.connection.as_ref().map(ConnectionId::as_str);
    let mut elsewhere = group.connection().prepare_cached(MOVE_DELIVERY)?;
    elsewhere.execute(params![key, delivery.destination, connection_id])?;
    match replace_delivery(group, key, delivery, from, texts)? {
        true => Ok(key),
        false => Err(Failure::Torn(conflict())),
    }
}

/// Whether it stood there as it was read, and where it shall stay.
fn replace_delivery(
    group: &mut Group<'_>,
    key: i64,
    delivery: &Delivery,
    from: u32,
    texts: &Texts,
) -> Result<bool, Failure> {
    let written = group.kept(Kept::UpdateDelivery)?.execute(params![
        key,
        delivery.state.code(),
        delivery.due_at.map(Timestamp::as_micros),
        delivery.attempt,
        delivery.attempts_used,
        delivery.left,
        delivery.scheduled_since.as_micros(),
        texts.diagnosis,
        delivery.updated_at.as_micros(),
        delivery.version,
        texts.publication,
        delivery.repeat.code(),
        stored_id(delivery),
        from,
        delivery.destination,
        delivery.connection.as_ref().map(ConnectionId::as_str),
    ])?;
    Ok(written == 1)
}

/// Adds attempt, events and log lines.
pub(super) fn write_history(
    group: &mut Group<'_>,
    key: i64,
    change: &Change,
) -> Result<(), Failure> {
    let (decided, texts) = (&change.decided, &change.texts);
    if let Some(attempt) = &decided.attempt {
        save_attempt(group, key, attempt, texts)?;
    }
    let insert = group.kept(Kept::InsertEvent)?;
    let is_new = matches!(decided.run, RunWrite::Insert(_));
    for ((number, event), changed) in (0_u32..).zip(&decided.events).zip(&texts.events) {
        insert.execute(params![
            key,
            // Of a run that is there already they go on from the last.
            is_new.then_some(number),
            event.kind.code(),
            event.at.as_micros(),
            event.by,
            changed,
        ])?;
    }
    if decided.log.is_empty() {
        return Ok(());
    }
    let first = match decided.run() {
        // The run counts its lines, and this change with them.
        Some(run) => i64::from(run.log_lines) - i64::try_from(decided.log.len()).unwrap_or(0),
        None => group
            .connection()
            .prepare_cached(NEXT_LOG_LINE)?
            .query_row([key], |row| row.get(0))?,
    };
    let insert = group.kept(Kept::InsertLogLine)?;
    for (number, line) in (first..).zip(&decided.log) {
        insert.execute(params![
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

fn save_attempt(
    group: &mut Group<'_>,
    key: i64,
    attempt: &Attempt,
    texts: &Texts,
) -> Result<(), Failure> {
    let duration_micros = i64::try_from(attempt.duration_micros).unwrap_or(i64::MAX);
    let (started_at, outcome) = (attempt.started_at.as_micros(), attempt.outcome.code());
    let row = params![
        key,
        attempt.number,
        started_at,
        duration_micros,
        attempt.status,
        outcome,
        attempt.signed_with,
        texts.attempt_diagnosis,
        attempt.answer,
    ];
    if group.kept(Kept::InsertAttempt)?.execute(row)? == 0 {
        let mut replace = group.connection().prepare_cached(REPLACE_ATTEMPT)?;
        replace.execute(row)?;
    }
    Ok(())
}
