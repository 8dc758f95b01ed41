//! Counts what one evaluation allocates, and refuses what would pass its bound by far.
//!
//! The allocator of a process that may become a worker; until one evaluates it only passes on.
#![expect(
    unsafe_code,
    reason = "an allocator's trait is unsafe; every call is passed on as it came"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// The allocator `A`, metered in workers.
#[derive(Debug)]
pub struct Metered<A>(A);

impl<A> Metered<A> {
    /// Meters `allocator`.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

/// Whether any thread of this process is metered: one look keeps the price low where none is.
static METERING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static METER: Meter = const {
        Meter {
            used: Cell::new(0),
            limit: Cell::new(isize::MAX),
            passed: Cell::new(false),
        }
    };
}

/// What one thread has allocated since its meter was set.
struct Meter {
    used: Cell<isize>,
    limit: Cell<isize>,
    passed: Cell<bool>,
}

impl Meter {
    /// Counts `bytes` more; false where they are to be refused: one piece larger than the limit,
    /// or twice the limit in all. What lies between is left to [`passed`], which costs no process.
    fn take(&self, bytes: usize) -> bool {
        let limit = self.limit.get();
        let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
        let used = self.used.get().saturating_add(bytes);
        if bytes > limit || used > limit.saturating_mul(2) {
            return false;
        }
        if used > limit {
            self.passed.set(true);
        }
        self.used.set(used);
        true
    }

    fn give_back(&self, bytes: usize) {
        self.used.set(self.used.get().wrapping_sub_unsigned(bytes));
    }
}

/// Starts to count what this thread allocates, from nothing, towards `limit` bytes.
pub(crate) fn set(limit: usize) {
    METER.with(|meter| {
        meter.used.set(0);
        meter.passed.set(false);
        meter
            .limit
            .set(isize::try_from(limit).unwrap_or(isize::MAX));
    });
    METERING.store(true, Ordering::Relaxed);
}

/// Counts no more on this thread.
pub(crate) fn unset() {
    set(usize::MAX);
}

/// Whether this thread has had more than its limit at any moment since its meter was set.
pub(crate) fn passed() -> bool {
    METER.with(|meter| meter.passed.get())
}

fn take(bytes: usize) -> bool {
    !METERING.load(Ordering::Relaxed) || METER.with(|meter| meter.take(bytes))
}

fn give_back(bytes: usize) {
    if METERING.load(Ordering::Relaxed) {
        METER.with(|meter| meter.give_back(bytes));
    }
}

// SAFETY: every block comes from `A` with the caller's own layout and goes back to it so; a null
// pointer is an allowed answer.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Metered<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return ptr::null_mut();
        }
        // SAFETY: the caller's promises are `A`'s.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: as above.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !take(size) {
            return ptr::null_mut();
        }
        give_back(layout.size());
        // SAFETY: as above.
        unsafe { self.0.realloc(block, layout, size) }
    }
}
