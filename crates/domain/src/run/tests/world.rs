//! A run with its delivery as storage holds them: a change is applied whole or not at all, and
//! what must hold of every change is checked as it is applied.

use std::time::Duration;

use super::*;
use crate::delivery::{
    self, Attempt, Delivery, OutcomeKind, Receiver, RedeliverRejection, Schedule, Settling,
};
use crate::diagnosis::{Diagnosis, Reason};
use crate::id::{DeliveryId, RunId, RunLogId};
use crate::outcome::{Acceptance, Outcome, Retry};

pub(super) const TIMEOUT: Duration = Duration::from_secs(3_600);

/// How a run's call is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) receiver: Receiver,
    pub(super) repeat: Repeat,
    pub(super) synchronized: bool,
    pub(super) entry: Entry,
}

/// The change was decided on a version that is gone.
#[derive(Debug, PartialEq)]
pub(super) struct Conflict;

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) run: Run,
    pub(super) documents: Documents,
    pub(super) delivery: Option<Delivery>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) events: Vec<Event>,
    pub(super) log: Vec<LogLine>,
}

pub(super) fn request(now: Timestamp, required_approval: RequiredApproval) -> Request {
    Request {
        id: RunId::mint(now, 1),
        action: "deploy".to_owned(),
        action_revision: 3,
        blueprint: Some("service".to_owned()),
        entity: Some("billing".to_owned()),
        source: Source::Api,
        required_approval,
        properties: json!({"version": "1.4.0"}),
        raw_properties: None,
        encrypted: None,
        trigger: json!({"by": {"userId": "caller"}, "origin": "API", "at": now}).into(),
        created_by: "caller".to_owned(),
        now,
        rerun_of: None,
        idempotency: None,
    }
}

pub(super) fn rendered() -> Rendered {
    let payload = json!({"type": "WEBHOOK", "url": "https://ci.example.com/hook"});
    Rendered {
        payload,
        deferred: Vec::new(),
        failed: None,
    }
}

pub(super) fn new_delivery(now: Timestamp, setup: Setup) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::mint(now, 2),
        receiver: setup.receiver,
        destination: "https://ci.example.com:443".to_owned(),
        connection: None,
        repeat: setup.repeat,
        synchronized: setup.synchronized,
        entry: setup.entry,
    }
}

impl World {
    fn of(change: RunChange, now: Timestamp) -> Self {
        let RunWrite::Insert(new) = change.run else {
            panic!("it is a new run")
        };
        assert_eq!(new.run.version, 1);
        let delivery = change.delivery.map(|write| match write {
            DeliveryWrite::Insert(delivery) => delivery,
            DeliveryWrite::Update { .. } => panic!("a new run updates no delivery"),
        });
        let world = Self {
            now,
            run: new.run,
            documents: new.documents,
            delivery,
            attempts: Vec::new(),
            events: change.events,
            log: change.log,
        };
        world.stands();
        world
    }

    /// A run that was executed.
    pub(super) fn requested(setup: Setup) -> Self {
        let now = Timestamp::from_micros(1_767_323_045_000_000);
        let request = request(now, RequiredApproval::Plain(false));
        Self::of(
            accept(request, Some((rendered(), new_delivery(now, setup)))),
            now,
        )
    }

    /// A run that waits for approval.
    pub(super) fn waiting(required: RequiredApproval) -> Self {
        let now = Timestamp::from_micros(1_767_323_045_000_000);
        Self::of(accept(request(now, required), None), now)
    }

    pub(super) fn delivery(&self) -> &Delivery {
        self.delivery.as_ref().expect("the run has a delivery")
    }

    pub(super) fn state(&self) -> State {
        self.delivery().state
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.run.label.as_ref().map(|label| label.text.as_str())
    }

    /// What each event said that it changed.
    pub(super) fn told(&self) -> Vec<Value> {
        self.events
            .iter()
            .map(|event| event.changed.clone())
            .collect()
    }

