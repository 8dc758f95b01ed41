//! Scripted faults: what a receiver, or something between it and the sender, does wrong.

use std::time::Duration;

use bytes::Bytes;

/// One scripted fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Whether the receiver does its work (starts builds, counts the delivery) before it goes
    /// wrong: a lost answer rather than a lost request.
    pub processed: bool,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The answer comes this much later; the request is otherwise served as usual.
    Delay(Duration),
    /// The connection is closed without reading the body; on a fresh connection, without reading
    /// anything.
    DropBeforeReading,
    /// The connection is closed once the whole body has been read.
    DropAfterReading,
    /// The connection is closed after this many bytes of the usual answer, head included.
    CutAnswer(usize),
    /// These bytes are sent where an HTTP answer should stand, then the connection is closed.
    Garbage(Bytes),
    /// A 200 whose body never ends: `chunk` bytes at once, then after each `every`.
    EndlessBody {
        /// Bytes per piece.
        chunk: usize,
        /// Pause between pieces; zero sends as fast as they are taken.
        every: Duration,
    },
    /// The request is read and no byte ever comes back.
    NeverAnswer,
    /// This status, with `Retry-After` where given, and a short JSON body.
    Status {
        /// HTTP status code, 200 to 599.
        status: u16,
        /// Value of the `Retry-After` header, as sent.
        retry_after: Option<String>,
    },
    /// An HTML page of a proxy in front of the receiver.
    ProxyPage(u16),
    /// A redirect (302) to this address.
    Redirect(String),
}

impl Fault {
    /// A fault that keeps the request from the receiver.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            processed: false,
        }
    }

    /// The same fault, but the receiver has done its work by then.
    #[must_use]
    pub fn after_processing(mut self) -> Self {
        self.processed = true;
        self
    }

    /// A plain status without `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::new(FaultKind::Status {
            status,
            retry_after: None,
        })
    }

    /// 429 with `Retry-After` in seconds.
    pub fn too_many_requests(retry_after_s: u64) -> Self {
        Self::status_retry_after(429, retry_after_s)
    }

    /// 503 with `Retry-After` in seconds.
    pub fn unavailable(retry_after_s: u64) -> Self {
        Self::status_retry_after(503, retry_after_s)
    }

    /// Serves the request as usual, with the answer held back for `delay`.
    pub fn delay(delay: Duration) -> Self {
        Self::new(FaultKind::Delay(delay)).after_processing()
    }

    fn status_retry_after(status: u16, retry_after_s: u64) -> Self {
        Self::new(FaultKind::Status {
            status,
            retry_after: Some(retry_after_s.to_string()),
        })
    }

    /// Whether the receiver sees the request before the fault shows. Half an answer needs an
    /// answer; a delayed request is always served in the end.
    pub(crate) fn reaches_receiver(&self) -> bool {
        self.processed || matches!(self.kind, FaultKind::CutAnswer(_) | FaultKind::Delay(_))
    }
}
