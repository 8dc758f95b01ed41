//! What is scripted for coming requests: a queue for the next ones, then a standing entry.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Scripted entries, settable while requests are being served. Entries for the next requests go
/// first, in the order they were set; the standing entry serves all others.
#[derive(Debug)]
pub struct Plan<T> {
    /// Lets the usual request pass without taking the lock.
    armed: AtomicBool,
    entries: Mutex<Entries<T>>,
}

#[derive(Debug)]
struct Entries<T> {
    next: VecDeque<(usize, T)>,
    always: Option<T>,
}

impl<T> Default for Plan<T> {
    fn default() -> Self {
        Self {
            armed: AtomicBool::new(false),
            entries: Mutex::new(Entries {
                next: VecDeque::new(),
                always: None,
            }),
        }
    }
}

impl<T: Clone> Plan<T> {
    /// Scripts the next `count` requests that have no entry yet.
    pub fn next(&self, count: usize, entry: T) {
        if count > 0 {
            let mut entries = self.entries();
            entries.next.push_back((count, entry));
            self.armed.store(true, Ordering::Release);
        }
    }

    /// Scripts every request that no entry of [`Plan::next`] takes.
    pub fn always(&self, entry: T) {
        let mut entries = self.entries();
        entries.always = Some(entry);
        self.armed.store(true, Ordering::Release);
    }

    /// Forgets everything scripted.
    pub fn clear(&self) {
        let mut entries = self.entries();
        entries.next.clear();
        entries.always = None;
        self.armed.store(false, Ordering::Release);
    }

    /// How many coming requests still have an entry of their own.
    pub fn pending(&self) -> usize {
        self.entries().next.iter().map(|(count, _)| count).sum()
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.take_if(|_| true)
    }

    /// Takes the entry whose turn it is, where `wanted` holds for it.
    pub(crate) fn take_if(&self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if !self.armed.load(Ordering::Acquire) {
            return None;
        }
        let mut entries = self.entries();
        let Some((count, entry)) = entries.next.front_mut() else {
            return entries.always.clone().filter(|entry| wanted(entry));
        };
        if !wanted(entry) {
            return None;
        }
        let entry = entry.clone();
        *count -= 1;
        if *count == 0 {
            entries.next.pop_front();
            if entries.next.is_empty() && entries.always.is_none() {
                self.armed.store(false, Ordering::Release);
            }
        }
        Some(entry)
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;

    #[test]
    fn next_entries_go_before_the_standing_one_in_order() {
        let plan = Plan::default();
        plan.always("always");
        plan.next(2, "first");
        plan.next(1, "second");
        plan.next(0, "never");
        assert_eq!(plan.pending(), 3);
        let taken: Vec<_> = (0..5).filter_map(|_| plan.take()).collect();
        assert_eq!(taken, ["first", "first", "second", "always", "always"]);
    }

    #[test]
    fn an_unwanted_entry_keeps_its_turn() {
        let plan = Plan::default();
        plan.next(1, 7);
        assert_eq!(plan.take_if(|entry| *entry == 8), None);
        assert_eq!(plan.take_if(|entry| *entry == 7), Some(7));
        assert_eq!(plan.take(), None);
    }

    #[test]
    fn clearing_forgets_both_kinds() {
        let plan = Plan::default();
        plan.next(1, 1);
        plan.always(2);
        plan.clear();
        assert_eq!(plan.take(), None);
    }
}
