//! What agents started lately, as it was written: a settlement that comes soon need not read it again.
//! Storage checks the versions of what is decided on it, and nothing ends a run without moving its
//! started delivery, so what moved meanwhile is found out and read then.

use std::collections::HashMap;

use longshore_domain::id::DeliveryId;
use longshore_store::AgentDelivery;

/// How many deliveries are remembered at most, of about a kilobyte each.
const REMEMBERED_LIMIT: usize = 4_096;

/// What was started by its delivery's id, in two generations: when the younger is full, the older is
/// forgotten.
pub(super) struct Remembered<T = AgentDelivery> {
    younger: HashMap<DeliveryId, T>,
    older: HashMap<DeliveryId, T>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            younger: HashMap::new(),
            older: HashMap::new(),
        }
    }
}

impl<T> Remembered<T> {
    /// Remembers a delivery as it stands in storage now.
    pub(super) fn add(&mut self, id: DeliveryId, started: T) {
        if self.younger.len() >= REMEMBERED_LIMIT / 2 {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(id, started);
    }

    /// Takes out what is remembered, since it is about to move.
    pub(super) fn take(&mut self, id: &DeliveryId) -> Option<T> {
        let younger = self.younger.remove(id);
        younger.or_else(|| self.older.remove(id))
    }
}

#[cfg(test)]
mod tests {
    use longshore_domain::time::Timestamp;

    use super::*;

    fn id(number: usize) -> DeliveryId {
        DeliveryId::mint(Timestamp::from_micros(0), number as u64)
    }

    #[test]
    fn what_was_started_last_is_remembered_once_and_never_more_than_the_limit() {
        let mut remembered = Remembered::default();
        let all = 3 * REMEMBERED_LIMIT;
        for number in 0..all {
            remembered.add(id(number), number);
        }
        assert!(remembered.younger.len() + remembered.older.len() <= REMEMBERED_LIMIT);
        let last = all - REMEMBERED_LIMIT / 2..all;
        for number in last.clone() {
            assert_eq!(remembered.take(&id(number)), Some(number));
        }
        for number in last.chain([0]) {
            assert_eq!(remembered.take(&id(number)), None);
        }
    }

    #[test]
    fn a_later_start_of_the_same_delivery_takes_the_place_of_an_earlier() {
        let mut remembered = Remembered::default();
        remembered.add(id(1), "first");
        remembered.add(id(1), "second");
        assert_eq!(remembered.take(&id(1)), Some("second"));
        assert_eq!(remembered.take(&id(1)), None);
    }
}
