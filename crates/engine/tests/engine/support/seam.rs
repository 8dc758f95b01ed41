//! A store that stops a process at a chosen write, and that can be out of order.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use longshore_domain::delivery::{Attempt, Delivery, State, Way};
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::run::{Documents, Event, LogLine, Run, RunChange, RunWrite};
use longshore_domain::time::Timestamp;
use longshore_store::sqlite::Sqlite;
use longshore_store::{
    ActionRecord, AgentDelivery, Applied, Backlog, Catalog, DeliveryFilter, DestinationRecord,
    Document, DocumentKind, Documented, Error, Found, NewAction, Outbox, Page, Pruned, Retention,
    RunFilter, Runs, Upkeep,
};
use tokio::sync::watch;

/// What a change of a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// The run is made.
    Insert,
    /// An attempt that must not be repeated is started.
    Start,
    /// An attempt is settled, or recovered.
    Settle,
    /// Due deliveries are handed to agents.
    Publish,
    /// A document is saved, such as the organization's.
    Document,
    /// Anything else.
    Other,
}

impl Write {
    fn of(change: &RunChange) -> Self {
        let state = change.delivery.as_ref().map(|write| write.delivery().state);
        match (&change.run, &change.attempt, state) {
            (RunWrite::Insert(_), ..) => Self::Insert,
            (_, Some(_), _) => Self::Settle,
            (_, _, Some(State::Started)) => Self::Start,
            _ => Self::Other,
        }
    }
}

/// On which side of the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// A write that is held: nothing that waits for it goes on.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    reached: watch::Sender<bool>,
    released: watch::Sender<bool>,
}

impl Held {
    /// Waits until the write is there.
    pub(crate) async fn reached(&self) {
        let _ = self.reached.subscribe().wait_for(|reached| *reached).await;
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    async fn hold(&self) {
        self.reached.send_replace(true);
        let _ = self
            .released
            .subscribe()
            .wait_for(|released| *released)
            .await;
    }
}

/// The real store behind a hand that holds writes.
pub(crate) struct Seam {
    inner: Sqlite,
    traps: Mutex<Vec<(Write, Moment, Held)>>,
    out_of_order: AtomicBool,
    overloaded: AtomicBool,
    unreadable: AtomicBool,
    refused: AtomicUsize,
}

impl Seam {
    pub(crate) fn new(inner: Sqlite) -> Arc<Self> {
        Arc::new(Self {
            inner,
            traps: Mutex::default(),
            out_of_order: AtomicBool::new(false),
            overloaded: AtomicBool::new(false),
            unreadable: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        })
    }

    /// Holds the next write of this kind.
    pub(crate) fn hold(&self, write: Write, moment: Moment) -> Held {
        let held = Held {
            reached: watch::Sender::new(false),
            released: watch::Sender::new(false),
        };
        self.traps().push((write, moment, held.clone()));
        held
    }

    /// From now on nothing can be written, or can again.
    pub(crate) fn break_down(&self, broken: bool) {
        self.out_of_order.store(broken, Ordering::SeqCst);
    }

    /// From now on new runs are refused, or taken again.
    pub(crate) fn overload(&self, overloaded: bool) {
        self.overloaded.store(overloaded, Ordering::SeqCst);
    }

    /// From now on no run can be read, or can again.
    pub(crate) fn blind(&self, blind: bool) {
        self.unreadable.store(blind, Ordering::SeqCst);
    }

    /// How often something was refused because storage was out of order.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn traps(&self) -> std::sync::MutexGuard<'_, Vec<(Write, Moment, Held)>> {
        self.traps.lock().expect("traps")
    }

    fn caught(&self, write: Write, moment: Moment) -> Option<Held> {
        let mut traps = self.traps();
        let place = traps
            .iter()
            .position(|trap| (trap.0, trap.1) == (write, moment))?;
        Some(traps.remove(place).2)
    }

    fn works(&self) -> Result<(), Error> {
        self.refuse_while(&self.out_of_order)
    }

