//! The objects that templates see (contract §5.1).

use longshore_domain::id::RunId;
use longshore_domain::run::{Documents, EncryptedInputs, Run};
use longshore_domain::secret::Secret;
use serde_json::{Map, Value};

/// What a run's templates see: `.inputs .trigger .event .entity .action .run`, no secrets; what the
/// server encrypts of the inputs is censored.
pub(crate) fn of(
    id: &RunId,
    action: &str,
    blueprint: Option<&str>,
    inputs: Value,
    encrypted: Option<&EncryptedInputs>,
    trigger: Value,
    entity: Option<&str>,
) -> Value {
    let entity = entity.map(|identifier| object([("identifier", identifier.into())]));
    let action = object([
        ("identifier", action.into()),
        ("blueprint", blueprint.into()),
        (
            "encryptedProperties",
            EncryptedInputs::names(encrypted).into(),
        ),
    ]);
    object([
        ("inputs", inputs),
        ("trigger", trigger),
        ("event", Value::Null),
        ("entity", entity.unwrap_or_else(|| object([]))),
        ("action", action),
        ("run", object([("id", id.as_str().into())])),
    ])
}

/// An object whose size is known before, so that it is never moved while it is filled.
pub(crate) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(name, value)| (name.to_owned(), value));
    Value::Object(Map::from_iter(entries))
}

/// Takes one of the objects out again.
pub(crate) fn take(scope: &mut Value, name: &str) -> Value {
    scope.get_mut(name).map(Value::take).unwrap_or_default()
}

/// The same for a stored run.
pub(crate) fn of_stored(run: &Run, documents: &Documents) -> Value {
    of(
        &run.id,
        &run.action,
        run.blueprint.as_deref(),
        documents.properties.as_value().clone(),
        documents.encrypted.as_deref(),
        documents.trigger.as_value().clone(),
        run.entity.as_deref(),
    )
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
