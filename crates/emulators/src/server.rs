//! The HTTP server that every emulator stands on: listening, reading bounded requests, and showing
//! scripted faults. What an answer means is the receiver's business.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::body::AnswerBody;
use crate::connection::{Connection, OutgoingBytes};
use crate::fault::{Fault, FaultKind};
use crate::plan::Plan;
use crate::tasks::Tasks;

/// Longest body that is read; Longshore itself sends at most 1 MiB of rendered body.
pub(crate) const DEFAULT_BODY_LIMIT_BYTES: usize = 4 << 20;
/// Most calls that are kept for reading back; later ones are only counted.
pub(crate) const DEFAULT_CALL_LIMIT: usize = 10_000;

/// Most builds that an emulator starts in all: each is remembered.
pub(crate) const DEFAULT_BUILD_LIMIT: usize = 100_000;

/// Where an emulator listens, and its bounds.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Address to bind; port 0 takes a free one.
    pub address: SocketAddr,
    /// Longest request body; longer ones are answered 413.
    pub body_limit_bytes: usize,
    /// Most calls kept for reading back; all are counted.
    pub call_limit: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            body_limit_bytes: DEFAULT_BODY_LIMIT_BYTES,
            call_limit: DEFAULT_CALL_LIMIT,
        }
    }
}

/// An emulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration asks for something that is not emulated, or contradicts itself.
    #[error("{place}: {message}")]
    Config {
        /// Where in the configuration, for example `jobs.deploy.genericVariables.ref`.
        place: String,
        /// What is wrong there and what was expected.
        message: String,
    },
}

/// A request that has been read.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: SocketAddr,
    pub(crate) arrived_at: Instant,
}

/// What a receiver answers, and a note of its own for the record.
pub(crate) struct Served<N> {
    pub(crate) response: Response<Bytes>,
    pub(crate) note: N,
}

/// What was done with a request, told to the receiver once per request before anything is sent.
pub(crate) struct Handled<N> {
    /// `None` where a fault kept the request from the receiver.
    pub(crate) note: Option<N>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) fault: Option<Fault>,
}

/// An emulated receiver behind the server.
pub(crate) trait Receiver: Send + Sync + 'static {
    /// What the receiver notes beside its answer.
    type Note: Send;

    /// Does what the real one would do with the request.
    fn receive(&self, request: &Received) -> impl Future<Output = Served<Self::Note>> + Send;

    /// Keeps what happened.
    fn record(&self, request: Received, handled: Handled<Self::Note>);
}

/// A bound listener, before it serves: its address may be needed to build the receiver.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

pub(crate) async fn bind(address: SocketAddr) -> Result<Bound, StartError> {
    let error = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok(Bound { listener, address })
}

impl Bound {
    /// Starts serving `receiver` as one of `tasks`.
    pub(crate) fn serve<R: Receiver>(
        self,
        receiver: Arc<R>,
        listen: &Listen,
        tasks: Arc<Tasks>,
    ) -> Server {
        let faults = Arc::new(Plan::default());
        let address = self.address;
        let host = Host {
            receiver,
            faults: Arc::clone(&faults),
            body_limit_bytes: listen.body_limit_bytes,
        };
        tasks.start(serve(self, host));
        Server {
            address,
            faults,
            tasks,
        }
    }
}

/// A server that runs until it is shut down or dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) faults: Arc<Plan<Fault>>,
    tasks: Arc<Tasks>,
}

impl Server {
    /// Cuts every connection, ends every script, and waits until the port is free again.
    pub(crate) async fn shutdown(&self) {
        self.tasks.end().await;
    }
}

/// What every connection of one emulator shares.
struct Host<R> {
    receiver: Arc<R>,
    faults: Arc<Plan<Fault>>,
    body_limit_bytes: usize,
}

