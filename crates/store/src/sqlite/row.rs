//! From rows to domain types. What this program would not have written is `Corrupt`, never a panic.

use longshore_domain::delivery::{Attempt, Delivery};
use longshore_domain::id::{ConnectionId, DeliveryId, RunId, RunLogId};
use longshore_domain::json::JsonDocument;
use longshore_domain::run::{Documents, Event, Label, LogLine, Redemption, Run};
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cells::Cells;
use super::{packed, text};
use crate::Error;

/// The columns that [`run`] reads, in its order.
pub(super) const RUN: &str = "run.key, run.id, run.action, run.action_revision, run.blueprint, \
    run.entity, run.status, run.label, run.label_by_engine, run.source, \
    run.required_approval_json, run.link_json, run.summary, run.external_run_id, run.created_by, \
    run.updated_by, run.created_at, run.updated_at, run.ended_at, run.rerun_of, run.redeemed, \
    run.redeemed_attempt, run.redeemed_by, run.log_lines, run.version";
/// The columns that [`documents`] reads, in its order.
pub(super) const DOCUMENTS: &str = "run_document.properties, run_document.raw_properties, \
    run_document.trigger_, run_document.entity, run_document.payload, run_document.deferred, \
    run_document.response, run_document.votes, run_document.encrypted, run_document.packed";
/// The columns that [`delivery`] reads, in its order.
pub(super) const DELIVERY: &str = "delivery.run_key, delivery.id, delivery.receiver, \
    delivery.destination, delivery.connection, delivery.repeat_, delivery.synchronized, \
    delivery.state, delivery.due_at, delivery.attempt, delivery.attempts_used, delivery.has_left, \
    delivery.scheduled_since, delivery.diagnosis_json, delivery.publication_json, \
    delivery.created_at, delivery.updated_at, delivery.version";
/// The columns that [`attempt`] reads, in its order.
pub(super) const ATTEMPT: &str = "run_key, number, started_at, duration_micros, status, outcome, \
    signed_with, diagnosis_json, answer";
/// The columns that [`event`] reads, in its order.
pub(super) const EVENT: &str = "number, kind, at, by, changed_json";
/// The columns that [`log_line`] reads, in its order.
pub(super) const LOG_LINE: &str = "number, id, message, created_by, created_at";

/// How many columns a list names.
pub(super) const fn width(columns: &str) -> usize {
    let (bytes, mut at, mut width) = (columns.as_bytes(), 0, 1);
    while at < bytes.len() {
        if bytes[at] == b',' {
            width += 1;
        }
        at += 1;
    }
    width
}

/// Reads [`RUN`] from column `at` on, with the run's integer key.
pub(super) fn run(row: &Row<'_>, at: usize) -> Result<(i64, Run), Error> {
    let mut cells = Cells::new(row, "run", at);
    let key = cells.key("key")?;
    let run = Run {
        id: cells.id("id", RunId::parse)?,
        action: cells.text("action")?,
        action_revision: cells.integer("action_revision")?,
        blueprint: cells.maybe_text("blueprint")?,
        entity: cells.maybe_text("entity")?,
        status: cells.code("status")?,
        label: label(&mut cells)?,
        source: cells.code("source")?,
        required_approval: cells.json("required_approval_json")?,
        link: cells.maybe_json("link_json")?,
        summary: cells.maybe_text("summary")?,
        external_run_id: cells.maybe_text("external_run_id")?,
        created_by: cells.text("created_by")?,
        updated_by: cells.maybe_text("updated_by")?,
        created_at: cells.instant("created_at")?,
        updated_at: cells.instant("updated_at")?,
        ended_at: cells.maybe_instant("ended_at")?,
        rerun_of: cells.maybe_id("rerun_of", RunId::parse)?,
        redemption: redemption(&mut cells)?,
        log_lines: cells.number("log_lines")?,
        version: cells.number("version")?,
    };
    Ok((key, run))
}

