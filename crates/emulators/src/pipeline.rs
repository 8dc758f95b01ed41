//! Scripted pipelines: what a started build does, and how it reports back over plain HTTP.
//!
//! A script is data. It knows of Longshore only the public calls that a real pipeline would make.

mod gates;
mod reporter;

use std::time::Duration;

use serde_json::{Value, json};

pub use gates::Gates;
pub(crate) use reporter::{Reporter, RunAccess};

/// What a started build does, one step after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// When the script runs, seen from the trigger's answer.
    pub timing: Timing,
    /// How often a report is sent until it is answered with anything below 500; at least once.
    pub report_attempts: u32,
    /// Pause between two attempts of one report.
    pub report_pause: Duration,
}

impl Default for Script {
    /// A build that does nothing and reports nothing.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Script {
    /// A script that runs beside the trigger's answer and reports each thing once.
    pub fn new(steps: Vec<Step>) -> Self {
        Self {
            steps,
            timing: Timing::default(),
            report_attempts: 1,
            report_pause: Duration::from_millis(200),
        }
    }

    /// The script of a well-behaved pipeline: redeem, label, link, logs, success.
    pub fn well_behaved() -> Self {
        Self::new(vec![
            Step::Redeem,
            Step::Label("Running".to_owned()),
            Step::Link("{build_url}".to_owned()),
            Step::Log("Build #{build_number} started".to_owned()),
            Step::Log("All steps done".to_owned()),
            Step::succeed("Finished by build #{build_number}"),
        ])
    }

    /// The same script, run to its end before the trigger is answered.
    #[must_use]
    pub fn before_answering(mut self) -> Self {
        self.timing = Timing::BeforeAnswer;
        self
    }
}

/// When a script runs, seen from the trigger's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Timing {
    /// On its own, as a real build does: its first report may come before or after the answer.
    #[default]
    Independent,
    /// To its end, before the first byte of the answer is sent.
    BeforeAnswer,
}

/// One step. Texts may hold `{build_url}`, `{build_number}` and `{run_id}`.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `POST …/redeem` with the build's URL; anything but 200 ends the script quietly.
    Redeem,
    /// `POST …/logs`.
    Log(String),
    /// `PATCH` the run's `link`.
    Link(String),
    /// `PATCH` the run's `statusLabel`.
    Label(String),
    /// `PATCH` the run with this body, texts in it taken as they are.
    Patch(Value),
    /// `PATCH` the run's `externalRunId` with the build's URL.
    ExternalRunId,
    /// `PATCH` status and summary.
    Finish {
        /// `SUCCESS` or `FAILURE`, or what a faulty pipeline would send.
        status: String,
        /// Text for `summary`.
        summary: String,
    },
    /// Lets time pass.
    Wait(Duration),
    /// Waits until the test opens the gate of this name.
    Gate(String),
    /// Ends the script here, with nothing reported: the build was aborted.
    Abort,
}

impl Step {
    /// Finishes the run with `SUCCESS`.
    pub fn succeed(summary: impl Into<String>) -> Self {
        Self::Finish {
            status: "SUCCESS".to_owned(),
            summary: summary.into(),
        }
    }

    /// Finishes the run with `FAILURE`.
    pub fn fail(summary: impl Into<String>) -> Self {
        Self::Finish {
            status: "FAILURE".to_owned(),
            summary: summary.into(),
        }
    }
}

/// Where a pipeline finds what it needs to report: names of variables (Jenkins) or dotted paths
/// into the body (Azure DevOps).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// Names the bearer token of the run.
    pub run_token: String,
    /// Names the base URL of the API, below which `/v1` stands.
    pub api_url: String,
    /// Names the run's id.
    pub run_id: String,
}

impl Reporting {
    /// `port_run_token`, `port_api_url` and `port_run_id`: what a variable `port` at `$.port`
    /// flattens to.
    pub fn jenkins_variables() -> Self {
        Self::joined("_")
    }

    /// `port.run_token`, `port.api_url` and `port.run_id` in the body.
    pub fn body_paths() -> Self {
        Self::joined(".")
    }

