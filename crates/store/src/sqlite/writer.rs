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
            write_group(&mut group, &mut jobs, &self.queue);
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

fn write_group(group: &mut Group<'_>, jobs: &mut Vec<Box<dyn Job>>, queue: &Queue) {
    let outcome = match try_group(group, |group| together(group, jobs, queue)) {
        // Nothing was kept; now each in its own savepoint, so that only the torn one is undone.
        Err(Failure::Torn(_) | Failure::Refused(_)) => try_group(group, |group| apart(group, jobs)),
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

fn try_group<'c>(
    group: &mut Group<'c>,
    write: impl FnOnce(&mut Group<'c>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let written = group.begin().and_then(|()| write(group));
    let outcome = written.and_then(|()| group.commit());
    if outcome.is_err() {
        group.abort();
    }
    outcome
}

/// What comes while the group is written joins it: it would wait for the same sync and cause another.
fn together(
    group: &mut Group<'_>,
    jobs: &mut Vec<Box<dyn Job>>,
    queue: &Queue,
) -> Result<(), Failure> {
    let mut written = 0;
    loop {
        for job in jobs.iter_mut().skip(written) {
            job.write(group)?;
        }
        written = jobs.len();
        if !queue.join_group(jobs) {
            return Ok(());
        }
    }
}

fn apart(group: &mut Group<'_>, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    for job in jobs {
        group.write_apart(job.as_mut())?;
    }
    Ok(())
}
