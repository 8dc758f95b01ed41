//! Moves of deliveries that agents call for: publishing, starting, acknowledging, falling silent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::looks::without_note;
use super::settle::{again, dead, unconfirmed};
use super::{Attempt, Delivery, LostWorker, OutcomeKind, Receiver, Settling, State};
use crate::agent::{Session, StartRefusal};
use crate::diagnosis::{Diagnosis, Reason};
use crate::outcome::Repeat;
use crate::time::Timestamp;

/// How long a claim is kept for the agent that made it.
pub const CLAIM_LEASE: Duration = Duration::from_secs(60);
/// How the newest attempt was given to agents, and who has started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// By which way.
    pub way: Way,
    /// Which session has started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<Session>,
    /// How often in a row it was published without being started.
    #[serde(default)]
    pub unstarted: u32,
}

/// The way to agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An agent asked for work.
    Claim,
    /// A message on the organisation's topic; where it stands, as soon as the broker said so.
    Topic(Option<Position>),
}

/// Where a message stands in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The partition.
    pub partition: i32,
    /// The offset within it.
    pub offset: i64,
}

/// How an agent's start is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartedByAgent {
    /// The call is this session's; this is to be written.
    Now(Delivery),
    /// The same session asks again.
    Already,
    /// The call must not be made.
    No(StartRefusal),
}

/// Gives the next attempt to agents, and keeps it for them until `until`.
#[must_use]
pub fn publish(
    delivery: &Delivery,
    way: Way,
    until: Timestamp,
    now: Timestamp,
) -> Option<Delivery> {
    let fits = delivery.receiver == Receiver::Agent && delivery.state == State::Due;
    let before = delivery.publication.as_deref();
    fits.then(|| Delivery {
        state: State::Published,
        attempt: delivery.attempt + 1,
        due_at: Some(until),
        diagnosis: without_note(delivery),
        publication: Some(Box::new(Publication {
            way,
            started_by: None,
            unstarted: before.map_or(0, |before| before.unstarted),
        })),
        updated_at: now,
        ..delivery.clone()
    })
}

/// The broker has said where the message of attempt `attempt` stands.
#[must_use]
pub fn positioned(delivery: &Delivery, attempt: u32, position: Position) -> Option<Delivery> {
    let publication = delivery.publication.as_deref()?;
    let fits = delivery.state == State::Published
        && delivery.attempt == attempt
        && matches!(publication.way, Way::Topic(_));
    fits.then(|| Delivery {
        publication: Some(Box::new(Publication {
            way: Way::Topic(Some(position)),
            ..publication.clone()
        })),
        ..delivery.clone()
    })
}

/// The message of attempt `attempt` did not get to its topic, or failed its verification there: it
/// is published anew by the schedule.
#[must_use]
pub fn not_published(
    delivery: &Delivery,
    attempt: u32,
    diagnosis: &Diagnosis,
    uses_attempt: bool,
    settling: &Settling<'_>,
) -> Option<Delivery> {
    let fits = delivery.state == State::Published && delivery.attempt == attempt;
    fits.then(|| Delivery {
        updated_at: settling.now,
        ..again(delivery, diagnosis, None, uses_attempt, settling)
    })
}

/// The message of attempt `attempt` will never be taken by its topic.
#[must_use]
pub fn not_publishable(
    delivery: &Delivery,
    attempt: u32,
    diagnosis: &Diagnosis,
    now: Timestamp,
) -> Option<Delivery> {
    let fits = delivery.state == State::Published && delivery.attempt == attempt;
    fits.then(|| Delivery {
        updated_at: now,
        ..dead(delivery, diagnosis.clone())
    })
}

