//! The bounded HTTP client: who may be reached, how long it may take, how much is read.
//!
//! It calls once. It follows no redirect, repeats nothing that may have left, and answers with
//! facts; what they mean is decided elsewhere.

mod answer;
mod connect;
mod exchange;
mod inspect;
mod pool;
mod proxy;
mod resolve;
mod rules;
mod send;
mod stream;
mod tls;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use longshore_domain::outcome::Repeat;

use crate::target::Target;
use connect::Connector;
use pool::Pool;
use tls::TlsBase;

pub use answer::{AnswerBudget, DRAIN_BYTES, MAX_ANSWER_BYTES};
pub use connect::MAX_ADDRESSES;
pub use exchange::{
    Answer, BodyEnd, Exchange, NotSent, NotSentCause, Reply, Timings, Unanswered, UnansweredCause,
};
pub use inspect::{Handshake, Inspection, Judged};
pub use pool::{MAX_IDLE, MAX_IDLE_PER_ORIGIN};
pub use proxy::{MAX_TUNNEL_ANSWER_BYTES, ProxyFault, ProxyRules};
pub use resolve::{Resolve, SystemResolver};
pub use rules::{AddressClass, AddressFault, NetworkRules};
pub use send::{MAX_ANSWER_HEADER_BYTES, MAX_ANSWER_HEADERS};
pub use tls::{MAX_PEM_BYTES, TlsFault, TlsIdentity, TlsParts};

/// Where a repeat is harm, a connection that waited longer is not used again: a receiver that
/// closes it at the same moment would make the call's fate unknown.
pub const MAX_IDLE_WHERE_REPEAT_IS_HARM: Duration = Duration::from_secs(1);

/// No call may take longer, whatever its profile says.
pub const MAX_TOTAL_TIMEOUT: Duration = Duration::from_hours(24);

/// What is kept of an answer that only the attempt's record shows.
pub const EXCERPT_BYTES: usize = 4 * 1024;

/// How every call of one process is made; from the operator's configuration alone.
pub struct ClientConfig {
    /// The ranges that may be reached beyond the public internet.
    pub rules: NetworkRules,
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolve>,
    /// The egress proxies.
    pub proxies: ProxyRules,
    /// Local addresses to call from, at most one per family is used; none leaves the choice to
    /// the system. With only one family given, the other is not used.
    pub bind: Vec<IpAddr>,
    /// Whether the system's certificate authorities are trusted.
    pub system_roots: bool,
    /// Further certificate authorities, as PEM.
    pub ca_bundle: Option<Vec<u8>>,
    /// The memory that the kept bodies of all answers share.
    pub answer_budget_bytes: usize,
    /// The most of an answer's body that is ever read. More than [`MAX_ANSWER_BYTES`] is for
    /// calls to the operator's own server.
    pub answer_limit_bytes: usize,
    /// How long an unused connection is kept.
    pub pool_idle_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            rules: NetworkRules::default(),
            resolver: Arc::new(SystemResolver),
            proxies: ProxyRules::default(),
            bind: Vec::new(),
            system_roots: true,
            ca_bundle: None,
            answer_budget_bytes: 32 * 1024 * 1024,
            answer_limit_bytes: MAX_ANSWER_BYTES,
            pool_idle_timeout: Duration::from_secs(30),
        }
    }
}

/// One request, ready to be sent.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Where to.
    pub target: Target,
    /// Every header but `Host` and `Content-Length`.
    pub headers: HeaderMap,
    /// The exact bytes; empty means no body.
    pub body: Bytes,
}

/// Headers, body and path are left out: they may hold secrets.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} {:?})", self.method, self.target)
    }
}

/// How one call is made; from the connection.
#[derive(Clone, Debug)]
pub struct CallProfile {
    /// Whether a second call does harm.
    pub repeat: Repeat,
    /// From the start until the request can be sent.
    pub connect_timeout: Duration,
    /// From the start until the answer is read.
    pub total_timeout: Duration,
    /// The connection's certificates; `None` for the client's own.
    pub tls: Option<Arc<TlsIdentity>>,
    /// How much of the answer's body is kept, at most [`ClientConfig::answer_limit_bytes`].
    pub keep_answer_bytes: usize,
}

impl CallProfile {
    /// A profile with the usual timeouts, keeping an excerpt.
    #[must_use]
    pub const fn new(repeat: Repeat) -> Self {
        Self {
            repeat,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            tls: None,
            keep_answer_bytes: EXCERPT_BYTES,
        }
    }
}

/// Makes calls. Clones share connections, limits and budget.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    tls: TlsBase,
    default_identity: TlsIdentity,
    budget: Arc<AnswerBudget>,
    answer_limit_bytes: usize,
    pool_idle_timeout: Duration,
    http: hyper::client::conn::http1::Builder,
}

impl Client {
    /// A client for `config`.
    ///
    /// # Errors
    /// What is wrong with the certificate bundle.
    pub fn new(config: ClientConfig) -> Result<Self, TlsFault> {
        let tls = TlsBase::new(config.system_roots, config.ca_bundle.as_deref())?;
        let pool = Pool::new(config.pool_idle_timeout);
        let default_identity = tls.identity(&TlsParts::default(), pool)?;
        let inner = Inner {
            connector: Connector {
                rules: config.rules,
                resolver: config.resolver,
                proxies: config.proxies,
                bind: config.bind,
            },
            tls,
            default_identity,
            budget: AnswerBudget::new(config.answer_budget_bytes),
            answer_limit_bytes: config.answer_limit_bytes,
            pool_idle_timeout: config.pool_idle_timeout,
            http: send::http_settings(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Joins a connection's certificates to this client's settings.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn tls_identity(&self, parts: &TlsParts) -> Result<Arc<TlsIdentity>, TlsFault> {
        let pool = Pool::new(self.inner.pool_idle_timeout);
        Ok(Arc::new(self.inner.tls.identity(parts, pool)?))
    }

    /// The memory that the bodies of answers share.
    #[must_use]
    pub fn answer_budget(&self) -> &AnswerBudget {
        &self.inner.budget
    }
}
