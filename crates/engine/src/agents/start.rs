//! May this call be made? Before an agent calls, `started` is on disk.

use std::collections::HashMap;
use std::sync::Arc;

use longshore_domain::agent::{
    AttemptRef, BATCH_LIMIT, Session, Start, StartAnswer, StartItem, StartRefusal, StartVerdict,
};
use longshore_domain::delivery::{Delivery, StartedByAgent, State, start_by_agent};
use longshore_domain::id::DeliveryId;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{Run, RunChange, started_by_agent};
use longshore_store::{AgentDelivery, Error as Stored};

use super::sessions::StartedSet;
use crate::Engine;
use crate::caller::Caller;
use crate::decide::DECISIONS_LIMIT;
use crate::error::Error;

impl Engine {
    /// Starts attempts for the session that asks; the same session is answered the same again.
    ///
    /// # Errors
    /// Where the caller may not, the batch is too large, the session was replaced, or nothing can
    /// be stored: then nothing may be called.
    pub async fn start_deliveries(
        self: &Arc<Self>,
        caller: &Caller,
        start: Start,
    ) -> Result<Vec<StartAnswer>, Error> {
        caller.admin()?;
        at_most(start.items.len())?;
        self.meet(&start.by).await?;
        // To its end, also where the agent dies meanwhile: nobody else looks for a start that is
        // written after its session was lost.
        let engine = Arc::clone(self);
        let work = async move { engine.start_batch(start).await };
        let broke_off = || Stored::Unavailable("the start broke off".into());
        let started = self.tasks.finish(work).await;
        started.unwrap_or_else(|| Err(broke_off().into()))
    }

