//! When a destination may be called: concurrency, rate, pause and breaker.

use std::time::Duration;

use longshore_domain::time::Timestamp;

const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What limits a destination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Calls at once.
    pub concurrency: u32,
    /// Whether a connection says so; otherwise it depends on what is sent.
    pub is_set: bool,
    /// Whether a repeat of what is sent is harm.
    pub harm: bool,
    /// Calls that may be started a second.
    pub rate_per_second: Option<f64>,
    /// Failures in a row after which it is left alone for a while.
    pub breaker_failures: u32,
}

/// What an attempt told about its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answered, whatever it said.
    Answered,
    /// It could not be reached, did not answer, or answered that it is broken.
    Failed,
    /// Nothing was learned: the call was never made.
    Untried,
}

/// Hands out the slots of one destination.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: Limits,
    /// Whether a delivery whose repeat is harm was ever sent there.
    saw_harm: bool,
    in_flight: u32,
    tokens: f64,
    refilled_at: Timestamp,
    paused_until: Option<Timestamp>,
    failures: u32,
    rest: Duration,
    resting_until: Option<Timestamp>,
}

impl Gate {
    pub(crate) fn new(limits: Limits, now: Timestamp) -> Self {
        Self {
            limits,
            saw_harm: limits.harm,
            in_flight: 0,
            tokens: burst(limits),
            refilled_at: now,
            paused_until: None,
            failures: 0,
            rest: FIRST_REST,
            resting_until: None,
        }
    }

    /// Follows a change of the limits; what is under way stays under way. A server that starts
    /// something with some calls keeps the lower limit for all of them, unless a connection sets one.
    pub(crate) fn limit(&mut self, mut limits: Limits) {
        self.saw_harm |= limits.harm;
        if self.saw_harm && !limits.harm && !limits.is_set && !self.limits.is_set {
            limits.concurrency = limits.concurrency.min(self.limits.concurrency);
        }
        if self.limits != limits {
            self.limits = limits;
            self.tokens = self.tokens.min(burst(limits));
        }
    }

    /// Takes a slot, if one is free now.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        if self.opens_at(now).is_some() || self.in_flight >= self.allowed_in_flight() {
            return false;
        }
        if self.limits.rate_per_second.is_some() {
            self.tokens -= 1.0;
        }
        self.in_flight += 1;
        true
    }

    /// Returns a slot with what was learned.
    pub(crate) fn give_back(&mut self, now: Timestamp, health: Health) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match health {
            Health::Answered => {
                self.failures = 0;
                self.rest = FIRST_REST;
                self.resting_until = None;
            }
            Health::Failed => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= self.limits.breaker_failures && self.in_flight == 0 {
                    self.resting_until = Some(now.plus(self.rest));
                    self.rest = (self.rest * 2).min(LONGEST_REST);
                }
            }
            Health::Untried => {}
        }
    }

    /// The receiver asked everybody to wait; a longer pause stands.
    pub(crate) fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// Until when the receiver asked to wait.
    pub(crate) const fn paused_until(&self) -> Option<Timestamp> {
        self.paused_until
    }

    /// Whether nothing is under way, and nothing needs to be remembered.
    pub(crate) fn is_at_rest(&self, now: Timestamp) -> bool {
        self.in_flight == 0 && self.failures == 0 && self.paused_until.is_none_or(|at| at <= now)
    }

    /// When a slot could be taken as far as pause, breaker and rate go; none where that is now.
    pub(crate) fn opens_at(&mut self, now: Timestamp) -> Option<Timestamp> {
        let shut = self
            .paused_until
            .max(self.resting_until)
            .filter(|until| now < *until);
        if shut.is_some() {
            return shut;
        }
        let rate = self.limits.rate_per_second?;
        let passed = now.since(self.refilled_at);
        self.tokens = (self.tokens + passed.as_secs_f64() * rate).min(burst(self.limits));
        self.refilled_at = now;
        (self.tokens < 1.0)
            .then(|| now.plus(Duration::from_secs_f64((1.0 - self.tokens) / rate)))
            .filter(|at| now < *at)
    }

    /// A destination that keeps failing is tried by one call at a time.
    const fn allowed_in_flight(&self) -> u32 {
        if self.failures >= self.limits.breaker_failures {
            1
        } else {
            self.limits.concurrency
        }
    }
}

/// A second's worth of calls may be started at once.
fn burst(limits: Limits) -> f64 {
    limits.rate_per_second.map_or(0.0, |rate| rate.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn gate(concurrency: u32, rate_per_second: Option<f64>) -> Gate {
        Gate::new(
            Limits {
                concurrency,
                is_set: false,
                harm: false,
                rate_per_second,
                breaker_failures: 3,
            },
            START,
        )
    }

    #[test]
    fn hands_out_no_more_slots_than_it_has() {
        let mut gate = gate(2, None);
        assert!(gate.take(START) && gate.take(START));
        assert!(!gate.take(START));
        gate.give_back(START, Health::Answered);
        assert!(gate.take(START));
    }

    #[test]
    fn a_server_that_starts_something_keeps_the_lower_limit_for_every_call() {
        let limits = |concurrency, harm| Limits {
            concurrency,
            is_set: false,
            harm,
            rate_per_second: None,
            breaker_failures: 3,
        };
        let free = |mut gate: Gate| (0..100).filter(|_| gate.take(START)).count();
        let mut plain = Gate::new(limits(8, false), START);
        plain.limit(limits(64, false));
        assert_eq!(free(plain), 64);
        let mut mixed = Gate::new(limits(64, false), START);
        mixed.limit(limits(8, true));
        mixed.limit(limits(64, false));
        assert_eq!(free(mixed), 8);
    }

    #[test]
    fn starts_no_more_calls_a_second_than_allowed() {
        let mut gate = gate(100, Some(2.0));
        let taken = (0..10).filter(|_| gate.take(START)).count();
        assert_eq!(taken, 2);
        assert_eq!(
            gate.opens_at(START),
            Some(START.plus(Duration::from_millis(500)))
        );
        assert!(gate.take(START.plus(Duration::from_millis(500))));
    }

    #[test]
    fn a_pause_shuts_it_until_its_end() {
        let mut gate = gate(5, None);
        gate.pause(after(30));
        gate.pause(after(10));
        assert!(!gate.take(after(29)));
        assert_eq!(gate.opens_at(after(29)), Some(after(30)));
        assert!(gate.take(after(30)));
    }

    #[test]
    fn a_failing_destination_is_probed_by_one_call_at_growing_intervals() {
        let mut gate = gate(64, None);
        for _ in 0..3 {
            assert!(gate.take(START));
            gate.give_back(START, Health::Failed);
        }
        assert!(!gate.take(START));
        assert!(gate.take(after(1)));
        assert!(!gate.take(after(1)), "one probe at a time");
        gate.give_back(after(1), Health::Failed);
        assert_eq!(gate.opens_at(after(1)), Some(after(3)));
        assert!(gate.take(after(3)));
        gate.give_back(after(3), Health::Answered);
        assert!(gate.take(after(3)) && gate.take(after(3)));
    }
}
