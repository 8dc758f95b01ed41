//! The access token: fetched once, kept until shortly before its end, renewed where it is refused.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use longshore_domain::secret::Secret;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Api, ApiError};

/// A token is renewed when this part of its life is over.
const RENEW_AFTER_PERCENT: u32 = 80;
/// The life of a token that tells none.
const DEFAULT_LIFE: Duration = Duration::from_mins(10);

/// The present token.
#[derive(Default)]
pub(super) struct Tokens {
    present: Mutex<Option<Token>>,
}

struct Token {
    value: Secret<String>,
    renew_at: Instant,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Api {
    /// A token; another one than `refused`. Callers that come meanwhile wait for the same one.
    pub(super) async fn token(
        &self,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, ApiError> {
        let mut present = self.tokens.present.lock().await;
        if let Some(token) = &*present
            && Instant::now() < token.renew_at
            && refused != Some(&token.value)
        {
            return Ok(token.value.clone());
        }
        let issued = self.issue().await?;
        let life = issued.expires_in.map_or(DEFAULT_LIFE, Duration::from_secs);
        let value = Secret::new(issued.access_token);
        *present = Some(Token {
            value: value.clone(),
            renew_at: Instant::now() + life * RENEW_AFTER_PERCENT / 100,
        });
        Ok(value)
    }

    /// Obtains a token with the present secret; during a rotation with the previous one.
    async fn issue(&self) -> Result<Issued, ApiError> {
        let mut refused = ApiError::Unauthorized(String::new());
        for secret in self.settings.secrets.all() {
            let body = json!({"clientId": self.settings.client_id, "clientSecret": secret});
            let body = Bytes::from(body.to_string());
            let path = "/v1/auth/access_token";
            match self
                .send(Method::POST, path, body, None, Duration::ZERO)
                .await
            {
                Ok(answer) => {
                    return serde_json::from_slice(&answer)
                        .map_err(|_| ApiError::Unreadable("no token in it".to_owned()));
                }
                Err(error @ ApiError::Unauthorized(_)) => refused = error,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }
}
