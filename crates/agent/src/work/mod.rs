//! The work on runs: each is prepared, waits for its receiver's turn, is started with the server,
//! called once, and settled. Where runs come from is not known here.

mod changes;
mod contact;
mod once;
mod room;
mod settles;
mod starts;
mod stop;
mod targets;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore_domain::agent::{AttemptRef, Reported, Session, Settlement, StartItem};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::id::RunId;
use longshore_domain::run::ReadMessage;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use crate::api::Api;
use crate::call::{Asked, Caller, Prepared, refused};
use crate::config::Calls;
use crate::metrics::Metrics;
use once::Once;
use settles::Settles;
use starts::{Starts, Verdict};
use targets::Targets;

pub use contact::Contact;
pub use room::{Place, Room};
pub(crate) use room::{bytes_of, bytes_of_message};
pub use stop::{Stop, Stopper};

/// How long a run that was claimed may wait before it is started: then it is handed out again.
pub const LEASE: Duration = Duration::from_mins(1);

/// A run that reached this agent.
#[derive(Debug)]
pub struct Work {
    /// The run.
    pub run: RunId,
    /// The attempt that was handed out.
    pub attempt: AttemptRef,
    /// The message, without its signature.
    pub message: ReadMessage,
    /// Its place in memory.
    pub place: Place,
    /// Until when it may wait; none where nobody else is given it meanwhile.
    pub lease_until: Option<Instant>,
    /// When others are given it.
    pub revoked: Option<Stop>,
}

/// How the work on a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Whatever came of it is reported, and the server has answered.
    Settled,
    /// The server said that it must not be called.
    NotStarted,
    /// It is another agent's.
    NotOurs,
    /// Nothing was started: it waited too long, or the agent stops.
    Abandoned,
}

/// Whom starts and settlements are told to, and as whom.
struct Server {
    api: Arc<Api>,
    session: Session,
    metrics: Arc<Metrics>,
    contact: Arc<Contact>,
}

/// What all work shares.
pub struct Desk {
    /// The server.
    pub api: Arc<Api>,
    /// Who works.
    pub session: Session,
    /// What is in memory.
    pub room: Arc<Room>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Tells when to stop.
    pub stop: Stop,
    /// Whether the server is there.
    pub contact: Arc<Contact>,
    caller: Caller,
    targets: Targets,
    calls: Semaphore,
    waiting_limit: usize,
    in_flight: AtomicU32,
    once: Once,
    starts: Starts,
    settles: Settles,
}

impl Desk {
    /// A desk by these settings, and the work that has to go on behind it.
    pub fn new(
        api: Arc<Api>,
        caller: Caller,
        session: Session,
        settings: &Calls,
        metrics: Arc<Metrics>,
        stop: Stop,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (settles, settling) = settles::new(settings.reports_bytes);
        let (starts, starting) = starts::new();
        let contact = Arc::new(Contact::default());
        let desk = Self {
            room: Room::new(settings.runs_limit, settings.messages_bytes),
            caller,
            targets: Targets::default(),
            calls: Semaphore::new(settings.concurrency),
            waiting_limit: settings.waiting_limit,
            in_flight: AtomicU32::new(0),
            once: Once::default(),
            starts,
            settles: settles.clone(),
            api: Arc::clone(&api),
            session: session.clone(),
            metrics: Arc::clone(&metrics),
            stop: stop.clone(),
            contact: Arc::clone(&contact),
        };
        let background = async move {
            let server = Server {
                api,
                session,
                metrics,
                contact,
            };
            tokio::join!(
                starting.run(&server, &settles, &stop),
                settling.run(&server)
            );
        };
        (desk, background)
    }

    /// Calls that are started and not settled.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Does all that a run asks for.
    pub async fn handle(&self, work: Work) -> Ending {
        let Work {
            run,
            attempt,
            message,
            place,
            lease_until,
            revoked,
        } = work;
        let alone = self.once.alone(&attempt).await;
        // Boxed: what only one stage needs is not held by all runs that wait.
        let ending = match Box::pin(self.caller.prepare(message)).await {
            Asked::NotOurs => {
                tracing::info!(%run, "no mapping is enabled for this run; it is left alone");
                Ending::NotOurs
            }
            Asked::Impossible(diagnosis) => Box::pin(self.refuse(&run, attempt, diagnosis)).await,
            Asked::Call(prepared) => {
                let until = Until {
                    lease: lease_until,
                    revoked,
                };
                Box::pin(self.call(&run, attempt, *prepared, until)).await
            }
        };
        drop((alone, place));
        ending
    }

