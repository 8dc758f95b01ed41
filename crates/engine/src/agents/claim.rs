//! Claims: an agent that polls asks for work, and may wait until there is some.

use std::sync::Arc;
use std::time::Duration;

use longshore_backends::kafka::PublishFailure;
use longshore_domain::agent::{
    AttemptRef, CLAIM_WAIT_LIMIT_SECONDS, Claim, ClaimedDelivery, EXECUTION_AGENT, Streamer,
};
use longshore_domain::delivery::{CLAIM_LEASE, Delivery, Way, hand_over};
use longshore_domain::id::RunId;
use longshore_domain::run::{
    self, AGENT_DESTINATION, Documents, GITLAB_DESTINATION, INTEGRATION_PREFIX, Message, Run,
    RunChange, RunView,
};
use longshore_domain::time::Timestamp;
use longshore_jq::Members as _;
use longshore_store::{Error as Stored, Found};
use serde_json::Value;

use super::leases::Untold;
use crate::Engine;
use crate::caller::Caller;
use crate::decide::About;
use crate::dispatch::no_signer;
use crate::error::Error;
use crate::identity::SigningSecret;
use crate::scope::{self, RunScope};

/// The most runs of one claim.
const CLAIM_LIMIT: u32 = 500;
/// The most bytes of documents of one claim; a larger run is handed out alone.
const CLAIM_BYTES: u64 = 4 << 20;
/// The longest lease that an integration may ask for.
const LEASE_LIMIT: Duration = Duration::from_secs(3_600);

/// What a claim is answered.
#[derive(Clone, Debug, Default)]
pub struct Claimed {
    /// The runs as the API shows them, their payloads complete.
    pub runs: Vec<Value>,
    /// The attempt that each of them is.
    pub deliveries: Vec<ClaimedDelivery>,
}

