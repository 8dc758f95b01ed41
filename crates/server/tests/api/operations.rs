//! The operations of our own OpenAPI document: what tests that speak of every route walk through.

use http::Method;
use serde_json::Value;

/// One operation of the document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// With `{names}` of its parameters.
    pub(crate) path: String,
    /// Whether the document says that it reads a body.
    pub(crate) has_body: bool,
    /// Whether the document says that anybody may call it.
    pub(crate) is_public: bool,
}

impl Operation {
    /// `METHOD /path`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its path with `value` for every parameter.
    pub(crate) fn path_with(&self, value: &str) -> String {
        let parts = self
            .path
            .split('/')
            .map(|part| match part.starts_with('{') {
                true => value,
                false => part,
            });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Every operation, in the document's order.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&longshore_server::api::document()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse() else {
                continue;
            };
            let security = operation.get("security").or(document.get("security"));
            let alternatives = security.and_then(Value::as_array).unwrap();
            let is_empty = |needed: &Value| needed.as_object().is_some_and(|map| map.is_empty());
            found.push(Operation {
                method,
                path: path.clone(),
                has_body: operation.get("requestBody").is_some(),
                is_public: alternatives.iter().any(is_empty),
            });
        }
    }
    assert!(found.len() > 30, "{found:?}");
    found
}