    async fn refuse(&self, run: &RunId, attempt: AttemptRef, diagnosis: Diagnosis) -> Ending {
        match self.start(run, &attempt, false).await {
            Some(Verdict::Started(_)) => {
                let _counted = self.count_in_flight();
                self.settle(refused(attempt, diagnosis)).await
            }
            Some(Verdict::No) => Ending::NotStarted,
            None => Ending::Abandoned,
        }
    }

    async fn call(
        &self,
        run: &RunId,
        attempt: AttemptRef,
        prepared: Prepared,
        until: Until,
    ) -> Ending {
        let route = Arc::clone(&prepared.route);
        let target = self
            .targets
            .find(&route.destination, route.policy.concurrency);
        let crowded = target.waiting() >= self.waiting_limit && self.room.is_tight();
        if crowded && until.lease.is_some() {
            // One slow receiver must not fill the memory that others need.
            tracing::debug!(%run, "too many runs of this receiver wait; it is claimed again later");
            return Ending::Abandoned;
        }
        let turn = async {
            let slot = target.slot().await;
            (slot, self.calls.acquire().await)
        };
        let turn = tokio::select! {
            turn = turn => Some(turn),
            () = self.stop.stopped() => None,
            () = until.over() => None,
        };
        let Some(turn) = turn else {
            return Ending::Abandoned;
        };
        let repeat = match self.start(run, &attempt, route.adds_harm).await {
            Some(Verdict::Started(repeat)) => repeat,
            Some(Verdict::No) => return Ending::NotStarted,
            None => return Ending::Abandoned,
        };
        let counted = self.count_in_flight();
        let made = Box::pin(self.caller.make(Some(run), attempt, repeat, prepared));
        let settlement = made.await;
        self.metrics.called(&settlement);
        // The receiver is free again; how soon the server takes the report is not its concern.
        drop(turn);
        let ending = self.settle(settlement).await;
        drop(counted);
        ending
    }

    /// Whether the call may be made; none where nobody answered before the agent stops.
    async fn start(&self, run: &RunId, attempt: &AttemptRef, adds_harm: bool) -> Option<Verdict> {
        let item = StartItem {
            attempt: attempt.clone(),
            run: Some(run.clone()),
            repeat_unknown: adds_harm.then_some(false),
        };
        self.starts.ask(item).await
    }

    /// Reports, however long it takes.
    async fn settle(&self, settlement: Settlement) -> Ending {
        self.settles.report(settlement).await;
        Ending::Settled
    }

    /// Reports that a message's signature does not hold; it is published anew.
    pub async fn unverified(&self, attempt: AttemptRef, message: &str) -> Ending {
        let diagnosis = Diagnosis {
            reason: Reason::MessageUnverified,
            message: message.to_owned(),
            fix: "Give the agent the secret of the credential that signs for the organization."
                .into(),
        };
        let mut settlement = refused(attempt, diagnosis.clone());
        settlement.outcome = Reported::Unverified { diagnosis };
        self.settle(settlement).await
    }

    fn count_in_flight(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.metrics.in_flight.inc();
        InFlight(self)
    }
}

/// A call that is started and not settled.
struct InFlight<'a>(&'a Desk);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.in_flight.dec();
    }
}

/// How long a run may wait for its receiver's turn.
struct Until {
    lease: Option<Instant>,
    revoked: Option<Stop>,
}

impl Until {
    /// Waits until it may wait no longer.
    async fn over(&self) {
        let lease = async {
            match self.lease {
                Some(lease) => sleep_until(lease).await,
                None => pending().await,
            }
        };
        let revoked = async {
            match &self.revoked {
                Some(revoked) => revoked.stopped().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = lease => {}
            () = revoked => {}
        }
    }
}
