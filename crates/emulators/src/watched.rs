//! State that tests read, and wait on without polling.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The state did not come to satisfy the condition in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the awaited state was not reached within {0:?}")]
pub struct WaitExpired(pub Duration);

/// A value behind a lock whose every change wakes those who wait on it.
#[derive(Debug, Default)]
pub(crate) struct Watched<S> {
    state: Mutex<S>,
    changed: Notify,
}

impl<S> Watched<S> {
    pub(crate) fn new(state: S) -> Self {
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    pub(crate) fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut S) -> R) -> R {
        let result = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        result
    }

    pub(crate) async fn wait_for(
        &self,
        mut condition: impl FnMut(&S) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitExpired> {
        let deadline = Instant::now() + timeout;
        loop {
            // Registered before looking, so that a change in between is not missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.read(&mut condition) {
                return Ok(());
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return if self.read(&mut condition) {
                    Ok(())
                } else {
                    Err(WaitExpired(timeout))
                };
            }
        }
    }
}
