//! Each job: why it was called or not, its variables, filter and build.

use super::super::gwt::Thrown;
use super::super::gwt::cause::short_description;
use super::super::gwt::decide::Resolved;
use super::super::gwt::model::{Credentials, ExpressionType, Trigger};
use super::super::gwt::token;
use super::super::gwt::variables::{Origin, Part};
use super::super::{Config, Job};
use super::secrets::Secrets;

/// Most names that are told as left in a text.
const LEFTOVER_LIMIT: usize = 20;

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobExplanation {
    /// Its full name.
    pub name: String,
    /// Where its token comes from.
    pub credential: CredentialUse,
    /// Whether its token was given.
    pub token: TokenVerdict,
    /// What became of it.
    pub outcome: Outcome,
}

/// Where a job's token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialUse {
    /// No credential is configured.
    None,
    /// The credential of this id.
    Found(String),
    /// The credential of this id is not there, so that the job's token as text counts; whether it
    /// has one.
    Missing(String, bool),
}

/// Whether a job is called by the given token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenVerdict {
    /// Its token was given.
    Called,
    /// It has none, and none was given.
    CalledWithoutToken,
    /// It has none, and none was given, but the caller may not see jobs.
    NotSeen,
    /// It has none, but one was given.
    HasNone,
    /// It has one, but none was given.
    NoneGiven,
    /// It has another one.
    Other,
    /// It has one that differs in case alone.
    OtherCase,
    /// It has one that differs in white space around alone.
    OtherBlanks,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was not called.
    NotCalled,
    /// An exception stands in its place in the answer.
    Threw(String),
    /// It was looked at.
    Called(Box<Called>),
}

/// A job that was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Its variables by name.
    pub variables: Vec<VariableExplanation>,
    /// Post-content variables whose expression gave nothing.
    pub unresolved: Vec<UnresolvedVariable>,
    /// The template of the filter's text.
    pub filter_template: Option<String>,
    /// The text that the filter looked at.
    pub filter_text: String,
    /// The filter, where there is one.
    pub filter_expression: Option<String>,
    /// Whether it matched.
    pub matches: bool,
    /// Names with a `$` that were left in the text: no variable has them.
    pub leftovers: Vec<String>,
    /// The cause as shown.
    pub cause: String,
    /// The quiet period in seconds; −1 is the job's own.
    pub quiet_period_s: i32,
    /// Whether the job is disabled.
    pub disabled: bool,
    /// Whether it is left out of the answer.
    pub silent: bool,
    /// Whether a build is queued, or would be but for the dry run.
    pub triggered: bool,
    /// Whether this is a dry run.
    pub dry_run: bool,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableExplanation {
    /// Its name.
    pub name: String,
    /// Its value, without secrets.
    pub value: String,
    /// Where it came from.
    pub configured: Configured,
    /// What was deleted from its value.
    pub filter: Option<String>,
}

/// Where a variable came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configured {
    /// A header.
    Header(String),
    /// A parameter of the query or a form.
    Parameter(String),
    /// An expression, and which part of its result.
    Expression(ExpressionType, String, Part),
}

/// A post-content variable without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedVariable {
    /// Its key.
    pub key: String,
    /// Its expression.
    pub expression: String,
    /// Why it gave nothing.
    pub reason: String,
    /// Whether it has a default instead.
    pub has_default: bool,
}

/// What besides a job itself decides whether it is built.
#[derive(Clone, Copy)]
pub(super) struct Conditions {
    pub(super) dry_run: bool,
    pub(super) has_room: bool,
}

impl Conditions {
    /// Whether the job is built, or would be but for the dry run.
    pub(super) fn trigger(self, job: &Job, resolved: &Resolved) -> bool {
        resolved.matches && !job.disabled && self.has_room
    }
}

/// Explains all jobs; `called` holds what became of those that the token calls.
pub(super) fn explain(
    secrets: &mut Secrets,
    config: &Config,
    given: Option<&str>,
    sees: bool,
    called: &[(usize, Result<Resolved, Thrown>)],
    conditions: Conditions,
) -> Vec<JobExplanation> {
    // Before anything is told: the secret of one job may stand in the text of another.
    for (_, result) in called {
        for (name, value) in result
            .iter()
            .flat_map(|resolved| &resolved.variables.values)
        {
            secrets.variable(name, value);
        }
    }
    let mut explained = Vec::new();
    for (index, job) in config.jobs.iter().enumerate() {
        let trigger = &job.trigger;
        let result = called.iter().find(|(place, _)| *place == index);
        let outcome = match result {
            None => Outcome::NotCalled,
            Some((_, Err(thrown))) => Outcome::Threw(secrets.without(&thrown.job_message())),
            Some((_, Ok(resolved))) => {
                Outcome::Called(Box::new(called_job(secrets, job, resolved, conditions)))
            }
        };
        explained.push(JobExplanation {
            name: job.name.clone(),
            credential: credential(trigger, &config.credentials),
            token: token_verdict(trigger, &config.credentials, given, sees),
            outcome,
        });
    }
    explained
}

