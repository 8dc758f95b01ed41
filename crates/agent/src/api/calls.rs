//! The calls of the attempt protocol.

use std::time::Duration;

use http::Method;
use longshore_domain::agent::{
    Claim, ClaimedDelivery, Heartbeat, HeartbeatAnswer, Settle, SettleAnswer, Start, StartAnswer,
};
use longshore_domain::run::ReadMessage;
use longshore_domain::secret::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Api, ApiError};
use crate::config::Login;

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

/// A run that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The attempt that was handed out.
    pub delivery: ClaimedDelivery,
    /// The message, as it would stand on the topic, without its signature.
    pub message: ReadMessage,
}

#[derive(Deserialize)]
struct Named {
    credentials: Credentials,
}

#[derive(Deserialize)]
struct Credentials {
    brokers: Vec<String>,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    runs: Vec<ClaimedRun>,
    #[serde(default)]
    deliveries: Vec<ClaimedDelivery>,
}

/// What is read of a claimed run; all else would only take memory.
#[derive(Deserialize)]
struct ClaimedRun {
    #[serde(default)]
    message: Option<Box<RawValue>>,
}

fn unreadable(what: &str) -> ApiError {
    ApiError::Unreadable(what.to_owned())
}

impl Api {
    /// Claims runs; waits as long as the claim asks for.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed>, ApiError> {
        let waiting = Duration::from_secs(claim.wait_seconds.unwrap_or(0));
        let path = "/v1/actions/runs/claim-pending";
        let claims: Claims = self.post(path, claim, waiting).await?;
        if claims.runs.len() != claims.deliveries.len() {
            return Err(unreadable("runs and deliveries differ in number"));
        }
        let pairs = claims.deliveries.into_iter().zip(claims.runs);
        pairs
            .map(|(delivery, run)| {
                let message = match run.message {
                    Some(text) => ReadMessage::read(text.get()),
                    None => Ok(ReadMessage::Tree(Value::Null)),
                };
                let message = message.map_err(|_| unreadable("a message that is not JSON"))?;
                Ok(Claimed { delivery, message })
            })
            .collect()
    }

    /// Asks whether calls may be made.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn start(&self, start: &Start) -> Result<Vec<StartAnswer>, ApiError> {
        let path = "/v1/deliveries/start";
        let answer: Items<StartAnswer> = self.post(path, start, Duration::ZERO).await?;
        Ok(answer.items)
    }

    /// Reports what became of calls.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn settle(&self, settle: &Settle) -> Result<Vec<SettleAnswer>, ApiError> {
        let path = "/v1/deliveries/settle";
        let answer: Items<SettleAnswer> = self.post(path, settle, Duration::ZERO).await?;
        Ok(answer.items)
    }

    /// Says that this session lives.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<HeartbeatAnswer, ApiError> {
        self.post("/v1/agents/heartbeat", heartbeat, Duration::ZERO)
            .await
    }

    /// The brokers and the login that the server names.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn kafka_credentials(&self) -> Result<(Vec<String>, Login), ApiError> {
        let path = "/v1/kafka-credentials";
        let answer = self.call(Method::GET, path, None, Duration::ZERO).await?;
        let named: Named =
            serde_json::from_slice(&answer).map_err(|_| unreadable("no credentials in it"))?;
        let Credentials {
            brokers,
            username,
            password,
        } = named.credentials;
        let password = Secret::new(password);
        Ok((brokers, Login { username, password }))
    }

    /// Tells the organization how its agent gets its work.
    ///
    /// # Errors
    /// Why it could not be told.
    pub async fn tell_streamer(&self, name: &str) -> Result<(), ApiError> {
        let body = json!({"settings": {"portAgentStreamerName": name}});
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let path = "/v1/organization";
        self.call(Method::PATCH, path, Some(body), Duration::ZERO)
            .await
            .map(drop)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        waiting: Duration,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body)
            .map_err(|error| ApiError::Unreadable(format!("the question itself: {error}")))?;
        let answer = self.call(Method::POST, path, Some(body), waiting).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            // Serde's words may repeat a value; where it stands is enough.
            ApiError::Unreadable(format!("line {} column {}", error.line(), error.column()))
        })
    }
}