/// Accepts and serves until the task is aborted; its connections end with it.
async fn serve<R: Receiver>(bound: Bound, host: Host<R>) {
    let host = Arc::new(host);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = bound.listener.accept() => {
                // A failed accept (a peer that has gone again, no free descriptors) leaves the
                // listener usable; yielding keeps a lasting failure from starving the rest.
                match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(serve_connection(Arc::clone(&host), stream, peer));
                    }
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection<R: Receiver>(host: Arc<Host<R>>, stream: TcpStream, peer: SocketAddr) {
    // Failing to switch off Nagle's algorithm costs time, not correctness.
    let _ = stream.set_nodelay(true);
    // The first byte is awaited unread, so that a scripted drop can come before reading anything.
    if !matches!(stream.peek(&mut [0]).await, Ok(1)) {
        return;
    }
    let drops = |fault: &Fault| fault.kind == FaultKind::DropBeforeReading && !fault.processed;
    if let Some(fault) = host.faults.take_if(drops) {
        record_unread(&host, unread(peer), fault);
        return;
    }
    let outgoing = Arc::new(OutgoingBytes::default());
    let connection = Connection::new(stream, Arc::clone(&outgoing));
    let service = service_fn(|request| answer(&host, &outgoing, peer, request));
    // Errors here are the peer's, or scripted; both show in the record of calls.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("scripted drop of the connection")]
struct Dropped;

async fn answer<R: Receiver>(
    host: &Host<R>,
    outgoing: &OutgoingBytes,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Dropped> {
    let fault = host.faults.take();
    let (head, body) = request.into_parts();
    let mut received = Received {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        body: Bytes::new(),
        peer,
        arrived_at: Instant::now(),
    };
    if let Some(fault) = &fault
        && fault.kind == FaultKind::DropBeforeReading
    {
        record_unread(host, received, fault.clone());
        return Err(Dropped);
    }
    match Limited::new(body, host.body_limit_bytes).collect().await {
        Ok(body) => received.body = body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            let handled = Handled {
                note: None,
                status: Some(status),
                fault,
            };
            host.receiver.record(received, handled);
            return Ok(plain_answer(status, "body too long"));
        }
        Err(_) => return Err(Dropped),
    }
    received.arrived_at = Instant::now();
    let served = match &fault {
        Some(fault) if !fault.reaches_receiver() => None,
        _ => {
            if let Some(Fault {
                kind: FaultKind::Delay(delay),
                processed: false,
            }) = &fault
            {
                tokio::time::sleep(*delay).await;
            }
            Some(host.receiver.receive(&received).await)
        }
    };
    let (response, note) = served.map_or((None, None), |served| {
        (Some(served.response), Some(served.note))
    });
    let own_answer = fault
        .as_ref()
        .is_none_or(|fault| matches!(fault.kind, FaultKind::Delay(_) | FaultKind::CutAnswer(_)));
    let handled = Handled {
        note,
        status: response
            .as_ref()
            .map(Response::status)
            .filter(|_| own_answer),
        fault: fault.clone(),
    };
    host.receiver.record(received, handled);
    let usual = response.map_or_else(
        || plain_answer(StatusCode::OK, ""),
        |response| response.map(AnswerBody::Whole),
    );
    match fault {
        None => Ok(usual),
        Some(fault) => show(fault, outgoing, usual).await,
    }
}

fn unread(peer: SocketAddr) -> Received {
    Received {
        method: Method::default(),
        uri: Uri::default(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        peer,
        arrived_at: Instant::now(),
    }
}

fn record_unread<R: Receiver>(host: &Host<R>, request: Received, fault: Fault) {
    let handled = Handled {
        note: None,
        status: None,
        fault: Some(fault),
    };
    host.receiver.record(request, handled);
}

/// Turns the usual answer into what the fault makes of it.
async fn show(
    fault: Fault,
    outgoing: &OutgoingBytes,
    usual: Response<AnswerBody>,
) -> Result<Response<AnswerBody>, Dropped> {
    match fault.kind {
        FaultKind::Delay(delay) => {
            if fault.processed {
                tokio::time::sleep(delay).await;
            }
            Ok(usual)
        }
        FaultKind::DropBeforeReading | FaultKind::DropAfterReading => Err(Dropped),
        FaultKind::CutAnswer(0) => Err(Dropped),
        FaultKind::CutAnswer(count) => {
            outgoing.cut_after(count);
            Ok(usual)
        }
        FaultKind::Garbage(bytes) => {
            outgoing.replace(bytes);
            Ok(usual)
        }
        FaultKind::EndlessBody { chunk, every } => {
            Ok(Response::new(AnswerBody::endless(chunk, every)))
        }
        FaultKind::NeverAnswer => std::future::pending().await,
        FaultKind::Status {
            status,
            retry_after,
        } => {
            let mut answer = json_answer(status, r#"{"error":"scripted"}"#);
            set_header(&mut answer, http::header::RETRY_AFTER, retry_after);
            Ok(answer)
        }
        FaultKind::ProxyPage(status) => {
            let mut answer = plain_answer(status_code(status), PROXY_PAGE);
            set_header(
                &mut answer,
                http::header::CONTENT_TYPE,
                Some("text/html".to_owned()),
            );
            Ok(answer)
        }
        FaultKind::Redirect(location) => {
            let mut answer = plain_answer(StatusCode::FOUND, "");
            set_header(&mut answer, http::header::LOCATION, Some(location));
            Ok(answer)
        }
    }
}

const PROXY_PAGE: &str = "<html>\r\n<head><title>Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>Bad Gateway</h1></center>\r\n<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n";

/// A status outside HTTP's range becomes 500: a fault has to show somehow.
fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn plain_answer(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Whole(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}

fn json_answer(status: u16, text: &'static str) -> Response<AnswerBody> {
    let mut answer = plain_answer(status_code(status), text);
    set_header(
        &mut answer,
        http::header::CONTENT_TYPE,
        Some("application/json".to_owned()),
    );
    answer
}

/// Sets a header where the value is one that HTTP can carry.
fn set_header<B>(answer: &mut Response<B>, name: http::HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| http::HeaderValue::try_from(value).ok()) {
        answer.headers_mut().insert(name, value);
    }
}
