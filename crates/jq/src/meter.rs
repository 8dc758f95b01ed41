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

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};

/// The allocator mimalloc, metered in workers.
///
/// Not generic, so that it is compiled here and not with the crate that names it, which is built for
/// a short build.
#[derive(Debug)]
pub struct Metered;

/// What every block of mimalloc is aligned to, unasked.
const WORD: usize = size_of::<usize>();

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

// SAFETY: every block comes from mimalloc with the caller's own size and alignment (a word's being
// what it gives unasked) and goes back to it; a null pointer is an allowed answer.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        if !take(size) {
            return ptr::null_mut();
        }
        // SAFETY: mimalloc takes any size, and any power of two to align to.
        unsafe {
            match align {
                ..=WORD => mi_malloc(size),
                _ => mi_malloc_aligned(size, align),
            }
        }
        .cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        if !take(size) {
            return ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe {
            match align {
                ..=WORD => mi_zalloc(size),
                _ => mi_zalloc_aligned(size, align),
            }
        }
        .cast()
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        give_back(layout.size());
        // SAFETY: the caller gives back what came from here.
        unsafe { mi_free(block.cast()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !take(size) {
            return ptr::null_mut();
        }
        give_back(layout.size());
        // SAFETY: the block came from here; the rest is as above.
        unsafe {
            match layout.align() {
                ..=WORD => mi_realloc(block.cast(), size),
                align => mi_realloc_aligned(block.cast(), size, align),
            }
        }
        .cast()
    }
}
