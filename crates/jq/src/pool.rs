//! Worker processes by lane, and whose turn it is to use one.
//!
//! A lane has so many workers; they start when needed and are reused. Calls that find none free
//! take turns by owner. What a call learns about its expressions is not known here.

mod lane;
mod process;
mod turns;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::bounds::{CLOCK_FACTOR, QUICK, SHARED_HOLD, TRIAL_CLOCK_FACTOR};
use crate::evaluator::Config;
use crate::frame::{Priority, Terms, Times};

pub(crate) use lane::{Permit, Refusal};
pub(crate) use process::{Ending, Worker};

/// How a worker is started; the program must call [`crate::worker::run`] when so called.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Which programs share workers. A call goes through them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Those that have completed quickly.
    Proven,
    /// Those of which nothing is known.
    Trial,
    /// Those that need more time than the lanes above give.
    Slow,
    /// Those that broke a bound.
    Confined,
}

impl Lane {
    pub(crate) const ALL: [Self; 4] = [Self::Proven, Self::Trial, Self::Slow, Self::Confined];

    const fn priority(self) -> Priority {
        match self {
            Self::Proven => Priority::Normal,
            Self::Trial => Priority::Low,
            Self::Slow | Self::Confined => Priority::Idle,
        }
    }

    /// Whether a call may hold a worker for a short time only, and is sent on after that.
    pub(crate) const fn is_brief(self) -> bool {
        matches!(self, Self::Proven | Self::Trial)
    }

    /// How long a call that has `left` of a processor's time may hold a worker by the clock.
    pub(crate) fn clock(self, left: Duration) -> Duration {
        let factor = match self {
            Self::Trial => TRIAL_CLOCK_FACTOR,
            Self::Proven | Self::Slow | Self::Confined => CLOCK_FACTOR,
        };
        (self.hold(left) * factor).min(left * CLOCK_FACTOR)
    }

    /// How much of a worker's time a call that has `left` may take.
    fn hold(self, left: Duration) -> Duration {
        if self.is_brief() {
            left.min(SHARED_HOLD)
        } else {
            left
        }
    }

    /// What a worker is told about its time for a call that has `left`. Half of it for one
    /// expression leaves the other half to its neighbours.
    pub(crate) fn times(self, left: Duration) -> Times {
        let left = self.hold(left);
        Times {
            each: if self.is_brief() { QUICK } else { left / 2 },
            all: left,
            one_by_one: self != Self::Proven,
        }
    }
}

/// All lanes.
pub(crate) struct Pool {
    config: Config,
    lanes: [Arc<lane::Workers>; Lane::ALL.len()],
}

impl Pool {
    /// A pool without any worker yet.
    pub(crate) fn new(config: Config) -> Self {
        let lanes = Lane::ALL.map(|lane| match lane {
            Lane::Proven => lane::Workers::new(config.workers.max(1), config.idle),
            Lane::Trial | Lane::Slow | Lane::Confined => lane::Workers::new(1, config.idle),
        });
        Self { config, lanes }
    }

    /// The right to use one worker of `lane`, when it is `owner`'s turn.
    pub(crate) async fn permit(
        &self,
        lane: Lane,
        owner: &str,
        wait: Duration,
    ) -> Result<Permit, Refusal> {
        lane::Workers::permit(self.workers(lane), owner, wait).await
    }

    /// Starts a worker for `lane`, to be used under a permit.
    pub(crate) async fn start(&self, lane: Lane) -> std::io::Result<Worker> {
        let (spare, mark) = self.workers(lane).another();
        let idle = spare.then_some(self.config.idle);
        let terms = Terms::new(&self.config.bounds, lane.priority(), idle);
        Worker::start(&self.config.worker, terms, mark).await
    }

    fn workers(&self, lane: Lane) -> &Arc<lane::Workers> {
        &self.lanes[lane as usize]
    }
}
