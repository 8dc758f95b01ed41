//! Connections that wait to be used again. The call decides how long one may have waited.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use tokio::time::Instant;

pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Idle connections that are kept for one origin.
pub const MAX_IDLE_PER_ORIGIN: usize = 256;
/// Idle connections that one pool keeps.
pub const MAX_IDLE: usize = 1024;

struct Idle {
    sender: Sender,
    since: Instant,
}

#[derive(Default)]
struct Shelf {
    by_origin: HashMap<String, Vec<Idle>>,
    count: usize,
    sweeping: bool,
}

/// Idle connections by origin, all made with the same TLS settings.
#[derive(Clone)]
pub(super) struct Pool {
    shelf: Arc<Mutex<Shelf>>,
    idle_timeout: Duration,
}

impl Pool {
    pub(super) fn new(idle_timeout: Duration) -> Self {
        Self {
            shelf: Arc::default(),
            idle_timeout,
        }
    }

    /// The connection to `origin` that was used last, if it waited no longer than `max_idle`.
    pub(super) fn take(&self, origin: &str, max_idle: Duration) -> Option<Sender> {
        let now = Instant::now();
        let max_idle = max_idle.min(self.idle_timeout);
        let mut shelf = lock(&self.shelf);
        let waiting = shelf.by_origin.get_mut(origin)?;
        let before = waiting.len();
        let mut found = None;
        while let Some(idle) = waiting.pop() {
            if now.duration_since(idle.since) > max_idle {
                // The rest waited longer still.
                waiting.clear();
                break;
            }
            if idle.sender.is_ready() {
                found = Some(idle.sender);
                break;
            }
        }
        let removed = before - waiting.len();
        if waiting.is_empty() {
            shelf.by_origin.remove(origin);
        }
        shelf.count -= removed;
        found
    }

    /// Keeps `sender` for the next call to `origin`, where there is room.
    pub(super) fn put(&self, origin: &str, sender: Sender) {
        let since = Instant::now();
        let mut shelf = lock(&self.shelf);
        if shelf.count >= MAX_IDLE {
            return;
        }
        let idle = Idle { sender, since };
        match shelf.by_origin.get_mut(origin) {
            Some(waiting) if waiting.len() >= MAX_IDLE_PER_ORIGIN => return,
            Some(waiting) => waiting.push(idle),
            None => {
                shelf.by_origin.insert(origin.to_owned(), vec![idle]);
            }
        }
        shelf.count += 1;
        if !shelf.sweeping {
            shelf.sweeping = true;
            let sweeper = sweep_while_used(Arc::downgrade(&self.shelf), self.idle_timeout);
            TokioExecutor::new().execute(sweeper);
        }
    }
}

/// Closes what has waited too long; ends with the last idle connection or with the pool.
async fn sweep_while_used(shelf: Weak<Mutex<Shelf>>, idle_timeout: Duration) {
    loop {
        tokio::time::sleep(idle_timeout).await;
        let Some(shelf) = shelf.upgrade() else { return };
        let now = Instant::now();
        let mut shelf = lock(&shelf);
        shelf.by_origin.retain(|_, waiting| {
            waiting.retain(|idle| {
                !idle.sender.is_closed() && now.duration_since(idle.since) < idle_timeout
            });
            !waiting.is_empty()
        });
        shelf.count = shelf.by_origin.values().map(Vec::len).sum();
        if shelf.count == 0 {
            shelf.sweeping = false;
            return;
        }
    }
}

/// No code panics while it holds the shelf, and every state of it is a valid one.
fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}