    /// Decides on all that was read at once, and writes it at once; what moved meanwhile, or comes
    /// twice, is looked at again alone.
    async fn start_batch(&self, start: Start) -> Result<Vec<StartAnswer>, Error> {
        let by = &start.by;
        let attempts = start.items.iter().map(|item| &item.attempt);
        let known = self.store.deliveries_of(&ids(attempts)).await?;
        let mut known = by_id(known);
        let mut changes = Vec::with_capacity(start.items.len());
        let mut steps = Vec::with_capacity(start.items.len());
        for item in start.items {
            let step = match known.remove(&item.attempt.delivery) {
                None => Step::Alone,
                Some(found) => match self.decide_start(by, &item, &found.run, &found.delivery) {
                    Decided::Said(verdict) => Step::Said(verdict),
                    Decided::Write(change, repeat) => {
                        changes.push(Arc::clone(&change));
                        Step::Written(Box::new(found), change, repeat)
                    }
                },
            };
            steps.push((item, step));
        }
        let mut applied = self.store.apply_all(changes).await.into_iter();
        let (mut answers, mut failed) = (Vec::with_capacity(steps.len()), None);
        for (item, step) in steps {
            let started = match step {
                Step::Said(verdict) => Ok(Some(verdict)),
                Step::Alone => Ok(None),
                Step::Written(found, change, repeat) => {
                    let applied = applied.next().unwrap_or_else(|| Err(unanswered()));
                    let is_written = applied.is_ok();
                    let written = applied.map(|_| (&*change, repeat));
                    let (run, delivery) = (&found.run, &found.delivery);
                    let said = self.was_started(by, run, delivery, written).await;
                    if is_written {
                        self.remember(*found, Arc::unwrap_or_clone(change));
                    }
                    said
                }
            };
            let started = match started {
                Ok(Some(verdict)) => Ok(verdict),
                Ok(None) => self.start_one(by, &item).await,
                Err(error) => Err(error),
            };
            match started {
                Ok(verdict) => answers.push(answer(item.attempt, verdict)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(answers), Err)
    }

    /// Its settlement is likely to come soon.
    fn remember(&self, found: AgentDelivery, change: RunChange) {
        let (run, delivery) = change.applied_to(found.run, found.delivery);
        let started = AgentDelivery {
            run,
            delivery,
            per_attempt: found.per_attempt,
        };
        let id = started.delivery.id.clone();
        self.agents.remembered().add(id, started);
    }

    async fn start_one(&self, by: &Session, asked: &StartItem) -> Result<Verdict, Error> {
        for _ in 0..DECISIONS_LIMIT {
            let found = self.store.delivery(&asked.attempt.delivery).await?;
            let Some((run, delivery)) = found else {
                return Ok(Err(StartRefusal::NotFound));
            };
            let (change, repeat) = match self.decide_start(by, asked, &run, &delivery) {
                Decided::Said(verdict) => return Ok(verdict),
                Decided::Write(change, repeat) => (change, repeat),
            };
            let applied = self.store.apply(Arc::clone(&change)).await;
            let written = applied.map(|_| (&*change, repeat));
            if let Some(verdict) = self.was_started(by, &run, &delivery, written).await? {
                return Ok(verdict);
            }
        }
        Err(Error::Overloaded)
    }

    fn decide_start(
        &self,
        by: &Session,
        asked: &StartItem,
        run: &Run,
        delivery: &Delivery,
    ) -> Decided {
        let item = &asked.attempt;
        if asked.run.as_ref().is_some_and(|asked| *asked != run.id) {
            return Decided::Said(Err(StartRefusal::NotFound));
        }
        let now = self.environment.now();
        match start_by_agent(delivery, item.attempt, by, asked.repeat(), now) {
            StartedByAgent::Now(started) => {
                let repeat = started.repeat;
                let change = Arc::new(started_by_agent(run, delivery, started));
                self.agents.sessions().will_start(by, &item.delivery);
                Decided::Write(change, repeat)
            }
            StartedByAgent::Already => {
                // A twin of this question that came second has taken it out again.
                self.agents.sessions().will_start(by, &item.delivery);
                Decided::Said(Ok(delivery.repeat))
            }
            StartedByAgent::No(refusal) => Decided::Said(Err(refusal)),
        }
    }

    /// What is said once a start is written, or was not; none where it has to be decided anew.
    async fn was_started(
        &self,
        by: &Session,
        run: &Run,
        delivery: &Delivery,
        written: Result<(&RunChange, Repeat), Stored>,
    ) -> Result<Option<Verdict>, Error> {
        let (change, repeat) = match written {
            Ok(written) => written,
            Err(error) => {
                // What was started before is under way, whatever became of this.
                if delivery.state != State::Started {
                    self.agents.sessions().has_ended(by, &delivery.id);
                }
                return match error {
                    Stored::Conflict(_) => Ok(None),
                    error => Err(error.into()),
                };
            }
        };
        self.observe(run, Some(delivery), change);
        if self.agents.sessions().holds(by, &delivery.id) {
            return Ok(Some(Ok(repeat)));
        }
        // The session was lost before this was written, so nobody would look for it.
        if let Err(error) = self.lose_one(by, &delivery.id).await {
            let started = StartedSet::from([delivery.id.clone()]);
            self.agents.sessions().look_again(by, started);
            return Err(error.into());
        }
        Ok(Some(Err(StartRefusal::Superseded)))
    }
}

/// Whether a repeat of the started call is harm, or why it must not be made.
type Verdict = Result<Repeat, StartRefusal>;

/// Where one item of a batch stands.
enum Step {
    /// Decided, and to be written: what was found, and whether a repeat is harm.
    Written(Box<AgentDelivery>, Arc<RunChange>, Repeat),
    /// Nothing is written for it.
    Said(Verdict),
    /// It comes twice, or does not exist: looked at after the others.
    Alone,
}

/// What a start makes of what is stored.
enum Decided {
    /// This is to be written first.
    Write(Arc<RunChange>, Repeat),
    /// There is nothing to be written.
    Said(Verdict),
}

/// What a batch names.
pub(super) fn ids<'a>(attempts: impl Iterator<Item = &'a AttemptRef>) -> Vec<DeliveryId> {
    attempts.map(|it| it.delivery.clone()).collect()
}

/// What a batch begins with; whatever moves meanwhile is read again.
pub(super) fn by_id(
    found: impl IntoIterator<Item = AgentDelivery>,
) -> HashMap<DeliveryId, AgentDelivery> {
    let found = found.into_iter();
    found.map(|it| (it.delivery.id.clone(), it)).collect()
}

fn answer(attempt: AttemptRef, verdict: Verdict) -> StartAnswer {
    StartAnswer {
        attempt,
        answer: match verdict {
            Ok(_) => StartVerdict::Started,
            Err(_) => StartVerdict::No,
        },
        reason: verdict.err(),
        repeat_unknown: verdict.ok().map(|repeat| repeat == Repeat::Allowed),
    }
}

/// Storage has answered fewer changes than it was given.
pub(super) fn unanswered() -> Stored {
    Stored::Unavailable("a change was not answered".into())
}

/// Batches are bounded, so that one agent's is written before another's waits for long.
pub(super) fn at_most(items: usize) -> Result<(), Error> {
    if items > BATCH_LIMIT {
        let expected = format!("expected at most {BATCH_LIMIT} items, found {items}");
        return Err(Error::invalid("items", &expected));
    }
    Ok(())
}
