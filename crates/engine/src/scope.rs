//! The objects that templates see (contract §5.1).

use longshore_domain::id::RunId;
use longshore_domain::run::{Documents, EncryptedInputs, Run};
use longshore_domain::secret::Secret;
use serde_json::{Map, Value, json};

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
    let mut scope = Map::new();
    scope.insert("inputs".into(), inputs);
    scope.insert("trigger".into(), trigger);
    scope.insert("event".into(), Value::Null);
    let entity = entity.map_or_else(|| json!({}), |identifier| json!({"identifier": identifier}));
    scope.insert("entity".into(), entity);
    scope.insert(
        "action".into(),
        json!({
            "identifier": action,
            "blueprint": blueprint,
            "encryptedProperties": EncryptedInputs::names(encrypted),
        }),
    );
    scope.insert("run".into(), json!({"id": id.as_str()}));
    Value::Object(scope)
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
