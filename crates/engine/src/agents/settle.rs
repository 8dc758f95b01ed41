//! What became of the calls that agents made.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use longshore_backends::scrub::{Scrubber, may_stand_in};
use longshore_domain::agent::{
    AttemptRef, LOGS_LIMIT, Reported, Session, Settle, SettleAnswer, SettleVerdict, Settlement,
};
use longshore_domain::delivery::{self, Attempt, Delivery, OutcomeKind, State};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::id::{DeliveryId, RunLogId};
use longshore_domain::outcome::Outcome;
use longshore_domain::run::{self, AgentReport, Documents, LogLine, Run, RunChange};
use longshore_domain::secret::Secret;
use longshore_domain::time::Timestamp;
use longshore_jq::Members as _;
use longshore_store::{AgentDelivery, Error as Stored};
use serde_json::Value;

use super::start::{at_most, by_id, ids, unanswered};
use crate::Engine;
use crate::caller::Caller;
use crate::decide::DECISIONS_LIMIT;
use crate::error::Error;
use crate::identity::Identity;
use crate::scope::{self, RunScope};

/// How much of an answer an attempt keeps.
const EXCERPT_BYTES: usize = 4 * 1024;
/// The most bytes of one log line, message or fix.
const TEXT_BYTES: usize = 8 * 1024;

