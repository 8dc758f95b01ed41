//! Connections: how a database file is made, opened and set up.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::config::Config;
use super::migrate::version;

/// How long a connection waits for another process that writes (an operator's own tool).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What the log file shrinks to when it starts over.
const LOG_BYTES_LIMIT: u64 = 64 * 1024 * 1024;
/// How many prepared statements a connection keeps.
const STATEMENTS_LIMIT: usize = 96;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened.
    #[error("cannot open the database {path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// The file is a database, but not one of this program.
    #[error("{0} is not a Longshore database")]
    Foreign(PathBuf),
    /// A newer version of this program has changed the database.
    #[error(
        "{path} has schema version {found}, this program knows versions up to {known}: use the \
         newer program, or restore a backup"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The database's schema version.
        found: usize,
        /// The newest known one.
        known: usize,
    },
    /// A migration failed; nothing of it was kept.
    #[error("{path} cannot be migrated to schema version {to}: {problem}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// The version that was tried.
        to: usize,
        /// What went wrong.
        problem: String,
    },
    /// The database holds something that cannot be read.
    #[error("{path} cannot be read: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
}

impl OpenError {
    /// The file cannot be opened because of `problem`.
    pub(super) fn file(path: &Path, problem: &dyn std::fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that writes.
    Writer,
    /// One of those that read.
    Reader,
    /// The one that copies the log into the database.
    Checkpointer,
}

/// Opens a connection to the database, which the writer's connection makes where it is absent.
pub(super) fn connect(config: &Config, role: Role) -> Result<Connection, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::file(&config.path, &error);
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if role == Role::Writer {
        create_private(config)?;
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = match &config.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&config.path, flags, vfs.as_str()),
        None => Connection::open_with_flags(&config.path, flags),
    }
    .map_err(failed)?;
    if role == Role::Writer {
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        // Before the journal's mode is set, which would change a file that is not ours.
        version(&connection, config)?;
    }
    set_up(&connection, config, role).map_err(failed)?;
    Ok(connection)
}

/// The log and its index take over the permissions of the database file.
fn create_private(config: &Config) -> Result<(), OpenError> {
    if config.vfs.is_some() {
        return Ok(());
    }
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&config.path)
    {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(OpenError::file(&config.path, &error))
        }
        _ => Ok(()),
    }
}

fn set_up(connection: &Connection, config: &Config, role: Role) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_LIMIT);
    // Plans shall not hang on bound values: SQLite then parses and plans a kept statement anew for
    // each other value (https://www.sqlite.org/queryplanner-ng.html#qpstab), which cost more than
    // the read itself.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The checkpointer never waits: the writer may be waiting for it.
    let patience = if role == Role::Checkpointer {
        Duration::ZERO
    } else {
        BUSY_TIMEOUT
    };
    connection.busy_timeout(patience)?;
    let cache_kib = match role {
        Role::Writer => config.writer_cache_kib,
        Role::Reader | Role::Checkpointer => config.reader_cache_kib,
    };
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    if role == Role::Writer {
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(
        None,
        "journal_size_limit",
        LOG_BYTES_LIMIT as i64,
        |_| Ok(()),
    )?;
    connection.pragma_update(None, "query_only", role == Role::Reader)
}