    pub(super) fn last_event(&self) -> &Event {
        self.events.last().expect("a run has events")
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    /// Applies `change` as storage does: whole, or, where a version is gone, not at all.
    pub(super) fn apply(&mut self, change: RunChange) -> Result<(), Conflict> {
        let before = self.clone();
        assert_eq!(change.run_id(), &before.run.id);
        if let RunWrite::Update { from, .. } = &change.run
            && *from != before.run.version
        {
            return Err(Conflict);
        }
        if let Some(DeliveryWrite::Update { from, .. }) = &change.delivery
            && *from != before.delivery().version
        {
            return Err(Conflict);
        }
        match change.run {
            RunWrite::Insert(_) => panic!("the run is there already"),
            RunWrite::Keep(_) => {}
            RunWrite::Update { run, documents, .. } => {
                assert_eq!(run.version, before.run.version + 1, "a write counts once");
                self.run = *run;
                if let Some((payload, deferred)) = documents.payload {
                    (self.documents.payload, self.documents.deferred) =
                        (Some(payload.into()), deferred);
                }
                self.documents.response = documents.response.or(self.documents.response.take());
                self.documents.votes = documents.votes.unwrap_or(before.documents.votes.clone());
            }
        }
        match change.delivery {
            None => {}
            Some(DeliveryWrite::Insert(delivery)) => {
                assert_eq!((&before.delivery, delivery.version), (&None, 1));
                self.delivery = Some(delivery);
            }
            Some(DeliveryWrite::Update { delivery, from }) => {
                assert_eq!(delivery.version, from + 1, "a write counts once");
                self.delivery = Some(delivery);
            }
        }
        self.attempts.extend(change.attempt);
        self.events.extend(change.events);
        self.log.extend(change.log);
        self.follows(&before);
        self.stands();
        Ok(())
    }

    /// What holds between any state of a run and the next one.
    fn follows(&self, before: &Self) {
        if before.run.status.is_final() {
            let counted = Run {
                version: self.run.version,
                ..before.run.clone()
            };
            assert_eq!(self.run, counted, "a run that has ended changes no more");
            assert_eq!(self.documents, before.documents);
            assert_eq!(self.delivery, before.delivery);
            assert_eq!(self.log, before.log);
        }
        if self.run.status != before.run.status {
            let told = self.events[before.events.len()..]
                .iter()
                .any(|event| event.changed["status"] == self.run.status.name());
            assert!(told, "{:?} without an event", self.run.status);
        }
        if before
            .run
            .label
            .as_ref()
            .is_some_and(|label| !label.by_engine)
        {
            let kept = self
                .run
                .label
                .as_ref()
                .is_some_and(|label| !label.by_engine);
            assert!(kept, "{:?} replaces a report's label", self.run.label);
        }
        if before.run.redemption.is_some() {
            assert_eq!(
                self.run.redemption, before.run.redemption,
                "a run is taken once"
            );
        }
        if let (Some(before), Some(after)) = (&before.delivery, &self.delivery) {
            assert!(
                after.attempt >= before.attempt,
                "attempts are numbered onwards"
            );
            assert!(
                after.left || !before.left,
                "what left cannot be called back"
            );
            assert_eq!(
                after.repeat,
                before.repeat.stricter(after.repeat),
                "harm is never taken away"
            );
        }
    }

    /// What holds of a run at any time.
    fn stands(&self) {
        let open = !self.run.status.is_final();
        assert_eq!(self.run.ended_at.is_none(), open);
        assert_eq!(self.run.log_lines as usize, self.log.len());
        let Some(delivery) = &self.delivery else {
            return;
        };
        let state = delivery.state;
        if !open {
            assert!(
                state.is_settled(),
                "the run has ended, its delivery is {state:?}"
            );
        }
        if matches!(state, State::Dead | State::Cancelled) {
            assert!(!open, "the delivery is {state:?}, its run goes on");
        }
        if matches!(state, State::Started | State::Unconfirmed) {
            assert_eq!(delivery.repeat, Repeat::Harm, "{state:?} is for harm only");
        }
        let waits = match state {
            State::Due | State::Unconfirmed => true,
            State::Done => open,
            _ => false,
        };
        assert_eq!(
            delivery.due_at.is_some(),
            waits,
            "{state:?}, run open: {open}"
        );
        let ours = self.run.label.as_ref().filter(|label| label.by_engine);
        match ours.map(|label| label.text.as_str()) {
            Some(label::UNCONFIRMED) => assert_eq!(state, State::Unconfirmed),
            Some(label::NO_REPORT) => assert_eq!(state, State::Done),
            Some(_) => assert!(open && !matches!(state, State::Done | State::Unconfirmed)),
            None => {}
        }
    }

    /// A worker takes the delivery when it is due, and makes the next attempt; its number.
    pub(super) fn call(&mut self) -> u32 {
        self.own();
        self.start();
        match self.state() {
            State::Started => self.delivery().attempt,
            _ => self.delivery().attempt + 1,
        }
    }

    pub(super) fn own(&mut self) {
        let Some(due_at) = self
            .delivery()
            .due_at
            .filter(|_| self.state() == State::Due)
        else {
            return;
        };
        self.now = self.now.max(due_at);
        self.place(Delivery {
            state: State::Owned,
            due_at: None,
            ..self.delivery().clone()
        });
    }

    pub(super) fn start(&mut self) {
        if let Some(started) = delivery::start(self.delivery(), self.now) {
            self.place(started);
        }
    }

    /// The delivery's own moves, of which the run hears nothing.
    pub(super) fn place(&mut self, next: Delivery) {
        let mut change = RunChange::keep(self.run.id.clone());
        change.delivery = Some(DeliveryWrite::update(self.delivery(), next));
        self.apply(change).unwrap();
    }

    /// What settling attempt `number` writes, decided on what stands now.
    pub(super) fn settling(&self, number: u32, outcome: &Outcome, random: u64) -> RunChange {
        let (kind, status, diagnosis) = match outcome {
            Outcome::Accepted(told) => (OutcomeKind::Accepted, Some(200), told.warning.clone()),
            Outcome::Retry(retry) => (OutcomeKind::Retry, None, Some(retry.diagnosis.clone())),
            Outcome::Unknown(found) => (OutcomeKind::Unknown, None, Some(found.clone())),
            Outcome::Refused(found) => (OutcomeKind::Refused, Some(404), Some(found.clone())),
        };
        let attempt = Attempt {
            number,
            started_at: self.now,
            duration_micros: 1_500,
            status,
            outcome: kind,
            signed_with: Some("credential".to_owned()),
            diagnosis,
            answer: None,
        };
        let response = status.map(|status| json!({"status": status}));
        let settling = Settling {
            now: self.now,
            schedule: &Schedule::default(),
            report_timeout: TIMEOUT,
            random,
        };
        settled(
            &self.run,
            self.delivery(),
            attempt,
            outcome,
            response,
            &settling,
        )
    }

    pub(super) fn settle(&mut self, number: u32, outcome: &Outcome) {
        let change = self.settling(number, outcome, 10);
        self.apply(change).unwrap();
    }

    /// One attempt that comes to `outcome`.
    pub(super) fn attempt(&mut self, outcome: &Outcome) {
        let number = self.call();
        self.settle(number, outcome);
    }

    /// Applies what was decided; what was told too late is kept as well.
    fn take(&mut self, decided: Result<RunChange, ReportRejection>) -> Result<(), ReportRejection> {
        match decided {
            Ok(change) => self.apply(change).unwrap(),
            Err(ReportRejection::RunEnded(change)) => {
                self.apply((*change).clone()).unwrap();
                return Err(ReportRejection::RunEnded(change));
            }
            Err(rejection) => return Err(rejection),
        }
        Ok(())
    }

    fn reporting<'a>(&self, reporter: &'a Reporter) -> Reporting<'a> {
        Reporting {
            reporter,
            now: self.now,
            report_timeout: TIMEOUT,
        }
    }

    pub(super) fn report(&mut self, by: &Reporter, told: Report) -> Result<(), ReportRejection> {
        let decided = report(&self.run, self.delivery.as_ref(), told, self.reporting(by));
        self.take(decided)
    }

    pub(super) fn log(
        &mut self,
        by: &Reporter,
        message: &str,
        termination: Option<Status>,
    ) -> Result<(), ReportRejection> {
        let entry = LogEntry {
            id: RunLogId::mint(self.now, u64::from(self.run.log_lines)),
            message: message.to_owned(),
            termination,
            status_label: None,
        };
        let decided = log(&self.run, self.delivery.as_ref(), entry, self.reporting(by));
        self.take(decided)
    }

    pub(super) fn respond(&mut self, by: &Reporter, answer: Value) -> Result<(), ReportRejection> {
        let decided = respond(
            &self.run,
            self.delivery.as_ref(),
            answer,
            self.reporting(by),
        );
        self.take(decided)
    }

    /// Whether the caller took the run now, rather than held it already.
    pub(super) fn redeem(
        &mut self,
        by: &Reporter,
        name: Option<&str>,
    ) -> Result<bool, ReportRejection> {
        let asked = Redeem {
            by: name.map(str::to_owned),
        };
        match redeem(&self.run, self.delivery.as_ref(), asked, self.reporting(by)) {
            Ok(RedeemAnswer::Taken(change)) => self.take(Ok(*change)).map(|()| true),
            Ok(RedeemAnswer::HeldAlready) => Ok(false),
            Err(rejection) => self.take(Err(rejection)).map(|()| false),
        }
    }

    /// Looks whether a time that was waited for has come.
    pub(super) fn watch(&mut self) -> bool {
        let Some(silence) = delivery::watch(self.delivery(), self.now, TIMEOUT) else {
            return false;
        };
        let change = label_silence(&self.run, self.delivery(), silence, self.now);
        self.apply(change).unwrap();
        true
    }

    pub(super) fn redeliver(&mut self) -> Result<(), RedeliverRejection> {
        let open = !self.run.status.is_final();
        let next = delivery::redeliver(self.delivery(), open, self.now)?;
        let change = redelivered(&self.run, self.delivery(), next, "person", self.now);
        self.apply(change).unwrap();
        Ok(())
    }

    pub(super) fn give_up(&mut self) -> bool {
        let dead = delivery::give_up(self.delivery(), self.now);
        self.conclude(dead, "person")
    }

    pub(super) fn destination_down(&mut self) -> bool {
        let dead = delivery::destination_down(self.delivery(), self.now);
        self.conclude(dead, ENGINE)
    }

    fn conclude(&mut self, dead: Option<Delivery>, by: &str) -> bool {
        let Some(dead) = dead else { return false };
        let change = conclude(&self.run, self.delivery(), dead, by, self.now);
        self.apply(change).unwrap();
        true
    }

    /// The process dies and starts again.
    pub(super) fn recover(&mut self) {
        if let Some(lost) = delivery::recover(self.delivery(), self.now) {
            let change = recovered(&self.run, self.delivery(), lost, self.now);
            self.apply(change).unwrap();
        }
    }
}

pub(super) fn diagnosis(reason: Reason) -> Diagnosis {
    Diagnosis {
        reason,
        message: format!("the receiver did it: {reason}"),
        fix: "Mend the receiver.".to_owned(),
    }
}

pub(super) fn accepted() -> Outcome {
    Outcome::Accepted(Acceptance::default())
}

pub(super) fn retry() -> Outcome {
    Outcome::Retry(Retry {
        diagnosis: diagnosis(Reason::ConnectionRefused),
        retry_after: None,
        uses_attempt: true,
    })
}

pub(super) fn unknown() -> Outcome {
    Outcome::Unknown(diagnosis(Reason::AnswerTimeout))
}

pub(super) fn refused() -> Outcome {
    Outcome::Refused(diagnosis(Reason::NotFound))
}
