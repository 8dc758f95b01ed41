//! From an attempt's outcome to the delivery's next state.

use std::time::Duration;

use super::{Attempt, Delivery, OutcomeKind, Schedule, State};
use crate::diagnosis::{Diagnosis, Reason};
use crate::outcome::{Acceptance, Outcome, Repeat};
use crate::time::Timestamp;

/// How long an unconfirmed delivery waits for a receipt before it is given up.
pub const UNCONFIRMED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest wait where a receiver asks to wait without saying how long.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest wait that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// What settling an attempt changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The delivery as it shall be; none where only the attempt is recorded.
    pub delivery: Option<Delivery>,
    /// What the acceptance told; only where the outcome was one.
    pub acceptance: Option<Acceptance>,
}

/// What a settle needs to know beside the delivery and the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Settling<'a> {
    /// When the outcome was known.
    pub now: Timestamp,
    /// The waits between attempts.
    pub schedule: &'a Schedule,
    /// How long an accepted asynchronous run may be silent.
    pub report_timeout: Duration,
    /// Moves the next attempt by some percent.
    pub random: u64,
}

/// Decides the delivery's next state after attempt `attempt` came to `outcome`.
///
/// A worker that lost its delivery still settles what it learned: a late acceptance ends the
/// waiting, anything else is only recorded, and nothing is ever started again by it.
#[must_use]
pub fn settle(
    delivery: &Delivery,
    attempt: &Attempt,
    outcome: &Outcome,
    settling: &Settling<'_>,
) -> Settled {
    let acceptance = match outcome {
        Outcome::Accepted(acceptance) => Some(acceptance.clone()),
        _ => None,
    };
    let next = if is_current(delivery, attempt.number) {
        Some(settle_current(delivery, attempt, outcome, settling))
    } else if acceptance.is_some() && waits_for_acceptance(delivery) {
        Some(accepted(delivery.clone(), outcome, settling))
    } else {
        None
    };
    Settled {
        delivery: next,
        acceptance,
    }
}

/// Where a repeat is harm the attempt was numbered when it was started; where it is allowed the
/// number is written with the settle.
fn is_current(delivery: &Delivery, number: u32) -> bool {
    match delivery.state {
        State::Started => delivery.attempt == number,
        State::Owned => delivery.repeat == Repeat::Allowed && delivery.attempt + 1 == number,
        _ => false,
    }
}

/// A receipt tells that a synchronous call arrived, not how it ended: its answer still does.
fn waits_for_acceptance(delivery: &Delivery) -> bool {
    match delivery.state {
        State::Due | State::Unconfirmed | State::Published => true,
        State::Done => delivery.synchronized && delivery.due_at.is_some(),
        _ => false,
    }
}

fn settle_current(
    delivery: &Delivery,
    attempt: &Attempt,
    outcome: &Outcome,
    settling: &Settling<'_>,
) -> Delivery {
    let left = delivery.left;
    let delivery = Delivery {
        attempt: attempt.number,
        ..delivery.clone()
    };
    let mut next = match outcome {
        Outcome::Accepted(_) => accepted(delivery, outcome, settling),
        Outcome::Refused(diagnosis) => dead(&delivery, diagnosis.clone()),
        Outcome::Unknown(diagnosis) if delivery.repeat == Repeat::Harm => {
            unconfirmed(&delivery, diagnosis.clone(), settling.now)
        }
        Outcome::Unknown(diagnosis) => again(&delivery, diagnosis, None, true, settling),
        Outcome::Retry(retry) => again(
            &delivery,
            &retry.diagnosis,
            retry.retry_after,
            retry.uses_attempt,
            settling,
        ),
    };
    next.left = left
        || attempt.status.is_some()
        || attempt.outcome == OutcomeKind::Unknown
        || attempt.outcome == OutcomeKind::Accepted;
    next.updated_at = settling.now;
    next
}

fn accepted(delivery: Delivery, outcome: &Outcome, settling: &Settling<'_>) -> Delivery {
    let warning = match outcome {
        Outcome::Accepted(acceptance) => acceptance.warning.clone(),
        _ => None,
    };
    Delivery {
        state: State::Done,
        due_at: (!delivery.synchronized).then(|| settling.now.plus(settling.report_timeout)),
        diagnosis: warning,
        left: true,
        updated_at: settling.now,
        ..delivery
    }
}

pub(super) fn dead(delivery: &Delivery, diagnosis: Diagnosis) -> Delivery {
    Delivery {
        state: State::Dead,
        due_at: None,
        diagnosis: Some(diagnosis),
        ..delivery.clone()
    }
}

pub(super) fn unconfirmed(delivery: &Delivery, diagnosis: Diagnosis, now: Timestamp) -> Delivery {
    Delivery {
        state: State::Unconfirmed,
        due_at: Some(now.plus(UNCONFIRMED_FOR)),
        diagnosis: Some(diagnosis),
        left: true,
        ..delivery.clone()
    }
}

pub(super) fn again(
    delivery: &Delivery,
    diagnosis: &Diagnosis,
    retry_after: Option<Duration>,
    uses_attempt: bool,
    settling: &Settling<'_>,
) -> Delivery {
    let attempts_used = delivery.attempts_used + u32::from(uses_attempt);
    let asked = retry_after.map(|wait| wait.clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    let scheduled = settling
        .schedule
        .wait(attempts_used.max(1), settling.random);
    let overdue = settling.now.since(delivery.scheduled_since) > settling.schedule.span();
    let wait = if uses_attempt {
        scheduled.map(|wait| asked.map_or(wait, |asked| asked.max(wait)))
    } else if overdue {
        None
    } else {
        Some(asked.or(scheduled).unwrap_or(SHORTEST_PAUSE))
    };
    match wait {
        Some(wait) => Delivery {
            state: State::Due,
            due_at: Some(settling.now.plus(wait)),
            attempts_used,
            diagnosis: Some(diagnosis.clone()),
            ..delivery.clone()
        },
        None => Delivery {
            attempts_used,
            ..dead(delivery, exhausted(diagnosis, delivery.attempt))
        },
    }
}

fn exhausted(last: &Diagnosis, attempts: u32) -> Diagnosis {
    let plural = if attempts == 1 { "" } else { "s" };
    Diagnosis {
        reason: Reason::AttemptsExhausted,
        message: format!(
            "given up after {attempts} attempt{plural}; the last one: {}",
            last.message
        ),
        fix: last.fix.clone(),
    }
}
