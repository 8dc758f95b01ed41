//! What is remembered about programs: which have been quick, slow, or broke a bound.
//!
//! By owner and a hash of the text, within bounds that one owner cannot use up for another. What
//! is forgotten is on trial again.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bounds::{FORGIVEN_AFTER, MAX_OWNERS_REMEMBERED, MAX_PROGRAMS_REMEMBERED};
use crate::pool::Lane;

/// How an evaluation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    Quick,
    Slow,
    Broke,
}

/// Where a program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Proven,
    Slow,
    /// It broke a bound, and has been quick so many times in a row since.
    Broke {
        quick: u8,
    },
}

impl Standing {
    fn after(was: Option<Self>, conduct: Conduct) -> Self {
        match (was, conduct) {
            (_, Conduct::Broke) | (Some(Self::Broke { .. }), Conduct::Slow) => {
                Self::Broke { quick: 0 }
            }
            (_, Conduct::Slow) => Self::Slow,
            (Some(Self::Broke { quick }), Conduct::Quick) if quick + 1 < FORGIVEN_AFTER => {
                Self::Broke { quick: quick + 1 }
            }
            (_, Conduct::Quick) => Self::Proven,
        }
    }

    const fn lane(self) -> Lane {
        match self {
            Self::Proven => Lane::Proven,
            Self::Slow => Lane::Slow,
            Self::Broke { .. } => Lane::Confined,
        }
    }
}

/// The standing of programs.
pub(super) struct Memory {
    owners: Mutex<Generations<Box<str>, Generations<u64, Standing>>>,
    hasher: RandomState,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            owners: Mutex::new(Generations::new(MAX_OWNERS_REMEMBERED)),
            hasher: RandomState::new(),
        }
    }

    fn owners(&self) -> MutexGuard<'_, Generations<Box<str>, Generations<u64, Standing>>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane of each text of `owner`.
    pub(super) fn lanes<'t>(&self, owner: &str, texts: impl Iterator<Item = &'t str>) -> Vec<Lane> {
        let keys: Vec<u64> = texts.map(|text| self.hasher.hash_one(text)).collect();
        let mut owners = self.owners();
        let mut programs = owners.get(owner);
        keys.iter()
            .map(|key| {
                let standing = programs.as_mut().and_then(|programs| programs.get(key));
                standing.map_or(Lane::Trial, |standing| standing.lane())
            })
            .collect()
    }

    /// Remembers how an evaluation of `text` went.
    pub(super) fn note(&self, owner: &str, text: &str, conduct: Conduct) {
        let key = self.hasher.hash_one(text);
        let mut owners = self.owners();
        if owners.get(owner).is_none() {
            owners.put(owner.into(), Generations::new(MAX_PROGRAMS_REMEMBERED));
        }
        if let Some(programs) = owners.get(owner) {
            let was = programs.get(&key).copied();
            programs.put(key, Standing::after(was, conduct));
        }
    }
}

/// A map that forgets what was not used for long: it holds the latest `most` entries used, and what
/// is left of as many before them.
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most,
        }
    }

    fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.put(key, value);
        }
        self.young.get_mut(key)
    }

    fn put(&mut self, key: K, value: V) {
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
    fn a_program_goes_to_the_lane_of_its_conduct() {
        use Conduct::{Broke, Quick, Slow};
        for (conducts, lane) in [
            (&[][..], Lane::Trial),
            (&[Quick], Lane::Proven),
            (&[Slow], Lane::Slow),
            (&[Slow, Quick], Lane::Proven),
            (&[Quick, Slow], Lane::Slow),
            (&[Quick, Broke], Lane::Confined),
            (&[Broke, Quick], Lane::Confined),
            (&[Broke, Slow], Lane::Confined),
        ] {
            let memory = Memory::new();
            for conduct in conducts {
                memory.note("a", "text", *conduct);
            }
            assert_eq!(
                memory.lanes("a", ["text"].into_iter()),
                [lane],
                "{conducts:?}"
            );
            assert_eq!(memory.lanes("b", ["text"].into_iter()), [Lane::Trial]);
        }
    }

    #[test]
    fn who_broke_a_bound_is_trusted_again_after_long_good_conduct() {
        let memory = Memory::new();
        let lane = |conduct| {
            memory.note("a", "text", conduct);
            memory.lanes("a", ["text"].into_iter())[0]
        };
        lane(Conduct::Broke);
        for _ in 1..FORGIVEN_AFTER {
            assert_eq!(lane(Conduct::Quick), Lane::Confined);
        }
        assert_eq!(lane(Conduct::Slow), Lane::Confined);
        for _ in 1..FORGIVEN_AFTER {
            assert_eq!(lane(Conduct::Quick), Lane::Confined);
        }
        assert_eq!(lane(Conduct::Quick), Lane::Proven);
    }

    #[test]
    fn one_owner_makes_nothing_forgotten_of_another() {
        let memory = Memory::new();
        memory.note("quiet", "text", Conduct::Quick);
        for number in 0..10 * MAX_PROGRAMS_REMEMBERED {
            memory.note("busy", &number.to_string(), Conduct::Broke);
        }
        assert_eq!(memory.lanes("quiet", ["text"].into_iter()), [Lane::Proven]);
        assert_eq!(memory.lanes("busy", ["0"].into_iter()), [Lane::Trial]);
    }

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
