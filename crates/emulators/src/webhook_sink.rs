//! A general webhook receiver: verifies `port-v1` signatures with code of its own, counts distinct
//! deliveries cheaply (it stands at the end of benchmarks), answers as scripted.

mod seen;
mod verify;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::clock;
use crate::fault::Fault;
use crate::plan::Plan;
use crate::secret::Secret;
use crate::server::{self, Handled, Listen, Received, Receiver, Served, Server, StartError};
use crate::tasks::Tasks;
use crate::watched::{WaitExpired, Watched};

pub use seen::{Counts, Delivery, Seen};
pub use verify::{SignatureVerdict, verify};

/// How old a signed timestamp may be where nothing else is configured.
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(300);

/// A sink's configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, and bounds.
    pub listen: Listen,
    /// The secret that signatures are checked with; without it nothing is checked.
    pub secret: Option<Secret>,
    /// How far a timestamp may be from now, either way; `None` checks no age.
    pub tolerance: Option<Duration>,
    /// Whether a request whose signature does not hold is answered 401.
    pub refuse_unverified: bool,
    /// How much is kept of each delivery.
    pub recording: Recording,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            secret: None,
            tolerance: Some(DEFAULT_TOLERANCE),
            refuse_unverified: true,
            recording: Recording::Full,
        }
    }
}

/// How much is kept of each delivery; counts are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Headers and body too.
    Full,
    /// Ids, verdict and arrival only: what a benchmark's latencies need.
    Arrivals,
    /// Nothing beside the counts.
    CountsOnly,
}

/// A scripted answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers; `Content-Length` and `Date` are added.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// An answer with a JSON body.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let json = HeaderValue::from_static("application/json");
        Self {
            status,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
            body: body.into(),
        }
    }

    fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// A running sink; it ends when shut down or dropped.
#[derive(Debug)]
pub struct WebhookSink {
    server: Server,
    sink: Arc<Sink>,
}

impl WebhookSink {
    /// Binds and starts to serve.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let bound = server::bind(config.listen.address).await?;
        let listen = config.listen.clone();
        let sink = Arc::new(Sink {
            seen: Watched::new(Seen::new(listen.call_limit)),
            answers: Plan::default(),
            config,
        });
        let server = bound.serve(Arc::clone(&sink), &listen, Arc::new(Tasks::default()));
        Ok(Self { server, sink })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// `http://` and the address, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Faults for coming requests.
    pub fn faults(&self) -> &Plan<Fault> {
        &self.server.faults
    }

    /// Answers for coming requests; without one it is 200 with `{"ok":true}`.
    pub fn answers(&self) -> &Plan<Answer> {
        &self.sink.answers
    }

    /// The deliveries kept so far, in the order of arrival.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.sink.seen.read(|seen| seen.deliveries().to_vec())
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.sink.seen.read(Seen::counts)
    }

    /// Waits until the condition holds for what was seen.
    pub async fn wait_for(
        &self,
        condition: impl FnMut(&Seen) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitExpired> {
        self.sink.seen.wait_for(condition, timeout).await
    }

    /// Cuts every connection and frees the port.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

#[derive(Debug)]
struct Sink {
    config: Config,
    answers: Plan<Answer>,
    seen: Watched<Seen>,
}

impl Sink {
    fn check(&self, request: &Received) -> SignatureVerdict {
        let Some(secret) = &self.config.secret else {
            return SignatureVerdict::NotChecked;
        };
        let now = clock::unix_now();
        let window = self.config.tolerance.map(|tolerance| (now, tolerance));
        verify(secret, &request.headers, &request.body, window)
    }
}

impl Receiver for Sink {
    type Note = SignatureVerdict;

    async fn receive(&self, request: &Received) -> Served<SignatureVerdict> {
        let verdict = self.check(request);
        let response = if self.config.refuse_unverified && !verdict.passes() {
            let message = serde_json::json!({ "ok": false, "error": verdict.to_string() });
            Answer::json(StatusCode::UNAUTHORIZED, message.to_string()).into_response()
        } else {
            self.answers
                .take()
                .map_or_else(accepted, Answer::into_response)
        };
        Served {
            response,
            note: verdict,
        }
    }

    fn record(&self, request: Received, handled: Handled<SignatureVerdict>) {
        self.seen
            .change(|seen| seen.add(request, handled, self.config.recording));
    }
}

fn accepted() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(br#"{"ok":true}"#));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
