//! The dispatcher: takes what is due, gives it a slot of its destination, and has it sent.
//!
//! It holds states, not connections: whatever it forgets is in storage, and storage alone says
//! what may be sent. Nothing here decides what an outcome means; that is the domain's.

mod attempt;
mod deferred;
mod destination;
pub(crate) mod gate;
pub(crate) mod parcel;
mod recovery;
mod watch;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_domain::outcome::Repeat;
use longshore_domain::run::is_for_agents;
use longshore_domain::time::Timestamp;
use longshore_store::Found;
use tokio::sync::Notify;

pub(crate) use attempt::no_signer;
pub use destination::Window;

use crate::Engine;
use crate::connections::KnownConnection;
use crate::metrics::Label;
use crate::routing::Route;
pub(crate) use destination::Reservation;
use destination::{Budget, Destination};
use gate::Limits;
use parcel::{Known, Parcel};

/// How many idle destinations are remembered before they are swept out.
const IDLE_DESTINATIONS: usize = 4_096;
/// How long the dispatcher waits before it asks storage again that could not be read or written.
const STORAGE_PAUSE: Duration = Duration::from_millis(500);
/// The longest that the clock hand sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The dispatcher's memory.
pub(crate) struct Dispatcher {
    window: Window,
    budget: Arc<Budget>,
    destinations: Mutex<HashMap<String, Arc<Destination>>>,
    /// When to look at which destination again; a set, so that however many deliveries wait for
    /// the same instant are one entry.
    wakes: Mutex<BTreeSet<(Timestamp, String)>>,
    woken: Notify,
    /// When each destination last accepted something, as far as it is written.
    accepted: Mutex<HashMap<String, Timestamp>>,
    /// Set while storage cannot be written: nothing new is started.
    blocked: AtomicBool,
}

impl Dispatcher {
    pub(crate) fn new(window: Window, memory_bytes: u64) -> Self {
        Self {
            window,
            budget: Arc::new(Budget::new(memory_bytes)),
            destinations: Mutex::default(),
            wakes: Mutex::default(),
            woken: Notify::new(),
            accepted: Mutex::default(),
            blocked: AtomicBool::new(false),
        }
    }

    fn destination(&self, name: &str, limits: Limits, now: Timestamp) -> Arc<Destination> {
        let mut known = lock(&self.destinations);
        if let Some(found) = known.get(name) {
            return Arc::clone(found);
        }
        if known.len() >= IDLE_DESTINATIONS {
            known.retain(|_, found| Arc::strong_count(found) > 1 || !found.is_idle(now));
        }
        let made = Arc::new(Destination::new(
            name.to_owned(),
            limits,
            self.window,
            Arc::clone(&self.budget),
            now,
        ));
        known.insert(name.to_owned(), Arc::clone(&made));
        made
    }

    fn wake_at(&self, at: Timestamp, destination: &str) {
        lock(&self.wakes).insert((at, destination.to_owned()));
        self.woken.notify_one();
    }

