//! Who waits, and who is next: owners in turn, and for each its own in the order they came.

use std::collections::{HashMap, VecDeque};

/// What waits, by owner.
pub(super) struct Turns<T> {
    by_owner: HashMap<Box<str>, VecDeque<(u64, T)>>,
    /// Each owner of whom something waits, once.
    order: VecDeque<Box<str>>,
    count: usize,
    most: usize,
    most_of_owner: usize,
    next_ticket: u64,
}

impl<T> Turns<T> {
    pub(super) fn new(most: usize, most_of_owner: usize) -> Self {
        Self {
            by_owner: HashMap::new(),
            order: VecDeque::new(),
            count: 0,
            most,
            most_of_owner,
            next_ticket: 0,
        }
    }

    /// Lets `waiting` wait for `owner`; answers the ticket to leave with, nothing where too many
    /// wait.
    pub(super) fn enter(&mut self, owner: &str, waiting: T) -> Option<u64> {
        if self.count >= self.most {
            return None;
        }
        let ticket = self.next_ticket;
        if let Some(queue) = self.by_owner.get_mut(owner) {
            if queue.len() >= self.most_of_owner {
                return None;
            }
            queue.push_back((ticket, waiting));
        } else {
            let queue = VecDeque::from([(ticket, waiting)]);
            self.by_owner.insert(owner.into(), queue);
            self.order.push_back(owner.into());
        }
        self.next_ticket += 1;
        self.count += 1;
        Some(ticket)
    }

    /// Takes what is next.
    pub(super) fn next(&mut self) -> Option<T> {
        // an owner whose last one left stays in the order until its turn
        while let Some(owner) = self.order.pop_front() {
            let Some(queue) = self.by_owner.get_mut(&owner) else {
                continue;
            };
            let next = queue.pop_front();
            if queue.is_empty() {
                self.by_owner.remove(&owner);
            } else {
                self.order.push_back(owner);
            }
            if let Some((_, waiting)) = next {
                self.count -= 1;
                return Some(waiting);
            }
        }
        None
    }

    /// Takes out what entered with `ticket`, where it still waits.
    pub(super) fn leave(&mut self, owner: &str, ticket: u64) -> Option<T> {
        let queue = self.by_owner.get_mut(owner)?;
        let place = queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        let (_, waiting) = queue.remove(place.ok()?)?;
        self.count -= 1;
        if queue.is_empty() {
            self.by_owner.remove(owner);
            self.order.retain(|waiting| **waiting != *owner);
        }
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(turns: &mut Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(|| turns.next()).collect()
    }

    #[test]
    fn owners_take_turns_and_each_keeps_its_order() {
        let mut turns = Turns::new(100, 100);
        for (owner, waiting) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)] {
            turns.enter(owner, waiting).unwrap();
        }
        assert_eq!(drained(&mut turns), [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn an_owner_that_comes_late_is_next_but_for_one_turn_of_the_others() {
        let mut turns = Turns::new(1000, 1000);
        for waiting in 0..200 {
            turns.enter("many", waiting).unwrap();
        }
        turns.enter("one", 1000).unwrap();
        assert_eq!([turns.next(), turns.next()], [Some(0), Some(1000)]);
    }

    #[test]
    fn who_leaves_gives_up_its_place_and_its_owners_turn() {
        let mut turns = Turns::new(3, 2);
        let first = turns.enter("a", 1).unwrap();
        let second = turns.enter("a", 2).unwrap();
        assert_eq!(turns.enter("a", 3), None, "two of an owner are the most");
        turns.enter("b", 4).unwrap();
        assert_eq!(turns.enter("c", 5), None, "three are the most");
        assert_eq!(turns.leave("a", first), Some(1));
        assert_eq!(turns.leave("a", first), None);
        assert_eq!(turns.leave("a", second), Some(2));
        turns.enter("a", 6).unwrap();
        assert_eq!(drained(&mut turns), [4, 6]);
        assert_eq!(turns.leave("b", 2), None);
        assert!(turns.by_owner.is_empty() && turns.order.is_empty() && turns.count == 0);
    }
}
