//! Attempts in work. A session that asks again is told again that it may call, so an attempt that
//! comes twice waits here until its first work has ended; then the server says that it is over.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longshore_domain::agent::AttemptRef;
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Once {
    attempts: Mutex<HashSet<AttemptRef>>,
    ended: Notify,
}

/// An attempt that nobody else works on.
pub(super) struct Alone<'a> {
    once: &'a Once,
    attempt: AttemptRef,
}

impl Once {
    /// Waits until nobody works on `attempt`.
    pub(super) async fn alone(&self, attempt: &AttemptRef) -> Alone<'_> {
        loop {
            let ended = self.ended.notified();
            if self.attempts().insert(attempt.clone()) {
                return Alone {
                    once: self,
                    attempt: attempt.clone(),
                };
            }
            ended.await;
        }
    }

    fn attempts(&self) -> MutexGuard<'_, HashSet<AttemptRef>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.once.attempts().remove(&self.attempt);
        self.once.ended.notify_waiters();
    }
}
