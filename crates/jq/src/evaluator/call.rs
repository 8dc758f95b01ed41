//! One call's expressions that need a worker: lane by lane, each lane's by one question.
//!
//! A lane that everybody shares keeps a call for a short time only. What is not done by then, or
//! ends its worker, is asked once more where it delays nobody but its like.

use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::timeout_at;

use super::Evaluator;
use super::standing::Conduct;
use crate::bounds::{Bound, CLOCK_FACTOR, QUICK};
use crate::frame::{self, Reply};
use crate::needs::Needs;
use crate::pool::{Ending, Lane, Permit};
use crate::program::{Evaluated, Program};

/// Time is up when less than this is left by the clock: a worker counts whole milliseconds.
const LEAST: Duration = Duration::from_millis(2);

pub(super) struct Call<'c> {
    evaluator: &'c Evaluator,
    owner: &'c str,
    programs: &'c [&'c Program],
    evaluated: &'c mut [Option<Evaluated>],
    /// Processor time that the call still has; by the clock it has [`CLOCK_FACTOR`] times that.
    left: Duration,
    /// Places to be asked again in the slow lane.
    late: Vec<usize>,
}

/// How a question to a worker went.
enum Course {
    /// All is answered; the permit has the worker again.
    Answered,
    /// Its worker takes too long, and was killed.
    Late,
    Ended(Ending),
    /// The worker had ended before it was asked.
    Stale,
    /// Its answers are none.
    Malformed,
    /// No worker could be started.
    NotStarted(io::Error),
    TooLarge,
}

