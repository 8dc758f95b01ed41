//! What the engine counts (names are fixed: dashboards are built on them).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use longshore_domain::delivery::{Delivery, OutcomeKind, State};
use longshore_domain::run::{DeliveryWrite, Run, RunChange};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByStatus {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByOutcome {
    destination: Label,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByState {
    destination: Label,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByDestination {
    destination: Label,
}

/// How a destination is called: a connection's name, or one word for all others.
pub(crate) type Label = Cow<'static, str>;

/// Counters, gauges and histograms.
pub struct Metrics {
    registry: Registry,
    runs: Family<ByStatus, Counter>,
    outcomes: Family<ByOutcome, Counter>,
    depth: Family<ByState, Gauge>,
    oldest: Family<ByDestination, Gauge<f64, std::sync::atomic::AtomicU64>>,
    /// From a run's request until its commit.
    pub accept_seconds: Histogram,
    /// From signing until an answer was read.
    pub delivery_seconds: Histogram,
    labels: Mutex<HashMap<Label, ()>>,
}

const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("longshore");
        let runs = Family::default();
        let outcomes = Family::default();
        let depth = Family::default();
        let oldest = Family::default();
        let accept_seconds = Histogram::new(SECONDS);
        let delivery_seconds = Histogram::new(SECONDS);
        registry.register("runs", "Runs by the status that they reached", runs.clone());
        registry.register(
            "deliveries",
            "Attempts by what they came to",
            outcomes.clone(),
        );
        registry.register(
            "deliveries",
            "Deliveries that are not settled, by state",
            depth.clone(),
        );
        registry.register(
            "delivery_oldest_seconds",
            "Age of the oldest delivery that waits",
            oldest.clone(),
        );
        registry.register(
            "accept_seconds",
            "From a run's request until its commit",
            accept_seconds.clone(),
        );
        registry.register(
            "delivery_seconds",
            "From signing until an answer was read",
            delivery_seconds.clone(),
        );
        Self {
            registry,
            runs,
            outcomes,
            depth,
            oldest,
            accept_seconds,
            delivery_seconds,
            labels: Mutex::default(),
        }
    }
}

impl Metrics {
    /// A new run was written.
    pub(crate) fn run_started(
        &self,
        run: &Run,
        delivery: Option<&Delivery>,
        label: impl Fn(&str) -> Label,
    ) {
        self.runs
            .get_or_create(&ByStatus {
                status: run.status.name(),
            })
            .inc();
        if let Some(delivery) = delivery {
            self.moved(None, (label(&delivery.destination), delivery.state));
        }
    }

    /// A change of a run was written.
    pub(crate) fn changed(
        &self,
        run: &Run,
        delivery: Option<&Delivery>,
        change: &RunChange,
        label: impl Fn(&str) -> Label,
    ) {
        if let Some(after) = change.run()
            && after.status != run.status
        {
            self.runs
                .get_or_create(&ByStatus {
                    status: after.status.name(),
                })
                .inc();
        }
        let write = change.delivery.as_ref().map(DeliveryWrite::delivery);
        // A receipt may have settled the delivery before its attempt's answer was read.
        if let (Some(attempt), Some(of)) = (&change.attempt, write.or(delivery)) {
            self.came_to(label(&of.destination), attempt.outcome);
        }
        let Some(after) = write else {
            return;
        };
        let name = label(&after.destination);
        let from = delivery.map(|before| (label(&before.destination), before.state));
        self.moved(from, (name, after.state));
    }

    /// An attempt came to something.
    pub(crate) fn came_to(&self, destination: Label, outcome: OutcomeKind) {
        let labels = ByOutcome {
            destination,
            outcome: outcome.name(),
        };
        self.outcomes.get_or_create(&labels).inc();
    }

    fn moved(&self, from: Option<(Label, State)>, to: (Label, State)) {
        if from.as_ref() == Some(&to) {
            return;
        }
        if let Some((destination, state)) = from.filter(|(_, state)| !state.is_settled()) {
            self.gauge(destination, state).dec();
        }
        let (destination, state) = to;
        if !state.is_settled() {
            self.gauge(destination, state).inc();
        }
    }

    /// Due deliveries were taken into memory.
    pub(crate) fn taken(&self, destination: Label, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.gauge(destination.clone(), State::Due).dec_by(count);
        self.gauge(destination, State::Owned).inc_by(count);
    }

    /// Due deliveries were given to agents.
    pub(crate) fn published(&self, destination: Label, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.gauge(destination.clone(), State::Due).dec_by(count);
        self.gauge(destination, State::Published).inc_by(count);
    }

    /// What storage held at start.
    pub(crate) fn counted(&self, destination: Label, state: &str, count: u64) {
        if let Some(state) = State::parse(state).filter(|state| !state.is_settled()) {
            self.gauge(destination, state)
                .inc_by(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    fn gauge(&self, destination: Label, state: State) -> Gauge {
        let labels = ByState {
            destination,
            state: state.name(),
        };
        (*self.depth.get_or_create(&labels)).clone()
    }

    /// The age of what waits longest, by destination; those that are not named wait for nothing.
    pub(crate) fn oldest(&self, ages: &HashMap<Label, f64>) {
        let mut known = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        for name in ages.keys() {
            known.insert(name.clone(), ());
        }
        for name in known.keys() {
            let labels = ByDestination {
                destination: name.clone(),
            };
            self.oldest
                .get_or_create(&labels)
                .set(ages.get(name).copied().unwrap_or(0.0));
        }
    }

    /// Everything in the text format that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics could not be written");
        }
        classic(&text)
    }
}

/// The library writes OpenMetrics, where a counter's name lacks `_total` in its description; the
/// classic format names it in full, and so keeps the counter `longshore_deliveries_total` apart
/// from the gauge `longshore_deliveries`.
fn classic(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut help = "";
    for line in text.lines() {
        if line.starts_with("# HELP ") {
            help = line;
            continue;
        }
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').unwrap_or((described, "untyped"));
            let suffix = if kind == "counter" { "_total" } else { "" };
            let words = help
                .strip_prefix("# HELP ")
                .and_then(|rest| rest.split_once(' '))
                .map_or("", |(_, words)| words);
            written.push_str(&format!("# HELP {name}{suffix} {words}\n"));
            written.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if line != "# EOF" {
            written.push_str(line);
            written.push('\n');
        }
    }
    written
}
