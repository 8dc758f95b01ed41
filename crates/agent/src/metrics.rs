//! What the agent counts, in the text that Prometheus reads.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use longshore_domain::agent::{Reported, Settlement, StartRefusal};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::api::ApiError;
use crate::clock;

/// What [`Metrics::text`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabel {
    call: &'static str,
}

/// The agent's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    calls: Family<OutcomeLabel, Counter>,
    seconds: Histogram,
    not_started: Family<ReasonLabel, Counter>,
    failures: Family<CallLabel, Counter>,
    /// Runs in memory.
    pub runs: Gauge,
    /// Calls that are started and not settled.
    pub in_flight: Gauge,
    last_contact: AtomicI64,
    contact: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("longshore_agent");
        let metrics = Self {
            calls: Family::default(),
            seconds: Histogram::new(exponential_buckets(0.005, 2.0, 14)),
            not_started: Family::default(),
            failures: Family::default(),
            runs: Gauge::default(),
            in_flight: Gauge::default(),
            last_contact: AtomicI64::new(0),
            contact: Gauge::default(),
            registry: Mutex::default(),
        };
        let told = [
            ("runs", "Runs in memory", metrics.runs.clone()),
            (
                "in_flight",
                "Calls that are started and not settled",
                metrics.in_flight.clone(),
            ),
            (
                "last_contact_seconds",
                "Seconds since the server last answered a heartbeat; -1 before the first answer",
                metrics.contact.clone(),
            ),
        ];
        for (name, help, gauge) in told {
            registry.register(name, help, gauge);
        }
        let help = "Calls by what they came to";
        registry.register("calls", help, metrics.calls.clone());
        let help = "From signing until the answer was read";
        registry.register("call_seconds", help, metrics.seconds.clone());
        let help = "Runs that the server said must not be called";
        registry.register("not_started", help, metrics.not_started.clone());
        let help = "Calls to the server that failed";
        registry.register("server_failures", help, metrics.failures.clone());
        Self {
            registry: Mutex::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts a call.
    pub(crate) fn called(&self, settlement: &Settlement) {
        let outcome = match settlement.outcome {
            Reported::Accepted { .. } => "accepted",
            Reported::Retry { .. } => "retry",
            Reported::Unknown { .. } => "unknown",
            Reported::Refused { .. } => "refused",
            Reported::Unverified { .. } => "unverified",
        };
        self.calls.get_or_create(&OutcomeLabel { outcome }).inc();
        let millis = u32::try_from(settlement.duration_ms).unwrap_or(u32::MAX);
        self.seconds.observe(f64::from(millis) / 1_000.0);
    }

    pub(crate) fn not_started(&self, refusal: Option<StartRefusal>) {
        let reason = match refusal {
            Some(StartRefusal::NotFound) => "not_found",
            Some(StartRefusal::Superseded) => "superseded",
            Some(StartRefusal::StartedElsewhere) => "started_elsewhere",
            Some(StartRefusal::RunEnded) => "run_ended",
            None => "other",
        };
        self.not_started
            .get_or_create(&ReasonLabel { reason })
            .inc();
    }

    /// Counts and logs a call to the server that failed.
    pub(crate) fn api_failed(&self, call: &'static str, error: &ApiError) {
        self.failures.get_or_create(&CallLabel { call }).inc();
        tracing::warn!(call, %error, "the server is asked again later");
    }

    /// The server answered.
    pub(crate) fn heard(&self) {
        let seconds = clock::now().as_seconds();
        self.last_contact.store(seconds, Ordering::Relaxed);
    }

    /// Seconds since the server last answered a heartbeat.
    #[must_use]
    pub fn silence_seconds(&self) -> Option<i64> {
        let last = self.last_contact.load(Ordering::Relaxed);
        (last > 0).then(|| clock::now().as_seconds().saturating_sub(last).max(0))
    }

    /// Everything as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.contact.set(self.silence_seconds().unwrap_or(-1));
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &registry) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }
}
