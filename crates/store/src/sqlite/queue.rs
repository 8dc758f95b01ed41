//! What waits for the writer: changes of what exists, and behind them new runs. Both bounded.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::Config;
use super::group::Job;
use crate::Error;

/// The writer's two queues.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
    places: Arc<Semaphore>,
    places_limit: usize,
    group_limit: usize,
    new_runs_limit: usize,
    new_runs_bytes_limit: usize,
}

#[derive(Default)]
struct Waiting {
    changes: VecDeque<(Box<dyn Job>, Option<OwnedSemaphorePermit>)>,
    new_runs: VecDeque<(Box<dyn Job>, usize)>,
    new_runs_bytes: usize,
    writer_sleeps: bool,
    closed: bool,
}

fn closed() -> Error {
    Error::Unavailable("it is closed".into())
}

impl Queue {
    /// Empty queues with the bounds of `config`.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            waiting: Mutex::default(),
            ready: Condvar::new(),
            places: Arc::new(Semaphore::new(config.changes_limit.max(1))),
            places_limit: config.changes_limit.max(1),
            group_limit: config.group_limit.max(1),
            new_runs_limit: config.new_runs_limit,
            new_runs_bytes_limit: config.new_runs_bytes_limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        if std::mem::take(&mut waiting.writer_sleeps) {
            drop(waiting);
            self.ready.notify_one();
        }
    }

    /// Queues a change of what exists; waits for a place.
    pub(super) async fn change(&self, job: Box<dyn Job>) -> Result<(), Error> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| closed())?;
        self.push_change(job, Some(place))
    }

    /// Queues changes of what exists, as many at once as there are places; waits for these. Those
    /// that a closed queue does not take are dropped, which their callers see.
    pub(super) async fn changes(&self, jobs: Vec<Box<dyn Job>>) {
        let mut jobs = jobs.into_iter();
        while jobs.len() > 0 {
            let count = u32::try_from(jobs.len().min(self.places_limit)).unwrap_or(u32::MAX);
            let Ok(mut places) = Arc::clone(&self.places).acquire_many_owned(count).await else {
                return;
            };
            let mut waiting = self.lock();
            if waiting.closed {
                return;
            }
            for job in jobs.by_ref().take(count as usize) {
                waiting.changes.push_back((job, places.split(1)));
            }
            self.wake(waiting);
        }
    }

    /// Queues what the writer itself still has to do.
    pub(super) fn follow_up(&self, job: Box<dyn Job>) -> Result<(), Error> {
        self.push_change(job, None)
    }

    fn push_change(
        &self,
        job: Box<dyn Job>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(closed());
        }
        waiting.changes.push_back((job, place));
        self.wake(waiting);
        Ok(())
    }

    /// Queues a new run of `bytes` bytes, or refuses it at once.
    pub(super) fn new_run(&self, job: Box<dyn Job>, bytes: usize) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(closed());
        }
        // One run is always taken, however large, lest it be refused for ever.
        let full = waiting.new_runs.len() >= self.new_runs_limit
            || (waiting.new_runs_bytes.saturating_add(bytes) > self.new_runs_bytes_limit
                && !waiting.new_runs.is_empty());
        if full {
            return Err(Error::Overloaded);
        }
        waiting.new_runs_bytes += bytes;
        waiting.new_runs.push_back((job, bytes));
        self.wake(waiting);
        Ok(())
    }

    /// Waits for work and moves the next group into `group`; false once closed and empty.
    pub(super) fn next_group(&self, group: &mut Vec<Box<dyn Job>>) -> bool {
        let mut waiting = self.lock();
        while waiting.changes.is_empty() && waiting.new_runs.is_empty() {
            if waiting.closed {
                return false;
            }
            waiting.writer_sleeps = true;
            waiting = self
                .ready
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.fill(group, &mut waiting);
        true
    }

    /// Moves what has come meanwhile into `group`, as far as it has room; false where it got none.
    pub(super) fn join_group(&self, group: &mut Vec<Box<dyn Job>>) -> bool {
        let before = group.len();
        self.fill(group, &mut self.lock());
        group.len() > before
    }

    fn fill(&self, group: &mut Vec<Box<dyn Job>>, waiting: &mut Waiting) {
        let room = self.group_limit.saturating_sub(group.len());
        let changes = waiting.changes.len().min(room);
        group.extend(waiting.changes.drain(..changes).map(|(job, _)| job));
        let new_runs = waiting.new_runs.len().min(room - changes);
        let mut freed = 0;
        group.extend(waiting.new_runs.drain(..new_runs).map(|(job, bytes)| {
            freed += bytes;
            job
        }));
        waiting.new_runs_bytes -= freed;
    }

    /// Takes no more; what is queued will still be written.
    pub(super) fn close(&self) {
        self.places.close();
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.writer_sleeps = false;
        drop(waiting);
        self.ready.notify_all();
    }

    /// Takes no more and drops what is queued, so that nobody waits for a writer that is gone.
    pub(super) fn abandon(&self) {
        self.close();
        let mut waiting = self.lock();
        let dropped = (
            std::mem::take(&mut waiting.changes),
            std::mem::take(&mut waiting.new_runs),
        );
        drop(waiting);
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::group::{Failure, Group};

    struct Nothing;

    impl Job for Nothing {
        fn write(&mut self, _: &mut Group<'_>) -> Result<(), Failure> {
            Ok(())
        }

        fn refuse(&mut self, _: Error) {}

        fn answer(self: Box<Self>) -> Option<Box<dyn Job>> {
            None
        }
    }

    #[tokio::test]
    async fn what_comes_while_a_group_is_written_joins_it_up_to_its_limit() {
        let queue = Queue::new(&Config {
            group_limit: 3,
            ..Config::new("unused")
        });
        queue.new_run(Box::new(Nothing), 5).unwrap();
        let mut group = Vec::new();
        assert!(queue.next_group(&mut group));
        assert_eq!(group.len(), 1);
        assert!(!queue.join_group(&mut group), "nothing came");
        for _ in 0..2 {
            queue.new_run(Box::new(Nothing), 5).unwrap();
            queue.change(Box::new(Nothing)).await.unwrap();
        }
        assert!(queue.join_group(&mut group));
        assert_eq!(group.len(), 3);
        assert!(!queue.join_group(&mut group), "it is full");
        // Changes go before new runs, and what found no room makes the next group.
        assert_eq!(queue.lock().new_runs_bytes, 10);
        group.clear();
        assert!(queue.next_group(&mut group));
        assert_eq!((group.len(), queue.lock().new_runs_bytes), (2, 0));
    }
}
