//! One call, from the pooled or new connection to the kept answer, and how far it got.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION};
use http::uri::{Authority, Parts};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioIo};
use longshore_domain::outcome::Repeat;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::Reading;
use super::connect::Failure;
use super::exchange::{
    Exchange, NotSent, NotSentCause, Reply, Timings, Unanswered, UnansweredCause,
};
use super::pool::Sender;
use super::proxy::ProxyServer;
use super::tls::{TlsIdentity, client_certificate_refused};
use super::{Call, CallProfile, Client, MAX_IDLE_WHERE_REPEAT_IS_HARM, MAX_TOTAL_TIMEOUT};
use crate::target::{Scheme, Target};

/// The most headers that an answer may have.
pub const MAX_ANSWER_HEADERS: usize = 100;
/// The most bytes that an answer's status line and headers may have.
pub const MAX_ANSWER_HEADER_BYTES: usize = 64 * 1024;

/// How long the end of an exchange may take before its connection is given up.
const SETTLE_TIME: Duration = Duration::from_millis(10);

type Outgoing = Request<Full<Bytes>>;

pub(super) fn http_settings() -> http1::Builder {
    let mut settings = http1::Builder::new();
    settings
        .max_headers(MAX_ANSWER_HEADERS)
        .max_buf_size(MAX_ANSWER_HEADER_BYTES)
        .max_header_size(MAX_ANSWER_HEADER_BYTES)
        // Names are case-insensitive, but not for every receiver's scripts.
        .title_case_headers(true);
    settings
}

/// How far a call has got, for when its time is up.
#[derive(Default)]
struct Progress {
    connect: Option<Duration>,
    handed_over: bool,
    reading: Option<Reading>,
}

impl Progress {
    fn interrupted(self, limit: Duration) -> Reply {
        let millis = limit.as_millis();
        match self.reading {
            Some(reading) => Reply::Answered(reading.into_answer()),
            None if self.handed_over => Reply::Unanswered(Unanswered {
                cause: UnansweredCause::Timeout,
                detail: format!("no answer within {millis} ms"),
            }),
            None => Reply::NotSent(NotSent::new(
                NotSentCause::ConnectTimeout,
                format!("not connected within {millis} ms"),
            )),
        }
    }
}

impl Client {
    /// Makes `call` once.
    pub async fn send(&self, call: Call, profile: &CallProfile) -> Exchange {
        let started = Instant::now();
        let limit = profile.total_timeout.min(MAX_TOTAL_TIMEOUT);
        let mut progress = Progress::default();
        let conversation = self.converse(call, profile, &mut progress);
        let reply = timeout_at(started + limit, conversation).await;
        let connect = progress.connect;
        Exchange {
            reply: reply.unwrap_or_else(|_| progress.interrupted(limit)),
            timings: Timings {
                connect,
                total: started.elapsed(),
            },
        }
    }

    async fn converse(&self, call: Call, profile: &CallProfile, progress: &mut Progress) -> Reply {
        let target = call.target.clone();
        let identity = profile
            .tls
            .as_deref()
            .unwrap_or(&self.inner.default_identity);
        let max_idle = match profile.repeat {
            Repeat::Harm => MAX_IDLE_WHERE_REPEAT_IS_HARM,
            Repeat::Allowed => self.inner.pool_idle_timeout,
        };
        let mut request = self.outgoing(call);
        if let Some(mut sender) = identity.pool.take(target.origin(), max_idle) {
            progress.handed_over = true;
            match sender.try_send_request(request).await {
                Ok(response) => {
                    return self
                        .answer(&target, profile, identity, sender, response, progress)
                        .await;
                }
                Err(mut error) => match error.take_message() {
                    // The waiting connection closed before it took the request up: nothing of
                    // it left, so this is still the same, first call.
                    Some(unsent) => request = unsent,
                    None => return failed(&error.into_error()),
                },
            }
            progress.handed_over = false;
        }
        // Boxed: most calls find a pooled connection and need none of it.
        let fresh = Box::pin(self.fresh(&target, profile, identity, progress));
        let mut sender = match fresh.await {
            Ok(sender) => sender,
            Err(Failure::Forbidden(fault)) => return Reply::Forbidden(fault),
            Err(Failure::NotSent(failure)) => return Reply::NotSent(failure),
        };
        progress.handed_over = true;
        match sender.try_send_request(request).await {
            Ok(response) => {
                self.answer(&target, profile, identity, sender, response, progress)
                    .await
            }
            Err(mut error) => match error.take_message() {
                Some(_) => Reply::NotSent(NotSent::new(
                    NotSentCause::Closed,
                    error.into_error().to_string(),
                )),
                None => failed(&error.into_error()),
            },
        }
    }

