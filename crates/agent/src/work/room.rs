//! How many runs, and how much of them, are in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_domain::run::ReadMessage;
use serde_json::Value;
use tokio::sync::Notify;

/// About what a value takes beside its text.
const NODE_BYTES: usize = 48;

/// The memory that runs share.
#[derive(Debug)]
pub struct Room {
    runs_limit: usize,
    bytes_limit: usize,
    runs: AtomicUsize,
    bytes: AtomicUsize,
    freed: Notify,
}

/// A run's place in memory, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// Room for so many runs with messages of so many bytes.
    #[must_use]
    pub fn new(runs_limit: usize, bytes_limit: usize) -> Arc<Self> {
        Arc::new(Self {
            runs_limit,
            bytes_limit,
            runs: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// How many more runs may be taken; none while their messages fill the memory.
    #[must_use]
    pub fn free(&self) -> usize {
        if self.bytes.load(Ordering::Acquire) >= self.bytes_limit {
            return 0;
        }
        let runs = self.runs.load(Ordering::Acquire);
        self.runs_limit.saturating_sub(runs)
    }

    /// Whether three quarters of the places are taken.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.free() * 4 <= self.runs_limit
    }

    /// Waits until there is room for a run.
    pub async fn some(&self) {
        loop {
            let freed = self.freed.notified();
            if self.free() > 0 {
                return;
            }
            freed.await;
        }
    }

    /// Takes a place. What was read already has one in any case, so the limit can be passed by as
    /// much as one answer holds.
    #[must_use]
    pub fn take(self: &Arc<Self>, bytes: usize) -> Place {
        self.runs.fetch_add(1, Ordering::AcqRel);
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Place {
            room: Arc::clone(self),
            bytes,
        }
    }

    /// Runs in memory.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::Acquire)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.runs.fetch_sub(1, Ordering::AcqRel);
        self.room.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        self.room.freed.notify_waiters();
    }
}

/// About the memory of a message.
#[must_use]
pub(crate) fn bytes_of_message(message: &ReadMessage) -> usize {
    match message {
        ReadMessage::Text(message) => NODE_BYTES + message.text().len(),
        ReadMessage::Tree(message) => bytes_of(message),
    }
}

/// About the memory of a value.
#[must_use]
pub(crate) fn bytes_of(value: &Value) -> usize {
    NODE_BYTES
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(bytes_of).sum(),
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| NODE_BYTES + key.len() + bytes_of(value))
                .sum(),
        }
}