fn credential(trigger: &Trigger, credentials: &Credentials) -> CredentialUse {
    match trigger.token_credential_id.as_deref() {
        None | Some("") => CredentialUse::None,
        Some(id) if credentials.contains_key(id) => CredentialUse::Found(id.to_owned()),
        Some(id) => {
            let has_token = !token::configured(trigger, credentials).is_empty();
            CredentialUse::Missing(id.to_owned(), has_token)
        }
    }
}

fn token_verdict(
    trigger: &Trigger,
    credentials: &Credentials,
    given: Option<&str>,
    sees: bool,
) -> TokenVerdict {
    let configured = token::configured(trigger, credentials);
    let text = given.unwrap_or_default();
    if token::calls(trigger, credentials, given) {
        return match (text.is_empty(), sees) {
            (false, _) => TokenVerdict::Called,
            (true, true) => TokenVerdict::CalledWithoutToken,
            (true, false) => TokenVerdict::NotSeen,
        };
    }
    if configured.is_empty() {
        TokenVerdict::HasNone
    } else if text.is_empty() {
        TokenVerdict::NoneGiven
    } else if configured.eq_ignore_ascii_case(text) {
        TokenVerdict::OtherCase
    } else if configured.trim() == text.trim() {
        TokenVerdict::OtherBlanks
    } else {
        TokenVerdict::Other
    }
}

fn called_job(
    secrets: &mut Secrets,
    job: &Job,
    resolved: &Resolved,
    conditions: Conditions,
) -> Called {
    let trigger = &job.trigger;
    let found = &resolved.variables;
    let mut variables = Vec::new();
    for (name, value) in &found.values {
        if let Some(origin) = found.origins.get(name) {
            variables.push(VariableExplanation {
                name: name.clone(),
                value: secrets.variable(name, value),
                configured: configured(trigger, *origin),
                filter: filter(trigger, *origin),
            });
        }
    }
    let unresolved = found.unresolved.iter().filter_map(|(place, reason)| {
        let variable = trigger.generic_variables.get(*place)?;
        Some(UnresolvedVariable {
            key: variable.key.clone(),
            expression: variable.value.clone(),
            reason: secrets.without(&reason.to_string()),
            has_default: variable.default_value.is_some(),
        })
    });
    Called {
        unresolved: unresolved.collect(),
        variables,
        filter_template: trigger.regexp_filter_text.clone(),
        filter_text: secrets.without(&resolved.filter_text),
        filter_expression: trigger
            .regexp_filter_expression
            .clone()
            .filter(|expression| !expression.is_empty()),
        matches: resolved.matches,
        leftovers: leftovers(&resolved.filter_text),
        cause: secrets.without(&short_description(Some(&resolved.cause))),
        quiet_period_s: resolved.quiet_period_s,
        disabled: job.disabled,
        silent: trigger.silent_response,
        triggered: conditions.trigger(job, resolved),
        dry_run: conditions.dry_run,
    }
}

fn configured(trigger: &Trigger, origin: Origin) -> Configured {
    match origin {
        Origin::Header(place) => {
            let entry = trigger.generic_header_variables.get(place);
            Configured::Header(entry.map_or(String::new(), |entry| entry.key.clone()))
        }
        Origin::Parameter(place) => {
            let entry = trigger.generic_request_variables.get(place);
            Configured::Parameter(entry.map_or(String::new(), |entry| entry.key.clone()))
        }
        Origin::Content(place, part) => {
            let entry = trigger.generic_variables.get(place);
            let (kind, expression) = entry.map_or(Default::default(), |entry| {
                (entry.expression_type, entry.value.clone())
            });
            Configured::Expression(kind, expression, part)
        }
    }
}

/// The regular expression that was applied to the value; defaults and whole contents have none.
fn filter(trigger: &Trigger, origin: Origin) -> Option<String> {
    let filter = match origin {
        Origin::Header(place) => &trigger.generic_header_variables.get(place)?.regexp_filter,
        Origin::Parameter(place) => &trigger.generic_request_variables.get(place)?.regexp_filter,
        Origin::Content(place, Part::Value | Part::Leaf) => {
            &trigger.generic_variables.get(place)?.regexp_filter
        }
        Origin::Content(..) => &None,
    };
    filter.clone().filter(|filter| !filter.is_empty())
}

/// `$name` and `${name}`, each once.
fn leftovers(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for behind in text.split('$').skip(1) {
        let behind = behind.strip_prefix('{').unwrap_or(behind);
        let name: String = behind
            .chars()
            .take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
            .collect();
        if names.len() >= LEFTOVER_LIMIT {
            break;
        }
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if begins && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
