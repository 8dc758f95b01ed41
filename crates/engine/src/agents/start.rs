//! May this call be made? Before an agent calls, `started` is on disk.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use longshore_domain::agent::{
    AttemptRef, BATCH_LIMIT, Session, Start, StartAnswer, StartItem, StartRefusal, StartVerdict,
};
use longshore_domain::delivery::{Delivery, StartedByAgent, State, start_by_agent};
use longshore_domain::id::DeliveryId;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::{Run, started_by_agent};
use longshore_store::Error as Stored;

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

    async fn start_batch(&self, start: Start) -> Result<Vec<StartAnswer>, Error> {
        let by = &start.by;
        let attempts = start.items.iter().map(|item| &item.attempt);
        let known = &self.deliveries_named(attempts).await?;
        let answers = start.items.into_iter().map(|item| async move {
            let first = known.get(&item.attempt.delivery).cloned();
            let started = self.start_one(by, &item, first).await?;
            Ok(StartAnswer {
                attempt: item.attempt,
                answer: match started {
                    Ok(_) => StartVerdict::Started,
                    Err(_) => StartVerdict::No,
                },
                reason: started.err(),
                repeat_unknown: started.ok().map(|repeat| repeat == Repeat::Allowed),
            })
        });
        join_all(answers).await.into_iter().collect()
    }

    /// Whether a repeat of the started call is harm, or why it must not be made.
    async fn start_one(
        &self,
        by: &Session,
        asked: &StartItem,
        mut found: Option<(Run, Delivery)>,
    ) -> Result<Result<Repeat, StartRefusal>, Error> {
        let item = &asked.attempt;
        for _ in 0..DECISIONS_LIMIT {
            let Some((run, delivery)) = found else {
                return Ok(Err(StartRefusal::NotFound));
            };
            if asked.run.as_ref().is_some_and(|asked| *asked != run.id) {
                return Ok(Err(StartRefusal::NotFound));
            }
            let now = self.environment.now();
            let answer = start_by_agent(&delivery, item.attempt, by, asked.repeat(), now);
            let started = match answer {
                StartedByAgent::Now(started) => started,
                StartedByAgent::Already => {
                    // A twin of this question that came second has taken it out again.
                    self.agents.sessions().will_start(by, &item.delivery);
                    return Ok(Ok(delivery.repeat));
                }
                StartedByAgent::No(refusal) => return Ok(Err(refusal)),
            };
            let repeat = started.repeat;
            let change = Arc::new(started_by_agent(&run, &delivery, started));
            self.agents.sessions().will_start(by, &item.delivery);
            match self.store.apply(Arc::clone(&change)).await {
                Ok(_) => {
                    self.observe(&run, Some(&delivery), &change);
                    if self.agents.sessions().holds(by, &item.delivery) {
                        return Ok(Ok(repeat));
                    }
                    // The session was lost before this was written, so nobody would look for it.
                    if let Err(error) = self.lose_one(by, &item.delivery).await {
                        let started = StartedSet::from([item.delivery.clone()]);
                        self.agents.sessions().look_again(by, started);
                        return Err(error.into());
                    }
                    return Ok(Err(StartRefusal::Superseded));
                }
                Err(error) => {
                    // What was started before is under way, whatever became of this.
                    if delivery.state != State::Started {
                        self.agents.sessions().has_ended(by, &item.delivery);
                    }
                    if !matches!(error, Stored::Conflict(_)) {
                        return Err(error.into());
                    }
                }
            }
            found = self.store.delivery(&item.delivery).await?;
        }
        Err(Error::Overloaded)
    }
}

impl Engine {
    /// What a batch begins with, read at once; whatever moves meanwhile is read again.
    pub(super) async fn deliveries_named<'a>(
        &self,
        attempts: impl Iterator<Item = &'a AttemptRef>,
    ) -> Result<HashMap<DeliveryId, (Run, Delivery)>, Error> {
        let ids: Vec<DeliveryId> = attempts.map(|it| it.delivery.clone()).collect();
        let found = self.store.deliveries_of(&ids).await?;
        let named = found.into_iter();
        Ok(named.map(|it| (it.1.id.clone(), it)).collect())
    }
}

/// Batches are bounded, so that one agent's is written before another's waits for long.
pub(super) fn at_most(items: usize) -> Result<(), Error> {
    if items > BATCH_LIMIT {
        let expected = format!("expected at most {BATCH_LIMIT} items, found {items}");
        return Err(Error::invalid("items", &expected));
    }
    Ok(())
}
