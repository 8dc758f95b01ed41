//! The moves that no answer causes: starting, receipts, the run's end, people, time, recovery.

use std::time::Duration;

use super::looks::seems_lost;
use super::settle::{dead, unconfirmed};
use super::{Attempt, Delivery, OutcomeKind, Receiver, State};
use crate::diagnosis::{Diagnosis, Reason};
use crate::id::ConnectionId;
use crate::outcome::Repeat;
use crate::time::Timestamp;

/// Why a person's redelivery is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeliverRejection {
    /// An attempt is in memory or on its way.
    InFlight,
    /// The run has ended.
    RunEnded,
    /// It waits for an agent already.
    WaitsForAgent,
}

/// What a delivery whose time has come asks of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Nobody reported for the connection's `reportTimeout`: say so on the run.
    Notable(Delivery),
    /// As long again: the run fails.
    Final(Delivery),
    /// No receipt came for an unconfirmed delivery: it is given up.
    Unconfirmed(Delivery),
}

/// What recovery makes of a delivery that a dead worker held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostWorker {
    /// The delivery as it shall be.
    pub delivery: Delivery,
    /// The attempt that may have left, where a repeat is harm.
    pub attempt: Option<Attempt>,
}

/// Makes the next attempt the one that may have left; only where a repeat is harm, and only from
/// `owned`. This is on disk before the attempt's first byte leaves.
#[must_use]
pub fn start(delivery: &Delivery, now: Timestamp) -> Option<Delivery> {
    (delivery.state == State::Owned && delivery.repeat == Repeat::Harm).then(|| Delivery {
        state: State::Started,
        attempt: delivery.attempt + 1,
        updated_at: now,
        ..delivery.clone()
    })
}

/// The rendered URL leads to another destination than when the delivery was made: it waits there.
#[must_use]
pub fn elsewhere(
    delivery: &Delivery,
    destination: &str,
    connection: Option<ConnectionId>,
    now: Timestamp,
) -> Option<Delivery> {
    matches!(delivery.state, State::Owned | State::Started).then(|| Delivery {
        destination: destination.to_owned(),
        connection,
        state: State::Due,
        due_at: Some(now),
        updated_at: now,
        ..delivery.clone()
    })
}

/// The receiver has shown that the call arrived: a redeem, a report by machine, a log line by run
/// token or `report` credential.
#[must_use]
pub fn on_receipt(
    delivery: &Delivery,
    now: Timestamp,
    report_timeout: Duration,
) -> Option<Delivery> {
    let arrived = match delivery.state {
        State::Started | State::Unconfirmed => true,
        State::Due | State::Published => delivery.left,
        _ => false,
    };
    arrived.then(|| Delivery {
        state: State::Done,
        due_at: Some(now.plus(report_timeout)),
        diagnosis: None,
        updated_at: now,
        ..delivery.clone()
    })
}

/// Somebody reported on the open run: its silence starts anew.
#[must_use]
pub fn on_report(
    delivery: &Delivery,
    now: Timestamp,
    report_timeout: Duration,
) -> Option<Delivery> {
    (delivery.state == State::Done && delivery.due_at.is_some()).then(|| Delivery {
        due_at: Some(now.plus(report_timeout)),
        diagnosis: delivery
            .diagnosis
            .clone()
            .filter(|found| found.reason != Reason::NoReport),
        updated_at: now,
        ..delivery.clone()
    })
}

/// The run has ended, and nothing more may be started for it.
#[must_use]
pub fn on_run_end(delivery: &Delivery, by_receipt: bool, now: Timestamp) -> Option<Delivery> {
    let state = match delivery.state {
        State::Started | State::Unconfirmed if by_receipt => State::Done,
        State::Due | State::Published if by_receipt && delivery.left => State::Done,
        State::Due | State::Owned | State::Published | State::Started | State::Unconfirmed => {
            State::Cancelled
        }
        State::Done if delivery.due_at.is_some() => State::Done,
        State::Done | State::Dead | State::Cancelled => return None,
    };
    Some(Delivery {
        state,
        due_at: None,
        updated_at: now,
        ..delivery.clone()
    })
}

/// A person asks to send it again: the schedule starts anew.
///
/// # Errors
/// While an attempt is under way, and once the run has ended.
pub fn redeliver(
    delivery: &Delivery,
    run_is_open: bool,
    now: Timestamp,
) -> Result<Delivery, RedeliverRejection> {
    if !run_is_open {
        return Err(RedeliverRejection::RunEnded);
    }
    match delivery.state {
        State::Owned | State::Started => Err(RedeliverRejection::InFlight),
        State::Published if !seems_lost(delivery) => Err(RedeliverRejection::WaitsForAgent),
        State::Published
        | State::Due
        | State::Unconfirmed
        | State::Done
        | State::Dead
        | State::Cancelled => Ok(Delivery {
            state: State::Due,
            due_at: Some(now),
            attempts_used: 0,
            scheduled_since: now,
            updated_at: now,
            ..delivery.clone()
        }),
    }
}

