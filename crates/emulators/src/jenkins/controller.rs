//! The controller behind HTTP: routing, the plugin's endpoint, scheduling, running scripts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::builds::{Scheduling, State};
use super::gwt::decide::Resolved;
use super::gwt::parameters::build_parameters;
use super::gwt::request::GwtRequest;
use super::gwt::response::{self, CONTENT_TYPE, GwtAnswer, JobAnswer};
use super::gwt::{Thrown, cause};
use super::invocation::{Invocation, invoke, job_answer};
use super::routing::{Route, route};
use super::{Config, Job, explain, pages};
use crate::call::{Call, Verdict};
use crate::pipeline::{Build, Gates, Reporter, Timing};
use crate::server::{Handled, Received, Receiver, Served};
use crate::tasks::Tasks;
use crate::watched::Watched;

#[derive(Debug)]
pub(super) struct Controller {
    pub(super) me: Weak<Controller>,
    pub(super) config: Config,
    pub(super) base_url: String,
    pub(super) state: Watched<State>,
    pub(super) gates: Gates,
    pub(super) reporter: Reporter,
    pub(super) tasks: Arc<Tasks>,
}

/// What the controller notes beside its answer.
pub(super) struct Note {
    verdict: Verdict,
    started: Vec<u64>,
}

fn served(response: Response<Bytes>, verdict: Verdict, started: Vec<u64>) -> Served<Note> {
    Served {
        response,
        note: Note { verdict, started },
    }
}

fn refused(response: Response<Bytes>, reason: &str) -> Served<Note> {
    served(response, Verdict::Refused(reason.to_owned()), Vec::new())
}

impl Receiver for Controller {
    type Note = Note;

    async fn receive(&self, request: &Received) -> Served<Note> {
        let path = request.uri.path();
        match route(&self.config, &request.method, path, &request.headers) {
            Route::Outside => refused(pages::outside(path), "outside the context path"),
            Route::BadCredentials => refused(pages::unauthorized(), "bad credentials"),
            Route::Options => served(Response::new(Bytes::new()), Verdict::Other, Vec::new()),
            Route::Trigger { logged_in } => self.invoke(request, logged_in).await,
            Route::NoCrumb => refused(pages::no_crumb(), "no crumb"),
            Route::Page(inside) => {
                let page = self.state.read(|state| {
                    pages::page(
                        state,
                        self.config.root_url(&self.base_url),
                        inside,
                        request.uri.query(),
                    )
                });
                match page {
                    Some(page) => served(page, Verdict::Other, Vec::new()),
                    None => refused(pages::not_found(path), "no such page"),
                }
            }
        }
    }

    fn record(&self, request: Received, handled: Handled<Note>) {
        let note = handled.note.unwrap_or(Note {
            verdict: Verdict::NotReached,
            started: Vec::new(),
        });
        let explanation_limit = self.config.explanation_limit;
        let explanation = (explanation_limit > 0).then(|| {
            let queue = explain::Queue {
                next_id: note.started.first().copied().unwrap_or(1),
                has_room: !note.started.is_empty() || self.queue_has_room(),
            };
            let explained = explain::Request {
                method: &request.method,
                uri: &request.uri,
                headers: &request.headers,
                body: &request.body,
                peer: request.peer,
            };
            explain::explain(&self.config, &explained, queue)
        });
        self.state.change(|state| {
            if let Some(explanation) = explanation {
                state.add_explanation(explanation, explanation_limit);
            }
            state.add_call(Call {
                number: 0,
                method: request.method,
                uri: request.uri,
                headers: request.headers,
                body: request.body,
                peer: request.peer,
                arrived_at: request.arrived_at,
                verdict: note.verdict,
                started: note.started,
                status: handled.status,
                fault: handled.fault,
            });
        });
    }
}

impl Controller {
    async fn invoke(&self, request: &Received, logged_in: bool) -> Served<Note> {
        let gwt_request = GwtRequest::read(
            &request.method,
            request.uri.query(),
            &request.headers,
            &request.body,
            request.peer,
        );
        let (dry_run, called) = match invoke(&self.config, &gwt_request, logged_in) {
            Invocation::Refused { reason, answer } => {
                return refused(http_answer(answer), &reason);
            }
            Invocation::Uncaught(thrown) => {
                return refused(pages::oops(), &thrown.job_message());
            }
            Invocation::Called { dry_run, jobs } => (dry_run, jobs),
        };
        let mut started = Vec::new();
        let mut waited_for = Vec::new();
        let mut answers = Vec::new();
        for (index, result) in called {
            let job = &self.config.jobs[index];
            let (answer, queued) = self.schedule(job, result, dry_run, &gwt_request);
            answers.push(answer);
            let Some((queue_id, is_new)) = queued else {
                continue;
            };
            started.push(queue_id);
            match (is_new, job.script.timing) {
                (false, _) => {}
                (true, Timing::BeforeAnswer) => waited_for.push((queue_id, index)),
                (true, Timing::Independent) => self.start_build(queue_id, index),
            }
        }
        for (queue_id, index) in waited_for {
            self.walk(queue_id, &self.config.jobs[index]).await;
        }
        let response = match response::for_jobs(answers) {
            Ok(answer) => http_answer(answer),
            Err(_) => pages::oops(),
        };
        served(response, Verdict::Accepted, started)
    }