    fn refuse_while(&self, broken: &AtomicBool) -> Result<(), Error> {
        if broken.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Error::Unavailable("the disk is broken".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Runs for Seam {
    async fn apply(&self, change: Arc<RunChange>) -> Result<Applied, Error> {
        let write = Write::of(&change);
        if let Some(held) = self.caught(write, Moment::Before) {
            held.hold().await;
        }
        self.works()?;
        if write == Write::Insert && self.overloaded.load(Ordering::SeqCst) {
            return Err(Error::Overloaded);
        }
        let applied = self.inner.apply(change).await;
        if let Some(held) = self.caught(write, Moment::After) {
            held.hold().await;
        }
        applied
    }

    async fn run(&self, id: &RunId) -> Result<Option<Found>, Error> {
        self.inner.run(id).await
    }

    async fn run_state(&self, id: &RunId) -> Result<Option<(Run, Option<Delivery>)>, Error> {
        self.refuse_while(&self.unreadable)?;
        self.inner.run_state(id).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Page<(Run, Documents)>, Error> {
        self.inner.runs(filter).await
    }

    async fn waiting_runs(&self, action: &str) -> Result<Vec<Run>, Error> {
        self.inner.waiting_runs(action).await
    }

    async fn log_lines(&self, run: &RunId, offset: u32, limit: u32) -> Result<Vec<LogLine>, Error> {
        self.inner.log_lines(run, offset, limit).await
    }

    async fn events(&self, run: &RunId) -> Result<Vec<Event>, Error> {
        self.inner.events(run).await
    }
}

#[async_trait]
impl Outbox for Seam {
    async fn take_due(
        &self,
        destination: &str,
        now: Timestamp,
        limit: u32,
        max_bytes: u64,
    ) -> Result<(Vec<Found>, Option<Timestamp>), Error> {
        self.works()?;
        self.inner
            .take_due(destination, now, limit, max_bytes)
            .await
    }

    async fn backlog(&self) -> Result<Vec<Backlog>, Error> {
        self.inner.backlog().await
    }

    async fn lost(&self, limit: u32) -> Result<Vec<(Run, Delivery)>, Error> {
        self.inner.lost(limit).await
    }

    async fn silent(&self, now: Timestamp, limit: u32) -> Result<Vec<(Run, Delivery)>, Error> {
        self.inner.silent(now, limit).await
    }

    async fn publish_due(
        &self,
        destination: &str,
        publication: (Way, Timestamp),
        now: Timestamp,
        limit: (u32, u64),
        exclude: &[String],
    ) -> Result<(Vec<Found>, Option<Timestamp>), Error> {
        if let Some(held) = self.caught(Write::Publish, Moment::Before) {
            held.hold().await;
        }
        self.works()?;
        let published = self
            .inner
            .publish_due(destination, publication, now, limit, exclude)
            .await;
        if let Some(held) = self.caught(Write::Publish, Moment::After) {
            held.hold().await;
        }
        published
    }

    async fn unstarted(&self, now: Timestamp, limit: u32) -> Result<Vec<(Run, Delivery)>, Error> {
        self.inner.unstarted(now, limit).await
    }

    async fn started_by_agents(
        &self,
        after: Option<&RunId>,
        limit: u32,
    ) -> Result<Vec<(Run, Delivery)>, Error> {
        self.inner.started_by_agents(after, limit).await
    }

    async fn overdue(
        &self,
        destination: &str,
        before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Run, Delivery)>, Error> {
        self.inner.overdue(destination, before, now, limit).await
    }

    async fn documents_per_attempt(
        &self,
        ids: &[DeliveryId],
    ) -> Result<Vec<(DeliveryId, Documents)>, Error> {
        self.inner.documents_per_attempt(ids).await
    }

    async fn deliveries_of(&self, ids: &[DeliveryId]) -> Result<Vec<AgentDelivery>, Error> {
        self.inner.deliveries_of(ids).await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<(Run, Delivery)>, Error> {
        self.inner.delivery(id).await
    }

    async fn deliveries(&self, filter: DeliveryFilter) -> Result<Page<Delivery>, Error> {
        self.inner.deliveries(filter).await
    }

    async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>, Error> {
        self.inner.attempts(id).await
    }

    async fn destinations(&self) -> Result<Vec<DestinationRecord>, Error> {
        self.inner.destinations().await
    }

    async fn save_destination(&self, destination: DestinationRecord) -> Result<(), Error> {
        self.works()?;
        self.inner.save_destination(destination).await
    }

    async fn count_open(&self) -> Result<Vec<(String, String, u64)>, Error> {
        self.inner.count_open().await
    }
}

#[async_trait]
impl Catalog for Seam {
    async fn add_action(&self, action: NewAction) -> Result<ActionRecord, Error> {
        self.works()?;
        self.inner.add_action(action).await
    }

    async fn replace_action(
        &self,
        identifier: &str,
        action: NewAction,
    ) -> Result<ActionRecord, Error> {
        self.works()?;
        self.inner.replace_action(identifier, action).await
    }

    async fn remove_action(&self, identifier: &str, changes: Vec<RunChange>) -> Result<(), Error> {
        self.works()?;
        self.inner.remove_action(identifier, changes).await
    }

    async fn action(&self, identifier: &str) -> Result<Option<ActionRecord>, Error> {
        self.inner.action(identifier).await
    }

    async fn action_revision(&self, revision: i64) -> Result<Option<String>, Error> {
        self.inner.action_revision(revision).await
    }

    async fn actions(&self) -> Result<Vec<ActionRecord>, Error> {
        self.inner.actions().await
    }
}

#[async_trait]
impl Documented for Seam {
    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, Error> {
        self.inner.documents(kind).await
    }

    async fn save_document(&self, kind: DocumentKind, document: Document) -> Result<(), Error> {
        if let Some(held) = self.caught(Write::Document, Moment::Before) {
            held.hold().await;
        }
        self.works()?;
        self.inner.save_document(kind, document).await
    }

    async fn remove_document(&self, kind: DocumentKind, key: &str) -> Result<(), Error> {
        self.works()?;
        self.inner.remove_document(kind, key).await
    }
}

#[async_trait]
impl Upkeep for Seam {
    async fn prune(&self, retention: Retention, limit: u32) -> Result<Pruned, Error> {
        self.works()?;
        self.inner.prune(retention, limit).await
    }

    async fn probe(&self) -> Result<(), Error> {
        self.works()?;
        self.inner.probe().await
    }

    async fn close(&self, patience: Duration) -> Result<(), Error> {
        self.inner.close(patience).await
    }
}