impl Engine {
    /// Records what became of attempts, and moves deliveries and runs as the tables say. Whatever
    /// an item is answered, the agent may forget it.
    ///
    /// # Errors
    /// Where the caller may not, the batch is too large, or nothing can be stored: then the agent
    /// keeps what it has to tell.
    pub async fn settle_deliveries(
        &self,
        caller: &Caller,
        settle: Settle,
    ) -> Result<Vec<SettleAnswer>, Error> {
        let credential = caller.admin()?;
        at_most(settle.items.len())?;
        let by = &settle.by;
        let attempts = settle.items.iter().map(|item| &item.attempt);
        let mut known = self.started_or_stored(&ids(attempts)).await?;
        let kept_back = &self.kept_back_of(known.values()).await?;
        // All that can be decided on what was read is written at once.
        let mut changes = Vec::with_capacity(settle.items.len());
        let mut steps = Vec::with_capacity(settle.items.len());
        for told in settle.items {
            let attempt = told.attempt.clone();
            let step = match known.remove(&attempt.delivery) {
                Some(AgentDelivery { run, delivery, .. })
                    if is_present(&delivery, &attempt) && may_settle(&delivery, by, &told) =>
                {
                    let told = self.scrubbed(&run, told, kept_back).await;
                    let change = Arc::new(self.settlement(credential, &run, &delivery, &told));
                    changes.push(Arc::clone(&change));
                    Step::Written(Box::new((run, delivery, told)), change)
                }
                _ => Step::Alone(Box::new(told)),
            };
            steps.push((attempt, step));
        }
        let mut applied = self.store.apply_all(changes).await.into_iter();
        let (mut settled, mut alone) = (Vec::with_capacity(steps.len()), Vec::new());
        for (attempt, step) in steps {
            let verdict = match step {
                Step::Alone(told) => {
                    alone.push(*told);
                    None
                }
                Step::Written(found, change) => {
                    let (run, delivery, told) = *found;
                    match applied.next().unwrap_or_else(|| Err(unanswered())) {
                        Ok(_) => Some(Ok(self.was_written(&run, &delivery, &change))),
                        // It moved, or was deleted, since it was read.
                        Err(Stored::Conflict(_) | Stored::NotFound(_)) => {
                            alone.push(told);
                            None
                        }
                        Err(error) => Some(Err(error.into())),
                    }
                }
            };
            settled.push((attempt, verdict));
        }
        // Together, since answers that come late may be many.
        let alone = alone.into_iter();
        let alone = alone.map(|told| self.settle_one(credential, by, told, kept_back));
        let mut alone = join_all(alone).await.into_iter();
        let (mut answers, mut failed) = (Vec::with_capacity(settled.len()), None);
        for (attempt, verdict) in settled {
            let verdict = verdict.or_else(|| alone.next());
            let settled = verdict.unwrap_or_else(|| Err(unanswered().into()));
            match settled {
                Ok(answer) => {
                    self.agents.sessions().has_ended(by, &attempt.delivery);
                    answers.push(SettleAnswer { attempt, answer });
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.agents.arrived();
        failed.map_or(Ok(answers), Err)
    }

    /// As it was written when it was started, where that is remembered; read at once, where not.
    async fn started_or_stored(
        &self,
        ids: &[DeliveryId],
    ) -> Result<HashMap<DeliveryId, AgentDelivery>, Error> {
        let mut known = HashMap::with_capacity(ids.len());
        let mut unknown = Vec::new();
        {
            let mut remembered = self.agents.remembered();
            for id in ids {
                match remembered.take(id) {
                    Some(started) => drop(known.insert(id.clone(), started)),
                    None => unknown.push(id.clone()),
                }
            }
        }
        if !unknown.is_empty() {
            known.extend(by_id(self.store.deliveries_of(&unknown).await?));
        }
        Ok(known)
    }

    /// Settles what is looked at alone, as it stands in storage.
    async fn settle_one(
        &self,
        credential: &str,
        by: &Session,
        mut told: Settlement,
        kept_back: &KeptBack,
    ) -> Result<SettleVerdict, Error> {
        for _ in 0..DECISIONS_LIMIT {
            let found = self.store.delivery(&told.attempt.delivery).await?;
            let Some((run, delivery)) = found else {
                return Ok(SettleVerdict::NotFound);
            };
            // What is clean already stays as it is.
            told = self.scrubbed(&run, told, kept_back).await;
            if !may_settle(&delivery, by, &told) {
                return Ok(SettleVerdict::NotFound);
            }
            if self.was_settled(&delivery, &told).await? {
                return Ok(SettleVerdict::Recorded);
            }
            let change = Arc::new(self.settlement(credential, &run, &delivery, &told));
            match self.store.apply(Arc::clone(&change)).await {
                Ok(_) => return Ok(self.was_written(&run, &delivery, &change)),
                Err(Stored::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Overloaded)
    }

    fn was_written(&self, run: &Run, delivery: &Delivery, change: &RunChange) -> SettleVerdict {
        self.observe(run, Some(delivery), change);
        match change.delivery {
            Some(_) => SettleVerdict::Settled,
            None => SettleVerdict::Recorded,
        }
    }

    /// Whether the agent told this before and did not hear the answer.
    async fn was_settled(&self, delivery: &Delivery, told: &Settlement) -> Result<bool, Error> {
        if is_present(delivery, &told.attempt) {
            return Ok(false);
        }
        let number = told.attempt.attempt;
        let attempts = self.store.attempts(&delivery.id).await?;
        Ok(attempts.iter().any(|made| {
            let guessed = made.diagnosis.as_ref().map(|found| found.reason);
            made.number == number && guessed != Some(Reason::AgentLost)
        }))
    }

    fn settlement(
        &self,
        credential: &str,
        run: &Run,
        delivery: &Delivery,
        told: &Settlement,
    ) -> RunChange {
        let now = self.environment.now();
        let number = told.attempt.attempt;
        let outcome = Outcome::from(told.outcome.clone());
        let attempt = attempt_of(delivery, told, &outcome, now);
        self.settling_of(delivery, |settling| {
            if let Reported::Unverified { diagnosis } = &told.outcome {
                let next = delivery::not_published(delivery, number, diagnosis, true, settling);
                return match next {
                    Some(next) => run::moved(run, delivery, next, Some(attempt), credential, now),
                    // Once it is started, what a message says of itself no longer matters.
                    None => RunChange::keep(run.id.clone()),
                };
            }
            let line = |message: &String| LogLine {
                id: RunLogId::mint(now, self.environment.random_u64()),
                message: message.clone(),
                created_by: credential.to_owned(),
                created_at: now,
            };
            let report = AgentReport {
                response: told.response.clone(),
                log: told.logs.iter().map(line).collect(),
                run: told.report.clone().unwrap_or_default(),
            };
            run::settled_by_agent(run, delivery, attempt, &outcome, report, settling)
        })
    }

    /// Takes every secret out that the call was made with, and cuts what is too long.
    async fn scrubbed(&self, run: &Run, mut told: Settlement, kept_back: &KeptBack) -> Settlement {
        told.logs.truncate(LOGS_LIMIT);
        let documents = kept_back.documents.get(&told.attempt.delivery);
        let longest = longest_text(&told);
        let secrets = match documents {
            None if !Identity::may_hold_run_token(longest, &run.id) => Vec::new(),
            _ => self.secrets_of(run, told.attempt.attempt, documents).await,
        };
        let secrets = secrets.iter().map(|secret| secret.expose().as_str());
        let scrubber = kept_back
            .everywhere
            .and(secrets.filter(|secret| may_stand_in(longest, secret)));
        let text = |text: &mut String| {
            *text = scrubber.scrub_text(text);
            text.truncate(text.floor_char_boundary(TEXT_BYTES));
        };
        told.logs.iter_mut().for_each(text);
        if let Some(answer) = &told.answer {
            told.answer = Some(scrubber.excerpt(answer.as_bytes(), false, EXCERPT_BYTES));
        }
        if let Some(response) = &mut told.response {
            scrub_value(&scrubber, response);
        }
        if let Some(report) = &mut told.report {
            report.summary.iter_mut().for_each(text);
            report.external_run_id.iter_mut().for_each(text);
            report
                .link
                .iter_mut()
                .for_each(|link| scrub_value(&scrubber, link));
        }
        match &mut told.outcome {
            Reported::Accepted {
                warning,
                external_run_id,
                links,
            } => {
                warning
                    .iter_mut()
                    .for_each(|told| cut_diagnosis(told, &text));
                external_run_id.iter_mut().for_each(text);
                links.truncate(LOGS_LIMIT);
                links.iter_mut().for_each(text);
            }
            Reported::Retry { diagnosis, .. }
            | Reported::Unknown { diagnosis }
            | Reported::Refused { diagnosis }
            | Reported::Unverified { diagnosis } => cut_diagnosis(diagnosis, &text),
        }
        told
    }

    /// What nobody shall read of the calls for these deliveries: read once for a whole batch.
    async fn kept_back_of(
        &self,
        deliveries: impl Iterator<Item = &AgentDelivery>,
    ) -> Result<KeptBack, Error> {
        let per_attempt = deliveries.filter(|known| known.per_attempt);
        let per_attempt: Vec<DeliveryId> = per_attempt.map(|it| it.delivery.id.clone()).collect();
        let documents = match per_attempt.as_slice() {
            [] => Vec::new(),
            ids => self.store.documents_per_attempt(ids).await?,
        };
        let mut secrets: Vec<Secret<String>> = self
            .secrets
            .values()
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        secrets.extend(self.identity.signing_secret().map(|signer| signer.value));
        Ok(KeptBack {
            everywhere: Scrubber::new(secrets.iter().map(|secret| secret.expose().as_str())),
            documents: documents.into_iter().collect(),
        })
    }

    /// What an agent's call may have carried that nobody shall read, beside what no call's may tell.
    async fn secrets_of(
        &self,
        run: &Run,
        attempt: u32,
        documents: Option<&Documents>,
    ) -> Vec<Secret<String>> {
        let token = self.identity.run_token(&run.id, attempt);
        let mut secrets = Vec::new();
        if let Some(documents) = documents {
            let mut scope = RunScope::of(run, documents).whole();
            if let Some(encrypted) = &documents.encrypted {
                // Which of the signer's secrets it was given under, nobody has noted.
                for secret in self.identity.signer_secrets() {
                    if let Ok(wire) = self.wire_inputs(&run.id, attempt, encrypted, &secret) {
                        wire.put_into(&mut scope["inputs"]);
                        secrets.extend(wire.into_secrets());
                    }
                }
            }
            let deferred = &documents.deferred;
            if let Some(payload) = documents
                .payload
                .as_deref()
                .filter(|_| !deferred.is_empty())
            {
                let scope = scope::with_secrets(scope, &self.secrets.values(), &token);
                let filled = self.fill_deferred(payload.clone(), deferred, &scope).await;
                secrets.extend(filled.secrets);
            }
        }
        secrets.push(token);
        secrets
    }
}

/// What nobody shall read of a batch's calls.
struct KeptBack {
    /// Without what is secret in every call.
    everywhere: Scrubber,
    /// Where more is made from, for those calls that carry more.
    documents: HashMap<DeliveryId, Documents>,
}

/// Where one item of a batch stands.
enum Step {
    /// Decided, and to be written: what was found, and what was told of it.
    Written(Box<(Run, Delivery, Settlement)>, Arc<RunChange>),
    /// It comes twice, is over, is not this session's, or does not exist: looked at after the
    /// others.
    Alone(Box<Settlement>),
}

/// Whether this is the attempt that the delivery waits for.
fn is_present(delivery: &Delivery, attempt: &AttemptRef) -> bool {
    delivery.state == State::Started && delivery.attempt == attempt.attempt
}

/// Whether the attempt is one that this session can have made.
fn may_settle(delivery: &Delivery, by: &Session, told: &Settlement) -> bool {
    let Some(publication) = delivery.publication.as_deref() else {
        return false;
    };
    let unverified = matches!(told.outcome, Reported::Unverified { .. });
    let number = told.attempt.attempt;
    if number == 0 || number > delivery.attempt {
        return false;
    }
    if number < delivery.attempt || unverified {
        return true;
    }
    publication.started_by.as_ref() == Some(by)
}

fn attempt_of(
    delivery: &Delivery,
    told: &Settlement,
    outcome: &Outcome,
    now: Timestamp,
) -> Attempt {
    let (kind, diagnosis) = match outcome {
        Outcome::Accepted(acceptance) => (OutcomeKind::Accepted, acceptance.warning.clone()),
        Outcome::Retry(retry) => (OutcomeKind::Retry, Some(retry.diagnosis.clone())),
        Outcome::Unknown(diagnosis) => (OutcomeKind::Unknown, Some(diagnosis.clone())),
        Outcome::Refused(diagnosis) => (OutcomeKind::Refused, Some(diagnosis.clone())),
    };
    Attempt {
        number: told.attempt.attempt,
        started_at: told.started_at.unwrap_or(delivery.updated_at).min(now),
        duration_micros: told.duration_ms.saturating_mul(1_000),
        status: told.status,
        outcome: kind,
        signed_with: None,
        diagnosis,
        answer: told.answer.clone(),
    }
}

/// The bytes of the longest text that an agent tells; no bound where it tells JSON.
fn longest_text(told: &Settlement) -> usize {
    let report = told.report.as_ref();
    if told.response.is_some() || report.is_some_and(|report| report.link.is_some()) {
        return usize::MAX;
    }
    let of_report = report.map(|report| [&report.summary, &report.external_run_id]);
    let of_diagnosis = |found: &Diagnosis| found.message.len().max(found.fix.len());
    let of_outcome = match &told.outcome {
        Reported::Accepted {
            warning,
            external_run_id,
            links,
        } => {
            let links = links.iter().chain(external_run_id).map(String::len);
            links.chain(warning.as_ref().map(of_diagnosis)).max()
        }
        Reported::Retry { diagnosis, .. }
        | Reported::Unknown { diagnosis }
        | Reported::Refused { diagnosis }
        | Reported::Unverified { diagnosis } => Some(of_diagnosis(diagnosis)),
    };
    let texts = of_report.into_iter().flatten().flatten();
    let texts = texts.chain(&told.logs).chain(&told.answer).map(String::len);
    texts.chain(of_outcome).max().unwrap_or(0)
}

fn cut_diagnosis(diagnosis: &mut Diagnosis, text: &impl Fn(&mut String)) {
    text(&mut diagnosis.message);
    text(&mut diagnosis.fix);
}

fn scrub_value(scrubber: &Scrubber, value: &mut Value) {
    let written = serde_json::to_vec(value).unwrap_or_default();
    let clean = scrubber.scrub(&written);
    if *clean != *written {
        *value = serde_json::from_slice(&clean)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&clean).into_owned()));
    }
}
