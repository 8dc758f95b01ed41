//! Deliveries: looking at them, sending them again, giving them up.

use std::sync::Arc;

use longshore_domain::delivery::{self, Attempt, Delivery, Receiver, Schedule, State, Way};
use longshore_domain::id::DeliveryId;
use longshore_domain::run::{self, Run, RunChange};
use longshore_store::{DeliveryFilter, Page};
use serde_json::{Value, json};

use crate::Engine;
use crate::caller::Caller;
use crate::decide::About;
use crate::error::Error;
use crate::runs::of_page;

impl Engine {
    /// Deliveries that match `filter`, newest first.
    ///
    /// # Errors
    /// Where the caller may not, or the cursor is not one of ours.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        filter: DeliveryFilter,
    ) -> Result<Page<Delivery>, Error> {
        caller.admin()?;
        self.store.deliveries(filter).await.map_err(of_page)
    }

    /// A delivery's attempts, oldest first.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such delivery.
    pub async fn attempts(&self, caller: &Caller, id: &DeliveryId) -> Result<Vec<Attempt>, Error> {
        caller.admin()?;
        self.known_delivery(id).await?;
        Ok(self.store.attempts(id).await?)
    }

    /// Sends a delivery again, its schedule started anew.
    ///
    /// # Errors
    /// Where the caller may not, there is no such delivery, an attempt is under way, or the run
    /// has ended.
    pub async fn redeliver(
        self: &Arc<Self>,
        caller: &Caller,
        id: &DeliveryId,
    ) -> Result<Delivery, Error> {
        let by = caller.admin()?.to_owned();
        let (engine, id) = (Arc::clone(self), id.clone());
        // To its end also where the caller goes away: what is due must be known to the dispatcher.
        let work = async move { engine.redeliver_for(&by, &id).await };
        let sent = self.tasks.finish(work).await;
        sent.unwrap_or_else(|| Err(Error::Unavailable("the redelivery broke off".into())))
    }

    async fn redeliver_for(self: &Arc<Self>, by: &str, id: &DeliveryId) -> Result<Delivery, Error> {
        let sent = self
            .decide_delivery(id, |run, delivery| {
                let now = self.environment.now();
                let open = !run.status.is_final();
                let next = delivery::redeliver(delivery, open, now).map_err(Error::Redelivery)?;
                Ok(run::redelivered(run, delivery, next, by, now))
            })
            .await?;
        if let Some(due_at) = sent.due_at.filter(|_| sent.state == State::Due) {
            self.note_stored(&sent.destination, due_at);
        }
        Ok(sent)
    }

    /// Gives an unconfirmed delivery up; its run fails.
    ///
    /// # Errors
    /// Where the caller may not, there is no such delivery, or it is not unconfirmed.
    pub async fn give_up(
        self: &Arc<Self>,
        caller: &Caller,
        id: &DeliveryId,
    ) -> Result<Delivery, Error> {
        let by = caller.admin()?.to_owned();
        self.decide_delivery(id, |run, delivery| {
            let now = self.environment.now();
            let dead = delivery::give_up(delivery, now).ok_or_else(|| {
                Error::Conflict(format!(
                    "the delivery is {}, not unconfirmed",
                    delivery.state.name()
                ))
            })?;
            Ok(run::conclude(run, delivery, dead, &by, now))
        })
        .await
    }

    async fn decide_delivery(
        &self,
        id: &DeliveryId,
        rule: impl Fn(&Run, &Delivery) -> Result<RunChange, Error>,
    ) -> Result<Delivery, Error> {
        let decided = self.decide(About::Delivery(id), |run, delivery| {
            let Some(delivery) = delivery else {
                return Ok(None);
            };
            let change = rule(run, delivery)?;
            let written = change.delivery.as_ref();
            let decided = written.map_or(delivery, |write| write.delivery()).clone();
            Ok::<_, Error>(Some((change, decided)))
        });
        let decided = decided.await?;
        decided.ok_or_else(|| Error::not_found("delivery", id.as_str()))
    }

    async fn known_delivery(&self, id: &DeliveryId) -> Result<(Run, Delivery), Error> {
        let found = self.store.delivery(id).await?;
        found.ok_or_else(|| Error::not_found("delivery", id.as_str()))
    }

    /// How long a run may be silent.
    pub(crate) fn report_timeout(&self, delivery: Option<&Delivery>) -> std::time::Duration {
        let connection = delivery
            .and_then(|delivery| delivery.connection.as_ref())
            .and_then(|id| self.connections.find(id.as_str()).ok());
        connection
            .and_then(|known| known.settings.report_timeout_seconds)
            .map_or(
                self.settings.delivery.report_timeout,
                std::time::Duration::from_secs,
            )
    }

    /// The retry schedule of a destination.
    pub(crate) fn schedule_of(&self, destination: &str) -> Schedule {
        let connection = self.connections.of_destination(destination);
        let own = connection.and_then(|known| known.settings.retry_schedule.clone());
        own.map_or_else(
            || self.settings.delivery.schedule.clone(),
            |waits| {
                Schedule::new(
                    waits
                        .into_iter()
                        .map(std::time::Duration::from_secs)
                        .collect(),
                )
            },
        )
    }
}

impl Engine {
    /// A delivery as the API shows it; one that waits for an agent with how many are connected.
    #[must_use]
    pub fn shown_delivery(&self, delivery: &Delivery) -> Value {
        let mut shown = delivery_json(delivery);
        if let Some(publication) = delivery.publication.as_deref() {
            shown["startedBy"] = json!(publication.started_by);
            if let Way::Topic(position) = publication.way {
                shown["position"] = json!(position);
            }
        }
        let waits = matches!(delivery.state, State::Due | State::Published);
        if waits && delivery.receiver == Receiver::Agent {
            shown["agentsConnected"] = self.connected_agents().into();
        }
        shown
    }
}

fn delivery_json(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id.as_str(),
        "runId": delivery.run.as_str(),
        "receiver": delivery.receiver,
        "destination": delivery.destination,
        "connectionId": delivery.connection.as_ref().map(|id| id.as_str()),
        "repeatUnknown": delivery.repeat == longshore_domain::outcome::Repeat::Allowed,
        "synchronized": delivery.synchronized,
        "state": delivery.state.name(),
        "dueAt": delivery.due_at,
        "attempts": delivery.attempt,
        "attemptsUsed": delivery.attempts_used,
        "diagnosis": delivery.diagnosis,
        "createdAt": delivery.created_at,
        "updatedAt": delivery.updated_at,
    })
}

/// An attempt as the API shows it.
#[must_use]
pub fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "number": attempt.number,
        "startedAt": attempt.started_at,
        "durationMs": attempt.duration_micros as f64 / 1_000.0,
        "status": attempt.status,
        "outcome": attempt.outcome.name(),
        "signedWith": attempt.signed_with,
        "diagnosis": attempt.diagnosis,
        "answer": attempt.answer,
    })
}
