//! The storage port: what the engine may ask of a database, and the adapters that answer.
//!
//! One method is one transaction; no transaction object crosses this seam. Runs change only
//! through [`Runs::apply`], so no status moves without its event. This crate alone may name a
//! database driver.

mod error;
mod filter;
mod record;
pub mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use longshore_domain::delivery::{Attempt, Delivery, Way};
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::run::{Documents, Event, LogLine, Run, RunChange};
use longshore_domain::time::Timestamp;

pub use error::Error;
pub use filter::{DeliveryFilter, Page, RunFilter};
pub use record::{
    ActionRecord, AgentDelivery, Applied, Backlog, DestinationRecord, Document, DocumentKind,
    Found, NewAction, Pruned, Retention,
};

/// Everything that the engine asks of a database.
pub trait Store: Catalog + Runs + Outbox + Documented + Upkeep {}

impl<T: Catalog + Runs + Outbox + Documented + Upkeep> Store for T {}

/// Actions with every revision that a run may still need.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Adds an action as revision 1.
    ///
    /// # Errors
    /// `Conflict` where the identifier is taken.
    async fn add_action(&self, action: NewAction) -> Result<ActionRecord, Error>;

    /// Replaces the action called `identifier`; another identifier in `action` renames it, and its
    /// runs keep the name that they were requested under.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` where the new identifier is taken.
    async fn replace_action(
        &self,
        identifier: &str,
        action: NewAction,
    ) -> Result<ActionRecord, Error>;

    /// Removes the action and applies `changes` (the end of the runs that waited for approval) with
    /// it; its revisions stay as long as runs name them.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where one of the runs has moved since it was read.
    async fn remove_action(&self, identifier: &str, changes: Vec<RunChange>) -> Result<(), Error>;

    /// The action called `identifier`, in its newest revision.
    async fn action(&self, identifier: &str) -> Result<Option<ActionRecord>, Error>;

    /// The document of one revision, also of an action that is gone or was renamed since.
    async fn action_revision(&self, revision: i64) -> Result<Option<String>, Error>;

    /// Every action, oldest first.
    async fn actions(&self) -> Result<Vec<ActionRecord>, Error>;
}

/// Runs, their documents, logs and events.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Applies one decision whole, or not at all.
    ///
    /// The writer takes changes of existing runs before new ones, and one refused change harms no
    /// neighbour in its group. Once it has answered, `change` is the caller's alone again.
    ///
    /// # Errors
    /// `Conflict` where run or delivery moved since they were read: read again and decide again.
    /// `Overloaded` where the queue for new runs is full, `Unavailable` where nothing can be
    /// written (a full disk).
    async fn apply(&self, change: Arc<RunChange>) -> Result<Applied, Error>;

    /// Applies decisions of different runs, each as [`Runs::apply`] does; answers in their order.
    async fn apply_all(&self, changes: Vec<Arc<RunChange>>) -> Vec<Result<Applied, Error>> {
        let mut applied = Vec::with_capacity(changes.len());
        for change in changes {
            applied.push(self.apply(change).await);
        }
        applied
    }

    /// A run with its documents and its delivery.
    async fn run(&self, id: &RunId) -> Result<Option<Found>, Error>;

    /// A run and its delivery without documents; what reports and settles decide on.
    async fn run_state(&self, id: &RunId) -> Result<Option<(Run, Option<Delivery>)>, Error>;

    /// Runs with their documents, newest first.
    async fn runs(&self, filter: RunFilter) -> Result<Page<(Run, Documents)>, Error>;

    /// Runs of an action that wait for approval.
    async fn waiting_runs(&self, action: &str) -> Result<Vec<Run>, Error>;

    /// A run's log lines, oldest first.
    async fn log_lines(&self, run: &RunId, offset: u32, limit: u32) -> Result<Vec<LogLine>, Error>;

    /// A run's events, oldest first.
    async fn events(&self, run: &RunId) -> Result<Vec<Event>, Error>;
}