    async fn fresh(
        &self,
        target: &Target,
        profile: &CallProfile,
        identity: &TlsIdentity,
        progress: &mut Progress,
    ) -> Result<Sender, Failure> {
        let started = Instant::now();
        let limit = profile.connect_timeout.min(MAX_TOTAL_TIMEOUT);
        let connector = &self.inner.connector;
        let connected = connector.connect(target, &identity.config, limit).await;
        progress.connect = Some(started.elapsed());
        let (sender, connection) = self
            .inner
            .http
            .handshake(TokioIo::new(connected?))
            .await
            .map_err(|error| NotSent::new(NotSentCause::Closed, error.to_string()))?;
        TokioExecutor::new().execute(async move {
            // Its failure reaches whoever waits for the answer; an idle one just ends.
            let _ended = connection.await;
        });
        Ok(sender)
    }

    async fn answer(
        &self,
        target: &Target,
        profile: &CallProfile,
        identity: &TlsIdentity,
        mut sender: Sender,
        response: hyper::Response<hyper::body::Incoming>,
        progress: &mut Progress,
    ) -> Reply {
        let (head, body) = response.into_parts();
        if !(200..=599).contains(&head.status.as_u16()) {
            return Reply::Unanswered(Unanswered {
                cause: UnansweredCause::Garbage,
                detail: format!("{} is no final status", head.status.as_u16()),
            });
        }
        let reading = progress.reading.insert(Reading::new(
            head.status,
            head.headers,
            profile.keep_answer_bytes,
            self.inner.answer_limit_bytes,
            Arc::clone(&self.inner.budget),
        ));
        if reading.read(body).await {
            // The connection's own task needs a moment to see that it is free.
            let settled = timeout(SETTLE_TIME, sender.ready()).await;
            if matches!(settled, Ok(Ok(()))) {
                identity.pool.put(target.origin(), sender);
            }
        }
        match progress.reading.take() {
            Some(reading) => Reply::Answered(reading.into_answer()),
            None => Reply::Unanswered(Unanswered {
                cause: UnansweredCause::Garbage,
                detail: "the answer was lost".to_owned(),
            }),
        }
    }

    fn outgoing(&self, call: Call) -> Outgoing {
        let proxy = self.inner.connector.proxies.proxy_for(&call.target);
        let absolute = proxy.filter(|_| call.target.scheme() == Scheme::Http);
        let mut headers = HeaderMap::with_capacity(call.headers.len() + 3);
        headers.insert(HOST, call.target.authority().clone());
        headers.extend(call.headers);
        let takes_body = matches!(call.method, Method::POST | Method::PUT | Method::PATCH);
        if takes_body && call.body.is_empty() {
            // RFC 9110 §8.6: such a request says that it has no content; some receivers insist.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(value) = absolute.and_then(ProxyServer::authorization) {
            headers.insert(PROXY_AUTHORIZATION, value);
        }
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = request_target(&call.target, absolute.is_some());
        *request.headers_mut() = headers;
        request
    }
}

fn request_target(target: &Target, absolute: bool) -> Uri {
    let path = target.path_and_query().clone();
    if !absolute {
        return Uri::from(path);
    }
    let mut parts = Parts::default();
    parts.scheme = Some(http::uri::Scheme::HTTP);
    parts.authority = Authority::try_from(target.authority().as_bytes()).ok();
    parts.path_and_query = Some(path.clone());
    Uri::from_parts(parts).unwrap_or_else(|_| Uri::from(path))
}

/// What a failure means once the connection had taken the request up.
fn failed(error: &hyper::Error) -> Reply {
    let io = io_error(error);
    if let Some(io) = io.filter(|io| client_certificate_refused(io)) {
        let failure = NotSent::new(NotSentCause::TlsClientCertificate, io.to_string());
        return Reply::NotSent(failure);
    }
    let garbage = error.is_parse()
        || error.is_parse_too_large()
        || error.is_parse_status()
        || io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData);
    let cause = if garbage {
        UnansweredCause::Garbage
    } else {
        UnansweredCause::Reset
    };
    let detail = match io {
        Some(io) => format!("{error}: {io}"),
        None => error.to_string(),
    };
    Reply::Unanswered(Unanswered { cause, detail })
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = inner.source();
    }
    None
}
