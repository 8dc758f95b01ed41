//! The objects that templates see (contract §5.1).

use std::borrow::Cow;

use longshore_domain::id::RunId;
use longshore_domain::json::JsonDocument;
use longshore_domain::run::{Documents, EncryptedInputs, Request, Run};
use longshore_domain::secret::Secret;
use longshore_jq::Members;
use serde_json::{Map, Value};

/// What a run's templates see: `.inputs .trigger .event .entity .action .run`, no secrets; what the
/// server encrypts of the inputs is censored.
pub(crate) struct RunScope<'a> {
    pub(crate) id: &'a RunId,
    pub(crate) action: &'a str,
    pub(crate) blueprint: Option<&'a str>,
    pub(crate) inputs: &'a Value,
    pub(crate) encrypted: Option<&'a EncryptedInputs>,
    pub(crate) trigger: &'a JsonDocument,
    pub(crate) entity: Option<&'a str>,
}

const MEMBERS: [&str; 6] = ["inputs", "trigger", "event", "entity", "action", "run"];

impl<'a> RunScope<'a> {
    /// That of a stored run.
    pub(crate) fn of(run: &'a Run, documents: &'a Documents) -> Self {
        Self {
            id: &run.id,
            action: &run.action,
            blueprint: run.blueprint.as_deref(),
            inputs: documents.properties.as_value(),
            encrypted: documents.encrypted.as_deref(),
            trigger: &documents.trigger,
            entity: run.entity.as_deref(),
        }
    }

    /// That of a run that is being requested.
    pub(crate) fn of_request(request: &'a Request) -> Self {
        Self {
            id: &request.id,
            action: &request.action,
            blueprint: request.blueprint.as_deref(),
            inputs: &request.properties,
            encrypted: request.encrypted.as_deref(),
            trigger: &request.trigger,
            entity: request.entity.as_deref(),
        }
    }
}

impl Members for RunScope<'_> {
    fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
        let made = match name {
            "inputs" => return Some(Cow::Borrowed(self.inputs)),
            "trigger" => return Some(Cow::Borrowed(self.trigger.as_value())),
            "event" => Value::Null,
            "entity" => match self.entity {
                Some(identifier) => object([("identifier", identifier.into())]),
                None => object([]),
            },
            "action" => object([
                ("identifier", self.action.into()),
                ("blueprint", self.blueprint.into()),
                (
                    "encryptedProperties",
                    EncryptedInputs::names(self.encrypted).into(),
                ),
            ]),
            "run" => object([("id", self.id.as_str().into())]),
            _ => return None,
        };
        Some(Cow::Owned(made))
    }

    fn whole(&self) -> Value {
        let member = |name| self.member(name).unwrap_or_default().into_owned();
        object(MEMBERS.map(|name| (name, member(name))))
    }
}

/// An object whose size is known before, so that it is never moved while it is filled.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(name, value)| (name.to_owned(), value));
    Value::Object(Map::from_iter(entries))
}

/// Takes out what only an attempt's templates see, whoever put it in.
pub(crate) fn without_secrets(mut scope: Value) -> Value {
    if let Value::Object(scope) = &mut scope {
        scope.shift_remove("secrets");
        if let Some(Value::Object(run)) = scope.get_mut("run") {
            run.shift_remove("token");
        }
    }
    scope
}

/// Adds what only an attempt's templates see: `.secrets` and `.run.token`.
pub(crate) fn with_secrets(
    mut scope: Value,
    secrets: &[(String, Secret<String>)],
    token: &Secret<String>,
) -> Value {
    let values: Map<String, Value> = secrets
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(value.expose().clone())))
        .collect();
    if let Value::Object(scope) = &mut scope {
        scope.insert("secrets".into(), Value::Object(values));
        if let Some(Value::Object(run)) = scope.get_mut("run") {
            run.insert("token".into(), token.expose().clone().into());
        }
    }
    scope
}