    /// Queues the job where it is to be built, and tells its part of the answer.
    fn schedule(
        &self,
        job: &Job,
        result: Result<Resolved, Thrown>,
        dry_run: bool,
        request: &GwtRequest,
    ) -> (JobAnswer, Option<(u64, bool)>) {
        let resolved = match result {
            Ok(resolved) => resolved,
            Err(thrown) => return (JobAnswer::Threw(job.name.clone(), thrown), None),
        };
        let buildable = !job.disabled && self.queue_has_room();
        let triggered = resolved.matches && buildable;
        let queued = (triggered && !dry_run).then(|| self.queue(job, &resolved, request));
        let queue_id = queued.map(|(queue_id, _)| queue_id);
        let root_url = self.config.root_url(&self.base_url);
        let answer = job_answer(job, resolved, triggered, queue_id, root_url);
        (answer, queued)
    }

    /// Beyond its limit the emulator answers as if something vetoed the queue.
    fn queue_has_room(&self) -> bool {
        self.state
            .read(|state| state.builds().len() < self.config.build_limit)
    }

    fn queue(&self, job: &Job, resolved: &Resolved, request: &GwtRequest) -> (u64, bool) {
        let merging = job.trigger.allow_several_triggers_per_build;
        let variables = &resolved.variables.values;
        let scheduling = |unique: Option<String>| Scheduling {
            job: job.name.clone(),
            quiet_period_s: resolved.quiet_period_s,
            cause: cause::short_description(Some(&resolved.cause)),
            parameters: build_parameters(&job.parameters, variables, unique),
            variables: variables.clone(),
            access: self
                .config
                .reporting
                .find(|name| variables.get(name).cloned()),
        };
        self.state.change(|state| {
            // Unique like the plugin's UUID, but the same in every run of a test.
            let unique = (!merging).then(|| {
                format!(
                    "00000000-0000-4000-8000-{:012x}",
                    state.builds().len() as u64 + 1
                )
            });
            let (queue_id, is_new) = state.queue(scheduling(unique), merging);
            if is_new && job.trigger.print_post_content {
                let received = format!(" Received:\n\n{}\n\n", request.post_content);
                state.print(queue_id, &received);
            }
            if is_new && job.trigger.print_contributed_variables {
                state.print(queue_id, "Contributing variables:\n\n");
                for (name, value) in variables {
                    state.print(queue_id, &format!("    {name} = {value}\n"));
                }
            }
            (queue_id, is_new)
        })
    }

    fn start_build(&self, queue_id: u64, index: usize) {
        let Some(me) = self.me.upgrade() else { return };
        self.tasks
            .start(async move { me.walk(queue_id, &me.config.jobs[index]).await });
    }

    /// Waits out the quiet period, then runs the job's script to its end.
    async fn walk(&self, queue_id: u64, job: &Job) {
        let quiet_period_s = self.state.read(|state| {
            state
                .build(queue_id)
                .map_or(-1, |build| build.quiet_period_s)
        });
        let quiet_period =
            u64::try_from(quiet_period_s).map_or(self.config.quiet_period, Duration::from_secs);
        if !quiet_period.is_zero() {
            tokio::time::sleep(quiet_period).await;
        }
        let Some((number, access)) = self.state.change(|state| state.begin(queue_id)) else {
            return;
        };
        let url = format!(
            "{}{number}/",
            pages::job_url(self.config.root_url(&self.base_url), &job.name)
        );
        let build = Build {
            url: &url,
            number,
            access: &access,
            reporter: &self.reporter,
            gates: &self.gates,
        };
        let end = build
            .run(&job.script, |report| {
                self.state.change(|state| state.report(queue_id, report));
            })
            .await;
        self.state.change(|state| state.end(queue_id, end));
    }
}

fn http_answer(answer: GwtAnswer) -> Response<Bytes> {
    let has_body = answer.body.is_some();
    let mut response = Response::new(Bytes::from(answer.body.unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if has_body {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    }
    response
}
