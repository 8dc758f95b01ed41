//! What the plugin made of one call, step by step, and why: for whoever tries a job out.
//!
//! The steps are those that serve a call; nothing is decided here. What is kept is free of secrets:
//! tokens, credentials and signatures are taken out where they stand in values and answers.

mod jobs;
mod render;
mod secrets;
mod signature;

use std::net::SocketAddr;

use http::{HeaderMap, Method, Uri};

use super::Config;
use super::gwt::request::GwtRequest;
use super::gwt::response::{self, GwtAnswer, JobAnswer};
use super::gwt::token::{SOURCES, Source, given_by};
use super::gwt::whitelist::{ItemFailure, examine};
use super::invocation::{Invocation, invoke, job_answer, may_see_jobs};
use super::routing::{Route, route};
use crate::call::Call;

use jobs::Conditions;
use secrets::Secrets;

pub use jobs::{
    Called, Configured, CredentialUse, JobExplanation, Outcome, TokenVerdict, UnresolvedVariable,
    VariableExplanation,
};
pub use signature::{Body, Key, SignatureHint, Spelling};

/// A request as it came over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Path and query.
    pub uri: &'a Uri,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The bytes of the body.
    pub body: &'a [u8],
    /// The sender's address.
    pub peer: SocketAddr,
}

impl<'a> From<&'a Call> for Request<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            method: &call.method,
            uri: &call.uri,
            headers: &call.headers,
            body: &call.body,
            peer: call.peer,
        }
    }
}

/// The queue that a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// The number of its next item.
    pub next_id: u64,
    /// Whether it takes builds; an emulator's is bounded.
    pub has_room: bool,
}

impl Default for Queue {
    /// That of a Jenkins that has just started.
    fn default() -> Self {
        Self {
            next_id: 1,
            has_room: true,
        }
    }
}

/// What became of a call. `Display` tells it in a block of lines for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The method.
    pub method: String,
    /// The path, without the query: a token may stand there.
    pub path: String,
    /// The sender's address.
    pub peer: SocketAddr,
    /// The content type, where there is one.
    pub content_type: Option<String>,
    /// How long the body is.
    pub body_bytes: usize,
    /// Whom the call is for.
    pub target: Target,
    /// What is worth knowing beside.
    pub hints: Vec<Hint>,
}

/// Whom a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Something outside the context path, which is told.
    Outside(String),
    /// `Authorization: Basic` without such a user: Jenkins answers 401 before the plugin sees it.
    BadCredentials,
    /// `OPTIONS`: 200, and no job is looked at.
    Options,
    /// A POST to another path: Jenkins answers 403, because no crumb is sent.
    NoCrumb,
    /// A page of Jenkins.
    Page,
    /// The trigger.
    Trigger(Box<Processing>),
}

/// What the plugin did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processing {
    /// The whitelist.
    pub whitelist: WhitelistVerdict,
    /// Where the token was given; nothing where none was, or the whitelist refused the call before.
    pub token: Option<GivenToken>,
    /// The jobs in their order; nothing where the whitelist refused the call before.
    pub jobs: Vec<JobExplanation>,
    /// Whether a dry run was asked for.
    pub dry_run: bool,
    /// The answer.
    pub answer: Answer,
}

/// What the whitelist said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhitelistVerdict {
    /// It is disabled.
    Disabled,
    /// It has no items, and so checks nothing.
    Empty,
    /// Its items in their order.
    Items(Vec<ItemExplanation>),
}

/// One item of the whitelist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemExplanation {
    /// Its host; empty admits every address.
    pub host: String,
    /// Header and algorithm of the signature, where one is asked for.
    pub signature: Option<(String, String)>,
    /// What it said.
    pub verdict: ItemVerdict,
}

/// What an item said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemVerdict {
    /// It lets the call in; no further item is looked at.
    Admitted,
    /// An item before it ended the check.
    NotLookedAt,
    /// The address does not match, with the plugin's reason.
    Host(String),
    /// The credential with the key is not there.
    CredentialMissing(String),
    /// The header is there this often instead of once; and headers that look alike.
    Header(usize, Vec<String>),
    /// The signature does not hold; and where it would.
    Signature(Option<SignatureHint>),
    /// An exception, which Jenkins answers with its error page.
    Threw(String),
}