fn label(cells: &mut Cells<'_, '_>) -> Result<Option<Label>, Error> {
    let text = cells.maybe_text("label")?;
    let by_engine = cells.code("label_by_engine")?;
    Ok(text.map(|text| Label { text, by_engine }))
}

fn redemption(cells: &mut Cells<'_, '_>) -> Result<Option<Redemption>, Error> {
    let redeemed: bool = cells.code("redeemed")?;
    let attempt = cells.maybe_number("redeemed_attempt")?;
    let by = cells.maybe_text("redeemed_by")?;
    Ok(redeemed.then_some(Redemption { attempt, by }))
}

/// Reads [`DOCUMENTS`] of the run `key` from column `at` on.
pub(super) fn documents(row: &Row<'_>, at: usize, key: i64) -> Result<Documents, Error> {
    DocumentCells::copy(row, at)?.read(key)
}

/// A copy of [`DOCUMENTS`], whose JSON may be read later and on another thread.
pub(super) struct DocumentCells {
    cells: [Option<String>; DOCUMENT_TEXTS],
}

/// All of [`DOCUMENTS`] but the last are texts.
const DOCUMENT_TEXTS: usize = width(DOCUMENTS) - 1;

impl DocumentCells {
    const NAMES: [&'static str; DOCUMENT_TEXTS] = [
        "properties",
        "raw_properties",
        "trigger_",
        "entity",
        "payload",
        "deferred",
        "response",
        "votes",
        "encrypted",
    ];

    /// Copies the cells from column `at` on.
    pub(super) fn copy(row: &Row<'_>, at: usize) -> Result<Self, Error> {
        let mut from = Cells::new(row, "run_document", at);
        let mut cells = [const { None }; DOCUMENT_TEXTS];
        for (cell, name) in cells.iter_mut().zip(Self::NAMES) {
            *cell = from.maybe_text(name)?;
        }
        let Some(block) = from.maybe_bytes("packed")? else {
            return Ok(Self { cells });
        };
        let unpacked = packed::unpack(&block).map_err(|problem| from.corrupt("packed", problem))?;
        for (name, text) in packed::COLUMNS.iter().zip(unpacked) {
            let named = Self::NAMES.iter().position(|other| other == name);
            let cell = named.and_then(|at| cells.get_mut(at));
            if let Some(cell) = cell.filter(|cell| cell.as_ref().is_none_or(String::is_empty)) {
                *cell = text;
            }
        }
        Ok(Self { cells })
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> u64 {
        self.cells
            .iter()
            .flatten()
            .map(|cell| cell.len() as u64)
            .sum()
    }

    /// Reads the documents of the run `key`.
    pub(super) fn read(self, key: i64) -> Result<Documents, Error> {
        let [
            properties,
            raw_properties,
            trigger,
            entity,
            payload,
            deferred,
            response,
            votes,
            encrypted,
        ] = &self.cells;
        let at = |column| CellOf { column, key };
        Ok(Documents {
            properties: at("properties").json::<Value>(properties)?.into(),
            raw_properties: at("raw_properties").document(raw_properties)?,
            trigger: at("trigger_").json::<Value>(trigger)?.into(),
            entity: at("entity").maybe_json(entity)?,
            payload: at("payload").document(payload)?,
            deferred: at("deferred").maybe_json(deferred)?.unwrap_or_default(),
            response: at("response").maybe_json(response)?,
            votes: at("votes").maybe_json(votes)?.unwrap_or_default(),
            encrypted: at("encrypted").maybe_json(encrypted)?,
        })
    }
}

/// Names a copied cell in errors.
struct CellOf {
    column: &'static str,
    key: i64,
}

impl CellOf {
    fn corrupt(&self, problem: impl Into<String>) -> Error {
        Error::Corrupt {
            table: "run_document",
            row: self.key.to_string(),
            column: self.column,
            problem: problem.into(),
        }
    }

