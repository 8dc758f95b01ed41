//! A decision in the form that the writer binds: every JSON document is text already.

use longshore_domain::delivery::{Attempt, Delivery, Publication, Receiver};
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::id::RunId;
use longshore_domain::run::{
    DeliveryWrite, Documents, DocumentsPatch, Event, EventKind, Idempotency, LogLine, Run,
    RunChange, RunWrite,
};
use longshore_domain::time::Timestamp;
use serde::Serialize;

use super::text;
use crate::Error;

/// About what a run's rows take beside its documents.
const ROW_BYTES: usize = 1_024;

/// A decision, ready to be bound.
pub(super) struct Change {
    pub(super) run: RunPart,
    pub(super) delivery: Option<DeliveryPart>,
    pub(super) attempt: Option<AttemptRow>,
    pub(super) events: Vec<EventRow>,
    pub(super) log: Vec<LogLine>,
    pub(super) idempotency: Option<Idempotency>,
}

/// What happens to the run's row.
pub(super) enum RunPart {
    Insert(RunRow, DocumentTexts),
    Update {
        row: RunRow,
        from: u32,
        patch: PatchTexts,
    },
    Keep(RunId),
}

impl RunPart {
    /// The run's public id.
    pub(super) const fn id(&self) -> &RunId {
        match self {
            Self::Insert(row, _) | Self::Update { row, .. } => &row.run.id,
            Self::Keep(id) => id,
        }
    }
}

/// A run with its JSON columns.
pub(super) struct RunRow {
    pub(super) run: Run,
    pub(super) required_approval: String,
    pub(super) link: Option<String>,
}

/// A run's documents.
pub(super) struct DocumentTexts {
    pub(super) properties: String,
    pub(super) raw_properties: Option<String>,
    pub(super) trigger: String,
    pub(super) entity: Option<String>,
    pub(super) payload: Option<String>,
    pub(super) deferred: Option<String>,
    pub(super) response: Option<String>,
    pub(super) votes: Option<String>,
    pub(super) encrypted: Option<String>,
}

/// The documents that are replaced.
pub(super) struct PatchTexts {
    pub(super) payload: Option<(String, Option<String>)>,
    pub(super) response: Option<String>,
    pub(super) votes: Option<String>,
}

/// What happens to the run's delivery.
pub(super) struct DeliveryPart {
    pub(super) delivery: Delivery,
    pub(super) diagnosis: Option<String>,
    pub(super) publication: Option<String>,
    /// Of a new one for agents: the action and its type, by which claims leave it out.
    pub(super) offered: Option<(String, String)>,
    /// The version that was decided on; none where the delivery is new.
    pub(super) from: Option<u32>,
}

/// An attempt with its JSON column.
pub(super) struct AttemptRow {
    pub(super) attempt: Attempt,
    pub(super) diagnosis: Option<String>,
}

/// An event with its JSON column.
pub(super) struct EventRow {
    pub(super) kind: EventKind,
    pub(super) at: Timestamp,
    pub(super) by: String,
    pub(super) changed: String,
}

impl Change {
    /// Writes the JSON of `change`.
    pub(super) fn prepare(change: RunChange) -> Result<Self, Error> {
        let offered = offered(&change);
        let run = match change.run {
            RunWrite::Insert(new) => RunPart::Insert(
                RunRow::prepare(new.run)?,
                DocumentTexts::prepare(&new.documents)?,
            ),
            RunWrite::Update {
                run,
                from,
                documents,
            } => RunPart::Update {
                row: RunRow::prepare(*run)?,
                from,
                patch: PatchTexts::prepare(&documents)?,
            },
            RunWrite::Keep(id) => RunPart::Keep(id),
        };
        Ok(Self {
            run,
            delivery: change
                .delivery
                .map(|delivery| DeliveryPart::prepare(delivery, offered))
                .transpose()?,
            attempt: change.attempt.map(AttemptRow::prepare).transpose()?,
            events: change
                .events
                .into_iter()
                .map(EventRow::prepare)
                .collect::<Result<_, _>>()?,
            log: change.log,
            idempotency: change.idempotency,
        })
    }

