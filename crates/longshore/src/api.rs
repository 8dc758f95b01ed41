//! A small client of our own API, over the same bounded HTTP client as deliveries.

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use longshore_backends::client::{
    Call, CallProfile, Client, ClientConfig, MAX_ANSWER_BYTES, NetworkRules, Reply,
};
use longshore_backends::target::Target;
use longshore_domain::outcome::Repeat;
use serde_json::{Value, json};

/// An authenticated client.
pub(crate) struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    /// Obtains a token from the server at `base`, wherever that is: whoever runs this program
    /// chose it.
    pub(crate) async fn connect(base: &str, id: &str, secret: &str) -> anyhow::Result<Self> {
        let rules = NetworkRules {
            allow: vec!["0.0.0.0/0".parse()?, "::/0".parse()?],
        };
        let client = Client::new(ClientConfig {
            rules,
            ..ClientConfig::default()
        })?;
        let mut api = Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            token: String::new(),
        };
        let credentials = json!({"clientId": id, "clientSecret": secret});
        let answer = api
            .call(Method::POST, "/v1/auth/access_token", Some(&credentials))
            .await?;
        let token = answer["accessToken"].as_str().context("no access token")?;
        api.token = token.to_owned();
        Ok(api)
    }

    /// Calls the API; anything but a 2xx is an error with its message.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if !self.token.is_empty() {
            headers.insert(AUTHORIZATION, format!("Bearer {}", self.token).parse()?);
        }
        let call = Call {
            method,
            target: Target::parse(&format!("{}{path}", self.base))?,
            headers,
            body: body.map_or_else(Bytes::new, |body| body.to_string().into()),
        };
        let mut profile = CallProfile::new(Repeat::Allowed);
        profile.keep_answer_bytes = MAX_ANSWER_BYTES;
        match self.client.send(call, &profile).await.reply {
            Reply::Answered(answer) => {
                let value: Value = serde_json::from_slice(&answer.body)
                    .with_context(|| format!("{path} did not answer JSON"))?;
                if !answer.status.is_success() {
                    bail!("{path} answered {}: {}", answer.status, value["message"]);
                }
                Ok(value)
            }
            other => bail!("{path} was not answered: {other:?}"),
        }
    }
}
