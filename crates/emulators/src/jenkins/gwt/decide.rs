//! What one request makes of all jobs, before anything is scheduled.

use std::fmt;

use super::model::{Credentials, Trigger, Whitelist};
use super::render::{matches, render};
use super::request::GwtRequest;
use super::variables::{Variables, resolve};
use super::whitelist::{self, Refusal};
use super::{Thrown, parameters, token};
use crate::secret::Secret;

/// The result for one job whose token was given. `Debug` names the variables, without values.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its variables.
    pub variables: Variables,
    /// The rendered filter text.
    pub filter_text: String,
    /// Whether the filter matched.
    pub matches: bool,
    /// The rendered cause, empty where none is configured.
    pub cause: String,
    /// Quiet period in seconds; −1 is the job's own.
    pub quiet_period_s: i32,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Resolved")
            .field("variables", &self.variables)
            .field("matches", &self.matches)
            .field("quiet_period_s", &self.quiet_period_s)
            .finish_non_exhaustive()
    }
}

/// What the plugin decided about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The whitelist refused it, with the reason.
    Refused(String),
    /// An exception that nothing catches.
    Uncaught(Thrown),
    /// The jobs that were called, by their index, each with its result or exception. Empty where
    /// no job has the given token.
    Jobs {
        /// The given token.
        token: Option<Secret>,
        /// Whether nothing shall be scheduled.
        dry_run: bool,
        /// Index of the job, and what became of it.
        jobs: Vec<(usize, Result<Resolved, Thrown>)>,
    },
}

/// Decides about a request, for the triggers of all jobs in their order.
pub fn decide<'a>(
    triggers: impl Iterator<Item = &'a Trigger>,
    whitelist: &Whitelist,
    credentials: &Credentials,
    request: &GwtRequest,
) -> Decision {
    match whitelist::check(whitelist, credentials, request) {
        Ok(()) => {}
        Err(Refusal::Refused(reason)) => return Decision::Refused(reason),
        Err(Refusal::Thrown(thrown)) => return Decision::Uncaught(thrown),
    }
    let token = token::given(&request.parameters, &request.headers);
    let jobs = triggers
        .enumerate()
        .filter(|(_, trigger)| token::calls(trigger, credentials, token.as_deref()))
        .map(|(index, trigger)| (index, resolve_job(trigger, request)))
        .collect();
    Decision::Jobs {
        token: token.map(Secret::new),
        dry_run: parameters::is_dry_run(&request.headers),
        jobs,
    }
}

fn resolve_job(trigger: &Trigger, request: &GwtRequest) -> Result<Resolved, Thrown> {
    let variables = resolve(trigger, request)?;
    let filter_text = render(trigger.regexp_filter_text.as_deref(), &variables.values)?;
    let matches = matches(
        Some(&filter_text),
        trigger.regexp_filter_expression.as_deref(),
    )?;
    let cause = render(trigger.cause_string.as_deref(), &variables.values)?;
    let quiet_period_s = if trigger.override_quiet_period {
        parameters::quiet_period_s(&request.parameters, &request.headers)
    } else {
        -1
    };
    Ok(Resolved {
        variables,
        filter_text,
        matches,
        cause,
        quiet_period_s,
    })
}
