//! The server's API as the agent calls it: one token, typed refusals, no hidden repeats.
//!
//! The server's own address is free of the rules for receivers: the operator named it.

mod backoff;
mod calls;
mod error;
mod token;

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use longshore_backends::client::{
    BodyEnd, Call, CallProfile, Client, ClientConfig, NetworkRules, Reply, TlsFault,
};
use longshore_backends::retry_after;
use longshore_backends::target::Target;
use longshore_domain::outcome::Repeat;
use longshore_domain::secret::Secret;
use serde_json::Value;

use crate::clock;
use crate::config::{Api as Settings, Network};
use token::Tokens;

pub use backoff::{Backoff, LONGEST_WAIT, SHORTEST_WAIT};
pub use calls::Claimed;
pub use error::ApiError;

/// The most that is read of an answer: a claim's holds up to a hundred runs with their bodies.
pub const ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// The memory of all answers that are read at once.
const ANSWERS_BYTES: usize = 2 * ANSWER_BYTES;
/// For a connection to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The most of a refusal's text that is kept.
const MESSAGE_CHARS: usize = 300;

/// A client of the server.
pub struct Api {
    client: Client,
    settings: Settings,
    tokens: Tokens,
}

impl Api {
    /// A client by these settings.
    ///
    /// # Errors
    /// What is wrong with the certificates.
    pub fn new(settings: Settings, network: &Network) -> Result<Self, TlsFault> {
        let everything = vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
        let client = Client::new(ClientConfig {
            rules: NetworkRules { allow: everything },
            proxies: network.proxies.clone(),
            bind: network.bind.clone(),
            ca_bundle: network.ca_bundle.clone(),
            answer_budget_bytes: ANSWERS_BYTES,
            answer_limit_bytes: ANSWER_BYTES,
            ..ClientConfig::default()
        })?;
        Ok(Self {
            client,
            settings,
            tokens: Tokens::default(),
        })
    }

    /// Calls with a token; with a new one where the server no longer takes it.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        waiting: Duration,
    ) -> Result<Bytes, ApiError> {
        let body = Bytes::from(body.unwrap_or_default());
        let token = self.token(None).await?;
        let called = self
            .send(method.clone(), path, body.clone(), Some(&token), waiting)
            .await;
        match called {
            Err(ApiError::Unauthorized(_)) => {
                let token = self.token(Some(&token)).await?;
                self.send(method, path, body, Some(&token), waiting).await
            }
            answered => answered,
        }
    }

    /// Calls once.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        token: Option<&Secret<String>>,
        waiting: Duration,
    ) -> Result<Bytes, ApiError> {
        let unusable = |what: &str| ApiError::Unreachable(what.to_owned());
        let target = Target::parse(&format!("{}{path}", self.settings.base_url))
            .map_err(|fault| ApiError::Unreachable(fault.to_string()))?;
        let mut headers = HeaderMap::new();
        let agent = concat!("longshore-agent/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = token {
            let bearer = format!("Bearer {}", token.expose());
            let mut value = HeaderValue::try_from(bearer)
                .map_err(|_| unusable("its token cannot stand in a header"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let call = Call {
            method,
            target,
            headers,
            body,
        };
        let profile = CallProfile {
            repeat: Repeat::Allowed,
            connect_timeout: CONNECT_TIMEOUT,
            total_timeout: self.settings.timeout + waiting,
            tls: None,
            keep_answer_bytes: ANSWER_BYTES,
        };
        read(self.client.send(call, &profile).await.reply)
    }
}

fn read(reply: Reply) -> Result<Bytes, ApiError> {
    let answer = match reply {
        Reply::Answered(answer) => answer,
        Reply::NotSent(failure) => return Err(ApiError::Unreachable(failure.detail)),
        Reply::Forbidden(fault) => {
            let what = format!("{} is {}", fault.address, fault.class);
            return Err(ApiError::Unreachable(what));
        }
        Reply::Unanswered(failure) => return Err(ApiError::Unreachable(failure.detail)),
    };
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return match answer.body_end {
            BodyEnd::Complete => Ok(answer.body),
            BodyEnd::TooLong | BodyEnd::OverBudget => Err(ApiError::TooLong),
            BodyEnd::Cut | BodyEnd::TimedOut => {
                Err(ApiError::Unreachable("its answer broke off".to_owned()))
            }
        };
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |key: &str| {
        let text = body.get(key).and_then(Value::as_str).unwrap_or_default();
        text.chars().take(MESSAGE_CHARS).collect::<String>()
    };
    let (code, message) = (text("error"), text("message"));
    match status {
        401 => Err(ApiError::Unauthorized(message)),
        408 | 429 | 500.. => Err(ApiError::Busy {
            status,
            message,
            retry_after: retry_after(&answer.headers, clock::now()),
        }),
        _ => Err(ApiError::Refused {
            status,
            code,
            message,
        }),
    }
}
