//! Answers that went well: a JSON object with `ok:true`, whatever the route (contract §1).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::problem::{Code, Problem};

/// An answer, written as it grows.
pub(crate) struct Reply {
    status: StatusCode,
    /// The object without its closing brace.
    text: String,
}

impl Reply {
    /// 200 with `ok:true` alone.
    pub(crate) fn ok() -> Self {
        Self {
            status: StatusCode::OK,
            text: r#"{"ok":true"#.to_owned(),
        }
    }

    /// With `value` under `key`.
    pub(crate) fn with(self, key: &str, value: impl Into<Value>) -> Self {
        self.with_text(key, &value.into().to_string())
    }

    /// With a list, written without a tree of its values between.
    ///
    /// # Errors
    /// Where an item has no JSON.
    pub(crate) fn with_items(self, key: &str, items: &[impl Serialize]) -> Result<Self, Problem> {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let written = serde_json::to_string(items);
        let written = written
            .map_err(|error| Problem::new(status, Code::Internal, format!("{key}: {error}")))?;
        Ok(self.with_text(key, &written))
    }

    /// With a value that is JSON text already.
    pub(crate) fn with_text(mut self, key: &str, json: &str) -> Self {
        self.text.reserve(key.len() + json.len() + 5);
        self.text.push_str(",\"");
        self.text.push_str(key);
        self.text.push_str("\":");
        self.text.push_str(json);
        self
    }

    /// With another status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(mut self) -> Response {
        self.text.push('}');
        let json = HeaderValue::from_static("application/json");
        (self.status, [(header::CONTENT_TYPE, json)], self.text).into_response()
    }
}
