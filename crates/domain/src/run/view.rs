//! A run as the API shows it, and the standard message of webhooks without a body.

use serde_json::{Map, Value, json};

use super::approval::approval_json;
use super::{Documents, Request, Run};
use crate::id::RunId;

/// What the published schema of a run does not let be null: it is left out while it is absent.
const NEVER_NULL: [&str; 5] = [
    "blueprint",
    "entity",
    "response",
    "externalRunId",
    "endedAt",
];

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
    /// The API's JSON; with `version` `v1` references are identifiers alone.
    #[must_use]
    pub fn json(&self, v1: bool) -> Value {
        let (run, documents) = (self.run, self.documents);
        let reference = |identifier: &str, title: &Value, icon: &Value, deleted: bool| json!({"identifier": identifier, "title": title, "icon": icon, "deleted": deleted});
        let action = match (v1, self.action) {
            (true, _) => Value::from(run.action.as_str()),
            (false, Some((title, icon))) => reference(&run.action, title, icon, false),
            (false, None) => reference(&run.action, &Value::Null, &Value::Null, true),
        };
        let plain = |identifier: &Option<String>| match identifier {
            Some(identifier) if v1 => Value::from(identifier.as_str()),
            Some(identifier) => reference(identifier, &Value::Null, &Value::Null, false),
            None => Value::Null,
        };
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| {
            if !(value.is_null() && NEVER_NULL.contains(&name)) {
                shown.insert(name.to_owned(), value);
            }
        };
        put("id", run.id.as_str().into());
        put("status", run.status.name().into());
        let label = run
            .label
            .as_ref()
            .map_or(Value::Null, |label| label.text.as_str().into());
        put("statusLabel", label);
        put("action", action);
        put("blueprint", plain(&run.blueprint));
        put("entity", plain(&run.entity));
        put("properties", documents.properties.clone());
        if let Some(raw) = &documents.raw_properties {
            put("rawProperties", raw.clone());
        }
        put("source", run.source.name().into());
        put("requiredApproval", json!(run.required_approval));
        put("approval", approval_json(&documents.votes));
        put(
            "link",
            run.link.clone().unwrap_or_else(|| Value::Array(Vec::new())),
        );
        put("summary", run.summary.as_deref().unwrap_or_default().into());
        put("payload", documents.payload.clone().unwrap_or(Value::Null));
        put(
            "response",
            documents.response.clone().unwrap_or(Value::Null),
        );
        put(
            "externalRunId",
            run.external_run_id
                .as_deref()
                .map_or(Value::Null, Value::from),
        );
        put("createdBy", run.created_by.as_str().into());
        put(
            "updatedBy",
            run.updated_by.as_deref().unwrap_or(&run.created_by).into(),
        );
        put("createdAt", run.created_at.to_string().into());
        put("updatedAt", run.updated_at.to_string().into());
        put(
            "endedAt",
            run.ended_at.map_or(Value::Null, |at| at.to_string().into()),
        );
        if v1 {
            put("relatedEntityExists", run.entity.is_some().into());
            put("relatedBlueprintExists", run.blueprint.is_some().into());
        }
        Value::Object(shown)
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
            "censoredProperties": [],
        },
    })
}