    /// About how many bytes wait while this waits, where it makes a run.
    pub(super) fn new_run_bytes(&self) -> Option<usize> {
        let RunPart::Insert(_, texts) = &self.run else {
            return None;
        };
        let optional = [
            &texts.raw_properties,
            &texts.entity,
            &texts.payload,
            &texts.deferred,
            &texts.response,
            &texts.votes,
            &texts.encrypted,
        ];
        let documents: usize = optional.into_iter().flatten().map(String::len).sum();
        Some(ROW_BYTES + texts.properties.len() + texts.trigger.len() + documents)
    }
}

/// What a delivery for agents that `change` makes is called by who leaves it out.
fn offered(change: &RunChange) -> Option<(String, String)> {
    match &change.delivery {
        Some(DeliveryWrite::Insert(made)) if made.receiver == Receiver::Agent => {}
        _ => return None,
    }
    let (run, payload) = match &change.run {
        RunWrite::Insert(new) => (&new.run, new.documents.payload.as_ref()),
        RunWrite::Update { run, documents, .. } => {
            let rendered = documents.payload.as_ref();
            (&**run, rendered.map(|(payload, _)| payload))
        }
        RunWrite::Keep(_) => return None,
    };
    let action_type = payload.and_then(|it| it.get("integrationActionType")?.as_str());
    Some((
        run.action.clone(),
        action_type.unwrap_or_default().to_owned(),
    ))
}

fn maybe<T: Serialize>(column: &'static str, value: Option<&T>) -> Result<Option<String>, Error> {
    value.map(|value| text::write(column, value)).transpose()
}

fn unless_empty<T: Serialize>(column: &'static str, list: &[T]) -> Result<Option<String>, Error> {
    if list.is_empty() {
        Ok(None)
    } else {
        text::write(column, list).map(Some)
    }
}

fn diagnosis_text(diagnosis: &mut Option<Diagnosis>) -> Result<Option<String>, Error> {
    maybe("diagnosis", diagnosis.take().as_ref())
}

pub(super) fn publication_text(publication: Option<&Publication>) -> Result<Option<String>, Error> {
    maybe("publication", publication)
}

impl RunRow {
    fn prepare(mut run: Run) -> Result<Self, Error> {
        Ok(Self {
            required_approval: text::write("required_approval", &run.required_approval)?,
            link: maybe("link", run.link.take().as_ref())?,
            run,
        })
    }
}

impl DocumentTexts {
    fn prepare(documents: &Documents) -> Result<Self, Error> {
        Ok(Self {
            properties: text::write("properties", &documents.properties)?,
            raw_properties: maybe("raw_properties", documents.raw_properties.as_ref())?,
            trigger: text::write("trigger", &documents.trigger)?,
            entity: maybe("entity", documents.entity.as_ref())?,
            payload: maybe("payload", documents.payload.as_ref())?,
            deferred: unless_empty("deferred", &documents.deferred)?,
            response: maybe("response", documents.response.as_ref())?,
            votes: unless_empty("votes", &documents.votes)?,
            encrypted: maybe("encrypted", documents.encrypted.as_ref())?,
        })
    }
}

impl PatchTexts {
    fn prepare(patch: &DocumentsPatch) -> Result<Self, Error> {
        let payload = match &patch.payload {
            Some((payload, deferred)) => Some((
                text::write("payload", payload)?,
                unless_empty("deferred", deferred)?,
            )),
            None => None,
        };
        Ok(Self {
            payload,
            response: maybe("response", patch.response.as_ref())?,
            votes: maybe("votes", patch.votes.as_ref())?,
        })
    }
}

impl DeliveryPart {
    fn prepare(write: DeliveryWrite, offered: Option<(String, String)>) -> Result<Self, Error> {
        let (mut delivery, from) = match write {
            DeliveryWrite::Insert(delivery) => (delivery, None),
            DeliveryWrite::Update { delivery, from } => (delivery, Some(from)),
        };
        Ok(Self {
            diagnosis: diagnosis_text(&mut delivery.diagnosis)?,
            publication: publication_text(delivery.publication.take().as_deref())?,
            offered,
            delivery,
            from,
        })
    }
}

impl AttemptRow {
    fn prepare(mut attempt: Attempt) -> Result<Self, Error> {
        Ok(Self {
            diagnosis: diagnosis_text(&mut attempt.diagnosis)?,
            attempt,
        })
    }
}

impl EventRow {
    fn prepare(event: Event) -> Result<Self, Error> {
        Ok(Self {
            kind: event.kind,
            at: event.at,
            changed: text::write("changed", &event.changed)?,
            by: event.by,
        })
    }
}
