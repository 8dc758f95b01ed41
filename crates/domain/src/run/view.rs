//! A run as the API shows it, and the standard message of webhooks without a body.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::approval::approval_json;
use super::{Documents, EncryptedInputs, Request, Run};
use crate::id::RunId;
use crate::json::{JsonDocument, Written, about_length, compact_of};

/// About how many bytes of a run's text are not its documents'.
const ABOUT_THE_REST: usize = 1_024;

/// A run with its documents, to be shown.
#[derive(Clone, Copy, Debug)]
pub struct RunView<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its documents.
    pub documents: &'a Documents,
    /// The action's title and icon, where it still exists.
    pub action: Option<(&'a Value, &'a Value)>,
}

impl RunView<'_> {
    /// The API's JSON; with `v1` references are identifiers alone.
    #[must_use]
    pub fn json(&self, v1: bool) -> Value {
        let shown = Shown {
            view: self,
            v1,
            written: false,
        };
        serde_json::to_value(shown).unwrap_or_default()
    }

    /// The same as text, with nothing copied on the way; the documents' own texts stand in it.
    #[must_use]
    pub fn text(&self, v1: bool) -> String {
        let shown = Shown {
            view: self,
            v1,
            written: true,
        };
        let Documents {
            properties,
            raw_properties,
            payload,
            response,
            ..
        } = self.documents;
        let documents = [Some(properties), raw_properties.as_ref(), payload.as_ref()];
        let documents = documents.into_iter().flatten();
        let length = documents.map(JsonDocument::about_length).sum::<usize>()
            + response.as_ref().map_or(0, about_length)
            + ABOUT_THE_REST;
        compact_of(&shown, u32::MAX, length).unwrap_or_default()
    }
}

struct Shown<'a> {
    view: &'a RunView<'a>,
    v1: bool,
    /// Whether documents are shown by their texts.
    written: bool,
}

/// Something that a run is about: an identifier alone, or with what is known of it.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Reference<'a> {
    Identifier(&'a str),
    Described {
        identifier: &'a str,
        title: &'a Value,
        icon: &'a Value,
        deleted: bool,
    },
}

/// How a document is shown.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Shape<'a> {
    Text(Written<'a>),
    Value(&'a Value),
}

impl Shown<'_> {
    fn reference<'b>(
        &self,
        identifier: &'b str,
        found: Option<(&'b Value, &'b Value)>,
    ) -> Reference<'b> {
        if self.v1 {
            return Reference::Identifier(identifier);
        }
        let (title, icon) = found.unwrap_or((&Value::Null, &Value::Null));
        Reference::Described {
            identifier,
            title,
            icon,
            deleted: found.is_none(),
        }
    }

    fn document<'b>(&self, document: &'b JsonDocument) -> Shape<'b> {
        if self.written {
            Shape::Text(document.written())
        } else {
            Shape::Value(document)
        }
    }

    /// Blueprints and entities are not looked up; that they are gone is not known.
    fn unseen<'b>(&self, identifier: &'b str) -> Reference<'b> {
        self.reference(identifier, Some((&Value::Null, &Value::Null)))
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RunView {
            run,
            documents,
            action,
        } = self.view;
        let mut shown = serializer.serialize_map(None)?;
        shown.serialize_entry("id", &run.id)?;
        shown.serialize_entry("status", run.status.name())?;
        let label = run.label.as_ref().map(|label| label.text.as_str());
        shown.serialize_entry("statusLabel", &label)?;
        shown.serialize_entry("action", &self.reference(&run.action, *action))?;
        // The published schema does not let these be null: what is absent is left out.
        if let Some(blueprint) = &run.blueprint {
            shown.serialize_entry("blueprint", &self.unseen(blueprint))?;
        }
        if let Some(entity) = &run.entity {
            shown.serialize_entry("entity", &self.unseen(entity))?;
        }
        shown.serialize_entry("properties", &self.document(&documents.properties))?;
        if let Some(raw) = &documents.raw_properties {
            shown.serialize_entry("rawProperties", &self.document(raw))?;
        }
        shown.serialize_entry("source", run.source.name())?;
        shown.serialize_entry("requiredApproval", &run.required_approval)?;
        shown.serialize_entry("approval", &approval_json(&documents.votes))?;
        shown.serialize_entry(
            "link",
            run.link.as_ref().unwrap_or(&Value::Array(Vec::new())),
        )?;
        shown.serialize_entry("summary", run.summary.as_deref().unwrap_or_default())?;
        let payload = documents.payload.as_ref();
        let payload = payload.map(|payload| self.document(payload));
        shown.serialize_entry("payload", &payload)?;
        if let Some(response) = documents.response.as_ref().filter(|found| !found.is_null()) {
            shown.serialize_entry("response", response)?;
        }
        if let Some(id) = &run.external_run_id {
            shown.serialize_entry("externalRunId", id)?;
        }
        shown.serialize_entry("createdBy", &run.created_by)?;
        let updated_by = run.updated_by.as_ref().unwrap_or(&run.created_by);
        shown.serialize_entry("updatedBy", updated_by)?;
        shown.serialize_entry("createdAt", &run.created_at)?;
        shown.serialize_entry("updatedAt", &run.updated_at)?;
        if let Some(ended_at) = &run.ended_at {
            shown.serialize_entry("endedAt", ended_at)?;
        }
        if self.v1 {
            shown.serialize_entry("relatedEntityExists", &run.entity.is_some())?;
            shown.serialize_entry("relatedBlueprintExists", &run.blueprint.is_some())?;
        }
        shown.end()
    }
}

