//! The one thread that writes: takes what has queued up, commits it with one sync, answers.

use std::sync::Arc;

use rusqlite::Connection;

use super::group::{Failure, Group, Job, Keys};
use super::queue::Queue;
use super::wal::Wal;
use crate::Error;

/// The writer's thread.
pub(super) struct Writer {
    connection: Connection,
    keys: Keys,
    queue: Arc<Queue>,
    wal: Arc<Wal>,
}

impl Drop for Writer {
    /// Also where the thread panics: nobody shall wait for it any more.
    fn drop(&mut self) {
        self.queue.abandon();
        self.wal.stop();
    }
}

impl Writer {
    /// A writer on its own connection.
    pub(super) fn new(
        mut connection: Connection,
        queue: Arc<Queue>,
        wal: Arc<Wal>,
    ) -> rusqlite::Result<Self> {
        let keys = Keys::load(&connection)?;
        let seen = Arc::clone(&wal);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            seen.grown_to(u64::try_from(pages).unwrap_or(0));
            Ok(())
        }))?;
        Ok(Self {
            connection,
            keys,
            queue,
            wal,
        })
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(self) {
        let mut group = Group::new(&self.connection, self.keys);
        let mut jobs = Vec::new();
        while self.queue.next_group(&mut jobs) {
            self.wal.enter();
            write_group(&mut group, &mut jobs);
            self.wal.leave();
            for job in jobs.drain(..) {
                if let Some(follow_up) = job.answer() {
                    // A closing queue refuses it; recovery at the next start then does the same.
                    let _refused = self.queue.follow_up(follow_up);
                }
            }
        }
        drop(group);
        super::wal::empty(&self.connection);
    }
}

fn write_group(group: &mut Group<'_>, jobs: &mut [Box<dyn Job>]) {
    let outcome = match try_group(group, jobs, false) {
        // Nothing was kept; now each in its own savepoint, so that only the torn one is undone.
        Err(Failure::Torn(_) | Failure::Refused(_)) => try_group(group, jobs, true),
        done => done,
    };
    if let Err(Failure::Lost(error) | Failure::Torn(error) | Failure::Refused(error)) = outcome {
        tracing::error!(%error, writes = jobs.len(), "a group of writes was not stored");
        let error = match error {
            Error::Unavailable(cause) => Error::Unavailable(cause),
            other => Error::Unavailable(other.to_string()),
        };
        for job in jobs {
            job.refuse(error.clone());
        }
    }
}

fn try_group(group: &mut Group<'_>, jobs: &mut [Box<dyn Job>], apart: bool) -> Result<(), Failure> {
    let outcome = transact(group, jobs, apart);
    if outcome.is_err() {
        group.abort();
    }
    outcome
}

fn transact(group: &mut Group<'_>, jobs: &mut [Box<dyn Job>], apart: bool) -> Result<(), Failure> {
    group.begin()?;
    for job in jobs {
        if apart {
            group.write_apart(job.as_mut())?;
        } else {
            job.write(group)?;
        }
    }
    group.commit()
}