    fn due_wakes(&self, now: Timestamp) -> Vec<String> {
        let mut wakes = lock(&self.wakes);
        let mut due = Vec::new();
        while wakes.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(wakes.pop_first().map(|(_, name)| name));
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    fn next_wake(&self) -> Option<Timestamp> {
        lock(&self.wakes).first().map(|(at, _)| *at)
    }

    /// Whether storage could not be written when it was last tried.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Acquire)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Keeps a place for a delivery that is about to be committed.
    pub(crate) fn reserve(&self, route: &Route, bytes: u64) -> Reservation {
        let now = self.environment.now();
        let limits = self.limits_of(route);
        let destination = self.dispatcher.destination(&route.destination, limits, now);
        destination.reserve(limits, bytes, now)
    }

    /// The commit is done: what has a slot leaves, everything else waits for its turn.
    pub(crate) fn hand_over(self: &Arc<Self>, reservation: Reservation, parcel: Parcel) {
        let destination = Arc::clone(reservation.destination());
        match reservation.fill(parcel, self.environment.now()) {
            Some(parcel) => self.launch(destination, parcel),
            None => self.pump(&destination),
        }
    }

    /// The commit failed: the place is free for what waits behind it.
    pub(crate) fn forgo(self: &Arc<Self>, reservation: Reservation) {
        let destination = Arc::clone(reservation.destination());
        drop(reservation);
        self.pump(&destination);
    }

    /// Deliveries of `destination` wait in storage from `due_at` on.
    pub(crate) fn note_stored(self: &Arc<Self>, destination: &str, due_at: Timestamp) {
        if is_for_agents(destination) {
            self.agents.arrived();
            return;
        }
        let limits = self.limits_of_name(destination);
        let found = self
            .dispatcher
            .destination(destination, limits, self.environment.now());
        found.note_stored(due_at);
        self.pump(&found);
    }

    /// Starts what a destination can start now, and sees to it that it is asked again in time.
    fn pump(self: &Arc<Self>, destination: &Arc<Destination>) {
        if self.dispatcher.is_blocked() || self.tasks.is_stopping() {
            return;
        }
        let next = destination.next(self.environment.now());
        for parcel in next.start {
            self.launch(Arc::clone(destination), parcel);
        }
        if let Some((count, bytes)) = next.load {
            let (engine, destination) = (Arc::clone(self), Arc::clone(destination));
            self.tasks
                .spawn(async move { engine.load(&destination, count, bytes).await });
        } else if let Some(at) = next.wake_at {
            self.dispatcher.wake_at(at, destination.name());
        }
    }

    fn launch(self: &Arc<Self>, destination: Arc<Destination>, parcel: Parcel) {
        let engine = Arc::clone(self);
        self.tasks.spawn(async move {
            let bytes = parcel.bytes();
            // Boxed, since a task is moved several times before it first runs.
            let health = Box::pin(engine.attempt(&destination, parcel)).await;
            destination.finish(bytes, health, engine.environment.now());
            engine.pump(&destination);
        });
    }

    /// Takes due deliveries of a destination from storage into its window.
    async fn load(self: &Arc<Self>, destination: &Arc<Destination>, count: u32, bytes: u64) {
        let now = self.environment.now();
        match self
            .store
            .take_due(destination.name(), now, count, bytes)
            .await
        {
            Ok((taken, more_from)) => {
                self.metrics
                    .taken(self.label_of(destination.name()), taken.len() as u64);
                destination.limit(self.limits_of_taken(destination.name(), &taken));
                let parcels = taken
                    .into_iter()
                    .filter_map(|found| self.parcel_of(found))
                    .collect();
                destination.loaded(parcels, more_from);
                self.pump(destination);
            }
            Err(error) => {
                tracing::warn!(%error, destination = destination.name(), "due deliveries unread");
                let again = now.plus(STORAGE_PAUSE);
                destination.loaded(Vec::new(), Some(again));
                self.dispatcher.wake_at(again, destination.name());
            }
        }
    }

    fn parcel_of(&self, found: Found) -> Option<Parcel> {
        let content = self.content_of(&found.run, &found.documents)?;
        let (run, delivery) = (found.run, found.delivery?);
        Some(Parcel {
            known: Box::new(Known { run, delivery }),
            content,
        })
    }

    /// Looks again at every destination whose time has come; tests call it after they have moved
    /// the clock, [`Engine::keep_dispatching`] when it has moved by itself.
    pub fn dispatch_once(self: &Arc<Self>) {
        let now = self.environment.now();
        for name in self.dispatcher.due_wakes(now) {
            let found = lock(&self.dispatcher.destinations).get(&name).cloned();
            if let Some(destination) = found {
                self.pump(&destination);
            }
        }
    }

    /// Looks again at every destination, after storage was unusable.
    fn pump_all(self: &Arc<Self>) {
        let all: Vec<_> = lock(&self.dispatcher.destinations)
            .values()
            .cloned()
            .collect();
        for destination in all {
            self.pump(&destination);
        }
    }

    /// Dispatches until shutdown.
    pub(crate) async fn keep_dispatching(self: Arc<Self>) {
        while !self.tasks.is_stopping() {
            self.dispatch_once();
            let now = self.environment.now();
            let sleep = self
                .dispatcher
                .next_wake()
                .map_or(LONGEST_SLEEP, |at| at.since(now).min(LONGEST_SLEEP));
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.dispatcher.woken.notified() => {}
                () = self.tasks.stopped() => {}
            }
        }
    }

