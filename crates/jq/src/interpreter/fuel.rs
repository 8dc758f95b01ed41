//! Stops an evaluation from inside: after so many terms, so deep a stack, so much memory, so late
//! an hour.
//!
//! The interpreter looks its program up once per evaluated term ([`HasLut::lut`]); that look-up
//! counts, and leaves by unwinding where a bound is passed.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::ptr;
use std::time::Duration;

use jaq_core::Lut;
use jaq_core::data::{DataT, HasLut};
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::bounds::{Bound, MAX_STEPS, WORKER_STACK_USE_BYTES};
use crate::meter;
use crate::value::Value;

/// Terms between two looks at the clock.
const STEPS_PER_LOOK: u64 = 256;

/// A moment of the calling thread's processor time: waiting for the processor uses none of it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Until(Timespec);

impl Until {
    /// The moment when this thread has worked for `time` more.
    pub(crate) fn after(time: Duration) -> Self {
        Self::now().and(time)
    }

    fn now() -> Self {
        Self(clock_gettime(ClockId::ThreadCPUTime))
    }

    fn and(self, time: Duration) -> Self {
        let time = Timespec::try_from(time).ok();
        let moment = time.and_then(|time| self.0.checked_add(time));
        moment.map_or(self, Self)
    }
}

/// Why an evaluation was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop(pub(super) Bound);

/// The kind of data that filters run on here: our values, and a program behind fuel.
pub(crate) struct Fuelled;

impl DataT for Fuelled {
    type V<'a> = Value;
    type Data<'a> = FuelledLut<'a>;
}

/// What one evaluation may still use.
pub(super) struct Fuel {
    steps: Cell<u64>,
    time: Duration,
    end: Until,
    /// When `time` is over; not known before the clock is first looked at, since most evaluations end
    /// before that.
    until: Cell<Option<Until>>,
    stack_floor: usize,
}

impl Fuel {
    /// For `time` of processor time, but not beyond `end`.
    pub(super) fn new(time: Duration, end: Until) -> Self {
        Self {
            steps: Cell::new(MAX_STEPS),
            time,
            end,
            until: Cell::new(None),
            stack_floor: stack_position().saturating_sub(WORKER_STACK_USE_BYTES),
        }
    }

    pub(super) fn with<'a>(&'a self, lut: &'a Lut<Fuelled>) -> FuelledLut<'a> {
        FuelledLut { fuel: self, lut }
    }

    fn spend(&self) {
        let Some(steps) = self.steps.get().checked_sub(1) else {
            stop(Bound::Steps);
        };
        self.steps.set(steps);
        if stack_position() < self.stack_floor {
            stop(Bound::Depth);
        }
        if meter::passed() {
            stop(Bound::Memory);
        }
        if steps % STEPS_PER_LOOK == 0 && self.is_late() {
            stop(Bound::Time);
        }
    }

    fn is_late(&self) -> bool {
        let now = Until::now();
        let until = self.until.get().unwrap_or_else(|| {
            let until = now.and(self.time).min(self.end);
            self.until.set(Some(until));
            until
        });
        now >= until
    }
}

/// Unwinds without the panic hook: nothing is printed.
fn stop(bound: Bound) -> ! {
    resume_unwind(Box::new(Stop(bound)))
}

#[inline(never)]
fn stack_position() -> usize {
    let here = 0_u8;
    ptr::from_ref(&here).addr()
}

/// A program whose every look-up costs fuel.
#[derive(Clone, Copy)]
pub(crate) struct FuelledLut<'a> {
    fuel: &'a Fuel,
    lut: &'a Lut<Fuelled>,
}

impl<'a> HasLut<'a, Fuelled> for FuelledLut<'a> {
    fn lut(&self) -> &'a Lut<Fuelled> {
        self.fuel.spend();
        self.lut
    }
}
