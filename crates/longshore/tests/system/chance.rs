//! Numbers by chance that a seed can bring back (SplitMix64).

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A run of numbers from one seed.
pub(crate) struct Chance(u64);

impl Chance {
    /// From `SYSTEM_TEST_SEED` where it was set when the tests were built, else from anywhere;
    /// says which.
    pub(crate) fn seeded(test: &str) -> Self {
        let given = option_env!("SYSTEM_TEST_SEED").map(|text| text.parse().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(test));
        println!("{test}: build the tests with SYSTEM_TEST_SEED={seed} for the same choices");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A while that is shorter than `end`.
    pub(crate) fn moment(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).unwrap();
        Duration::from_micros(self.below(micros))
    }
}
