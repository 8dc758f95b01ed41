//! Whether the server is there: nothing can be started while it is away, and once it is heard
//! again nobody waits longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// What is known of the server.
#[derive(Debug, Default)]
pub struct Contact {
    away: AtomicBool,
    heard: Notify,
}

impl Contact {
    /// Whether calls cannot be started now.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// A start was answered, or not.
    pub(super) fn is(&self, there: bool) {
        self.away.store(!there, Ordering::Release);
    }

    /// A heartbeat was answered.
    pub(crate) fn heard(&self) {
        self.heard.notify_waiters();
    }

    /// Waits so long, or until the server is heard.
    pub(crate) async fn wait(&self, wait: Duration) {
        tokio::select! {
            () = sleep(wait) => {}
            () = self.heard.notified() => {}
        }
    }
}
