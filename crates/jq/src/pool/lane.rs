//! The workers of one lane: idle ones, and permits to use one. A permit that is dropped, wherever
//! its call was, frees its place for whoever is next; a worker that it holds then is killed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::time::timeout;

use super::process::Worker;
use super::turns::Turns;
use crate::bounds::{MAX_WAITING, MAX_WAITING_OF_OWNER};

/// A lane's workers, and who waits for one.
pub(super) struct Workers {
    state: Mutex<State>,
    /// Held by each living worker.
    mark: Arc<()>,
    /// Time after which one of several idle workers is let go.
    idle: Duration,
}

struct State {
    /// Permits that nobody has; none while somebody waits.
    free: usize,
    /// Workers that owe no answer, with the time since when; the latest is used first.
    idle: Vec<(Worker, Instant)>,
    waiting: Turns<Sender<Permit>>,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("too many calls wait for a worker")]
    Full,
    #[error("no worker became free in time")]
    Late,
}

/// The right to use one worker.
pub(crate) struct Permit {
    /// Nothing where the right was passed on.
    workers: Option<Arc<Workers>>,
    worker: Option<Worker>,
}

impl Workers {
    pub(super) fn new(count: usize, idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                free: count,
                idle: Vec::new(),
                waiting: Turns::new(MAX_WAITING, MAX_WAITING_OF_OWNER),
            }),
            mark: Arc::new(()),
            idle,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new worker is to know: whether it is not the only one, and the lane's mark.
    pub(super) fn another(&self) -> (bool, Arc<()>) {
        let mark = Arc::clone(&self.mark);
        (Arc::strong_count(&mark) > 2, mark)
    }

    pub(super) async fn permit(
        this: &Arc<Self>,
        owner: &str,
        wait: Duration,
    ) -> Result<Permit, Refusal> {
        let mut waiting = {
            let mut state = this.state();
            if let Some(left) = state.free.checked_sub(1) {
                state.free = left;
                let worker = state.idle.pop().map(|(worker, _)| worker);
                return Ok(this.permit_with(worker));
            }
            let (sender, receiver) = channel();
            let ticket = state.waiting.enter(owner, sender).ok_or(Refusal::Full)?;
            Waiting {
                workers: this,
                owner,
                ticket,
                receiver,
            }
        };
        match timeout(wait, &mut waiting.receiver).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Refusal::Late),
        }
    }

    fn permit_with(self: &Arc<Self>, worker: Option<Worker>) -> Permit {
        Permit {
            workers: Some(Arc::clone(self)),
            worker,
        }
    }

    /// Hands a permit on, with the worker that it has.
    fn hand_on(self: &Arc<Self>, mut worker: Option<Worker>) {
        let mut state = self.state();
        while let Some(next) = state.waiting.next() {
            match next.send(self.permit_with(worker)) {
                Ok(()) => return,
                // it went at this moment
                Err(mut permit) => {
                    permit.workers = None;
                    worker = permit.worker.take();
                }
            }
        }
        state.free += 1;
        if let Some(worker) = worker {
            state.idle.push((worker, Instant::now()));
        }
        let is_old = |(_, since): &(Worker, Instant)| since.elapsed() > self.idle;
        let has_spare = state.idle.len() > 1 && state.idle.first().is_some_and(is_old);
        let spare = has_spare.then(|| state.idle.remove(0));
        drop(state);
        drop(spare);
    }
}

/// A place in a queue, left when it is dropped.
struct Waiting<'w> {
    workers: &'w Workers,
    owner: &'w str,
    ticket: u64,
    receiver: Receiver<Permit>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let left = self.workers.state().waiting.leave(self.owner, self.ticket);
        drop(left);
    }
}

impl Permit {
    pub(crate) const fn has_worker(&self) -> bool {
        self.worker.is_some()
    }

    /// The worker that waits for work, where there is one.
    pub(crate) fn take_worker(&mut self) -> Option<Worker> {
        self.worker.take()
    }

    /// Keeps a worker that owes no answer for the next call.
    pub(crate) fn keep(&mut self, worker: Worker) {
        self.worker = Some(worker);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.hand_on(self.worker.take());
        }
    }
}