    fn maybe_json<T: DeserializeOwned>(&self, cell: &Option<String>) -> Result<Option<T>, Error> {
        let read = |json: &String| text::read(json).map_err(|problem| self.corrupt(problem));
        cell.as_ref().map(read).transpose()
    }

    fn document(&self, cell: &Option<String>) -> Result<Option<JsonDocument>, Error> {
        Ok(self.maybe_json::<Value>(cell)?.map(Into::into))
    }

    fn json<T: DeserializeOwned>(&self, cell: &Option<String>) -> Result<T, Error> {
        self.maybe_json(cell)?
            .ok_or_else(|| self.corrupt("nothing where text was expected"))
    }
}

/// Reads [`DELIVERY`] of the run `run` from column `at` on.
pub(super) fn delivery(row: &Row<'_>, at: usize, run: RunId) -> Result<Delivery, Error> {
    let mut cells = Cells::new(row, "delivery", at);
    cells.key("run_key")?;
    let id = |text: &str| match text {
        "" => Some(DeliveryId::of(&run)),
        own => DeliveryId::parse(own),
    };
    Ok(Delivery {
        id: cells.id("id", id)?,
        run,
        receiver: cells.code("receiver")?,
        destination: cells.text("destination")?,
        connection: cells.maybe_id("connection", ConnectionId::parse)?,
        repeat: cells.code("repeat_")?,
        synchronized: cells.code("synchronized")?,
        state: cells.code("state")?,
        due_at: cells.maybe_instant("due_at")?,
        attempt: cells.number("attempt")?,
        attempts_used: cells.number("attempts_used")?,
        left: cells.code("has_left")?,
        scheduled_since: cells.instant("scheduled_since")?,
        diagnosis: cells.maybe_json("diagnosis_json")?,
        publication: cells.maybe_json("publication_json")?,
        created_at: cells.instant("created_at")?,
        updated_at: cells.instant("updated_at")?,
        version: cells.number("version")?,
    })
}

/// Reads [`DELIVERY`] where it may be absent from an outer join.
pub(super) fn maybe_delivery(
    row: &Row<'_>,
    at: usize,
    run: &RunId,
) -> Result<Option<Delivery>, Error> {
    if matches!(row.get_ref(at), Ok(ValueRef::Null)) {
        return Ok(None);
    }
    delivery(row, at, run.clone()).map(Some)
}

/// Reads [`ATTEMPT`].
pub(super) fn attempt(row: &Row<'_>) -> Result<Attempt, Error> {
    let mut cells = Cells::new(row, "attempt", 0);
    cells.key("run_key")?;
    Ok(Attempt {
        number: cells.number("number")?,
        started_at: cells.instant("started_at")?,
        duration_micros: cells.number("duration_micros")?,
        status: cells.maybe_number("status")?,
        outcome: cells.code("outcome")?,
        signed_with: cells.maybe_text("signed_with")?,
        diagnosis: cells.maybe_json("diagnosis_json")?,
        answer: cells.maybe_text("answer")?,
    })
}

/// Reads [`EVENT`].
pub(super) fn event(row: &Row<'_>) -> Result<Event, Error> {
    let mut cells = Cells::new(row, "event", 0);
    cells.key("number")?;
    Ok(Event {
        kind: cells.code("kind")?,
        at: cells.instant("at")?,
        by: cells.text("by")?,
        changed: cells.json("changed_json")?,
    })
}

/// Reads [`LOG_LINE`].
pub(super) fn log_line(row: &Row<'_>) -> Result<LogLine, Error> {
    let mut cells = Cells::new(row, "log_line", 0);
    cells.key("number")?;
    Ok(LogLine {
        id: cells.id("id", RunLogId::parse)?,
        message: cells.text("message")?,
        created_by: cells.text("created_by")?,
        created_at: cells.instant("created_at")?,
    })
}
