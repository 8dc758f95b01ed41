//! The runs that were written lately, as they were written then, so that their next change finds its
//! rows without a look at them. A guess, which each change checks while it writes: a write may have
//! been undone, and two runs may share a place.

use std::hash::{DefaultHasher, Hash, Hasher};

use longshore_domain::id::RunId;
use longshore_domain::run::Run;

use super::code::Code;

/// How many runs are known: some more than are under way at full speed.
const PLACES: usize = 8_192;

/// What of a run decides how a change of it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredRun {
    pub(super) key: i64,
    pub(super) version: i64,
    pub(super) has_ended: bool,
    pub(super) status: i64,
    pub(super) external_run_id: Option<Box<str>>,
}

impl StoredRun {
    pub(super) fn of(run: &Run, key: i64) -> Self {
        Self {
            key,
            version: i64::from(run.version),
            has_ended: run.ended_at.is_some(),
            status: run.status.code(),
            external_run_id: run.external_run_id.as_deref().map(Into::into),
        }
    }
}

/// Runs, each in the one place that its id hashes to.
pub(super) struct SeenRuns {
    places: Vec<Option<(u64, StoredRun)>>,
}

impl Default for SeenRuns {
    fn default() -> Self {
        Self {
            places: vec![None; PLACES],
        }
    }
}

impl SeenRuns {
    /// Takes the place of whatever was there.
    pub(super) fn add(&mut self, run: &RunId, stored: StoredRun) {
        let hash = hash(run);
        if let Some(place) = self.places.get_mut(place(hash)) {
            *place = Some((hash, stored));
        }
    }

    /// The run, or one with the same hash.
    pub(super) fn find(&self, run: &RunId) -> Option<&StoredRun> {
        let hash = hash(run);
        let (seen, found) = self.places.get(place(hash))?.as_ref()?;
        (*seen == hash).then_some(found)
    }
}

fn hash(run: &RunId) -> u64 {
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    hasher.finish()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits are all that is wanted"
)]
const fn place(hash: u64) -> usize {
    hash as usize % PLACES
}

#[cfg(test)]
mod tests {
    use longshore_domain::time::Timestamp;

    use super::*;

    fn run(number: u64) -> RunId {
        RunId::mint(Timestamp::from_micros(0), number)
    }

    fn stored(key: i64) -> StoredRun {
        StoredRun {
            key,
            version: 1,
            has_ended: false,
            status: 0,
            external_run_id: None,
        }
    }

    #[test]
    fn a_run_is_found_as_it_was_seen_last_until_another_takes_its_place() {
        let mut seen = SeenRuns::default();
        assert_eq!(seen.find(&run(1)), None);
        seen.add(&run(1), stored(7));
        seen.add(&run(1), stored(8));
        assert_eq!(seen.find(&run(1)), Some(&stored(8)));
        let shares_its_place = |other: &RunId| place(hash(other)) == place(hash(&run(1)));
        let other = (2..).map(run).find(shares_its_place);
        let other = other.unwrap();
        assert_eq!(seen.find(&other), None);
        seen.add(&other, stored(9));
        assert_eq!(seen.find(&run(1)), None);
        assert_eq!(seen.find(&other), Some(&stored(9)));
    }
}
