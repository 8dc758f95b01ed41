//! What is remembered about programs: which have been quick, slow, or broke a bound.
//!
//! By owner and a hash of the text, within bounds that one owner cannot use up for another. What
//! is forgotten is on trial again.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::generations::Generations;
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
}
