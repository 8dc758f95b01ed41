//! A decision in the form that the writer binds: every JSON document is text already.

use std::sync::Arc;

use longshore_domain::delivery::{Publication, Receiver};
use longshore_domain::run::{DeliveryWrite, Documents, DocumentsPatch, Run, RunChange, RunWrite};
use serde::Serialize;

use super::packed::{self, Packed};
use super::text;
use crate::Error;

/// About what a run's rows take beside its documents.
const ROW_BYTES: usize = 1_024;

/// A decision, ready to be bound.
pub(super) struct Change {
    pub(super) decided: Arc<RunChange>,
    pub(super) texts: Texts,
    /// Of a new delivery for agents: the action and its type, by which claims leave it out.
    pub(super) offered: Option<(String, String)>,
}

/// The JSON columns of a decision; what it does not write stays empty. A new run's larger documents
/// keep their texts themselves.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) required_approval: String,
    pub(super) link: Option<String>,
    pub(super) entity: Option<String>,
    /// A new run's documents, where they are packed.
    pub(super) packed: Option<Vec<u8>>,
    /// Of a run that is there already.
    pub(super) payload: Option<String>,
    pub(super) deferred: Option<String>,
    pub(super) response: Option<String>,
    pub(super) votes: Option<String>,
    pub(super) encrypted: Option<String>,
    pub(super) diagnosis: Option<String>,
    pub(super) publication: Option<String>,
    pub(super) attempt_diagnosis: Option<String>,
    /// What changed, of each event.
    pub(super) events: Vec<String>,
}

impl Change {
    /// Writes the JSON of `decided`.
    pub(super) fn prepare(decided: Arc<RunChange>) -> Result<Self, Error> {
        let mut texts = Texts::default();
        match &decided.run {
            RunWrite::Insert(new) => {
                texts.of_run(&new.run)?;
                texts.of_documents(&new.documents)?;
            }
            RunWrite::Update { run, documents, .. } => {
                texts.of_run(run)?;
                texts.of_patch(documents)?;
            }
            RunWrite::Keep(_) => {}
        }
        if let Some(write) = &decided.delivery {
            let delivery = write.delivery();
            texts.diagnosis = maybe("diagnosis", delivery.diagnosis.as_ref())?;
            texts.publication = publication_text(delivery.publication.as_deref())?;
        }
        if let Some(attempt) = &decided.attempt {
            texts.attempt_diagnosis = maybe("diagnosis", attempt.diagnosis.as_ref())?;
        }
        for event in &decided.events {
            texts.events.push(text::write("changed", &event.changed)?);
        }
        Ok(Self {
            offered: offered(&decided),
            decided,
            texts,
        })
    }

    /// About how many bytes wait while this waits, where it makes a run.
    pub(super) fn new_run_bytes(&self) -> Option<usize> {
        let RunWrite::Insert(new) = &self.decided.run else {
            return None;
        };
        let Documents {
            properties,
            raw_properties,
            trigger,
            payload,
            ..
        } = &new.documents;
        let large = [
            Some(properties),
            raw_properties.as_ref(),
            Some(trigger),
            payload.as_ref(),
        ];
        let large = large.into_iter().flatten().filter_map(|it| it.text().ok());
        let texts = &self.texts;
        let small = [
            &texts.entity,
            &texts.deferred,
            &texts.response,
            &texts.votes,
            &texts.encrypted,
        ];
        let small: usize = small.into_iter().flatten().map(String::len).sum();
        Some(ROW_BYTES + large.map(str::len).sum::<usize>() + small)
    }
}

/// What a delivery for agents that `change` makes is called by who leaves it out.
fn offered(change: &RunChange) -> Option<(String, String)> {
    match &change.delivery {
        Some(DeliveryWrite::Insert(made)) if made.receiver == Receiver::Agent => {}
        _ => return None,
    }
    let (run, payload) = match &change.run {
        RunWrite::Insert(new) => (&new.run, new.documents.payload.as_deref()),
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

pub(super) fn publication_text(publication: Option<&Publication>) -> Result<Option<String>, Error> {
    maybe("publication", publication)
}

impl Texts {
    fn of_run(&mut self, run: &Run) -> Result<(), Error> {
        self.required_approval = text::write("required_approval", &run.required_approval)?;
        self.link = maybe("link", run.link.as_ref())?;
        Ok(())
    }

    fn of_documents(&mut self, documents: &Documents) -> Result<(), Error> {
        self.entity = maybe("entity", documents.entity.as_ref())?;
        self.packed = packed::pack(self.made_with(documents)?);
        self.deferred = unless_empty("deferred", &documents.deferred)?;
        self.response = maybe("response", documents.response.as_ref())?;
        self.votes = unless_empty("votes", &documents.votes)?;
        self.encrypted = maybe("encrypted", documents.encrypted.as_ref())?;
        Ok(())
    }

    /// What a run is made with, in the order of [`packed::COLUMNS`].
    pub(super) fn made_with<'d>(
        &'d self,
        documents: &'d Documents,
    ) -> Result<Packed<&'d str>, Error> {
        Ok([
            Some(text::of("properties", &documents.properties)?),
            text::maybe_of("raw_properties", documents.raw_properties.as_ref())?,
            Some(text::of("trigger", &documents.trigger)?),
            self.entity.as_deref(),
            text::maybe_of("payload", documents.payload.as_ref())?,
        ])
    }

    fn of_patch(&mut self, patch: &DocumentsPatch) -> Result<(), Error> {
        if let Some((payload, deferred)) = &patch.payload {
            self.payload = Some(text::write("payload", payload)?);
            self.deferred = unless_empty("deferred", deferred)?;
        }
        self.response = maybe("response", patch.response.as_ref())?;
        self.votes = maybe("votes", patch.votes.as_ref())?;
        Ok(())
    }
}
