//! What can go wrong with storage.

/// Why a storage method did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such row.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// What was decided on has moved since, or the name is taken.
    #[error("{0} has changed since it was read, or exists already")]
    Conflict(&'static str),
    /// Another request with this idempotency key came first.
    #[error("the idempotency key was used before")]
    IdempotencyReplay {
        /// The run that the first request made.
        run: longshore_domain::id::RunId,
        /// Whether it had the same body.
        same_body: bool,
    },
    /// The queue of writes is full; nothing was written.
    #[error("the writer's queue is full")]
    Overloaded,
    /// Nothing can be written or read now; nothing was written.
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// A stored value is not what this program writes.
    #[error("{table}.{column} of row {row} holds something that cannot be read: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        row: String,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}
