//! A client of the API that keeps connections and never repeats a request by itself.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use crate::server::SOON;

/// Between two looks at what can only be asked for.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// No answer came: the server is gone.
#[derive(Debug)]
pub(crate) struct Unanswered;

/// A client with its token.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    token: String,
}

impl Api {
    /// A client that has not said who it is.
    pub(crate) fn anonymous(address: SocketAddr) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new())
                .retry_canceled_requests(false)
                .build_http(),
            address,
            token: String::new(),
        }
    }

    /// Obtains a token.
    pub(crate) async fn connect(address: SocketAddr, id: &str, secret: &str) -> Self {
        let mut api = Self::anonymous(address);
        let answer = api.token(id, secret).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        api.token = answer.json()["accessToken"].as_str().unwrap().to_owned();
        api
    }

    /// Asks for a token.
    pub(crate) async fn token(&self, id: &str, secret: &str) -> Answer {
        let pair = json!({"clientId": id, "clientSecret": secret});
        self.call(Method::POST, "/v1/auth/access_token", Some(&pair))
            .await
    }

    /// The value of `Authorization`.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Sends a request that may stay without an answer.
    pub(crate) async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Unanswered> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("content-type", "application/json");
        if !self.token.is_empty() {
            request = request.header("authorization", self.bearer());
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = request.body(Full::new(body)).unwrap();
        let exchange = async {
            let (head, body) = self.client.request(request).await.ok()?.into_parts();
            let text = body.collect().await.ok()?.to_bytes();
            Some(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                text: String::from_utf8(text.into()).unwrap(),
            })
        };
        timeout(SOON, exchange).await.unwrap().ok_or(Unanswered)
    }

    /// Sends a request that must be answered.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.attempt(method, path, body).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
        answer.json()
    }

    /// Executes an action without inputs; answers the run's id.
    pub(crate) async fn execute(&self, action: &str) -> String {
        let answer = self
            .post(&runs_of(action), &json!({"properties": {}}))
            .await;
        answer["run"]["id"].as_str().unwrap().to_owned()
    }

    /// Deliveries in a state, at most a page of 1,000.
    pub(crate) async fn deliveries(&self, state: &str) -> Vec<Value> {
        let listed = self
            .get(&format!("/v1/deliveries?state={state}&limit=1000"))
            .await;
        listed["deliveries"].as_array().unwrap().clone()
    }

    /// The first delivery that waits, is held or is under way.
    async fn open_delivery(&self) -> Option<Value> {
        for state in ["due", "owned", "started", "published"] {
            let path = format!("/v1/deliveries?state={state}&limit=1");
            if let Some(open) = self.get(&path).await["deliveries"].get(0) {
                return Some(open.clone());
            }
        }
        None
    }

    /// Waits until nothing waits, is held or is under way. States are asked for one after the other,
    /// so what moves between them meanwhile is only seen by the next look.
    pub(crate) async fn drained(&self, patience: Duration) {
        let mut looks = interval(LOOK_EVERY);
        let drained = async {
            let mut empty = 0;
            while empty < 2 {
                empty = match self.open_delivery().await {
                    Some(_) => 0,
                    None => empty + 1,
                };
                looks.tick().await;
            }
        };
        if timeout(patience, drained).await.is_err() {
            panic!("not drained: {:#?}", self.open_delivery().await);
        }
    }

    /// The sum of the metrics there whose lines begin so; 0 where nobody answers.
    pub(crate) async fn counted(&self, series: &str) -> u64 {
        let Ok(told) = self.attempt(Method::GET, "/metrics", None).await else {
            return 0;
        };
        let lines = told.text.lines().filter(|line| line.starts_with(series));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    }

    /// Waits until `path` answers with `status`.
    pub(crate) async fn answers(&self, path: &str, status: u16) -> Answer {
        let mut looks = interval(LOOK_EVERY);
        let answered = async {
            loop {
                looks.tick().await;
                let answer = self.call(Method::GET, path, None).await;
                if answer.status == status {
                    return answer;
                }
            }
        };
        timeout(SOON, answered).await.unwrap()
    }
}

/// Where an action is executed.
pub(crate) fn runs_of(action: &str) -> String {
    format!("/v1/actions/{action}/runs")
}
