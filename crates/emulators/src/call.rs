//! What an emulator remembers of each request.

use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::fault::Fault;

/// What the receiver made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The request was let in; what it started is a separate question.
    Accepted,
    /// The request was refused, with the reason.
    Refused(String),
    /// The request was for something beside the trigger (a page, a queue item).
    Other,
    /// A scripted fault came first; the receiver never saw the request.
    NotReached,
}

impl Verdict {
    fn kind(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Other => "other",
            Self::NotReached => "not reached",
        }
    }
}

/// One request as it arrived, and what became of it.
///
/// `Debug` leaves out headers, body and a refusal's reason (Jenkins' echoes headers): they hold
/// tokens and signatures.
#[derive(Clone)]
pub struct Call {
    /// Counts from 1, in the order in which the requests had been read.
    pub number: u64,
    /// HTTP method.
    pub method: Method,
    /// Path and query as sent.
    pub uri: Uri,
    /// Headers as sent.
    pub headers: HeaderMap,
    /// The exact bytes of the body; empty where a fault came before reading it.
    pub body: Bytes,
    /// The sender's address.
    pub peer: SocketAddr,
    /// When the request had been read.
    pub arrived_at: Instant,
    /// What the receiver made of it.
    pub verdict: Verdict,
    /// The builds (Jenkins: queue ids; Azure: build ids) that it started.
    pub started: Vec<u64>,
    /// The status that was answered; `None` where a fault left no answer of the receiver's own.
    pub status: Option<StatusCode>,
    /// The fault that was scripted for it.
    pub fault: Option<Fault>,
}

impl Call {
    /// The value of a header, where it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        values
            .next()
            .is_none()
            .then_some(first)
            .and_then(|value| value.to_str().ok())
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("number", &self.number)
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .field("body_bytes", &self.body.len())
            .field("verdict", &self.verdict.kind())
            .field("started", &self.started)
            .field("status", &self.status)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// Calls kept for tests, the oldest up to a limit; all are counted.
#[derive(Debug)]
pub(crate) struct CallLog {
    kept: Vec<Call>,
    limit: usize,
    total: u64,
}

impl CallLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            kept: Vec::new(),
            limit,
            total: 0,
        }
    }

    pub(crate) fn add(&mut self, mut call: Call) {
        self.total += 1;
        call.number = self.total;
        if self.kept.len() < self.limit {
            self.kept.push(call);
        }
    }

    pub(crate) fn kept(&self) -> &[Call] {
        &self.kept
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