/// Where the token was given, never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenToken {
    /// The source that won.
    pub source: Source,
    /// Further sources, which were not looked at.
    pub ignored: Vec<Source>,
    /// How many characters it has; an empty one is like none.
    pub characters: usize,
}

/// What the call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body without secrets; nothing where there is none.
    pub body: Option<String>,
    /// Whether it is Jenkins' own error page instead of the plugin's JSON.
    pub is_error_page: bool,
}

/// What is worth knowing about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// JSON came as a form, so that no expression finds anything.
    JsonSentAsForm,
    /// `Authorization` has the token, but `Bearer` is spelt in another case, or two spaces follow.
    BearerSpelling,
    /// An empty token at the first source hides one at a later source.
    EmptyTokenHides(Source),
    /// So many jobs have the given token.
    SharedToken(usize),
    /// The answer is 200 without a body: every called job is silent or failed.
    NoBody,
}

/// Explains a call as a Jenkins of this configuration would handle it. Nothing is queued.
pub fn explain(config: &Config, request: &Request<'_>, queue: Queue) -> Explanation {
    let path = request.uri.path();
    let gwt_request = GwtRequest::read(
        request.method,
        request.uri.query(),
        request.headers,
        request.body,
        request.peer,
    );
    let mut hints = Vec::new();
    let target = match route(config, request.method, path, request.headers) {
        Route::Outside => Target::Outside(config.context_path.clone()),
        Route::BadCredentials => Target::BadCredentials,
        Route::Options => Target::Options,
        Route::NoCrumb => Target::NoCrumb,
        Route::Page(_) => Target::Page,
        Route::Trigger { logged_in } => {
            let explaining = Explaining {
                config,
                request: &gwt_request,
                body: request.body,
                logged_in,
                secrets: Secrets::of(config, &gwt_request),
                bound: bound(config, &gwt_request),
            };
            let processing = explaining.processing(queue);
            hints = found_hints(&processing, &gwt_request, request.body);
            Target::Trigger(Box::new(processing))
        }
    };
    let content_type = gwt_request.headers.get("content-type");
    Explanation {
        method: request.method.to_string(),
        path: path.to_owned(),
        peer: request.peer,
        content_type: content_type.and_then(|values| values.first()).cloned(),
        body_bytes: request.body.len(),
        target,
        hints,
    }
}

/// The address that a Jenkins without a configured one goes by.
fn bound(config: &Config, request: &GwtRequest) -> String {
    let host = request
        .headers
        .get("host")
        .and_then(|values| values.first());
    let host = host.map_or("localhost", String::as_str);
    format!("http://{host}{}", config.context_path)
}

struct Explaining<'a> {
    config: &'a Config,
    request: &'a GwtRequest,
    body: &'a [u8],
    logged_in: bool,
    secrets: Secrets,
    bound: String,
}