/// A person gives an unconfirmed delivery up.
#[must_use]
pub fn give_up(delivery: &Delivery, now: Timestamp) -> Option<Delivery> {
    (delivery.state == State::Unconfirmed).then(|| Delivery {
        updated_at: now,
        ..dead(delivery, never_confirmed(delivery))
    })
}

/// The time that an accepted or unconfirmed delivery was waiting for has come.
#[must_use]
pub fn watch(delivery: &Delivery, now: Timestamp, report_timeout: Duration) -> Option<Silence> {
    if delivery.due_at.is_none_or(|due_at| due_at > now) {
        return None;
    }
    let noted = |found: &Diagnosis| found.reason == Reason::NoReport;
    match delivery.state {
        State::Unconfirmed => give_up(delivery, now).map(Silence::Unconfirmed),
        State::Done if delivery.diagnosis.as_ref().is_some_and(noted) => {
            Some(Silence::Final(Delivery {
                due_at: None,
                updated_at: now,
                ..delivery.clone()
            }))
        }
        State::Done => Some(Silence::Notable(Delivery {
            due_at: Some(now.plus(report_timeout)),
            diagnosis: Some(no_report(report_timeout)),
            updated_at: now,
            ..delivery.clone()
        })),
        _ => None,
    }
}

/// Its destination accepted nothing for as long as the schedule lasts. An attempt that still lies
/// ahead is made first.
#[must_use]
pub fn destination_down(delivery: &Delivery, now: Timestamp) -> Option<Delivery> {
    let waits = delivery.state == State::Due && delivery.due_at.is_some_and(|at| at <= now);
    waits.then(|| Delivery {
        updated_at: now,
        ..dead(
            delivery,
            Diagnosis {
                reason: Reason::DestinationDown,
                message: format!(
                    "given up: {} accepted nothing for as long as deliveries are retried",
                    delivery.destination
                ),
                fix: "Bring the receiver back, then run the action again or redeliver.".into(),
            },
        )
    })
}

/// The worker that held the delivery is dead.
///
/// `owned` costs nothing: where a repeat is harm nothing had left, where it is allowed it is sent
/// again under the same attempt number. `started` may have left, so it is not sent again. What an
/// agent has started is still the agent's.
#[must_use]
pub fn recover(delivery: &Delivery, now: Timestamp) -> Option<LostWorker> {
    match delivery.state {
        State::Started if delivery.receiver == Receiver::Agent => None,
        State::Owned => Some(LostWorker {
            delivery: Delivery {
                state: State::Due,
                due_at: Some(now),
                left: delivery.left || delivery.repeat == Repeat::Allowed,
                updated_at: now,
                ..delivery.clone()
            },
            attempt: None,
        }),
        State::Started => {
            let diagnosis = Diagnosis {
                reason: Reason::WorkerLost,
                message: "the server stopped while the call was under way; whether it arrived \
                          is not known"
                    .into(),
                fix: "Look whether the receiver started something; redeliver the run if it did \
                      not."
                    .into(),
            };
            Some(LostWorker {
                attempt: Some(Attempt {
                    number: delivery.attempt,
                    started_at: delivery.updated_at,
                    duration_micros: 0,
                    status: None,
                    outcome: OutcomeKind::Unknown,
                    signed_with: None,
                    diagnosis: Some(diagnosis.clone()),
                    answer: None,
                }),
                delivery: Delivery {
                    updated_at: now,
                    ..unconfirmed(delivery, diagnosis, now)
                },
            })
        }
        _ => None,
    }
}

fn no_report(timeout: Duration) -> Diagnosis {
    Diagnosis {
        reason: Reason::NoReport,
        message: format!(
            "the call was accepted, but nobody reported for {} s",
            timeout.as_secs()
        ),
        fix: "Let the pipeline report with the run's token (log, then PATCH its status), or \
              raise the connection's reportTimeout."
            .into(),
    }
}

fn never_confirmed(delivery: &Delivery) -> Diagnosis {
    let sent = delivery
        .diagnosis
        .as_ref()
        .map_or("", |found| found.message.as_str());
    Diagnosis {
        reason: Reason::NeverConfirmed,
        message: format!("given up without a sign that the call arrived: {sent}"),
        fix: "Look whether the receiver started something, then run the action again.".into(),
    }
}
