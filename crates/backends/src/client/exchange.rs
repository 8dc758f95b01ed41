//! What one call came to, as facts: what was answered, or how far it got.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::answer::Reservation;
use super::rules::AddressFault;

/// One call and how long it took.
#[derive(Debug)]
pub struct Exchange {
    /// What came of it.
    pub reply: Reply,
    /// How long it took.
    pub timings: Timings,
}

/// How long the parts of a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Resolving, connecting, proxy and TLS; `None` where a pooled connection was used.
    pub connect: Option<Duration>,
    /// Everything, the reading of the answer included.
    pub total: Duration,
}

/// What came of a call.
#[derive(Debug)]
pub enum Reply {
    /// The status line and headers arrived.
    Answered(Answer),
    /// Nothing reached the receiver that it could act on.
    NotSent(NotSent),
    /// Our rules forbid the call.
    Forbidden(AddressFault),
    /// At least a byte may have left, and no valid answer came.
    Unanswered(Unanswered),
}

/// An answer's status, headers and what was kept of its body.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The kept beginning of the body.
    pub body: Bytes,
    /// How the body ended.
    pub body_end: BodyEnd,
    /// Whether the body went on after what was kept.
    pub truncated: bool,
    reservation: Option<Reservation>,
}

impl Answer {
    /// An answer whose body was read to its end and kept whole.
    #[must_use]
    pub const fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
            body_end: BodyEnd::Complete,
            truncated: false,
            reservation: None,
        }
    }

    /// The same answer, its body ended by `body_end`.
    #[must_use]
    pub fn ended(mut self, body_end: BodyEnd) -> Self {
        self.truncated = body_end != BodyEnd::Complete;
        self.body_end = body_end;
        self
    }

    pub(super) fn holding(mut self, reservation: Reservation, truncated: bool) -> Self {
        self.reservation = Some(reservation);
        self.truncated |= truncated;
        self
    }
}

/// Headers and body are left out: a receiver may echo secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            body,
            body_end,
            ..
        } = self;
        write!(f, "Answer({status}, {} bytes, {body_end:?})", body.len())
    }
}

/// How the reading of a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyEnd {
    /// It was read to its end.
    Complete,
    /// The connection broke before its end.
    Cut,
    /// It went on past the limit.
    TooLong,
    /// The time was up before its end.
    TimedOut,
    /// No room was left in the budget that all answers share.
    OverBudget,
}

/// A call of which nothing reached the receiver that it could act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// What failed.
    pub cause: NotSentCause,
    /// The system's own words.
    pub detail: String,
}

impl NotSent {
    pub(super) fn new(cause: NotSentCause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }
}

/// What failed before the receiver could act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotSentCause {
    /// The name has no address, or the name service did not answer.
    Dns,
    /// Nobody listens there.
    Refused,
    /// No route, or the network is down.
    Unreachable,
    /// Not connected within the connect timeout.
    ConnectTimeout,
    /// The connection was closed before the request.
    Closed,
    /// Our side: no local address, no file descriptors.
    Local,
    /// The egress proxy could not be used or refused.
    Proxy,
    /// The certificate's issuer is not trusted.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsName,
    /// The certificate is expired or not yet valid.
    TlsExpired,
    /// The receiver refused or misses our client certificate.
    TlsClientCertificate,
    /// Another failure of the TLS handshake.
    Tls,
}

/// A call that may have arrived, without a valid answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What happened instead.
    pub cause: UnansweredCause,
    /// The system's own words.
    pub detail: String,
}

/// What happened instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnansweredCause {
    /// The time was up.
    Timeout,
    /// The connection was closed or broke.
    Reset,
    /// What came was no HTTP answer, or its headers were too many or too large.
    Garbage,
}
