//! One thread that commits whatever waits, in one transaction and with one sync.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

/// As many writes in one transaction as Longshore's writer takes.
const GROUP: usize = 512;

const SCHEMA: &str = "
    CREATE TABLE run (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE attempt (run INTEGER PRIMARY KEY, status INTEGER NOT NULL) STRICT;";

enum Write {
    Insert {
        body: Bytes,
        stored: oneshot::Sender<i64>,
    },
    Settle {
        id: i64,
        status: u16,
        settled: oneshot::Sender<()>,
    },
}

#[derive(Default)]
struct Waiting {
    writes: Vec<Write>,
    accepted: u64,
    settled: u64,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

/// The thread, seen by those who write.
pub(crate) struct Writer(Arc<Queue>);

impl Writer {
    /// Starts it with the tables of an empty database.
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(SCHEMA)?;
        let queue = Arc::new(Queue::default());
        let writing = Arc::clone(&queue);
        std::thread::spawn(move || {
            if let Err(error) = writing.write(&connection) {
                eprintln!("floor: nothing can be written: {error}");
                std::process::exit(1);
            }
        });
        Ok(Self(queue))
    }

    /// Commits a body and answers its id.
    pub(crate) async fn insert(&self, body: Bytes) -> Result<i64> {
        let (stored, reply) = oneshot::channel();
        self.0.push(Write::Insert { body, stored });
        Ok(reply.await?)
    }

    /// Commits an attempt; what it answers resolves once that is done.
    pub(crate) fn settle(&self, id: i64, status: u16) -> oneshot::Receiver<()> {
        let (settled, is_settled) = oneshot::channel();
        self.0.push(Write::Settle {
            id,
            status,
            settled,
        });
        is_settled
    }

    /// How many bodies and how many attempts are committed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let waiting = self.0.lock();
        (waiting.accepted, waiting.settled)
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, write: Write) {
        let mut waiting = self.lock();
        waiting.writes.push(write);
        if waiting.writes.len() == 1 {
            drop(waiting);
            self.filled.notify_one();
        }
    }

    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut begin = connection.prepare("BEGIN IMMEDIATE")?;
        let mut insert = connection.prepare("INSERT INTO run (body) VALUES (?1)")?;
        let mut settle = connection.prepare("INSERT INTO attempt (run, status) VALUES (?1, ?2)")?;
        let mut commit = connection.prepare("COMMIT")?;
        loop {
            let group = self.next_group();
            let (mut stored, mut settled) = (Vec::new(), Vec::new());
            begin.execute([])?;
            for write in group {
                match write {
                    Write::Insert {
                        body,
                        stored: reply,
                    } => {
                        insert.execute([&*body])?;
                        stored.push((reply, connection.last_insert_rowid()));
                    }
                    Write::Settle {
                        id,
                        status,
                        settled: reply,
                    } => {
                        settle.execute(params![id, status])?;
                        settled.push(reply);
                    }
                }
            }
            commit.execute([])?;
            let mut waiting = self.lock();
            waiting.accepted += stored.len() as u64;
            waiting.settled += settled.len() as u64;
            drop(waiting);
            // A caller who is gone needs no answer.
            for (reply, id) in stored {
                let _gone = reply.send(id);
            }
            for reply in settled {
                let _gone = reply.send(());
            }
        }
    }

    fn next_group(&self) -> Vec<Write> {
        let waits = |waiting: &mut Waiting| waiting.writes.is_empty();
        let waiting = self.filled.wait_while(self.lock(), waits);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let count = waiting.writes.len().min(GROUP);
        waiting.writes.drain(..count).collect()
    }
}
