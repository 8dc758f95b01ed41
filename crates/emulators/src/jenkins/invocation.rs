//! From a request of the trigger to answers, but for the queue: shared by what serves a call and
//! what explains one.

use super::gwt::Thrown;
use super::gwt::decide::{Decision, Resolved, decide};
use super::gwt::request::GwtRequest;
use super::gwt::response::{self, GwtAnswer, JobAnswer, JobResult};
use super::gwt::token;
use super::{Config, Job, pages};
use crate::secret::Secret;

/// What a request of the trigger comes to, before anything is queued.
pub(super) enum Invocation {
    /// No job is called, for this reason.
    Refused { reason: String, answer: GwtAnswer },
    /// Jenkins' own error page.
    Uncaught(Thrown),
    /// These jobs are called, by their index.
    Called {
        dry_run: bool,
        jobs: Vec<(usize, Result<Resolved, Thrown>)>,
    },
}

pub(super) fn invoke(config: &Config, request: &GwtRequest, logged_in: bool) -> Invocation {
    let decision = decide(
        config.jobs.iter().map(|job| &job.trigger),
        &config.whitelist,
        &config.credentials,
        request,
    );
    match decision {
        Decision::Refused(reason) => {
            let headers = request.header_text();
            let answer = response::refused(&request.remote_address, &headers, &reason);
            Invocation::Refused { reason, answer }
        }
        Decision::Uncaught(thrown) => Invocation::Uncaught(thrown),
        Decision::Jobs {
            token: given,
            dry_run,
            jobs,
        } => {
            let given = given.as_ref().map(Secret::expose);
            if jobs.is_empty() || !may_see_jobs(config, logged_in, given) {
                let reason = token::not_found_message(given);
                let answer = response::not_found(&reason);
                return Invocation::Refused { reason, answer };
            }
            Invocation::Called { dry_run, jobs }
        }
    }
}

/// Without a token only jobs that the caller may see are candidates.
pub(super) fn may_see_jobs(config: &Config, logged_in: bool, given: Option<&str>) -> bool {
    logged_in || config.anonymous_read || !token::needs_read(given)
}

/// A called job's part of the answer.
pub(super) fn job_answer(
    job: &Job,
    resolved: Resolved,
    triggered: bool,
    queue_id: Option<u64>,
    root_url: &str,
) -> JobAnswer {
    if job.trigger.silent_response {
        return JobAnswer::Silent;
    }
    let url = match queue_id {
        Some(queue_id) => format!("queue/item/{queue_id}/"),
        None if triggered => pages::job_url(root_url, &job.name),
        None => String::new(),
    };
    let expression = job.trigger.regexp_filter_expression.clone();
    let result = JobResult {
        regexp_filter_expression: expression.unwrap_or_default(),
        triggered,
        resolved_variables: resolved.variables.values,
        regexp_filter_text: resolved.filter_text,
        id: queue_id.unwrap_or(0),
        url,
    };
    JobAnswer::Result(job.name.clone(), result)
}
