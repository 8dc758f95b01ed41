//! Backups: a whole, checked copy of a database that may be in use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Sqlite;
use super::migrate::APPLICATION_ID;

/// How long the copy waits for a database that is being made.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why no backup was made; nothing is left at the target then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already, and stays.
    #[error("{0} exists already; a backup never overwrites")]
    Exists(PathBuf),
    /// There is no Longshore database.
    #[error("{0} is not a Longshore database")]
    Foreign(PathBuf),
    /// A file could not be read or written.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// The copy was made, and is not sound.
    #[error("the copy of {path} is damaged: {problem}")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check found.
        problem: String,
    },
}

fn file(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    |error| BackupError::File {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}

fn database(path: &Path) -> impl Fn(rusqlite::Error) -> BackupError + '_ {
    |error| BackupError::File {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}

/// Removes the unfinished copy however the backup ends.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _already_gone = fs::remove_file(&self.0);
    }
}

impl Sqlite {
    /// Copies the database at `source`, also while a server uses it, to the new file `target`,
    /// which only its owner may read. The copy is checked before it gets its name.
    ///
    /// # Errors
    /// Where `target` exists, `source` is not a Longshore database, or the disk fails.
    pub fn backup(source: &Path, target: &Path) -> Result<(), BackupError> {
        if target.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(target.to_owned()));
        }
        let unfinished = reserve(target)?;
        copy(source, &unfinished.0)?;
        check(source, &unfinished.0)?;
        File::open(&unfinished.0)
            .and_then(|copy| copy.sync_all())
            .map_err(file(&unfinished.0))?;
        publish(&unfinished.0, target)
    }

    /// Whether the database at `path` is whole.
    ///
    /// # Errors
    /// `Damaged` with what was found, or where it cannot be read.
    pub fn check(path: &Path) -> Result<(), BackupError> {
        check(path, path)
    }
}

fn reserve(target: &Path) -> Result<Unfinished, BackupError> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let path = target.with_file_name(name);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(file(&path))?;
    Ok(Unfinished(path))
}

fn open(path: &Path) -> Result<Connection, BackupError> {
    // The log's index of a database in use can be shared only by who may write to it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(database(path))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .map_err(database(path))?;
    Ok(connection)
}

fn copy(source: &Path, copy: &Path) -> Result<(), BackupError> {
    let connection = open(source)?;
    let application: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(database(source))?;
    if application != APPLICATION_ID {
        return Err(BackupError::Foreign(source.to_owned()));
    }
    let name = copy.to_str().ok_or_else(|| BackupError::File {
        path: copy.to_owned(),
        problem: "the name is not UTF-8".into(),
    })?;
    connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(database(copy))?;
    Ok(())
}

fn check(source: &Path, copy: &Path) -> Result<(), BackupError> {
    let found: String = open(copy)?
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(database(copy))?;
    if found == "ok" {
        return Ok(());
    }
    Err(BackupError::Damaged {
        path: source.to_owned(),
        problem: found,
    })
}

/// A link refuses to take a name that is taken; where links are not to be had, a look has to do.
fn publish(copy: &Path, target: &Path) -> Result<(), BackupError> {
    match fs::hard_link(copy, target) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(BackupError::Exists(target.to_owned()));
        }
        Err(_) if target.symlink_metadata().is_ok() => {
            return Err(BackupError::Exists(target.to_owned()));
        }
        Err(_) => fs::rename(copy, target).map_err(file(target))?,
    }
    let directory = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(file(directory))
}
