//! What a sink has seen: counts by delivery id, and the first deliveries up to a limit.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

use super::{Recording, SignatureVerdict};
use crate::clock;
use crate::fault::Fault;
use crate::server::{Handled, Received};

const RUN_ID: &str = "x-longshore-run-id";
const DELIVERY_ID: &str = "x-longshore-delivery-id";
const ATTEMPT: &str = "x-longshore-attempt";

/// Counts over all requests, whether kept or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that had been read, those lost to faults included.
    pub requests: u64,
    /// Requests that were let in.
    pub accepted: u64,
    /// Distinct delivery ids among those let in.
    pub distinct_deliveries: u64,
    /// Requests let in whose delivery id had been let in before.
    pub repeated: u64,
    /// Requests let in without a delivery id.
    pub without_delivery_id: u64,
    /// Requests whose signature was checked and held.
    pub valid_signatures: u64,
    /// Requests whose signature was checked and did not hold.
    pub invalid_signatures: u64,
}

/// One request that reached the sink. `Debug` leaves out headers and body.
#[derive(Clone)]
pub struct Delivery {
    /// `X-Longshore-Run-Id`.
    pub run_id: Option<String>,
    /// `X-Longshore-Delivery-Id`.
    pub delivery_id: Option<String>,
    /// `X-Longshore-Attempt`.
    pub attempt: Option<u32>,
    /// HTTP method.
    pub method: Method,
    /// Path and query as sent.
    pub uri: Uri,
    /// Headers as sent; empty unless everything is recorded.
    pub headers: HeaderMap,
    /// The exact body; empty unless everything is recorded.
    pub body: Bytes,
    /// What its signature was worth; `None` where a fault came before checking.
    pub signature: Option<SignatureVerdict>,
    /// When the request had been read.
    pub arrived_at: Instant,
    /// The same on the wall clock, since the Unix epoch: for a sender in another process.
    pub arrived_at_unix: Duration,
    /// The status that was answered; `None` where a fault left no answer of the sink's own.
    pub status: Option<StatusCode>,
    /// The fault that was scripted for it.
    pub fault: Option<Fault>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Delivery")
            .field("run_id", &self.run_id)
            .field("delivery_id", &self.delivery_id)
            .field("attempt", &self.attempt)
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .field("body_bytes", &self.body.len())
            .field("signature", &self.signature)
            .field("status", &self.status)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// Everything a sink has seen.
#[derive(Debug)]
pub struct Seen {
    counts: Counts,
    /// How often each delivery id was let in, under a 128-bit digest of the id: a million ids cost
    /// some 40 MB as text and half of that so.
    times: HashMap<u128, u32>,
    deliveries: Vec<Delivery>,
    limit: usize,
}

impl Seen {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            counts: Counts::default(),
            times: HashMap::new(),
            deliveries: Vec::new(),
            limit,
        }
    }

    /// Counts so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The deliveries kept, in the order of arrival.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// How often the delivery of this id was let in.
    pub fn times_seen(&self, delivery_id: &str) -> u32 {
        let digest = digest(delivery_id.as_bytes());
        self.times.get(&digest).copied().unwrap_or(0)
    }

    pub(super) fn add(
        &mut self,
        request: Received,
        handled: Handled<SignatureVerdict>,
        recording: Recording,
    ) {
        self.count(&request, handled.note);
        if recording != Recording::CountsOnly && self.deliveries.len() < self.limit {
            self.deliveries.push(delivery(request, handled, recording));
        }
    }

    fn count(&mut self, request: &Received, verdict: Option<SignatureVerdict>) {
        self.counts.requests += 1;
        let Some(verdict) = verdict else { return };
        match verdict {
            SignatureVerdict::NotChecked => {}
            SignatureVerdict::Valid => self.counts.valid_signatures += 1,
            _ => self.counts.invalid_signatures += 1,
        }
        if !verdict.passes() {
            return;
        }
        self.counts.accepted += 1;
        let Some(id) = request.headers.get(DELIVERY_ID) else {
            self.counts.without_delivery_id += 1;
            return;
        };
        let times = self.times.entry(digest(id.as_bytes())).or_insert(0);
        *times = times.saturating_add(1);
        if *times == 1 {
            self.counts.distinct_deliveries += 1;
        } else {
            self.counts.repeated += 1;
        }
    }
}

fn delivery(
    request: Received,
    handled: Handled<SignatureVerdict>,
    recording: Recording,
) -> Delivery {
    let text = |name| Some(request.headers.get(name)?.to_str().ok()?.to_owned());
    let (run_id, delivery_id) = (text(RUN_ID), text(DELIVERY_ID));
    let attempt = text(ATTEMPT).and_then(|attempt| attempt.parse().ok());
    let (headers, body) = if recording == Recording::Full {
        (request.headers, request.body)
    } else {
        (HeaderMap::new(), Bytes::new())
    };
    Delivery {
        run_id,
        delivery_id,
        attempt,
        method: request.method,
        uri: request.uri,
        headers,
        body,
        signature: handled.note,
        arrived_at: request.arrived_at,
        arrived_at_unix: clock::unix_now().saturating_sub(request.arrived_at.elapsed()),
        status: handled.status,
        fault: handled.fault,
    }
}

fn digest(id: &[u8]) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        id.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
