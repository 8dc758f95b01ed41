//! The one place that spawns: so shutdown can wait for what was started.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

/// Counts what runs in the background, and tells it to stop.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    idle: Notify,
    stopping: AtomicBool,
    stop: Notify,
}

struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

/// Does what keeps a thread busy for long where nobody else waits for that thread.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // the runtime is gone, and with it whoever waits
            Err(_) => std::future::pending().await,
        },
    }
}

impl Tasks {
    /// Runs `work` in the background.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.shared.running.fetch_add(1, Ordering::AcqRel);
        let running = Running(Arc::clone(&self.shared));
        tokio::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// Runs `work` to its end also where the caller goes away; none where it panicked.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.spawn(async move {
            // Nobody may be there any more.
            let _ = answer.send(work.await);
        });
        answered.await.ok()
    }

    /// Whether nothing new shall be started.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Acquire)
    }

    /// Waits until [`Tasks::stop`] is called.
    pub async fn stopped(&self) {
        loop {
            let told = self.shared.stop.notified();
            if self.is_stopping() {
                return;
            }
            told.await;
        }
    }

    /// Tells everything to stop, and waits for it at most `patience`; false where something still
    /// runs then.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.stop.notify_waiters();
        tokio::time::timeout(patience, self.idle()).await.is_ok()
    }

    /// Waits until nothing runs.
    pub async fn idle(&self) {
        loop {
            let idle = self.shared.idle.notified();
            if self.shared.running.load(Ordering::Acquire) == 0 {
                return;
            }
            idle.await;
        }
    }
}
