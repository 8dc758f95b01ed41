//! What an open database may use: memory, threads, queues, disk. Every bound has its name here.

use std::path::PathBuf;

/// How many writes share one transaction and one sync.
pub const GROUP_LIMIT: usize = 512;
/// How many new runs may wait for the writer.
pub const NEW_RUNS_LIMIT: usize = 4_096;
/// How many bytes of new runs may wait for the writer.
pub const NEW_RUNS_BYTES_LIMIT: usize = 16 * 1024 * 1024;
/// How many other writes may wait for the writer; more wait for their turn to wait.
pub const CHANGES_LIMIT: usize = 1_024;
/// How many reads of single things run side by side.
pub const READERS: usize = 2;
/// How many lists are read side by side; apart, because a list may have far to look.
pub const LIST_READERS: usize = 1;
/// The writer's page cache.
pub const WRITER_CACHE_KIB: u32 = 8 * 1024;
/// The page cache of each reader.
pub const READER_CACHE_KIB: u32 = 2 * 1024;
/// From how many pages in the write-ahead log on they are copied to the database.
pub const CHECKPOINT_PAGES: u64 = 4_096;
/// At how many pages in the write-ahead log the writer waits until it can start over.
pub const RESTART_PAGES: u64 = 16_384;

/// Where the database is, and what it may use.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database file; made where absent.
    pub path: PathBuf,
    /// The name of a registered SQLite VFS that does the file work, in place of the default one.
    pub vfs: Option<String>,
    /// See [`GROUP_LIMIT`].
    pub group_limit: usize,
    /// See [`NEW_RUNS_LIMIT`].
    pub new_runs_limit: usize,
    /// See [`NEW_RUNS_BYTES_LIMIT`].
    pub new_runs_bytes_limit: usize,
    /// See [`CHANGES_LIMIT`].
    pub changes_limit: usize,
    /// See [`READERS`].
    pub readers: usize,
    /// See [`LIST_READERS`].
    pub list_readers: usize,
    /// See [`WRITER_CACHE_KIB`].
    pub writer_cache_kib: u32,
    /// See [`READER_CACHE_KIB`].
    pub reader_cache_kib: u32,
    /// See [`CHECKPOINT_PAGES`].
    pub checkpoint_pages: u64,
    /// See [`RESTART_PAGES`].
    pub restart_pages: u64,
}

impl Config {
    /// The database at `path` with the default bounds.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            vfs: None,
            group_limit: GROUP_LIMIT,
            new_runs_limit: NEW_RUNS_LIMIT,
            new_runs_bytes_limit: NEW_RUNS_BYTES_LIMIT,
            changes_limit: CHANGES_LIMIT,
            readers: READERS,
            list_readers: LIST_READERS,
            writer_cache_kib: WRITER_CACHE_KIB,
            reader_cache_kib: READER_CACHE_KIB,
            checkpoint_pages: CHECKPOINT_PAGES,
            restart_pages: RESTART_PAGES,
        }
    }
}
