//! One group of writes: what a write may do inside it, and how its refusal leaves no trace.

use std::collections::BTreeMap;

use longshore_domain::id::RunId;
use rusqlite::{Connection, ErrorCode, Statement, params};
use tokio::sync::oneshot;

use super::kept::{Kept, Statements};
use super::seen::{SeenRuns, StoredRun};
use crate::Error;

/// Why a write was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// It wrote nothing.
    Refused(Error),
    /// It may have written a part, which has to be undone.
    Torn(Error),
    /// The database cannot be written: the whole group is lost.
    Lost(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Torn(Error::Conflict("a stored row")),
            None | Some(ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::ApiMisuse) => {
                Self::Torn(Error::Unavailable(text))
            }
            Some(_) => Self::Lost(Error::Unavailable(text)),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Torn(error)
    }
}

/// Something to be written, and what its caller is told.
///
/// It is done again from the start where a neighbour made the group fail, so it keeps its input.
pub(super) trait Write: Send + 'static {
    /// What the caller is told.
    type Reply: Send + 'static;

    /// Writes it. Checks come first, so that `Refused` has written nothing.
    fn write(&self, group: &mut Group<'_>) -> Result<Self::Reply, Failure>;

    /// What is to be done where the caller is gone when the reply comes.
    fn unclaimed(_reply: Self::Reply) -> Option<Box<dyn Job>> {
        None
    }
}

/// A queued write with its caller.
pub(super) trait Job: Send {
    /// Writes it and keeps the reply; an error where the group or the transaction is torn or lost.
    fn write(&mut self, group: &mut Group<'_>) -> Result<(), Failure>;

    /// Makes `error` the reply.
    fn refuse(&mut self, error: Error);

    /// Tells the caller; answers what is to be done where the caller is gone.
    fn answer(self: Box<Self>) -> Option<Box<dyn Job>>;
}

struct Queued<W: Write> {
    write: W,
    reply: Option<Result<W::Reply, Error>>,
    caller: oneshot::Sender<Answer<W>>,
}

/// Where the reply to a write will come.
pub(super) type Reply<W> = oneshot::Receiver<Answer<W>>;

/// The reply, and the write itself: the caller frees what the caller has made.
type Answer<W> = (Result<<W as Write>::Reply, Error>, W);

/// A write ready to be queued.
pub(super) fn job<W: Write>(write: W) -> (Box<dyn Job>, Reply<W>) {
    let (caller, reply) = oneshot::channel();
    (
        Box::new(Queued {
            write,
            reply: None,
            caller,
        }),
        reply,
    )
}

impl<W: Write> Job for Queued<W> {
    fn write(&mut self, group: &mut Group<'_>) -> Result<(), Failure> {
        self.reply = Some(match self.write.write(group) {
            Ok(reply) => Ok(reply),
            Err(Failure::Refused(error)) => Err(error),
            Err(failure) => return Err(failure),
        });
        Ok(())
    }

    fn refuse(&mut self, error: Error) {
        self.reply = Some(Err(error));
    }

    fn answer(self: Box<Self>) -> Option<Box<dyn Job>> {
        let Self {
            write,
            reply,
            caller,
        } = *self;
        match caller.send((reply?, write)) {
            Ok(()) | Err((Err(_), _)) => None,
            Err((Ok(unclaimed), _)) => W::unclaimed(unclaimed),
        }
    }
}

/// The newest integer keys; gaps are allowed, going back is not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    run: i64,
}

impl Keys {
    /// Reads where the keys stand.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let newest = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
        Ok(Self {
            run: newest(
                "SELECT max(value, coalesce((SELECT max(key) FROM run), 0)) FROM meta \
                 WHERE name = 'last_run'",
            )?,
        })
    }
}

/// Counts that change with many writes and are written once for a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    ended_runs: i64,
    runs_by_revision: BTreeMap<i64, i64>,
}

/// The transaction that a group of writes shares; the writer begins it anew for each group.
pub(super) struct Group<'c> {
    connection: &'c Connection,
    statements: Statements<'c>,
    keys: Keys,
    seen: SeenRuns,
    tally: Tally,
}

impl<'c> Group<'c> {
    /// No transaction yet.
    pub(super) fn new(connection: &'c Connection, keys: Keys) -> Self {
        Self {
            connection,
            statements: Statements::new(connection),
            keys,
            seen: SeenRuns::default(),
            tally: Tally::default(),
        }
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        self.tally = Tally::default();
        self.kept(Kept::Begin)?.execute([])?;
        Ok(())
    }

    /// A statement of nearly every group.
    pub(super) fn kept(&mut self, kept: Kept) -> rusqlite::Result<&mut Statement<'c>> {
        self.statements.get(kept)
    }

    /// The writer's connection.
    pub(super) const fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// The key of a new run.
    pub(super) const fn next_run(&mut self) -> i64 {
        self.keys.run += 1;
        self.keys.run
    }

    /// Notes how a run stands.
    pub(super) fn see(&mut self, run: &RunId, stored: StoredRun) {
        self.seen.add(run, stored);
    }

    /// A run that was seen lately, or another: whoever uses it checks the row's ids and version.
    pub(super) fn seen(&self, run: &RunId) -> Option<&StoredRun> {
        self.seen.find(run)
    }

    /// What was seen is no longer so.
    pub(super) fn forget_seen(&mut self) {
        self.seen = SeenRuns::default();
    }

    /// Counts runs that ended, or ended ones that were deleted.
    pub(super) const fn count_ended(&mut self, runs: i64) {
        self.tally.ended_runs += runs;
    }

    /// Counts runs that name an action's revision.
    pub(super) fn count_revision(&mut self, revision: i64, runs: i64) {
        *self.tally.runs_by_revision.entry(revision).or_default() += runs;
    }

    /// Keys never return, also where the newest rows are deleted.
    pub(super) fn save_keys(&self) -> Result<(), Failure> {
        let mut save = self
            .connection
            .prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1 AND value < ?2")?;
        save.execute(params!["last_run", self.keys.run])?;
        Ok(())
    }

    /// Writes `job` so that it can be undone alone.
    pub(super) fn write_apart(&mut self, job: &mut dyn Job) -> Result<(), Failure> {
        let tally = self.tally.clone();
        self.connection
            .prepare_cached("SAVEPOINT one")?
            .execute([])?;
        match job.write(self) {
            Err(Failure::Torn(error) | Failure::Refused(error)) => {
                self.connection
                    .prepare_cached("ROLLBACK TO one")?
                    .execute([])?;
                self.tally = tally;
                job.refuse(error);
            }
            Err(lost) => return Err(lost),
            Ok(()) => {}
        }
        self.connection.prepare_cached("RELEASE one")?.execute([])?;
        Ok(())
    }

    /// Makes everything durable, or nothing.
    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        let tally = std::mem::take(&mut self.tally);
        if tally.ended_runs != 0 {
            self.connection
                .prepare_cached("UPDATE meta SET value = value + ?1 WHERE name = 'ended_runs'")?
                .execute([tally.ended_runs])?;
        }
        for (revision, runs) in tally.runs_by_revision {
            self.kept(Kept::CountRevision)?.execute([revision, runs])?;
        }
        self.kept(Kept::Commit)?.execute([])?;
        Ok(())
    }

    /// Undoes what was written since [`Group::begin`]; some errors have done so already.
    pub(super) fn abort(&mut self) {
        self.forget_seen();
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }
}