/// An agent asks whether it may make the call of attempt `attempt`. `repeat` is what it knows of the
/// call that it will make: harm that it adds stays, also for later attempts.
#[must_use]
pub fn start_by_agent(
    delivery: &Delivery,
    attempt: u32,
    session: &Session,
    repeat: Repeat,
    now: Timestamp,
) -> StartedByAgent {
    let publication = match (delivery.receiver, delivery.publication.as_deref()) {
        (Receiver::Agent, Some(publication)) => publication,
        _ => return StartedByAgent::No(StartRefusal::NotFound),
    };
    if delivery.state == State::Cancelled {
        return StartedByAgent::No(StartRefusal::RunEnded);
    }
    if delivery.attempt != attempt {
        return StartedByAgent::No(StartRefusal::Superseded);
    }
    let repeat = delivery.repeat.stricter(repeat);
    match delivery.state {
        State::Published => StartedByAgent::Now(Delivery {
            repeat,
            state: State::Started,
            due_at: None,
            diagnosis: without_note(delivery),
            publication: Some(Box::new(Publication {
                started_by: Some(session.clone()),
                unstarted: 0,
                ..publication.clone()
            })),
            updated_at: now,
            ..delivery.clone()
        }),
        State::Started if publication.started_by.as_ref() == Some(session) => {
            if repeat == delivery.repeat {
                return StartedByAgent::Already;
            }
            StartedByAgent::Now(Delivery {
                repeat,
                ..delivery.clone()
            })
        }
        State::Started => StartedByAgent::No(StartRefusal::StartedElsewhere),
        _ => StartedByAgent::No(StartRefusal::Superseded),
    }
}

/// An agent that knows no start takes the run over: it is handed over for good, and what becomes
/// of it is its report's to tell. Also after its lease ran out; the first one wins.
#[must_use]
pub fn hand_over(
    delivery: &Delivery,
    now: Timestamp,
    report_timeout: Duration,
) -> Option<Delivery> {
    let given = delivery.receiver == Receiver::Agent && delivery.publication.is_some();
    let waits = matches!(delivery.state, State::Published | State::Due);
    (given && waits).then(|| Delivery {
        state: State::Done,
        due_at: Some(now.plus(report_timeout)),
        left: true,
        diagnosis: None,
        updated_at: now,
        ..delivery.clone()
    })
}

/// Whether a log line or report of an agent that knows no start means that it has the run: on a
/// topic nothing else tells it.
#[must_use]
pub fn is_taken_by_report(delivery: &Delivery) -> bool {
    let way = delivery.publication.as_ref().map(|given| given.way);
    delivery.state == State::Published && matches!(way, Some(Way::Topic(_)))
}

/// Nobody holds the claim of attempt `attempt` any more, and it was not started: its lease is over
/// before its time.
#[must_use]
pub fn give_back(delivery: &Delivery, attempt: u32, now: Timestamp) -> Option<Delivery> {
    let publication = delivery.publication.as_deref()?;
    let fits = delivery.state == State::Published
        && delivery.attempt == attempt
        && publication.way == Way::Claim;
    fits.then(|| back_to_due(delivery, publication, 0, now))
}

/// It may be given to agents again, now and at no cost of an attempt.
pub(super) fn back_to_due(
    delivery: &Delivery,
    publication: &Publication,
    unstarted: u32,
    now: Timestamp,
) -> Delivery {
    Delivery {
        state: State::Due,
        due_at: Some(now),
        publication: Some(Box::new(Publication {
            unstarted,
            ..publication.clone()
        })),
        updated_at: now,
        ..delivery.clone()
    }
}

/// The session that has started the call is gone: whether it was made is not known.
#[must_use]
pub fn lose_agent(
    delivery: &Delivery,
    session: &Session,
    settling: &Settling<'_>,
) -> Option<LostWorker> {
    let started_by = delivery.publication.as_deref()?.started_by.as_ref();
    if delivery.state != State::Started || started_by != Some(session) {
        return None;
    }
    let diagnosis = Diagnosis {
        reason: Reason::AgentLost,
        message: format!(
            "the agent {:?} stopped while the call was under way; whether it arrived is not known",
            session.agent
        ),
        fix: "Look whether the receiver started something; redeliver the run if it did not.".into(),
    };
    let next = match delivery.repeat {
        Repeat::Harm => unconfirmed(delivery, diagnosis.clone(), settling.now),
        Repeat::Allowed => again(delivery, &diagnosis, None, true, settling),
    };
    Some(LostWorker {
        attempt: Some(Attempt {
            number: delivery.attempt,
            started_at: delivery.updated_at,
            duration_micros: 0,
            status: None,
            outcome: OutcomeKind::Unknown,
            signed_with: None,
            diagnosis: Some(diagnosis),
            answer: None,
        }),
        delivery: Delivery {
            left: true,
            updated_at: settling.now,
            ..next
        },
    })
}
