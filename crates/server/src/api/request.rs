//! Reading requests: who calls, bodies within their bounds, query parameters as clients send them.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use http_body_util::{BodyExt, Limited};
use longshore_engine::caller::Caller;
use longshore_engine::error::Error;
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::App;
use super::problem::{Code, Problem};

/// The authenticated caller of a request.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<Arc<App>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let header = parts.headers.get(header::AUTHORIZATION);
        let token = header.and_then(|value| value.to_str().ok()).map(bearer);
        let missing = Error::Unauthorized(
            "send an access token from POST /v1/auth/access_token: Authorization: Bearer TOKEN",
        );
        let caller = app.engine.identity.authenticate(token.ok_or(missing)?)?;
        Ok(Self(caller))
    }
}

/// Documentation samples send the token bare, clients as a bearer (contract §1).
fn bearer(value: &str) -> &str {
    let (scheme, token) = value
        .split_at_checked("Bearer ".len())
        .unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("Bearer ") {
        token.trim()
    } else {
        value.trim()
    }
}

/// The parameters of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(read)) => Ok(Self(read)),
            Err(_) => Err(Problem::not_found("the path is not UTF-8 text")),
        }
    }
}

/// A body of JSON.
pub(crate) struct Json(pub(crate) Value);

impl FromRequest<Arc<App>> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let bytes = read(request.into_body(), app.limits.body_bytes).await?;
        tree(&bytes).map(Self)
    }
}

fn tree(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::invalid(format!(
            "the body is not JSON: {error}; expected a JSON object"
        ))
    })
}

/// A body of JSON that is read straight into its type, without a tree of its values between.
pub(crate) struct Unread(Bytes);

impl FromRequest<Arc<App>> for Unread {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        read(request.into_body(), app.limits.body_bytes)
            .await
            .map(Self)
    }
}

impl Unread {
    /// As it was sent.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads a closed body. What cannot be read so is read as [`parse`] does, which forgives a key
    /// that comes twice and names the place of a fault.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let first = self.0.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'{')
            && let Ok(read) = serde_json::from_slice(&self.0)
        {
            return Ok(read);
        }
        parse(tree(&self.0)?)
    }
}

/// A body that may be missing.
pub(crate) struct OptionalJson(pub(crate) Option<Value>);

impl FromRequest<Arc<App>> for OptionalJson {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let bytes = read(request.into_body(), app.limits.body_bytes).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(None));
        }
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::invalid(format!("the body is not JSON: {error}")))?;
        Ok(Self(Some(value)))
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Code::PayloadTooLarge,
            format!("the body is larger than {limit} bytes"),
        )),
        Err(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            Code::BadRequest,
            "the body ended before it was complete",
        )),
    }
}

/// Reads a closed body: an unknown key, a missing one or a wrong type is named with its path.
pub(crate) fn parse<T: DeserializeOwned>(body: Value) -> Result<T, Problem> {
    if !body.is_object() {
        // An array of the right values in the right order would be read as well.
        return Err(Problem::invalid("expected a JSON object"));
    }
    serde_path_to_error::deserialize(body).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." {
            Problem::invalid(inner.to_string())
        } else {
            Problem::invalid(format!("{path}: {inner}"))
        }
    })
}

/// One of a few words, as a string alone: `{"WORD": null}` would be read as well.
pub(crate) fn word<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = String::deserialize(deserializer)?;
    T::deserialize(text.into_deserializer())
}

/// [`word`] where `null` stands for none.
pub(crate) fn optional_word<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| T::deserialize(text.into_deserializer()))
        .transpose()
}

/// A text, or a number as its text; `null` stands for none.
pub(crate) fn optional_text_or_number<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(D::Error::custom("expected a text or a number")),
    }
}

/// Query parameters: unknown ones are ignored, lists may be repeated or joined by commas.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        Ok(Self(
            url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        ))
    }
}

impl Query {
    /// The first value of `name`; an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let found = self
            .0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.clone())
    }

    /// All values of `name`, also as `name[]`.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key.strip_suffix("[]").unwrap_or(key) == name)
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A boolean; clients send garbage here, which counts as absent (contract §1).
    pub(crate) fn switch(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok()
    }

    /// A whole number within `range`.
    pub(crate) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
        default: u32,
    ) -> Result<u32, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        let expected = || {
            Problem::invalid(format!(
                "query parameter {name}: expected a whole number from {} to {}",
                range.start(),
                range.end()
            ))
        };
        let number = text.parse().map_err(|_| expected())?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(expected())
        }
    }

    /// One of `known`.
    pub(crate) fn choice<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
        known: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let expected =
            || Problem::invalid(format!("query parameter {name}: expected one of {known}"));
        read(&text).map(Some).ok_or_else(expected)
    }
}
