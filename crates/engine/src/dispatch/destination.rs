//! One destination's share of memory: what waits in the window, and what waits in storage.
//!
//! Deliveries of one destination never wait for those of another; they share only the writer and
//! one budget of bytes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_domain::run::Entry;
use longshore_domain::time::Timestamp;

use super::gate::{Gate, Health, Limits};
use super::parcel::Parcel;

/// How much of one destination's deliveries waits in memory.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// At most so many.
    pub count: u32,
    /// At most so many bytes of bodies.
    pub bytes: u64,
}

/// The bytes of bodies that all destinations together hold in memory.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicI64,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            left: AtomicI64::new(signed(bytes)),
        }
    }

    /// Takes `bytes`, if they are left.
    fn take(&self, bytes: u64) -> bool {
        let taken = |left: i64| (left >= signed(bytes)).then(|| left - signed(bytes));
        self.left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, taken)
            .is_ok()
    }

    /// Takes `bytes` also where that leaves less than nothing: what was loaded is owned already.
    fn take_over(&self, bytes: u64) {
        self.left.fetch_sub(signed(bytes), Ordering::AcqRel);
    }

    fn give_back(&self, bytes: u64) {
        self.left.fetch_add(signed(bytes), Ordering::AcqRel);
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A destination's deliveries in memory.
pub(crate) struct Destination {
    name: String,
    window: Window,
    budget: Arc<Budget>,
    state: Mutex<State>,
}

struct State {
    gate: Gate,
    queue: VecDeque<Parcel>,
    /// Places kept for deliveries whose commit is under way.
    reserved: u32,
    bytes: u64,
    /// When the first delivery in storage may be taken.
    stored_from: Option<Timestamp>,
    loading: bool,
    /// When it will be asked again; kept so that it is noted once, however often it is asked.
    wake_at: Option<Timestamp>,
}

/// What a destination asks for after something has changed.
#[derive(Default)]
pub(crate) struct Next {
    /// Parcels with a slot each: they leave now.
    pub(crate) start: Vec<Parcel>,
    /// How many deliveries to take from storage now.
    pub(crate) load: Option<(u32, u64)>,
    /// When to ask again.
    pub(crate) wake_at: Option<Timestamp>,
}

/// A place that is kept while a new delivery is being committed.
pub(crate) struct Reservation {
    destination: Arc<Destination>,
    entry: Entry,
    bytes: u64,
    used: bool,
}

impl Reservation {
    pub(crate) const fn entry(&self) -> Entry {
        self.entry
    }

    pub(crate) const fn destination(&self) -> &Arc<Destination> {
        &self.destination
    }

    /// Turns the place into the parcel itself, after the commit: a parcel with a slot leaves.
    pub(crate) fn fill(mut self, parcel: Parcel, now: Timestamp) -> Option<Parcel> {
        self.used = true;
        let mut state = self.destination.lock();
        match self.entry {
            Entry::Slot => return Some(parcel),
            Entry::Window => {
                state.reserved -= 1;
                state.queue.push_back(parcel);
            }
            Entry::Stored => {
                state.stored_from = Some(state.stored_from.map_or(now, |from| from.min(now)));
            }
        }
        None
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let mut state = self.destination.lock();
        match self.entry {
            Entry::Slot => {
                let now = Timestamp::from_micros(0);
                state.gate.give_back(now, Health::Untried);
            }
            Entry::Window => state.reserved -= 1,
            Entry::Stored => return,
        }
        state.bytes -= self.bytes;
        drop(state);
        self.destination.budget.give_back(self.bytes);
    }
}

impl Destination {
    pub(crate) fn new(
        name: String,
        limits: Limits,
        window: Window,
        budget: Arc<Budget>,
        now: Timestamp,
    ) -> Self {
        Self {
            name,
            window,
            budget,
            state: Mutex::new(State {
                gate: Gate::new(limits, now),
                queue: VecDeque::new(),
                reserved: 0,
                bytes: 0,
                stored_from: None,
                loading: false,
                wake_at: None,
            }),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Keeps a place for a delivery of `bytes` that is about to be committed.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        limits: Limits,
        bytes: u64,
        now: Timestamp,
    ) -> Reservation {
        let mut state = self.lock();
        state.gate.limit(limits);
        let entry = self.entry(&mut state, bytes, now);
        drop(state);
        Reservation {
            destination: Arc::clone(self),
            entry,
            bytes,
            used: false,
        }
    }

    fn entry(&self, state: &mut State, bytes: u64, now: Timestamp) -> Entry {
        let behind = state.loading || state.stored_from.is_some_and(|from| from <= now);
        let waiting = u32::try_from(state.queue.len()).unwrap_or(u32::MAX) + state.reserved;
        if behind || waiting >= self.window.count || state.bytes + bytes > self.window.bytes {
            return Entry::Stored;
        }
        if !self.budget.take(bytes) {
            return Entry::Stored;
        }
        state.bytes += bytes;
        if waiting == 0 && state.gate.take(now) {
            return Entry::Slot;
        }
        state.reserved += 1;
        Entry::Window
    }

    /// Puts what was taken from storage into the window; `more_from` is when the next one in
    /// storage is due.
    pub(crate) fn loaded(&self, parcels: Vec<Parcel>, more_from: Option<Timestamp>) {
        let mut state = self.lock();
        state.loading = false;
        state.stored_from = match (state.stored_from, more_from) {
            (Some(noted), Some(more)) => Some(noted.min(more)),
            (noted, more) => noted.or(more),
        };
        for parcel in parcels {
            let bytes = parcel.bytes();
            self.budget.take_over(bytes);
            state.bytes += bytes;
            state.queue.push_back(parcel);
        }
    }

    /// Follows a change of the limits.
    pub(crate) fn limit(&self, limits: Limits) {
        self.lock().gate.limit(limits);
    }

    /// Notes that deliveries wait in storage from `due_at` on.
    pub(crate) fn note_stored(&self, due_at: Timestamp) {
        let mut state = self.lock();
        state.stored_from = Some(state.stored_from.map_or(due_at, |from| from.min(due_at)));
    }

    /// Returns a slot, and the parcel's memory.
    pub(crate) fn finish(&self, bytes: u64, health: Health, now: Timestamp) {
        let mut state = self.lock();
        state.gate.give_back(now, health);
        state.bytes = state.bytes.saturating_sub(bytes);
        drop(state);
        self.budget.give_back(bytes);
    }

    /// The receiver asked everybody to wait.
    pub(crate) fn pause(&self, until: Timestamp) {
        self.lock().gate.pause(until);
    }

    /// Until when the receiver asked to wait.
    pub(crate) fn paused_until(&self) -> Option<Timestamp> {
        self.lock().gate.paused_until()
    }

    /// What can be done now.
    pub(crate) fn next(&self, now: Timestamp) -> Next {
        let mut state = self.lock();
        let mut next = Next::default();
        while !state.queue.is_empty() && state.gate.take(now) {
            next.start.extend(state.queue.pop_front());
        }
        let shut_until = state.gate.opens_at(now);
        let room = self.window.count.saturating_sub(
            u32::try_from(state.queue.len())
                .unwrap_or(u32::MAX)
                .saturating_add(state.reserved),
        );
        // Half a window at a time: one read of storage then serves many deliveries.
        let roomy = room > self.window.count / 2 && state.bytes <= self.window.bytes / 2;
        if let Some(from) = state.stored_from
            && !state.loading
            && roomy
            && shut_until.is_none()
        {
            if from <= now {
                state.loading = true;
                state.stored_from = None;
                next.load = Some((room, self.window.bytes - state.bytes));
            } else {
                next.wake_at = Some(from);
            }
        }
        let waits = !state.queue.is_empty() || state.stored_from.is_some();
        if waits && shut_until.is_some() {
            next.wake_at = shut_until;
        }
        let noted = state.wake_at.filter(|noted| now < *noted);
        match next.wake_at {
            Some(at) if noted.is_none_or(|noted| at < noted) => state.wake_at = Some(at),
            _ => next.wake_at = None,
        }
        next
    }

    /// Whether it can be forgotten.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let state = self.lock();
        state.queue.is_empty()
            && state.reserved == 0
            && !state.loading
            && state.stored_from.is_none()
            && state.gate.is_at_rest(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
