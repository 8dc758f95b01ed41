//! What an emulated organisation remembers: calls, explanations, runs, trigger issues.

use std::collections::VecDeque;

use crate::call::{Call, CallLog};
use crate::pipeline::{Report, RunAccess, ScriptEnd};

use super::{Explanation, Pipeline};

/// How many explanations are kept, the latest.
const EXPLANATIONS: usize = 100;

/// A run of a pipeline.
#[derive(Debug, Clone)]
pub struct Run {
    /// Build id; counts from 1 over the organisation.
    pub id: u64,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its project.
    pub project: String,
    /// The page that people open.
    pub url: String,
    /// Where it stands.
    pub phase: RunPhase,
    /// What it reported, in order.
    pub reports: Vec<Report>,
    access: RunAccess,
}

impl Run {
    /// The id of the Longshore run that the payload named; empty where it named none.
    pub fn reported_run_id(&self) -> &str {
        &self.access.run_id
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPhase {
    /// Not yet begun.
    NotStarted,
    /// Its script runs.
    InProgress,
    /// Its script has ended.
    Completed(ScriptEnd),
}

/// Why a pipeline did not start although its webhook was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerIssue {
    /// The pipeline's name.
    pub pipeline: String,
    /// What is wrong.
    pub message: String,
}

/// Everything that an emulated organisation remembers.
#[derive(Debug)]
pub struct State {
    calls: CallLog,
    runs: Vec<Run>,
    trigger_issues: Vec<TriggerIssue>,
    explanations: VecDeque<Explanation>,
    explanation_count: u64,
}

impl State {
    pub(super) fn new(call_limit: usize) -> Self {
        Self {
            calls: CallLog::new(call_limit),
            runs: Vec::new(),
            trigger_issues: Vec::new(),
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

    /// The runs started, by id.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Why pipelines did not start.
    pub fn trigger_issues(&self) -> &[TriggerIssue] {
        &self.trigger_issues
    }

    /// How many calls were explained, kept or not.
    pub fn explanation_count(&self) -> u64 {
        self.explanation_count
    }

    /// The explanations kept of those after the first `seen`, with their numbers.
    pub fn explanations_after(&self, seen: u64) -> Vec<(u64, Explanation)> {
        let first = self.explanation_count - self.explanations.len() as u64 + 1;
        (first..)
            .zip(self.explanations.iter().cloned())
            .filter(|(number, _)| *number > seen)
            .collect()
    }

    pub(super) fn add_explanation(&mut self, explanation: Explanation) {
        if self.explanations.len() == EXPLANATIONS {
            self.explanations.pop_front();
        }
        self.explanations.push_back(explanation);
        self.explanation_count += 1;
    }

    pub(super) fn add_call(&mut self, call: Call) {
        self.calls.add(call);
    }

    pub(super) fn add_trigger_issue(&mut self, issue: TriggerIssue) {
        self.trigger_issues.push(issue);
    }

    pub(super) fn queue(
        &mut self,
        pipeline: &Pipeline,
        access: RunAccess,
        url: impl FnOnce(u64) -> String,
    ) -> u64 {
        let id = self.runs.len() as u64 + 1;
        self.runs.push(Run {
            id,
            pipeline: pipeline.name.clone(),
            project: pipeline.project.clone(),
            url: url(id),
            phase: RunPhase::NotStarted,
            reports: Vec::new(),
            access,
        });
        id
    }

    pub(super) fn begin(&mut self, id: u64) -> Option<(String, RunAccess)> {
        let run = self.run(id)?;
        run.phase = RunPhase::InProgress;
        Some((run.url.clone(), run.access.clone()))
    }

    pub(super) fn report(&mut self, id: u64, report: Report) {
        if let Some(run) = self.run(id) {
            run.reports.push(report);
        }
    }

    pub(super) fn end(&mut self, id: u64, end: ScriptEnd) {
        if let Some(run) = self.run(id) {
            run.phase = RunPhase::Completed(end);
        }
    }

    /// Ids count from 1.
    fn run(&mut self, id: u64) -> Option<&mut Run> {
        let place = usize::try_from(id.checked_sub(1)?).ok()?;
        self.runs.get_mut(place)
    }
}