    /// Storage cannot be written: nothing new is started until it can.
    pub(crate) fn block_dispatch(&self) {
        if !self.dispatcher.blocked.swap(true, Ordering::AcqRel) {
            tracing::error!("storage cannot be written: dispatch is stopped until it can");
        }
    }

    /// Storage can be written again.
    pub(crate) fn unblock_dispatch(self: &Arc<Self>) {
        if self.dispatcher.blocked.swap(false, Ordering::AcqRel) {
            tracing::info!("storage can be written again: dispatch goes on");
            self.pump_all();
        }
    }

    /// The limits of a destination that is known by its name alone: the lower ones, until it is
    /// known what is sent there.
    fn limits_of_name(&self, destination: &str) -> Limits {
        let lowest = self.settings.delivery.concurrency_harm;
        let connection = self.connections.of_destination(destination);
        Limits {
            harm: false,
            ..self.limits_for(connection.as_deref(), lowest, true)
        }
    }

    fn limits_of(&self, route: &Route) -> Limits {
        let harm = route.policy.repeat == Repeat::Harm;
        self.limits_for(route.connection.as_deref(), route.policy.concurrency, harm)
    }

    /// The limits for what was just taken from storage.
    fn limits_of_taken(&self, destination: &str, taken: &[Found]) -> Limits {
        let harm = taken
            .iter()
            .filter_map(|found| found.delivery.as_ref())
            .any(|delivery| delivery.repeat == Repeat::Harm);
        let defaults = &self.settings.delivery;
        let concurrency = match harm {
            true => defaults.concurrency_harm,
            false => defaults.concurrency,
        };
        let connection = self.connections.of_destination(destination);
        self.limits_for(connection.as_deref(), concurrency, harm)
    }

    fn limits_for(
        &self,
        connection: Option<&KnownConnection>,
        concurrency: u32,
        harm: bool,
    ) -> Limits {
        let settings = connection.map(|known| &known.settings);
        let set = settings.and_then(|known| known.concurrency);
        Limits {
            concurrency: set.unwrap_or(concurrency),
            is_set: set.is_some(),
            harm,
            rate_per_second: settings.and_then(|known| known.rate_per_second),
            breaker_failures: self.settings.breaker_failures,
        }
    }

    /// How a destination is called in metrics: a connection's name, else `other`.
    pub(crate) fn label_of(&self, destination: &str) -> Label {
        let connection = self.connections.of_destination(destination);
        connection.map_or(Label::Borrowed("other"), |known| {
            known.settings.name.clone().into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_deliveries_that_wait_for_one_instant_cost_one_timer() {
        let window = Window { count: 1, bytes: 1 };
        let dispatcher = Dispatcher::new(window, 1);
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        for _ in 0..1_000_000 {
            dispatcher.wake_at(at(10), "dead");
        }
        dispatcher.wake_at(at(10), "other");
        dispatcher.wake_at(at(5), "other");
        assert_eq!(lock(&dispatcher.wakes).len(), 3);
        assert_eq!(dispatcher.next_wake(), Some(at(5)));
        assert_eq!(dispatcher.due_wakes(at(9)), ["other"]);
        assert_eq!(dispatcher.due_wakes(at(10)), ["dead", "other"]);
        assert_eq!(dispatcher.next_wake(), None);
    }
}