/// What the standard message tells of a run.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The run's id.
    pub id: &'a RunId,
    /// The action's identifier.
    pub action: &'a str,
    /// The action's blueprint.
    pub blueprint: Option<&'a str>,
    /// The identifier of the entity that it is about.
    pub entity: Option<&'a str>,
    /// The inputs.
    pub properties: &'a Value,
    /// Which of them are encrypted, where some are.
    pub encrypted: Option<&'a EncryptedInputs>,
    /// Who asked for it, from where and when.
    pub trigger: &'a Value,
}

impl<'a> Message<'a> {
    /// Of a run that is being requested.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        Self {
            id: &request.id,
            action: &request.action,
            blueprint: request.blueprint.as_deref(),
            entity: request.entity.as_deref(),
            properties: &request.properties,
            encrypted: request.encrypted.as_deref(),
            trigger: &request.trigger,
        }
    }

    /// Of a run that is stored.
    #[must_use]
    pub fn of_stored(run: &'a Run, documents: &'a Documents) -> Self {
        Self {
            id: &run.id,
            action: &run.action,
            blueprint: run.blueprint.as_deref(),
            entity: run.entity.as_deref(),
            properties: &documents.properties,
            encrypted: documents.encrypted.as_deref(),
            trigger: &documents.trigger,
        }
    }
}

/// What a webhook without a body of its own is sent: the run message of contract §8.2 without its
/// headers. `action` is the stored action; its invocation stands rendered in it.
#[must_use]
pub fn standard_message(
    message: &Message<'_>,
    action: &Value,
    operation: &str,
    invocation: &Value,
) -> Value {
    let mut described = action.as_object().cloned().unwrap_or_default();
    described.insert("invocationMethod".into(), invocation.clone());
    described.insert("trigger".into(), operation.into());
    let encrypted = EncryptedInputs::names(message.encrypted);
    if !encrypted.is_empty() {
        described.insert("encryptedProperties".into(), json!(encrypted));
    }
    let entity = message
        .entity
        .map(|identifier| json!({"identifier": identifier}));
    json!({
        "action": message.action,
        "resourceType": "run",
        "status": "TRIGGERED",
        "trigger": message.trigger,
        "context": {
            "entity": message.entity,
            "blueprint": message.blueprint,
            "runId": message.id.as_str(),
        },
        "payload": {
            "entity": entity,
            "action": described,
            "properties": message.properties,
            "censoredProperties": encrypted,
        },
    })
}
