//! Reports: PATCH, log lines, responses and redeeming.

use std::sync::Arc;

use longshore_domain::delivery::Delivery;
use longshore_domain::id::{RunId, RunLogId};
use longshore_domain::run::{
    self, LogEntry, LogLine, Redeem, RedeemAnswer, Report, ReportRejection, Reporting, Run,
    RunChange, Status,
};
use serde_json::Value;

use crate::Engine;
use crate::caller::Caller;
use crate::decide::About;
use crate::error::Error;

impl Engine {
    /// Takes a PATCH on a run and answers the run.
    ///
    /// # Errors
    /// Where the caller may not, there is no such run, or the run does not take the report.
    pub async fn report(
        &self,
        caller: &Caller,
        id: &RunId,
        report: Report,
    ) -> Result<Value, Error> {
        self.take_report(caller, id, |run, delivery, reporting| {
            run::report(run, delivery, report.clone(), reporting).map(|change| (change, ()))
        })
        .await?;
        self.show_run(id, false).await
    }

    /// Adds a line to a run's log.
    ///
    /// # Errors
    /// Where the caller may not, there is no such run, or the run does not take the line.
    pub async fn log(
        &self,
        caller: &Caller,
        id: &RunId,
        message: String,
        termination: Option<Status>,
        status_label: Option<String>,
    ) -> Result<LogLine, Error> {
        let now = self.environment.now();
        let entry = LogEntry {
            id: RunLogId::mint(now, self.environment.random_u64()),
            message,
            termination,
            status_label,
        };
        let change = self
            .take_report(caller, id, |run, delivery, reporting| {
                let change = run::log(run, delivery, entry.clone(), reporting)?;
                let line = change.log.first().cloned();
                Ok((change, line))
            })
            .await?;
        change.ok_or_else(|| Error::Corrupt("a log line was not written".into()))
    }

    /// Keeps what a backend answered to an agent.
    ///
    /// # Errors
    /// Where the caller may not, there is no such run, or the run does not take it.
    pub async fn respond(&self, caller: &Caller, id: &RunId, response: Value) -> Result<(), Error> {
        self.take_report(caller, id, |run, delivery, reporting| {
            run::respond(run, delivery, response.clone(), reporting).map(|change| (change, ()))
        })
        .await
    }

    /// Lets one pipeline take the run; true the first time, false when the holder asks again.
    ///
    /// # Errors
    /// `Superseded` for everybody but the holder; where the run does not take it.
    pub async fn redeem(
        &self,
        caller: &Caller,
        id: &RunId,
        by: Option<String>,
    ) -> Result<bool, Error> {
        self.take_report(caller, id, |run, delivery, reporting| {
            let redeem = Redeem { by: by.clone() };
            Ok(match run::redeem(run, delivery, redeem, reporting)? {
                RedeemAnswer::Taken(change) => (*change, true),
                RedeemAnswer::HeldAlready => (RunChange::keep(run.id.clone()), false),
            })
        })
        .await
    }

    async fn take_report<T>(
        &self,
        caller: &Caller,
        id: &RunId,
        rule: impl Fn(&Run, Option<&Delivery>, Reporting<'_>) -> Result<(RunChange, T), ReportRejection>,
    ) -> Result<T, Error> {
        let reporter = caller.reporter(id)?;
        let taken = self.decide(About::Run(id), |run, delivery| {
            let reporting = Reporting {
                reporter: &reporter,
                now: self.environment.now(),
                report_timeout: self.report_timeout(delivery),
            };
            let decided = rule(run, delivery, reporting);
            decided.map(Some).map_err(Error::Report)
        });
        match taken.await {
            Ok(answer) => answer.ok_or_else(|| Error::not_found("run", id.as_str())),
            Err(Error::Report(rejection)) => Err(self.refuse(rejection).await),
            Err(error) => Err(error),
        }
    }

    /// What was told about an ended run is kept, though it is refused; where the run moves at the
    /// same moment, the refusal matters more.
    async fn refuse(&self, rejection: ReportRejection) -> Error {
        if let ReportRejection::RunEnded(change) = &rejection {
            match self.store.apply(Arc::new((**change).clone())).await {
                Ok(_) | Err(longshore_store::Error::Conflict(_)) => {}
                Err(error) => return error.into(),
            }
        }
        Error::Report(rejection)
    }
}
