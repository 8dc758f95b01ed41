//! Answers that went well: a JSON object with `ok:true`, whatever the route (contract §1).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// An answer.
pub(crate) struct Reply {
    status: StatusCode,
    body: Map<String, Value>,
}

impl Reply {
    /// 200 with `ok:true` alone.
    pub(crate) fn ok() -> Self {
        let mut body = Map::new();
        body.insert("ok".into(), Value::Bool(true));
        Self {
            status: StatusCode::OK,
            body,
        }
    }

    /// With `value` under `key`.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body.insert(key.to_owned(), value.into());
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let text = serde_json::to_vec(&self.body).unwrap_or_default();
        let json = HeaderValue::from_static("application/json");
        (self.status, [(header::CONTENT_TYPE, json)], text).into_response()
    }
}