/// Deliveries that wait, are under way, or are watched.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Takes up to `limit` due deliveries of a destination into the caller's memory: `due` becomes
    /// `owned`. Also answers when the next one is due after those.
    async fn take_due(
        &self,
        destination: &str,
        now: Timestamp,
        limit: u32,
        max_bytes: u64,
    ) -> Result<(Vec<Found>, Option<Timestamp>), Error>;

    /// Gives due deliveries of a destination to agents, up to `limit` in number and bytes of
    /// documents: `due` becomes `published` by
    /// this way and until this instant, each with its next attempt's number. Also answers when the
    /// next one is due after those. Runs whose action or `integrationActionType` `exclude` names are
    /// left alone, and hold nothing up.
    async fn publish_due(
        &self,
        destination: &str,
        publication: (Way, Timestamp),
        now: Timestamp,
        limit: (u32, u64),
        exclude: &[String],
    ) -> Result<(Vec<Found>, Option<Timestamp>), Error>;

    /// Up to `limit` `published` deliveries whose `due_at` has come, with their runs.
    async fn unstarted(&self, now: Timestamp, limit: u32) -> Result<Vec<(Run, Delivery)>, Error>;

    /// Up to `limit` deliveries that agents have `started`, with their runs, oldest first and after
    /// the one of the run `after`.
    async fn started_by_agents(
        &self,
        after: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<(Run, Delivery)>, Error>;

    /// Every destination with due deliveries, and when its first one is due.
    async fn backlog(&self) -> Result<Vec<Backlog>, Error>;

    /// Up to `limit` deliveries that a worker held when its process died (`owned`, `started`),
    /// with their runs; called before any worker starts, until none is left. What agents have
    /// started is theirs.
    async fn lost(&self, limit: u32) -> Result<Vec<(Run, Delivery)>, Error>;

    /// Up to `limit` accepted or unconfirmed deliveries whose `due_at` has come, with their runs.
    async fn silent(&self, now: Timestamp, limit: u32) -> Result<Vec<(Run, Delivery)>, Error>;

    /// Up to `limit` `due` deliveries of `destination` whose schedule began before `before`
    /// and whose next attempt could be made at `now`, with their runs.
    async fn overdue(
        &self,
        destination: &str,
        before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Run, Delivery)>, Error>;

    /// Those of `ids` that there are, each with its run: what an agent's batch begins with.
    async fn deliveries_of(&self, ids: &[DeliveryId]) -> Result<Vec<AgentDelivery>, Error>;

    /// The documents of those of `ids` that are [`AgentDelivery::per_attempt`].
    async fn documents_per_attempt(
        &self,
        ids: &[DeliveryId],
    ) -> Result<Vec<(DeliveryId, Documents)>, Error>;

    /// A delivery with its run.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<(Run, Delivery)>, Error>;

    /// Deliveries, newest first.
    async fn deliveries(&self, filter: DeliveryFilter) -> Result<Page<Delivery>, Error>;

    /// A delivery's attempts, oldest first.
    async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>, Error>;

    /// What is remembered of destinations across restarts.
    async fn destinations(&self) -> Result<Vec<DestinationRecord>, Error>;

    /// Remembers a destination's pause and last acceptance.
    async fn save_destination(&self, destination: DestinationRecord) -> Result<(), Error>;

    /// How many deliveries there are, by destination and state; asked once at start, kept by the
    /// engine afterwards.
    async fn count_open(&self) -> Result<Vec<(String, String, u64)>, Error>;
}

/// Small documents that are read whole at start and changed seldom: credentials, organisation
/// secrets, connections, the organisation. What is secret in them is sealed by the caller.
#[async_trait]
pub trait Documented: Send + Sync {
    /// All documents of a kind, oldest first.
    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, Error>;

    /// Writes a document: a new one where `document.version` is 1, else the successor of the
    /// version before.
    ///
    /// # Errors
    /// `Conflict` where it exists already, or has moved since it was read.
    async fn save_document(&self, kind: DocumentKind, document: Document) -> Result<(), Error>;

    /// Removes a document.
    ///
    /// # Errors
    /// `NotFound`.
    async fn remove_document(&self, kind: DocumentKind, key: &str) -> Result<(), Error>;
}

/// What keeps a database small, whole and known to be usable.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Deletes one batch of what retention no longer keeps.
    async fn prune(&self, retention: Retention, limit: u32) -> Result<Pruned, Error>;

    /// Writes something small and syncs it: whether the database can be written now.
    async fn probe(&self) -> Result<(), Error>;

    /// Finishes what is queued, then writes no more.
    async fn close(&self, patience: Duration) -> Result<(), Error>;
}
