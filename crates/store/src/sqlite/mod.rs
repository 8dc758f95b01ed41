//! The SQLite adapter: one writer that commits in groups, a few readers, checkpoints beside them.
//!
//! It is for one process: who owns the data directory is settled before it is opened.

mod apply;
mod backup;
mod bind;
mod catalog;
mod cells;
mod change;
mod code;
mod config;
mod documented;
mod except;
mod group;
mod kept;
mod list;
mod migrate;
mod open;
mod outbox;
mod packed;
mod prune;
mod queue;
mod read;
mod row;
mod runs;
mod seen;
mod take;
mod text;
mod upkeep;
mod wal;
mod writer;

use std::sync::Arc;
use std::thread;

use tokio::sync::watch;

pub use backup::BackupError;
pub use config::{
    CHANGES_LIMIT, CHECKPOINT_PAGES, Config, GROUP_LIMIT, LIST_READERS, NEW_RUNS_BYTES_LIMIT,
    NEW_RUNS_LIMIT, READER_CACHE_KIB, READERS, RESTART_PAGES, WRITER_CACHE_KIB,
};
pub use open::OpenError;

use crate::Error;
use group::{Reply, Write, job};
use open::{Role, connect};
use queue::Queue;
use read::Readers;
use wal::Wal;
use writer::Writer;

/// An open SQLite database.
pub struct Sqlite {
    queue: Arc<Queue>,
    readers: Readers,
    list_readers: Readers,
    writer_ended: watch::Receiver<bool>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Sqlite {
    /// Opens the database, makes it where it is absent, and brings it to the newest schema.
    ///
    /// # Errors
    /// Where the file cannot be used, is not ours, or is newer than this program.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let failed = |error: rusqlite::Error| OpenError::file(&config.path, &error);
        let mut connection = connect(config, Role::Writer)?;
        migrate::migrate(&mut connection, config)?;
        let checkpointer = connect(config, Role::Checkpointer)?;
        let connections = |count: usize| {
            (0..count.max(1))
                .map(|_| connect(config, Role::Reader))
                .collect::<Result<Vec<_>, _>>()
        };
        let readers = Readers::new(connections(config.readers)?);
        let list_readers = Readers::new(connections(config.list_readers)?);
        let queue = Arc::new(Queue::new(config));
        let wal = Arc::new(Wal::new(config));
        let writer =
            Writer::new(connection, Arc::clone(&queue), Arc::clone(&wal)).map_err(failed)?;
        let (ended, writer_ended) = watch::channel(false);
        let not_started = |error: std::io::Error| OpenError::file(&config.path, &error);
        thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || wal.checkpoint(&checkpointer))
            .map_err(not_started)?;
        thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                writer.run();
                ended.send_replace(true);
            })
            .map_err(not_started)?;
        Ok(Self {
            queue,
            readers,
            list_readers,
            writer_ended,
        })
    }

    async fn write<W: Write>(&self, write: W) -> Result<W::Reply, Error> {
        let (job, reply) = job(write);
        self.queue.change(job).await?;
        replied(reply).await
    }
}

/// What the writer said.
async fn replied<W: Write>(reply: Reply<W>) -> Result<W::Reply, Error> {
    let (reply, _write) = reply
        .await
        .map_err(|_| Error::Unavailable("the writer has stopped".into()))?;
    reply
}
