//! What an emulated controller remembers: calls, the queue, builds.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use crate::call::{Call, CallLog};
use crate::pipeline::{Report, RunAccess, ScriptEnd};

use super::explain::Explanation;
use super::gwt::model::ParameterValue;

/// Queue items are forgotten this long after they have left the queue.
const LEFT_ITEM_LIFETIME: Duration = Duration::from_secs(300);

/// A triggered build, from its place in the queue on.
///
/// `Debug` leaves out variables, parameters, cause and log: the run's token may stand in them.
#[derive(Clone)]
pub struct Build {
    /// Id of its queue item, over all jobs.
    pub queue_id: u64,
    /// The job's full name.
    pub job: String,
    /// Number within the job; it has one once it has left the queue.
    pub number: Option<u64>,
    /// Where it stands.
    pub phase: BuildPhase,
    /// Quiet period asked for, in seconds; −1 is the job's own.
    pub quiet_period_s: i32,
    /// Cause as shown.
    pub cause: String,
    /// Parameters that it was queued with.
    pub parameters: Vec<(String, ParameterValue)>,
    /// Variables that were contributed to it.
    pub variables: BTreeMap<String, String>,
    /// How many calls were merged into it.
    pub merged_calls: u32,
    /// What it reported, in order.
    pub reports: Vec<Report>,
    /// Its console log.
    pub log: String,
    pub(super) access: RunAccess,
    pub(super) left_queue_at: Option<Instant>,
}

impl fmt::Debug for Build {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Build")
            .field("queue_id", &self.queue_id)
            .field("job", &self.job)
            .field("number", &self.number)
            .field("phase", &self.phase)
            .field("reports", &self.reports)
            .finish_non_exhaustive()
    }
}

impl Build {
    /// The id of the Longshore run that it was given; empty where it was given none.
    pub fn reported_run_id(&self) -> &str {
        &self.access.run_id
    }

    /// Whether its queue item can still be asked for.
    pub(super) fn item_is_known(&self) -> bool {
        self.left_queue_at
            .is_none_or(|left| left.elapsed() < LEFT_ITEM_LIFETIME)
    }
}

/// Where a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildPhase {
    /// In the queue, within its quiet period.
    Queued,
    /// Its script runs.
    Running,
    /// Its script has ended.
    Finished(ScriptEnd),
}

/// A build to be queued.
pub(super) struct Scheduling {
    pub(super) job: String,
    pub(super) quiet_period_s: i32,
    pub(super) cause: String,
    pub(super) parameters: Vec<(String, ParameterValue)>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) access: RunAccess,
}

/// Everything that an emulated controller remembers.
#[derive(Debug)]
pub struct State {
    calls: CallLog,
    builds: Vec<Build>,
    last_numbers: BTreeMap<String, u64>,
    explanations: VecDeque<Explanation>,
    explanation_count: u64,
}

impl State {
    pub(super) fn new(call_limit: usize) -> Self {
        Self {
            calls: CallLog::new(call_limit),
            builds: Vec::new(),
            last_numbers: BTreeMap::new(),
            explanations: VecDeque::new(),
            explanation_count: 0,
        }
    }

    /// The calls kept.
    pub fn calls(&self) -> &[Call] {
        self.calls.kept()
    }

    /// All calls, kept or not.
    pub fn call_count(&self) -> u64 {
        self.calls.total()
    }

    /// The builds, in the order of their queue ids.
    pub fn builds(&self) -> &[Build] {
        &self.builds
    }

    /// The builds whose scripts have ended.
    pub fn finished(&self) -> impl Iterator<Item = &Build> {
        self.builds
            .iter()
            .filter(|build| matches!(build.phase, BuildPhase::Finished(_)))
    }

    /// All calls that were explained, kept or not.
    pub fn explanation_count(&self) -> u64 {
        self.explanation_count
    }

    /// Keeps an explanation; the oldest makes room.
    pub(super) fn add_explanation(&mut self, explanation: Explanation, limit: usize) {
        self.explanation_count += 1;
        self.explanations.push_back(explanation);
        while self.explanations.len() > limit {
            self.explanations.pop_front();
        }
    }

    /// The explanations behind the first `seen` ones that are still kept, with their numbers.
    pub(super) fn explanations_after(&self, seen: u64) -> Vec<(u64, Explanation)> {
        let first = self.explanation_count - self.explanations.len() as u64 + 1;
        (first..)
            .zip(&self.explanations)
            .filter(|(number, _)| *number > seen)
            .map(|(number, explanation)| (number, explanation.clone()))
            .collect()
    }

    pub(super) fn add_call(&mut self, call: Call) {
        self.calls.add(call);
    }

    /// Queues a build, or merges it where it may be merged into a queued one of the same job and
    /// parameters. The flag tells whether it is new.
    pub(super) fn queue(&mut self, scheduling: Scheduling, may_merge: bool) -> (u64, bool) {
        let same = |build: &&mut Build| {
            build.phase == BuildPhase::Queued
                && build.job == scheduling.job
                && build.parameters == scheduling.parameters
        };
        if may_merge && let Some(build) = self.builds.iter_mut().find(same) {
            build.merged_calls += 1;
            return (build.queue_id, false);
        }
        let queue_id = self.builds.len() as u64 + 1;
        self.builds.push(Build {
            queue_id,
            job: scheduling.job,
            number: None,
            phase: BuildPhase::Queued,
            quiet_period_s: scheduling.quiet_period_s,
            cause: scheduling.cause,
            parameters: scheduling.parameters,
            variables: scheduling.variables,
            merged_calls: 1,
            reports: Vec::new(),
            log: String::new(),
            access: scheduling.access,
            left_queue_at: None,
        });
        (queue_id, true)
    }

    /// Takes a build out of the queue; tells its number within the job.
    pub(super) fn begin(&mut self, queue_id: u64) -> Option<(u64, RunAccess)> {
        let place = place(queue_id)?;
        let build = self.builds.get_mut(place)?;
        let number = self.last_numbers.entry(build.job.clone()).or_insert(0);
        *number += 1;
        build.number = Some(*number);
        build.phase = BuildPhase::Running;
        build.left_queue_at = Some(Instant::now());
        Some((*number, build.access.clone()))
    }

    pub(super) fn report(&mut self, queue_id: u64, report: Report) {
        if let Some(build) = self.build_mut(queue_id) {
            build
                .log
                .push_str(&format!("{}: {:?}\n", report.call, report.outcome));
            build.reports.push(report);
        }
    }

    pub(super) fn print(&mut self, queue_id: u64, text: &str) {
        if let Some(build) = self.build_mut(queue_id) {
            build.log.push_str(text);
        }
    }

    pub(super) fn end(&mut self, queue_id: u64, end: ScriptEnd) {
        if let Some(build) = self.build_mut(queue_id) {
            build.phase = BuildPhase::Finished(end);
        }
    }

    pub(super) fn build(&self, queue_id: u64) -> Option<&Build> {
        self.builds.get(place(queue_id)?)
    }

    fn build_mut(&mut self, queue_id: u64) -> Option<&mut Build> {
        self.builds.get_mut(place(queue_id)?)
    }
}

/// Queue ids count from 1.
fn place(queue_id: u64) -> Option<usize> {
    usize::try_from(queue_id.checked_sub(1)?).ok()
}