impl<'c> Call<'c> {
    pub(super) fn new(
        evaluator: &'c Evaluator,
        owner: &'c str,
        programs: &'c [&'c Program],
        evaluated: &'c mut [Option<Evaluated>],
    ) -> Self {
        Self {
            evaluator,
            owner,
            programs,
            evaluated,
            left: evaluator.bounds.deadline,
            late: Vec::new(),
        }
    }

    /// Evaluates what has no answer yet.
    pub(super) async fn evaluate(mut self, input: &Value) {
        let open: Vec<usize> = (0..self.programs.len())
            .filter(|place| self.evaluated[*place].is_none())
            .collect();
        let texts = open.iter().map(|place| self.programs[*place].text());
        let lanes = self.evaluator.memory.lanes(self.owner, texts);
        let needs = Needs::union(open.iter().map(|place| self.programs[*place].needs()));
        let mut json = Vec::new();
        if needs.write(input, &mut json).is_err() {
            self.answer_all(&open, &Evaluated::Error("the input is no JSON".to_owned()));
            return;
        };
        let waited_at = Instant::now() + self.evaluator.wait;
        for lane in Lane::ALL {
            let of_lane = open.iter().zip(&lanes).filter(|(_, its)| **its == lane);
            let mut places: Vec<usize> = of_lane.map(|(place, _)| *place).collect();
            if lane == Lane::Slow {
                places.append(&mut self.late);
            }
            if !places.is_empty() {
                let wait = waited_at.saturating_duration_since(Instant::now());
                self.in_lane(lane, places, wait, &json).await;
            }
        }
    }

    async fn in_lane(&mut self, lane: Lane, mut open: Vec<usize>, wait: Duration, input: &[u8]) {
        let mut permit = match self.evaluator.pool.permit(lane, self.owner, wait).await {
            Ok(permit) => permit,
            Err(refusal) => {
                self.answer_all(&open, &Evaluated::Error(refusal.to_string()));
                return;
            }
        };
        // starting a worker is not the call's time, starting another one is
        if let Err(error) = self.ready(lane, &mut permit).await {
            self.judge(lane, &mut open, Course::NotStarted(error));
        }
        let start = Instant::now();
        let end = start + lane.clock(self.left);
        while !open.is_empty() {
            if end.saturating_duration_since(Instant::now()) < LEAST {
                self.give_up(lane, &open);
                break;
            }
            let mut answered = 0;
            let course = self
                .round(lane, &mut permit, &open, end, input, &mut answered)
                .await;
            open.drain(..answered);
            self.judge(lane, &mut open, course);
        }
        self.left = self.left.saturating_sub(start.elapsed() / CLOCK_FACTOR);
    }

    /// Sees to it that the permit has a worker.
    async fn ready(&self, lane: Lane, permit: &mut Permit) -> io::Result<()> {
        if !permit.has_worker() {
            permit.keep(self.evaluator.pool.start(lane).await?);
        }
        Ok(())
    }

    /// One question to one worker about the `open` places; counts those that it `answered`.
    async fn round(
        &mut self,
        lane: Lane,
        permit: &mut Permit,
        open: &[usize],
        end: Instant,
        input: &[u8],
        answered: &mut usize,
    ) -> Course {
        let left = end.saturating_duration_since(Instant::now()) / CLOCK_FACTOR;
        let texts: Vec<&str> = open.iter().map(|at| self.programs[*at].text()).collect();
        let times = lane.times(left);
        let Some(question) = frame::question(times, &texts, input) else {
            return Course::TooLarge;
        };
        if let Err(error) = self.ready(lane, permit).await {
            return Course::NotStarted(error);
        }
        let Some(mut worker) = permit.take_worker() else {
            return Course::Stale;
        };
        let was_used = worker.was_used();
        let conversation = async {
            worker.ask(&question).await?;
            let mut before = Instant::now();
            for place in open {
                let reply = worker.answer().await?;
                let now = Instant::now();
                self.take(lane, *place, reply, now - before);
                before = now;
                *answered += 1;
            }
            Ok::<_, io::Error>(())
        };
        match timeout_at(end.into(), conversation).await {
            Ok(Ok(())) => {
                permit.keep(worker);
                Course::Answered
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Course::Malformed,
            Ok(Err(_)) => match worker.ending().await {
                Ending::Idle => Course::Stale,
                Ending::Killed if was_used && *answered == 0 => Course::Stale,
                ending => Course::Ended(ending),
            },
            Err(_) => Course::Late,
        }
    }

    /// Takes one answer, which `took` so long.
    fn take(&mut self, lane: Lane, place: usize, reply: Reply, took: Duration) {
        let was_quick = took < QUICK;
        match &reply {
            Reply::Exceeded(Bound::Time) if lane.is_brief() => {
                self.note(place, Conduct::Slow);
                self.late.push(place);
                return;
            }
            // what found no time left did no harm itself
            Reply::Exceeded(Bound::Time) if was_quick => {}
            Reply::Exceeded(_) => self.note(place, Conduct::Broke),
            Reply::Output(_) | Reply::Empty | Reply::Error(_) => match lane {
                Lane::Proven => {}
                Lane::Trial => self.note(place, Conduct::Quick),
                Lane::Slow | Lane::Confined if was_quick => self.note(place, Conduct::Quick),
                Lane::Slow | Lane::Confined => self.note(place, Conduct::Slow),
            },
        }
        self.evaluated[place] = Some(reply.into());
    }

    /// Blames the first of the `open` places for how a question ended; all of them where answers came
    /// together, so that it is not known which one it was.
    fn judge(&mut self, lane: Lane, open: &mut Vec<usize>, course: Course) {
        let exceeded = |bound| (Conduct::Broke, Evaluated::Exceeded(bound));
        let failed = |why: &str| (Conduct::Broke, Evaluated::Error(why.to_owned()));
        let (conduct, answer) = match course {
            Course::Answered | Course::Stale => return,
            Course::TooLarge => {
                self.answer_all(open, &Evaluated::Exceeded(Bound::Input));
                open.clear();
                return;
            }
            Course::NotStarted(error) => {
                let why = format!("no worker could be started: {error}");
                self.answer_all(open, &Evaluated::Error(why));
                open.clear();
                return;
            }
            Course::Late if lane.is_brief() => (Conduct::Slow, Evaluated::Exceeded(Bound::Time)),
            Course::Late => exceeded(Bound::Time),
            Course::Ended(Ending::Crash) => exceeded(Bound::Memory),
            Course::Ended(Ending::Forbidden) => failed("the expression left its worker's sandbox"),
            Course::Ended(Ending::Killed) => {
                let why = "the worker was ended from outside".to_owned();
                (Conduct::Slow, Evaluated::Error(why))
            }
            Course::Ended(Ending::Idle | Ending::Other) => failed("the worker failed"),
            Course::Malformed => failed("the worker's answer is none"),
        };
        if lane == Lane::Proven {
            for place in open.iter() {
                self.note(*place, Conduct::Slow);
            }
            self.late.append(open);
            return;
        }
        if open.is_empty() {
            return;
        }
        let place = open.remove(0);
        self.note(place, conduct);
        if lane == Lane::Trial && conduct == Conduct::Slow {
            self.late.push(place);
        } else {
            self.evaluated[place] = Some(answer);
        }
    }

    /// Ends the stay of the `open` places in a lane whose time is up.
    fn give_up(&mut self, lane: Lane, open: &[usize]) {
        if lane.is_brief() {
            self.late.extend(open);
        } else {
            self.answer_all(open, &Evaluated::Exceeded(Bound::Time));
        }
    }

    fn answer_all(&mut self, open: &[usize], answer: &Evaluated) {
        for place in open {
            self.evaluated[*place] = Some(answer.clone());
        }
    }

    fn note(&self, place: usize, conduct: Conduct) {
        let text = self.programs[place].text();
        self.evaluator.memory.note(self.owner, text, conduct);
    }
}
