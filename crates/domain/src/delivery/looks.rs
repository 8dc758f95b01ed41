//! What a look at an unstarted attempt makes of it: a claim's lease is over, a message is published
//! again, handed out otherwise, or waits with a note that says why.

use std::time::Duration;

use super::agents::back_to_due;
use super::settle::{again, unconfirmed};
use super::{Delivery, Settling, State, Way};
use crate::diagnosis::{Diagnosis, Reason};
use crate::outcome::Repeat;
use crate::time::Timestamp;

/// How long after it was published, and again after each look, a message is looked for.
pub const PUBLICATION_CHECK: Duration = Duration::from_secs(5 * 60);
/// How often a message that nobody started is published in a row.
pub const PUBLICATIONS_LIMIT: u32 = 3;

/// What is known of the readers of a message that nobody has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every group that is connected has read past it.
    Passed,
    /// A group is connected that has not come to it yet.
    Behind,
    /// No agent is connected that tells how far it reads. The existing agent never tells.
    Unseen,
    /// The same, and agents get their work by polling now.
    LeftOnTopic,
}

/// The time of an unstarted attempt has come. A claim's lease is over. A message that was read past is
/// published again. One that is left on a topic is handed out by polling from the second look on,
/// where a repeat is allowed: an agent that reads it late and calls without a start cannot be kept
/// from it. Whatever goes on waiting says since when, and why that may be.
#[must_use]
pub fn unstarted(
    delivery: &Delivery,
    reading: Reading,
    settling: &Settling<'_>,
) -> Option<Delivery> {
    let now = settling.now;
    let due = delivery.due_at.is_some_and(|due_at| due_at <= now);
    let publication = delivery.publication.as_deref()?;
    if delivery.state != State::Published || !due {
        return None;
    }
    let times = publication.unstarted + 1;
    Some(match (publication.way, reading) {
        (Way::Claim, _) => back_to_due(delivery, publication, 0, now),
        (Way::Topic(_), Reading::Passed) if times < PUBLICATIONS_LIMIT => {
            back_to_due(delivery, publication, times, now)
        }
        (Way::Topic(_), Reading::Passed) if delivery.repeat == Repeat::Harm => Delivery {
            updated_at: now,
            ..unconfirmed(delivery, not_taken(times), now)
        },
        (Way::Topic(_), Reading::Passed) => {
            let next = back_to_due(delivery, publication, 0, now);
            Delivery {
                updated_at: now,
                ..again(&next, &not_taken(times), None, true, settling)
            }
        }
        (Way::Topic(_), Reading::LeftOnTopic)
            if delivery.repeat == Repeat::Allowed && has_note(delivery, Reason::LeftOnTopic) =>
        {
            back_to_due(delivery, publication, 0, now)
        }
        (Way::Topic(_), reading) => Delivery {
            due_at: Some(now.plus(PUBLICATION_CHECK)),
            diagnosis: Some(waits(delivery, reading, now)),
            ..delivery.clone()
        },
    })
}

/// Whether a person may have a message published anew though it was never started: nobody seems to
/// take it.
pub(super) fn seems_lost(delivery: &Delivery) -> bool {
    NOTES.into_iter().any(|reason| has_note(delivery, reason))
}

/// The finding, unless it only says that the message waits.
pub(super) fn without_note(delivery: &Delivery) -> Option<Diagnosis> {
    let found = delivery.diagnosis.clone();
    found.filter(|found| !NOTES.contains(&found.reason))
}

/// What only says that a message waits.
const NOTES: [Reason; 2] = [Reason::NotPickedUp, Reason::LeftOnTopic];

fn has_note(delivery: &Delivery, reason: Reason) -> bool {
    let found = delivery.diagnosis.as_ref();
    found.is_some_and(|found| found.reason == reason)
}

fn waits(delivery: &Delivery, reading: Reading, now: Timestamp) -> Diagnosis {
    // While it is published its state has not changed since.
    let published_at = delivery.updated_at;
    let minutes = now.since(published_at).as_secs() / 60;
    let since = format!(
        "published at {published_at}, and for {minutes} minutes no agent has started or reported it"
    );
    let (reason, message, fix) = match reading {
        Reading::LeftOnTopic => {
            let (what, fix) = match delivery.repeat {
                Repeat::Allowed => (
                    "it will be handed out by polling",
                    "Nothing, unless an existing agent still reads the topic: let it finish, or \
                     stop it.",
                ),
                Repeat::Harm => (
                    "as a repeat is harm it is not handed out by polling by itself",
                    "Let an agent read the topic (STREAMER_NAME=KAFKA), or make sure that none \
                     will, and redeliver it.",
                ),
            };
            let message = format!("{since}; agents get their work by polling now, {what}");
            (Reason::LeftOnTopic, message, fix)
        }
        Reading::Behind => (
            Reason::NotPickedUp,
            format!("{since}; the connected agents have not read so far yet"),
            "Look at the lag of their partitions at GET /v1/agents; start more agents, or wait.",
        ),
        Reading::Passed | Reading::Unseen => (
            Reason::NotPickedUp,
            format!("{since}; no agent is connected that tells how far it reads"),
            "Look whether an agent reads the topic. The existing agent tells nothing, and skips \
             what it cannot verify (another PORT_CLIENT_SECRET) or has no mapping for: look at \
             its log, then redeliver.",
        ),
    };
    Diagnosis {
        reason,
        message,
        fix: fix.into(),
    }
}

fn not_taken(times: u32) -> Diagnosis {
    Diagnosis {
        reason: Reason::NotTaken,
        message: format!(
            "published {times} times, and no agent started it although its group has read past it"
        ),
        fix: "Look at the agents' logs and at GET /v1/agents, then redeliver or give it up.".into(),
    }
}