impl Engine {
    /// Gives an agent what waits for it, and keeps it for that agent for `lease`, the usual one
    /// where that is absent.
    ///
    /// # Errors
    /// Where the caller may not, the session was replaced, or nothing can be stored.
    pub async fn claim(
        self: &Arc<Self>,
        caller: &Caller,
        claim: Claim,
        lease: Option<Duration>,
    ) -> Result<Claimed, Error> {
        caller.admin()?;
        match &claim.by {
            Some(by) => {
                self.meet(by).await?;
                if self.agents.sessions().is_draining(by) {
                    return Ok(Claimed::default());
                }
            }
            None => {
                let now = self.environment.now();
                let name = &claim.installation_id;
                self.agents.sessions().meet_nameless(name, now);
            }
        }
        let wait = claim.wait_seconds.unwrap_or(0);
        let wait = Duration::from_secs(wait.min(CLAIM_WAIT_LIMIT_SECONDS));
        let until = tokio::time::Instant::now() + wait;
        loop {
            // Whatever arrives from here on is noticed, though it is not waited for yet.
            let arrived = self.agents.work.notified();
            let mut untold = Untold::of(self, &[]);
            let (mut claimed, next) = self.claim_now(&claim, lease, &mut untold).await?;
            if self.are_held(&claim, &claimed, lease) {
                untold.told();
            } else {
                // Its session ended meanwhile: what was taken is given back.
                claimed = Claimed::default();
                drop(untold);
            }
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if !claimed.runs.is_empty() || left.is_zero() || self.tasks.is_stopping() {
                return Ok(claimed);
            }
            let now = self.environment.now();
            let due = next.map_or(left, |at| at.since(now).min(left));
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep(due) => {}
                () = self.tasks.stopped() => {}
            }
        }
    }

    async fn claim_now(
        self: &Arc<Self>,
        claim: &Claim,
        lease: Option<Duration>,
        untold: &mut Untold,
    ) -> Result<(Claimed, Option<Timestamp>), Error> {
        let now = self.environment.now();
        let until = lease_until(lease, now);
        let mut room = claim.limit.min(CLAIM_LIMIT);
        let (mut claimed, mut next) = (Claimed::default(), None::<Timestamp>);
        for destination in self.destinations_of(claim) {
            if room == 0 {
                break;
            }
            let label = self.label_of(&destination);
            let (engine, exclude) = (Arc::clone(self), claim.exclude.clone());
            // To its end, also where the caller goes away meanwhile: what the write takes then is
            // given back when this is dropped.
            let taking = self.tasks.finish(async move {
                let (way, limits) = ((Way::Claim, until), (room, CLAIM_BYTES));
                let due = engine
                    .store
                    .publish_due(&destination, way, now, limits, &exclude);
                let (taken, next) = due.await?;
                Ok::<_, Stored>((Untold::of(&engine, &taken), taken, next))
            });
            let broke_off = || Stored::Unavailable("the claim broke off".into());
            let (held, taken, then) = taking.await.unwrap_or_else(|| Err(broke_off()))?;
            untold.join(held);
            next = [next, then].into_iter().flatten().min();
            room -= u32::try_from(taken.len()).unwrap_or(room).min(room);
            self.metrics.published(label, taken.len() as u64);
            for found in taken {
                self.hand_out(found, claim, until, &mut claimed).await;
            }
        }
        Ok((claimed, next))
    }

    /// Whether the session that claimed can hold what is handed out; who names none always can.
    fn are_held(&self, claim: &Claim, claimed: &Claimed, lease: Option<Duration>) -> bool {
        let Some(by) = claim.by.as_ref().filter(|_| !claimed.runs.is_empty()) else {
            return true;
        };
        let attempts = claimed.deliveries.iter().map(|it| it.attempt.clone());
        let attempts: Vec<AttemptRef> = attempts.collect();
        let now = self.environment.now();
        let until = lease_until(lease, now);
        let mut sessions = self.agents.sessions();
        sessions.will_hold(by, &attempts, until, now)
    }

    /// Where what this agent can take waits.
    fn destinations_of(&self, claim: &Claim) -> Vec<String> {
        if claim.installation_id != EXECUTION_AGENT {
            return vec![format!("{INTEGRATION_PREFIX}{}", claim.installation_id)];
        }
        if self.streamer() != Streamer::Polling {
            return Vec::new();
        }
        let method = claim.invocation_method.as_deref();
        let mut found = Vec::new();
        if method != Some("GITLAB") {
            found.push(AGENT_DESTINATION.to_owned());
        }
        // An agent without a session only calls URLs.
        if claim.by.is_some() && method.is_none_or(|method| method == "GITLAB") {
            found.push(GITLAB_DESTINATION.to_owned());
        }
        found
    }

    async fn hand_out(&self, found: Found, claim: &Claim, until: Timestamp, claimed: &mut Claimed) {
        let Found {
            run,
            documents,
            delivery: Some(delivery),
        } = found
        else {
            return;
        };
        let encrypted = documents.encrypted.is_some();
        let signer = encrypted.then(|| self.identity.signing_secret()).flatten();
        let completed = self.complete(&run, documents, &delivery, signer.as_ref());
        let documents = match completed.await {
            Ok(documents) => documents,
            Err(failure) => return self.note_not_given(&run.id, &delivery, failure).await,
        };
        let action = self.catalog.compiled(&run.action).await.ok();
        let mut shown = RunView {
            run: &run,
            documents: &documents,
            action: action.as_ref().map(|action| action.title_and_icon()),
        }
        .json(false);
        if let Value::Object(shown) = &mut shown {
            shown.insert("claimedUntil".into(), until.to_string().into());
        }
        if let Some(message) = self.message_for(claim, &run, &documents).await {
            let (place, key) = match claim.by {
                Some(_) => (Some(&mut shown), "message"),
                None => (shown.get_mut("payload"), "body"),
            };
            if let Some(Value::Object(place)) = place {
                place.insert(key.into(), message);
            }
        }
        claimed.runs.push(shown);
        if claim.by.is_some() {
            claimed.deliveries.push(ClaimedDelivery {
                run: run.id,
                attempt: AttemptRef {
                    delivery: delivery.id,
                    attempt: delivery.attempt,
                },
            });
        }
    }

    /// The message that the claimer needs beside the run: a session always; an execution agent
    /// without one makes it from the body of the call, where that has room for it.
    async fn message_for(&self, claim: &Claim, run: &Run, documents: &Documents) -> Option<Value> {
        let payload = documents.payload.as_ref()?;
        let makes_it =
            claim.installation_id != EXECUTION_AGENT || run::has_room_for_message(payload);
        if claim.by.is_none() && makes_it {
            return None;
        }
        let message = Message::of_stored(run, documents);
        self.agent_message(run, payload, &message).await.ok()
    }

    /// The documents with what names a secret filled in, and with encrypted inputs under the secret
    /// of `signer`; for the wire alone.
    ///
    /// # Errors
    /// Why there is nothing to be given to an agent.
    pub(super) async fn complete(
        &self,
        run: &Run,
        mut documents: Documents,
        delivery: &Delivery,
        signer: Option<&SigningSecret>,
    ) -> Result<Documents, PublishFailure> {
        if let Some(encrypted) = documents.encrypted.as_ref().filter(|it| it.has_sealed()) {
            let signer = signer.ok_or_else(|| PublishFailure::Unavailable(no_signer()))?;
            let wire = self
                .wire_inputs(&run.id, delivery.attempt, encrypted, &signer.value)
                .map_err(|fault| PublishFailure::Refused(fault.diagnosis()))?;
            let mut properties = std::mem::take(&mut documents.properties).into_value();
            wire.put_into(&mut properties);
            documents.properties = properties.into();
        }
        let deferred = !documents.deferred.is_empty();
        let Some(payload) = documents.payload.take_if(|_| deferred) else {
            return Ok(documents);
        };
        let token = self.identity.run_token(&run.id, delivery.attempt);
        let scope = RunScope::of(run, &documents).whole();
        let scope = scope::with_secrets(scope, &self.secrets.values(), &token);
        let filled = self
            .fill_deferred(payload.into_value(), &documents.deferred, &scope)
            .await;
        if let Some(failed) = self.failed_templates(filled.failures) {
            self.tell_of(run, &failed).await;
        }
        documents.payload = Some(filled.payload.into());
        Ok(documents)
    }

    async fn tell_of(&self, run: &Run, failed: &run::FailedTemplates) {
        let mut change = RunChange::keep(run.id.clone());
        run::tell_failed_templates(&mut change, run, failed, self.environment.now());
        if let Err(error) = self.store.apply(Arc::new(change)).await {
            tracing::warn!(%error, run = %run.id, "a template's failure was not written");
        }
    }

    /// Hands runs over to an agent or integration for good; answers which of them were.
    ///
    /// # Errors
    /// Where the caller may not, or nothing can be stored.
    pub async fn acknowledge(&self, caller: &Caller, runs: &[RunId]) -> Result<Vec<RunId>, Error> {
        let credential = caller.admin()?;
        let mut acknowledged = Vec::new();
        for id in runs {
            if self.acknowledge_one(credential, id).await? {
                acknowledged.push(id.clone());
            }
        }
        Ok(acknowledged)
    }

    async fn acknowledge_one(&self, credential: &str, id: &RunId) -> Result<bool, Error> {
        let acknowledged = self.decide(About::Run(id), |run, delivery| {
            let now = self.environment.now();
            Ok::<_, Error>(delivery.and_then(|delivery| {
                let timeout = self.report_timeout(Some(delivery));
                let taken = hand_over(delivery, now, timeout)?;
                let change = run::handed_over(run, delivery, taken, credential, now);
                Some((change, ()))
            }))
        });
        Ok(acknowledged.await?.is_some())
    }
}

fn lease_until(lease: Option<Duration>, now: Timestamp) -> Timestamp {
    now.plus(lease.unwrap_or(CLAIM_LEASE).min(LEASE_LIMIT))
}
