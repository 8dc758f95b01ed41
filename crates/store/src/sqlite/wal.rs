//! The write-ahead log: copied to the database off the writer's thread, and kept from growing.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::config::Config;

/// How large the log is, and whose turn it is.
pub(super) struct Wal {
    turn: Mutex<Turn>,
    changed: Condvar,
    checkpoint_pages: u64,
    restart_pages: u64,
}

#[derive(Debug, Default)]
struct Turn {
    pages: u64,
    /// How large the log was when the checkpointer looked at it last.
    looked_at: u64,
    writing: bool,
    paused: bool,
    stopped: bool,
}

impl Turn {
    const fn is_due(&self, every: u64) -> bool {
        let grown = if self.pages < self.looked_at {
            self.pages
        } else {
            self.pages - self.looked_at
        };
        grown >= every
    }
}

impl Wal {
    /// A log of no pages, with the bounds of `config`.
    pub(super) fn new(config: &Config) -> Self {
        Self {
            turn: Mutex::default(),
            changed: Condvar::new(),
            checkpoint_pages: config.checkpoint_pages.max(1),
            restart_pages: config.restart_pages,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, turn: MutexGuard<'a, Turn>) -> MutexGuard<'a, Turn> {
        self.changed
            .wait(turn)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer has committed, and the log has `pages` pages now.
    pub(super) fn grown_to(&self, pages: u64) {
        self.lock().pages = pages;
    }

    /// The writer begins a group; waits while the checkpointer wants the log for itself.
    pub(super) fn enter(&self) {
        let mut turn = self.lock();
        while turn.paused {
            turn = self.wait(turn);
        }
        turn.writing = true;
    }

    /// The writer has ended its group.
    pub(super) fn leave(&self) {
        let mut turn = self.lock();
        turn.writing = false;
        let notify = turn.paused || turn.is_due(self.checkpoint_pages);
        drop(turn);
        if notify {
            self.changed.notify_all();
        }
    }

    /// No more checkpoints.
    pub(super) fn stop(&self) {
        let mut turn = self.lock();
        turn.stopped = true;
        turn.writing = false;
        drop(turn);
        self.changed.notify_all();
    }

    /// Copies the log whenever it has grown, until stopped.
    pub(super) fn checkpoint(self: Arc<Self>, connection: &Connection) {
        loop {
            let mut turn = self.lock();
            while !turn.stopped && !turn.is_due(self.checkpoint_pages) {
                turn = self.wait(turn);
            }
            if turn.stopped {
                return;
            }
            turn.looked_at = turn.pages;
            drop(turn);
            copy(connection, CheckpointMode::PASSIVE);
            self.start_over_if_large(connection);
        }
    }

    /// A writer without a pause never finds the log wholly copied, so it has to be held up.
    fn start_over_if_large(&self, connection: &Connection) {
        let mut turn = self.lock();
        if turn.pages < self.restart_pages {
            return;
        }
        turn.paused = true;
        while turn.writing {
            turn = self.wait(turn);
        }
        drop(turn);
        copy(connection, CheckpointMode::RESTART);
        self.lock().paused = false;
        self.changed.notify_all();
    }
}

fn copy(connection: &Connection, mode: CheckpointMode) {
    match connection.wal_checkpoint_v2(Some(rusqlite::MAIN_DB), mode) {
        // A reader still looks at old pages: the next time.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {}
        Err(error) => tracing::warn!(%error, "the write-ahead log could not be copied"),
        Ok(_) => {}
    }
}

/// Copies the whole log and empties it, as far as nobody reads.
pub(super) fn empty(connection: &Connection) {
    copy(connection, CheckpointMode::TRUNCATE);
}
