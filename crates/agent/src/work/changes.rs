//! Changes of the catalog: called at least once, without run, start or settlement.

use std::time::Duration;

use longshore_domain::agent::{AttemptRef, Reported};
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::id::DeliveryId;
use longshore_domain::outcome::Repeat;
use longshore_domain::run::ReadMessage;
use serde_json::Value;
use tokio::time::sleep;

use super::{Desk, Ending, Place, Stop};
use crate::call::Asked;

/// How often a change is sent before it is given up.
const ATTEMPTS: u32 = 8;
/// The wait after the first attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest that a receiver can ask to wait.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

impl Desk {
    /// Calls the receiver of a change; the same change always has the same `delivery`.
    pub async fn change(
        &self,
        delivery: DeliveryId,
        message: Value,
        place: Place,
        revoked: Stop,
    ) -> Ending {
        let sent = self.attempts(delivery, message);
        let ending = tokio::select! {
            ending = sent => ending,
            () = self.stop.stopped() => Ending::Abandoned,
            () = revoked.stopped() => Ending::Abandoned,
        };
        drop(place);
        ending
    }

    async fn attempts(&self, delivery: DeliveryId, message: Value) -> Ending {
        let message = ReadMessage::Tree(message);
        for attempt in 1..=ATTEMPTS {
            let attempt = AttemptRef {
                delivery: delivery.clone(),
                attempt,
            };
            let number = attempt.attempt;
            let (failed, wait) = match self.caller.prepare(message.clone()).await {
                Asked::NotOurs => return Ending::NotOurs,
                Asked::Impossible(diagnosis) => {
                    given_up(&delivery, &diagnosis);
                    return Ending::Settled;
                }
                Asked::Call(prepared) => {
                    let route = &prepared.route;
                    let target = self
                        .targets
                        .find(&route.destination, route.policy.concurrency);
                    let turn = (target.slot().await, self.calls.acquire().await);
                    let settlement = self
                        .caller
                        .make(None, attempt, Repeat::Allowed, *prepared)
                        .await;
                    drop(turn);
                    self.metrics.called(&settlement);
                    match settlement.outcome {
                        Reported::Accepted { .. } => return Ending::Settled,
                        Reported::Refused { diagnosis } => {
                            given_up(&delivery, &diagnosis);
                            return Ending::Settled;
                        }
                        Reported::Unknown { diagnosis } | Reported::Unverified { diagnosis } => {
                            (diagnosis, 0)
                        }
                        Reported::Retry {
                            diagnosis,
                            retry_after_seconds,
                            ..
                        } => (diagnosis, retry_after_seconds.unwrap_or(0)),
                    }
                }
            };
            if number == ATTEMPTS {
                given_up(&delivery, &failed);
                return Ending::Settled;
            }
            let asked = Duration::from_secs(wait).min(LONGEST_WAIT);
            sleep(asked.max(FIRST_WAIT * 2u32.pow(number - 1))).await;
        }
        Ending::Settled
    }
}

fn given_up(delivery: &DeliveryId, diagnosis: &Diagnosis) {
    let (reason, message) = (diagnosis.reason, diagnosis.message.as_str());
    tracing::error!(%delivery, %reason, message, "a change of the catalog was not taken");
}
