//! The keys of runs that were written lately, so that a delivery's next write finds its row without
//! a look into an index. A guess: a run's key never changes, but two runs may share a place.

use std::hash::{DefaultHasher, Hash, Hasher};

use longshore_domain::id::RunId;

/// How many runs are known: some more than are under way at full speed.
const PLACES: usize = 8_192;

/// Keys by run, each in the one place that its id hashes to.
pub(super) struct SeenRuns {
    places: Vec<Option<(u64, i64)>>,
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
    pub(super) fn add(&mut self, run: &RunId, key: i64) {
        let hash = hash(run);
        if let Some(place) = self.places.get_mut(place(hash)) {
            *place = Some((hash, key));
        }
    }

    /// The key, or that of a run with the same hash.
    pub(super) fn find(&self, run: &RunId) -> Option<i64> {
        let hash = hash(run);
        let (seen, key) = (*self.places.get(place(hash))?)?;
        (seen == hash).then_some(key)
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

    #[test]
    fn a_run_is_found_under_its_last_key_until_another_takes_its_place() {
        let mut seen = SeenRuns::default();
        assert_eq!(seen.find(&run(1)), None);
        seen.add(&run(1), 7);
        seen.add(&run(1), 8);
        assert_eq!(seen.find(&run(1)), Some(8));
        let shares_its_place = |other: &RunId| place(hash(other)) == place(hash(&run(1)));
        let other = (2..).map(run).find(shares_its_place);
        let other = other.unwrap();
        assert_eq!(seen.find(&other), None);
        seen.add(&other, 9);
        assert_eq!((seen.find(&run(1)), seen.find(&other)), (None, Some(9)));
    }
}
