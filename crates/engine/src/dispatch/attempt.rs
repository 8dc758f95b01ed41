//! One attempt: start it, make it, settle it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use longshore_backends::client::{Call, CallProfile, MAX_ANSWER_BYTES, Reply};
use longshore_backends::kafka::{PublishFailure, Record};
use longshore_backends::outcome::Asked;
use longshore_backends::receiver;
use longshore_backends::request::{Envelope, SignatureHeader};
use longshore_backends::scrub::{Scrubber, may_tell};
use longshore_backends::webhook::{self, Webhook};
use longshore_domain::agent::header;
use longshore_domain::delivery::{self, Attempt, Delivery, OutcomeKind, Receiver, Settling, State};
use longshore_domain::diagnosis::{Diagnosis, Reason};
use longshore_domain::id::RunId;
use longshore_domain::outcome::{Acceptance, Outcome, Repeat, Retry};
use longshore_domain::run::{self, DeliveryWrite, FailedTemplates, Run, RunChange};
use longshore_domain::secret::Secret;
use longshore_domain::signature::{self, Preset, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use longshore_domain::time::Timestamp;
use longshore_store::Error as Stored;
use serde_json::Value;

use super::destination::Destination;
use super::gate::Health;
use super::parcel::{Content, Known, Parcel};
use super::{STORAGE_PAUSE, lock};
use crate::Engine;
use crate::decide::DECISIONS_LIMIT;
use crate::identity::SigningSecret;
use crate::outgoing::Outgoing;
use crate::routing::Route;

/// How much of an answer an attempt keeps.
const EXCERPT_BYTES: usize = 4 * 1024;

/// What an attempt sends, and what must not be seen of it afterwards.
pub(super) struct Prepared {
    pub(super) outgoing: Outgoing,
    pub(super) route: Arc<Route>,
    /// What signs it, and has encrypted what is encrypted in it.
    pub(super) signer: Option<SigningSecret>,
    /// What templates that name a secret yielded, beside the secrets themselves, and the encrypted
    /// inputs.
    pub(super) secrets: Vec<Secret<String>>,
    /// What of those templates came to nothing.
    pub(super) failed: Option<FailedTemplates>,
    /// Why it must not be sent.
    pub(super) fault: Option<Diagnosis>,
}

/// What an attempt would send.
pub(crate) struct Attempted {
    pub(crate) call: Result<Call, Diagnosis>,
    pub(crate) preset: Preset,
    /// What must not be seen of it.
    pub(crate) secrets: Vec<Secret<String>>,
    pub(crate) failed: Option<FailedTemplates>,
}

/// What an attempt came to.
struct Made {
    attempt: Attempt,
    outcome: Outcome,
    response: Option<Value>,
    failed: Option<FailedTemplates>,
}

impl Engine {
    /// Makes one attempt at a parcel that has a slot; the slot is free once its settle is on disk.
    pub(super) async fn attempt(
        self: &Arc<Self>,
        destination: &Arc<Destination>,
        parcel: Parcel,
    ) -> Health {
        let Parcel { mut known, content } = parcel;
        if !Box::pin(self.mark_started(&mut known)).await {
            return Health::Untried;
        }
        let number = match known.delivery.state {
            State::Started => known.delivery.attempt,
            _ => known.delivery.attempt + 1,
        };
        let prepared = self.prepare(&known.run, number, content).await;
        if prepared.route.destination != known.delivery.destination {
            Box::pin(self.send_elsewhere(&known, &prepared.route)).await;
            return Health::Untried;
        }
        let made = self.make(&known, number, &prepared).await;
        let health = health_of(&made.outcome, made.attempt.status);
        if let Outcome::Retry(Retry {
            retry_after: Some(wait),
            ..
        }) = &made.outcome
        {
            destination.pause(self.environment.now().plus(*wait));
            Box::pin(self.remember_destination(destination)).await;
        }
        if matches!(made.outcome, Outcome::Accepted(_)) {
            self.accepted_by(destination.name()).await;
        }
        self.settle(&mut known, made, &prepared.route).await;
        health
    }

    /// Where a repeat is harm, `started` is on disk before the first byte leaves.
    async fn mark_started(&self, known: &mut Known) -> bool {
        if known.delivery.repeat == Repeat::Allowed || known.delivery.state == State::Started {
            return true;
        }
        let Some(started) = delivery::start(&known.delivery, self.environment.now()) else {
            return false;
        };
        let mut change = RunChange::keep(known.run.id.clone());
        let write = DeliveryWrite::update(&known.delivery, started);
        change.delivery = Some(write);
        let change = Arc::new(change);
        match self.write(Arc::clone(&change)).await {
            Ok(()) => {
                self.observe(&known.run, Some(&known.delivery), &change);
                let started = Arc::unwrap_or_clone(change).delivery;
                if let Some(started) = started {
                    known.delivery = started.into_delivery();
                }
                true
            }
            // Its run has ended meanwhile, or this process is no longer its owner.
            Err(Stored::Conflict(_)) => false,
            Err(error) => {
                tracing::error!(%error, run = %known.run.id, "an attempt could not be started");
                false
            }
        }
    }

    async fn prepare(&self, run: &Run, number: u32, content: Content) -> Prepared {
        match content {
            Content::Ready(outgoing) => {
                let route = self.route(&outgoing);
                Prepared {
                    outgoing: *outgoing,
                    signer: self.signing_secret(&route),
                    route,
                    secrets: Vec::new(),
                    failed: None,
                    fault: None,
                }
            }
            Content::Deferred(content) => {
                Box::pin(self.prepare_deferred(run, number, *content)).await
            }
        }
    }

    /// The secret of the connection, else the organisation's.
    pub(super) fn signing_secret(&self, route: &Route) -> Option<SigningSecret> {
        let own = route.connection.as_ref().and_then(|known| {
            known.signing_secret.as_ref().map(|value| SigningSecret {
                id: known.id.as_str().to_owned(),
                value: value.clone(),
            })
        });
        own.or_else(|| self.identity.signing_secret())
    }

    /// What the first attempt at a delivery would send.
    pub(crate) async fn preview_attempt(
        &self,
        run: &Run,
        delivery: &Delivery,
        content: Content,
    ) -> Attempted {
        let prepared = self.prepare(run, 1, content).await;
        let now = self.environment.now();
        let signer = prepared.signer.as_ref();
        let value = signer.map(|signer| {
            let secret = signer.value.expose().as_bytes();
            let preset = prepared.route.policy.preset;
            signature::sign(preset, secret, now.as_seconds(), &prepared.outgoing.body)
        });
        let call = match (&value, &prepared.fault) {
            (_, Some(fault)) => Err(fault.clone()),
            (Some(value), None) => call_of(run, delivery, 1, now, &prepared, value),
            (None, None) => Err(no_signer()),
        };
        let mut secrets = prepared.secrets;
        secrets.extend(prepared.signer.map(|signer| signer.value));
        secrets.extend(value.map(Secret::new));
        Attempted {
            call,
            preset: prepared.route.policy.preset,
            secrets,
            failed: prepared.failed,
        }
    }

    async fn make(&self, known: &Known, number: u32, prepared: &Prepared) -> Made {
        let Known { run, delivery } = known;
        let started_at = self.environment.now();
        let ended = |outcome: Outcome| Made {
            attempt: attempt_of(number, started_at, self.environment.now(), &outcome),
            outcome,
            response: None,
            failed: prepared.failed.clone(),
        };
        if let Some(fault) = &prepared.fault {
            return ended(Outcome::Refused(fault.clone()));
        }
        let Some(signer) = &prepared.signer else {
            return ended(Outcome::Retry(Retry {
                diagnosis: no_signer(),
                retry_after: None,
                uses_attempt: true,
            }));
        };
        if delivery.receiver == Receiver::Kafka {
            let message = self.write_message(delivery, number, prepared, signer);
            let outcome = Box::pin(message).await;
            let mut made = ended(outcome);
            made.attempt.signed_with = Some(signer.id.clone());
            return made;
        }
        let secret = signer.value.expose().as_bytes();
        let policy = &prepared.route.policy;
        let seconds = started_at.as_seconds();
        let value = signature::sign(policy.preset, secret, seconds, &prepared.outgoing.body);
        let call = match call_of(run, delivery, number, started_at, prepared, &value) {
            Ok(call) => call,
            Err(diagnosis) => return ended(Outcome::Refused(diagnosis)),
        };
        let profile = match self.profile(delivery, &prepared.route) {
            Ok(profile) => profile,
            Err(diagnosis) => return ended(Outcome::Refused(diagnosis)),
        };
        let target = call.target.clone();
        let exchange = self.client.send(call, &profile).await;
        let asked = Asked {
            target: &target,
            repeat: delivery.repeat,
            synchronized: delivery.synchronized,
            now: self.environment.now(),
        };
        let outcome = receiver::outcome(delivery.receiver, &exchange.reply, &asked);
        self.metrics
            .delivery_seconds
            .observe(exchange.timings.total.as_secs_f64());
        let own = prepared
            .secrets
            .iter()
            .map(|secret| secret.expose().as_str());
        let kept_back: Vec<&str> = own
            .chain([value.as_str(), signer.value.expose().as_str()])
            .collect();
        let scrubber = may_tell(&outcome, &exchange.reply, &kept_back)
            .then(|| Scrubber::new(kept_back.iter().copied()));
        let mut made = ended(match &scrubber {
            Some(scrubber) => scrubber.scrub_outcome(outcome),
            None => outcome,
        });
        made.attempt.duration_micros =
            u64::try_from(exchange.timings.total.as_micros()).unwrap_or(u64::MAX);
        made.attempt.signed_with = Some(signer.id.clone());
        keep_answer(&mut made, &exchange.reply, delivery, scrubber.as_ref());
        made
    }

    /// A message for whoever reads the topic; its signature stands in the record's headers, as the
    /// message is what the action says and nothing else.
    async fn write_message(
        &self,
        delivery: &Delivery,
        number: u32,
        prepared: &Prepared,
        signer: &SigningSecret,
    ) -> Outcome {
        let Some(producer) = &self.kafka else {
            return Outcome::Retry(Retry {
                diagnosis: no_kafka(),
                retry_after: None,
                uses_attempt: true,
            });
        };
        let body = &prepared.outgoing.body;
        let seconds = self.environment.now().as_seconds();
        let secret = signer.value.expose().as_bytes();
        let signature = signature::sign(Preset::PortV1, secret, seconds, body);
        let (timestamp, number) = (seconds.to_string(), number.to_string());
        let topic = self.runs_topic();
        let headers = [
            (header::RUN, delivery.run.as_str()),
            (header::DELIVERY, delivery.id.as_str()),
            (header::ATTEMPT, &number),
            (SIGNATURE_HEADER, &signature),
            (TIMESTAMP_HEADER, &timestamp),
        ];
        let record = Record {
            topic: &topic,
            key: delivery.run.as_str(),
            headers: &headers,
            value: body,
        };
        match producer.publish(record).await {
            Ok(_) => Outcome::Accepted(Acceptance::default()),
            Err(PublishFailure::Refused(found)) => Outcome::Refused(found),
            Err(PublishFailure::Unavailable(diagnosis)) => Outcome::Retry(Retry {
                diagnosis,
                retry_after: None,
                uses_attempt: false,
            }),
        }
    }

    fn profile(&self, delivery: &Delivery, route: &Route) -> Result<CallProfile, Diagnosis> {
        Ok(CallProfile {
            repeat: delivery.repeat,
            connect_timeout: route.policy.connect_timeout,
            total_timeout: route.policy.timeout,
            tls: self.tls_of(route)?,
            keep_answer_bytes: if delivery.synchronized {
                MAX_ANSWER_BYTES
            } else {
                receiver::keep_answer_bytes(delivery.receiver)
            },
        })
    }

    /// Writes attempt, delivery and run together; decides again where they have moved, and never
    /// sends again. While storage cannot be written the slot stays taken.
    async fn settle(self: &Arc<Self>, known: &mut Known, made: Made, route: &Route) {
        for _ in 0..DECISIONS_LIMIT {
            let Known { run, delivery } = &*known;
            let change = self.settlement_of(run, delivery, &made, route);
            match self.write(Arc::clone(&change)).await {
                Ok(()) => {
                    self.observe(run, Some(delivery), &change);
                    let next = change.delivery.as_ref().map(DeliveryWrite::delivery);
                    if let Some(next) = next.filter(|next| next.state == State::Due)
                        && let Some(due_at) = next.due_at
                    {
                        self.note_stored(&next.destination, due_at);
                    }
                    return;
                }
                Err(Stored::Conflict(_)) => {}
                Err(error) => {
                    tracing::error!(%error, run = %run.id, "an attempt could not be settled");
                    return;
                }
            }
            let Some((run, delivery)) = Box::pin(self.read_again(&run.id)).await else {
                return;
            };
            *known = Known { run, delivery };
        }
        tracing::error!(run = %known.run.id, "an attempt could not be settled: the run kept moving");
    }

    /// What an attempt means for what is known now. Apart from [`Engine::settle`], so that nothing of
    /// it stays in an attempt's memory while that waits.
    fn settlement_of(
        &self,
        run: &Run,
        delivery: &Delivery,
        made: &Made,
        route: &Route,
    ) -> Arc<RunChange> {
        let settling = Settling {
            now: self.environment.now(),
            schedule: &route.policy.schedule,
            report_timeout: route.policy.report_timeout,
            random: self.environment.random_u64(),
        };
        let mut change = run::settled(
            run,
            delivery,
            made.attempt.clone(),
            &made.outcome,
            made.response.clone(),
            &settling,
        );
        if let Some(failed) = &made.failed {
            run::tell_failed_templates(&mut change, run, failed, settling.now);
        }
        Arc::new(change)
    }

    /// Reads a run with its delivery, however long storage cannot be read; none where it is gone.
    async fn read_again(&self, id: &RunId) -> Option<(Run, Delivery)> {
        loop {
            match self.store.run_state(id).await {
                Ok(found) => return found.and_then(|(run, delivery)| Some((run, delivery?))),
                Err(error) => {
                    tracing::warn!(%error, run = %id, "a run could not be read");
                    if self.tasks.is_stopping() || !matches!(error, Stored::Unavailable(_)) {
                        return None;
                    }
                    tokio::time::sleep(STORAGE_PAUSE).await;
                }
            }
        }
    }

    /// The URL leads elsewhere than when the delivery was made: it waits there, no attempt used.
    async fn send_elsewhere(self: &Arc<Self>, known: &Known, route: &Route) {
        let Known { run, delivery } = known;
        let now = self.environment.now();
        let connection = route.connection.as_ref().map(|known| known.id.clone());
        let Some(moved) = delivery::elsewhere(delivery, &route.destination, connection, now) else {
            return;
        };
        let mut change = RunChange::keep(run.id.clone());
        change.delivery = Some(DeliveryWrite::update(delivery, moved));
        let change = Arc::new(change);
        match self.write(Arc::clone(&change)).await {
            Ok(()) => {
                self.observe(run, Some(delivery), &change);
                self.note_stored(&route.destination, now);
            }
            Err(Stored::Conflict(_)) => {}
            Err(error) => {
                tracing::error!(%error, run = %run.id, "a delivery could not be moved");
            }
        }
    }

    /// Writes `change`, however long storage cannot be written.
    pub(super) async fn write(&self, change: Arc<RunChange>) -> Result<(), Stored> {
        loop {
            match self.store.apply(Arc::clone(&change)).await {
                Ok(_) => return Ok(()),
                Err(error @ (Stored::Unavailable(_) | Stored::Overloaded)) => {
                    if self.tasks.is_stopping() {
                        return Err(error);
                    }
                    if matches!(error, Stored::Unavailable(_)) {
                        self.block_dispatch();
                    }
                    tokio::time::sleep(STORAGE_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether nothing waits in memory and nothing is under way; for tests.
    #[must_use]
    pub fn is_dispatch_idle(&self) -> bool {
        let now = self.environment.now();
        !self.dispatcher.blocked.load(Ordering::Acquire)
            && lock(&self.dispatcher.destinations)
                .values()
                .all(|found| found.is_idle(now))
    }
}

fn call_of(
    run: &Run,
    delivery: &Delivery,
    number: u32,
    timestamp: Timestamp,
    prepared: &Prepared,
    signature: &str,
) -> Result<Call, Diagnosis> {
    let target = prepared.route.target.clone()?;
    let settings = prepared
        .route
        .connection
        .as_ref()
        .map(|known| &known.settings);
    let envelope = Envelope {
        run_id: run.id.as_str(),
        delivery_id: delivery.id.as_str(),
        attempt: number,
        timestamp,
        signature: SignatureHeader {
            name: settings
                .and_then(|known| known.signature_header.as_deref())
                .unwrap_or(SIGNATURE_HEADER),
            prefix: settings
                .and_then(|known| known.signature_prefix.as_deref())
                .unwrap_or_default(),
            value: signature,
        },
    };
    let outgoing = &prepared.outgoing;
    webhook::request(
        target,
        &Webhook {
            method: outgoing.method.as_deref(),
            headers: &outgoing.headers,
            body: &outgoing.body,
        },
        &envelope,
    )
}

fn attempt_of(number: u32, started_at: Timestamp, now: Timestamp, outcome: &Outcome) -> Attempt {
    let (kind, diagnosis) = match outcome {
        Outcome::Accepted(acceptance) => (OutcomeKind::Accepted, acceptance.warning.clone()),
        Outcome::Retry(retry) => (OutcomeKind::Retry, Some(retry.diagnosis.clone())),
        Outcome::Unknown(diagnosis) => (OutcomeKind::Unknown, Some(diagnosis.clone())),
        Outcome::Refused(diagnosis) => (OutcomeKind::Refused, Some(diagnosis.clone())),
    };
    let duration = now.since(started_at).as_micros();
    Attempt {
        number,
        started_at,
        duration_micros: u64::try_from(duration).unwrap_or(u64::MAX),
        status: None,
        outcome: kind,
        signed_with: None,
        diagnosis,
        answer: None,
    }
}

/// Keeps status, the answer's beginning, and for a synchronous call the whole answer, scrubbed.
fn keep_answer(made: &mut Made, reply: &Reply, delivery: &Delivery, scrubber: Option<&Scrubber>) {
    let Reply::Answered(answer) = reply else {
        return;
    };
    made.attempt.status = Some(answer.status.as_u16());
    let redacted = receiver::redact(delivery.receiver, &answer.body);
    let scrubbed = match scrubber {
        Some(scrubber) => scrubber.scrub(&redacted),
        None => Cow::Borrowed(&*redacted),
    };
    if !scrubbed.is_empty() {
        made.attempt.answer = Some(match scrubber {
            Some(scrubber) => scrubber.excerpt(&redacted, answer.truncated, EXCERPT_BYTES),
            None => String::from_utf8_lossy(&scrubbed).into_owned(),
        });
    }
    if delivery.synchronized {
        let parsed = serde_json::from_slice(&scrubbed).ok();
        let text = || Value::String(String::from_utf8_lossy(&scrubbed).into_owned());
        made.response = Some(parsed.unwrap_or_else(text));
    }
}

/// The breaker counts what the destination is to blame for.
fn health_of(outcome: &Outcome, status: Option<u16>) -> Health {
    match (outcome, status) {
        (Outcome::Accepted(_), _) => Health::Answered,
        (_, Some(status)) if status < 500 => Health::Answered,
        (Outcome::Refused(_), None) => Health::Untried,
        _ => Health::Failed,
    }
}

fn no_kafka() -> Diagnosis {
    Diagnosis {
        reason: Reason::KafkaUnavailable,
        message: "no Kafka is configured, so the message was not written".into(),
        fix: "Set kafka.brokers in the server's configuration.".into(),
    }
}

pub(crate) fn no_signer() -> Diagnosis {
    Diagnosis {
        reason: Reason::NoSigner,
        message: "no enabled credential may sign, so the call was not made".into(),
        fix: "Enable a credential that may sign, or name one in the organization's \
              settings.signingCredential."
            .into(),
    }
}
