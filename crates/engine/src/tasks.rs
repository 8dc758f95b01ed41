//! The one place that spawns: so shutdown can wait for what was started.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

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

impl Running {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

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
        let running = Running::new(&self.shared);
        tokio::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// Runs `work` to its end: within the caller as long as there is one, else in the background.
    /// None where it panicked.
    pub(crate) fn finish<F>(&self, work: F) -> Finishing<F>
    where
        F: Future + Send + 'static,
    {
        Finishing {
            _running: Running::new(&self.shared),
            tasks: self.clone(),
            work: Some(Box::pin(work)),
        }
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

/// Work that goes on in the background where this is dropped before its end.
#[must_use = "work that nobody waits for is for `spawn`"]
pub(crate) struct Finishing<F: Future + Send + 'static> {
    _running: Running,
    tasks: Tasks,
    work: Option<Pin<Box<F>>>,
}

impl<F: Future + Send + 'static> Future for Finishing<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(None);
        };
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Some(output),
            Err(_) => None,
        };
        self.work = None;
        Poll::Ready(ended)
    }
}

impl<F: Future + Send + 'static> Drop for Finishing<F> {
    fn drop(&mut self) {
        // Where the runtime is gone as well, the next start takes back what is left.
        if let Some(work) = self.work.take()
            && Handle::try_current().is_ok()
        {
            self.tasks.spawn(async move {
                work.await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_is_finished_though_its_caller_goes_away() {
        let tasks = Tasks::default();
        let (go, gone) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut finishing = tasks.finish(async move {
            gone.await.unwrap();
            done.send("written").unwrap();
        });
        let asked = std::future::poll_fn(|context| {
            Poll::Ready(Pin::new(&mut finishing).poll(context).is_pending())
        });
        assert!(asked.await);
        drop(finishing);
        go.send(()).unwrap();
        tasks.idle().await;
        assert_eq!(is_done.await, Ok("written"));
    }

    #[tokio::test]
    async fn a_panic_reaches_the_caller_as_none_and_leaves_nothing_running() {
        let tasks = Tasks::default();
        let ended = tasks.finish(async { panic!("on purpose") }).await;
        assert!(ended.is_none());
        tasks.idle().await;
    }
}
