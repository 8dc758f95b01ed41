//! A map of bounded size. Knows nothing of what it holds.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// A map that forgets what was not used for long: it holds the latest `most` entries used, and what
/// is left of as many before them.
pub(super) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most,
        }
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.put(key, value);
        }
        self.young.get_mut(key)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.most && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_while_others_come_and_go() {
        let mut generations = Generations::new(4);
        generations.put(0, 'a');
        for key in 1..100 {
            assert_eq!(generations.get(&0), Some(&mut 'a'));
            generations.put(key, 'b');
            assert!(generations.young.len() + generations.old.len() <= 8);
        }
        assert_eq!(generations.get(&50), None);
    }
}
