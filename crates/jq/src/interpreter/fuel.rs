//! Stops an evaluation from inside: after so many terms, so deep a stack, so late an hour.
//!
//! The interpreter looks its program up once per evaluated term ([`HasLut::lut`]); that look-up
//! counts, and leaves by unwinding where a bound is passed.

use std::cell::Cell;
use std::fmt;
use std::panic::resume_unwind;
use std::ptr;
use std::time::Instant;

use jaq_core::Lut;
use jaq_core::data::{DataT, HasLut};

use crate::bounds::{MAX_STEPS, WORKER_STACK_BYTES, WORKER_STACK_RESERVE_BYTES};
use crate::value::Value;

/// Terms between two looks at the clock.
const STEPS_PER_LOOK: u64 = 256;

/// Why an evaluation was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Steps,
    Stack,
    Time,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Steps => "the expression takes more than the allowed number of steps",
            Self::Stack => "the expression recurses too deep",
            Self::Time => "the expression takes longer than the allowed time",
        })
    }
}

/// The kind of data that filters run on here: our values, and a program behind fuel.
pub(crate) struct Fuelled;

impl DataT for Fuelled {
    type V<'a> = Value;
    type Data<'a> = FuelledLut<'a>;
}

/// What one evaluation may still use.
pub(super) struct Fuel {
    steps: Cell<u64>,
    until: Instant,
    stack_floor: usize,
}

impl Fuel {
    pub(super) fn new(until: Instant) -> Self {
        let depth = WORKER_STACK_BYTES - WORKER_STACK_RESERVE_BYTES;
        Self {
            steps: Cell::new(MAX_STEPS),
            until,
            stack_floor: stack_position().saturating_sub(depth),
        }
    }

    pub(super) fn with<'a>(&'a self, lut: &'a Lut<Fuelled>) -> FuelledLut<'a> {
        FuelledLut { fuel: self, lut }
    }

    fn spend(&self) {
        let Some(steps) = self.steps.get().checked_sub(1) else {
            stop(Stop::Steps);
        };
        self.steps.set(steps);
        if stack_position() < self.stack_floor {
            stop(Stop::Stack);
        }
        if steps % STEPS_PER_LOOK == 0 && Instant::now() >= self.until {
            stop(Stop::Time);
        }
    }
}

/// Unwinds without the panic hook: nothing is printed.
fn stop(reason: Stop) -> ! {
    resume_unwind(Box::new(reason))
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
