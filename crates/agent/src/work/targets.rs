//! The receivers that are called now, each with its own limit, so that a slow one delays no other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Beyond so many receivers those without work are forgotten.
const REMEMBERED: usize = 256;

/// Receivers by name.
#[derive(Debug, Default)]
pub(super) struct Targets {
    known: Mutex<HashMap<String, Arc<Target>>>,
}

/// One receiver.
#[derive(Debug)]
pub(super) struct Target {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Targets {
    /// The receiver called `name`, which may be called `concurrency` times at once.
    pub(super) fn find(&self, name: &str, concurrency: u32) -> Arc<Target> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = known.get(name) {
            return Arc::clone(target);
        }
        if known.len() >= REMEMBERED {
            // Permits hold the semaphore, waiting runs hold the target.
            known.retain(|_, target| {
                Arc::strong_count(target) > 1 || Arc::strong_count(&target.slots) > 1
            });
        }
        let slots = usize::try_from(concurrency.max(1)).unwrap_or(1);
        let target = Arc::new(Target {
            slots: Arc::new(Semaphore::new(slots)),
            waiting: AtomicUsize::new(0),
        });
        known.insert(name.to_owned(), Arc::clone(&target));
        target
    }
}

impl Target {
    /// How many runs wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a turn.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::new(&self.waiting);
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
