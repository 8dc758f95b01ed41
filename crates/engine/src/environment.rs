//! Time and chance, the two inputs that tests replace.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_domain::time::Timestamp;

/// Where the engine takes time and random bits from.
pub trait Environment: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Fills `bytes` with bits that nobody can guess.
    fn fill_random(&self, bytes: &mut [u8]);
    /// Bits that nobody can guess for what many are made of, such as ids.
    fn random_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// `length` random letters and digits.
pub(crate) fn random_text(environment: &dyn Environment, length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xY";
    let mut bytes = vec![0; length];
    environment.fill_random(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte & 63)]))
        .collect()
}

/// How many numbers one question to the operating system brings.
const NUMBERS_AT_ONCE: usize = 64;

thread_local! {
    /// Random numbers that nobody has had yet.
    static NUMBERS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The machine's clock and randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    #[expect(
        clippy::expect_used,
        reason = "a machine without randomness must not make secrets"
    )]
    fn fill_random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has random bits");
    }

    fn random_u64(&self) -> u64 {
        NUMBERS.with_borrow_mut(|numbers| {
            if numbers.is_empty() {
                let mut bytes = [[0; 8]; NUMBERS_AT_ONCE];
                self.fill_random(bytes.as_flattened_mut());
                numbers.extend(bytes.map(u64::from_le_bytes));
            }
            numbers.pop().unwrap_or_default()
        })
    }
}

/// A clock that tests move, and random bits that are the same in every run.
#[derive(Clone, Debug)]
pub struct FixedEnvironment {
    now: Arc<AtomicI64>,
    state: Arc<AtomicU64>,
}

impl FixedEnvironment {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(AtomicI64::new(now.as_micros())),
            state: Arc::new(AtomicU64::new(0x9E37_79B9_7F4A_7C15)),
        }
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.now.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Environment for FixedEnvironment {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: good enough to keep ids apart, and the same in every run.
            let mut mixed = self
                .state
                .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}