    fn joined(separator: &str) -> Self {
        let name = |leaf: &str| format!("port{separator}{leaf}");
        Self {
            run_token: name("run_token"),
            api_url: name("api_url"),
            run_id: name("run_id"),
        }
    }

    /// Looks up the three; an absent one is an empty text, which the reporter refuses by name.
    pub(crate) fn find(&self, lookup: impl Fn(&str) -> Option<String>) -> RunAccess {
        RunAccess {
            token: lookup(&self.run_token).unwrap_or_default(),
            api_url: lookup(&self.api_url).unwrap_or_default(),
            run_id: lookup(&self.run_id).unwrap_or_default(),
        }
    }
}

/// One report that a script sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// HTTP method and path, for example `PATCH /v1/actions/runs/r_1`.
    pub call: String,
    /// The JSON that was sent.
    pub body: String,
    /// What came of it.
    pub outcome: ReportOutcome,
}

/// What came of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportOutcome {
    /// It was answered with this status.
    Answered(u16),
    /// It was not sent, or not answered.
    Failed(String),
}

/// How a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptEnd {
    /// Every step was done; the last `Finish` said so.
    Finished {
        /// Whether its status was `SUCCESS`, or none was reported at all.
        succeeded: bool,
    },
    /// The run was not redeemed; the script stopped quietly.
    NotRedeemed,
    /// An `Abort` step ended it.
    Aborted,
}

/// What a script may use while it runs.
pub(crate) struct Build<'a> {
    pub(crate) url: &'a str,
    pub(crate) number: u64,
    pub(crate) access: &'a RunAccess,
    pub(crate) reporter: &'a Reporter,
    pub(crate) gates: &'a Gates,
}

impl Build<'_> {
    /// Runs the script; `reported` is told of each report as soon as its outcome is known.
    pub(crate) async fn run(
        &self,
        script: &Script,
        mut reported: impl FnMut(Report) + Send,
    ) -> ScriptEnd {
        let mut succeeded = true;
        for step in &script.steps {
            let (verb, tail, body) = match step {
                Step::Wait(duration) => {
                    tokio::time::sleep(*duration).await;
                    continue;
                }
                Step::Gate(name) => {
                    self.gates.passed(name).await;
                    continue;
                }
                Step::Abort => return ScriptEnd::Aborted,
                Step::Redeem => ("POST", "/redeem", json!({ "by": self.url })),
                Step::Log(text) => ("POST", "/logs", json!({ "message": self.fill(text) })),
                Step::Link(text) => ("PATCH", "", json!({ "link": self.fill(text) })),
                Step::Label(text) => ("PATCH", "", json!({ "statusLabel": self.fill(text) })),
                Step::Patch(body) => ("PATCH", "", body.clone()),
                Step::ExternalRunId => ("PATCH", "", json!({ "externalRunId": self.url })),
                Step::Finish { status, summary } => {
                    succeeded = status == "SUCCESS";
                    let summary = self.fill(summary);
                    ("PATCH", "", json!({ "status": status, "summary": summary }))
                }
            };
            let report = self.report(script, verb, tail, &body).await;
            let answered = report.outcome == ReportOutcome::Answered(200);
            reported(report);
            if matches!(step, Step::Redeem) && !answered {
                return ScriptEnd::NotRedeemed;
            }
        }
        ScriptEnd::Finished { succeeded }
    }

    async fn report(&self, script: &Script, verb: &str, tail: &str, body: &Value) -> Report {
        let path = format!("/v1/actions/runs/{}{tail}", self.access.run_id);
        let body = body.to_string();
        let mut left = script.report_attempts.max(1);
        let outcome = loop {
            let outcome = self.reporter.send(self.access, verb, &path, &body).await;
            left -= 1;
            let settled = matches!(outcome, ReportOutcome::Answered(status) if status < 500);
            if settled || left == 0 {
                break outcome;
            }
            tokio::time::sleep(script.report_pause).await;
        };
        Report {
            call: format!("{verb} {path}"),
            body,
            outcome,
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{build_url}", self.url)
            .replace("{build_number}", &self.number.to_string())
            .replace("{run_id}", &self.access.run_id)
    }
}