impl Explaining<'_> {
    fn processing(mut self, queue: Queue) -> Processing {
        let config = self.config;
        let whitelist = self.whitelist();
        let mut conditions = Conditions {
            dry_run: false,
            has_room: queue.has_room,
        };
        let given = given_by(&self.request.parameters, &self.request.headers);
        let (token, jobs, dry_run, answer) = match invoke(config, self.request, self.logged_in) {
            Invocation::Uncaught(thrown) => {
                let answer = Answer {
                    status: 500,
                    body: Some(thrown.job_message()),
                    is_error_page: true,
                };
                (None, Vec::new(), false, answer)
            }
            Invocation::Refused { answer, .. } if answer.status == 403 => {
                (None, Vec::new(), false, self.answer(Ok(answer)))
            }
            Invocation::Refused { answer, .. } => {
                let token = given.as_ref().map(|(_, token)| token.as_str());
                let sees = may_see_jobs(config, self.logged_in, token);
                let jobs = jobs::explain(&mut self.secrets, config, token, sees, &[], conditions);
                (self.token(given), jobs, false, self.answer(Ok(answer)))
            }
            Invocation::Called { dry_run, jobs } => {
                conditions.dry_run = dry_run;
                let token = given.as_ref().map(|(_, token)| token.as_str());
                let secrets = &mut self.secrets;
                let explained = jobs::explain(secrets, config, token, true, &jobs, conditions);
                let mut queue_id = queue.next_id;
                let answers = jobs.into_iter().map(|(index, result)| {
                    let job = &config.jobs[index];
                    match result {
                        Err(thrown) => JobAnswer::Threw(job.name.clone(), thrown),
                        Ok(resolved) => {
                            let triggered = conditions.trigger(job, &resolved);
                            let queued = (triggered && !dry_run).then_some(queue_id);
                            queue_id += u64::from(queued.is_some());
                            let root_url = config.root_url(&self.bound);
                            job_answer(job, resolved, triggered, queued, root_url)
                        }
                    }
                });
                let answer = response::for_jobs(answers.collect());
                let answer = self.answer(answer.map_err(|thrown| thrown.job_message()));
                (self.token(given), explained, dry_run, answer)
            }
        };
        Processing {
            whitelist,
            token,
            jobs,
            dry_run,
            answer,
        }
    }

    fn answer(&self, answer: Result<GwtAnswer, String>) -> Answer {
        match answer {
            Ok(answer) => Answer {
                status: answer.status,
                body: answer.body.map(|body| self.secrets.without(&body)),
                is_error_page: false,
            },
            Err(message) => Answer {
                status: 500,
                body: Some(message),
                is_error_page: true,
            },
        }
    }

    fn token(&self, given: Option<(Source, String)>) -> Option<GivenToken> {
        let (source, token) = given?;
        let request = self.request;
        let ignored = SOURCES
            .into_iter()
            .filter(|other| *other != source)
            .filter(|other| other.value(&request.parameters, &request.headers).is_some())
            .collect();
        Some(GivenToken {
            source,
            ignored,
            characters: token.chars().count(),
        })
    }

    fn whitelist(&self) -> WhitelistVerdict {
        let whitelist = &self.config.whitelist;
        if !whitelist.enabled {
            return WhitelistVerdict::Disabled;
        }
        let mut verdicts = examine(whitelist, &self.config.credentials, self.request).into_iter();
        let items: Vec<_> = whitelist
            .items
            .iter()
            .map(|item| ItemExplanation {
                host: item.host.clone().unwrap_or_default(),
                signature: item.hmac_enabled.then(|| {
                    let or_null =
                        |text: &Option<String>| text.as_deref().unwrap_or("null").to_owned();
                    (or_null(&item.hmac_header), or_null(&item.hmac_algorithm))
                }),
                verdict: match verdicts.next() {
                    None => ItemVerdict::NotLookedAt,
                    Some(Ok(())) => ItemVerdict::Admitted,
                    Some(Err(ItemFailure::Host(reason))) => ItemVerdict::Host(reason),
                    Some(Err(ItemFailure::Credential(id))) => ItemVerdict::CredentialMissing(id),
                    Some(Err(ItemFailure::Hmac(failure))) => {
                        let id = item.hmac_credential_id.as_deref().unwrap_or("null");
                        let secret = self.config.credentials.get(id);
                        signature::verdict(&failure, secret, self.request, self.body)
                    }
                },
            })
            .collect();
        if items.is_empty() {
            return WhitelistVerdict::Empty;
        }
        WhitelistVerdict::Items(items)
    }
}

fn found_hints(processing: &Processing, request: &GwtRequest, body: &[u8]) -> Vec<Hint> {
    let mut hints = Vec::new();
    let content_types = request.headers.get("content-type");
    let is_form = content_types.is_some_and(|values| {
        values
            .iter()
            .any(|value| value.contains("x-www-form-urlencoded"))
    });
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if is_form && matches!(first, Some(b'{' | b'[')) {
        hints.push(Hint::JsonSentAsForm);
    }
    let authorizations = request.headers.get("authorization");
    let misspelt = |value: &String| {
        let begins = value
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case("bearer"));
        begins && (!value.starts_with("Bearer ") || value.starts_with("Bearer  "))
    };
    if authorizations.is_some_and(|values| values.iter().any(misspelt)) {
        hints.push(Hint::BearerSpelling);
    }
    if let Some(token) = &processing.token
        && token.characters == 0
        && !token.ignored.is_empty()
    {
        hints.push(Hint::EmptyTokenHides(token.source));
    }
    let called = processing
        .jobs
        .iter()
        .filter(|job| job.token == TokenVerdict::Called)
        .count();
    if called > 1 {
        hints.push(Hint::SharedToken(called));
    }
    if processing.answer.status == 200 && processing.answer.body.is_none() {
        hints.push(Hint::NoBody);
    }
    hints
}
