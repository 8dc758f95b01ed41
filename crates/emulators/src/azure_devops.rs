//! Azure DevOps' incoming webhooks: one organisation, its service connections and pipelines.
//!
//! The vendor documents the address, the signature and the trigger; answers to failures are known
//! from public reports only. Runs API and timelines are not emulated, beside a minimal build page.

mod answer;
mod decision;
mod definition;
mod explanation;
mod path;
mod pipeline;
mod runs;
mod shown;
mod signature;
mod webhook;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::Value;

use crate::call::{Call, Verdict};
use crate::fault::Fault;
use crate::pipeline::{Gates, Reporter, Reporting, Script, Timing};
use crate::plan::Plan;
use crate::secret::Secret;
use crate::server::{
    self, DEFAULT_BUILD_LIMIT, Handled, Listen, Received, Receiver, Served, Server, StartError,
};
use crate::tasks::Tasks;
use crate::watched::{WaitExpired, Watched};

pub use answer::{Answer, Refusal};
pub use decision::{Incoming, explain};
pub use definition::{
    Definition, DefinitionError, DefinitionFault, Parameter, Place, Warning, YamlFault,
};
pub use explanation::{
    Explanation, FilterFinding, ParameterFinding, PipelineFinding, PipelineOutcome,
    ResourceFinding, ValueFinding, WebhookFinding,
};
pub use path::Path;
pub use pipeline::{Filter, Pipeline, WebhookResource};
pub use runs::{Run, RunPhase, State, TriggerIssue};
pub use shown::Shown;
pub use signature::{SignatureFault, SignatureFinding, SignatureGuess, verify};

/// How long a wait for an explanation lasts before it is begun anew.
const EXPLANATION_WAIT: Duration = Duration::from_secs(3600);

/// An emulated organisation.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, and bounds.
    pub listen: Listen,
    /// The organisation's name, first segment of every path.
    pub organization: String,
    /// Its service connections of type Incoming WebHook.
    pub webhooks: Vec<IncomingWebhook>,
    /// Its pipelines.
    pub pipelines: Vec<Pipeline>,
    /// Most runs that are started in all; later calls start none, and are answered 200 all the same.
    pub run_limit: usize,
    /// Paths in the body under which a pipeline finds what it reports with.
    pub reporting: Reporting,
    /// Status for a signature that does not hold: the vendor documents none.
    pub wrong_signature_status: StatusCode,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            organization: "contoso".to_owned(),
            webhooks: Vec::new(),
            pipelines: Vec::new(),
            run_limit: DEFAULT_BUILD_LIMIT,
            reporting: Reporting::body_paths(),
            wrong_signature_status: StatusCode::UNAUTHORIZED,
        }
    }
}

/// A service connection of type Incoming WebHook.
#[derive(Debug, Clone)]
pub struct IncomingWebhook {
    /// WebHook Name: the last path segment.
    pub name: String,
    /// The connection's own name, which pipelines' YAML holds.
    pub connection: String,
    /// The secret; without it no signature is asked for.
    pub secret: Option<Secret>,
    /// The HTTP header that carries the signature.
    pub header: String,
    /// Whether a pipeline that uses it has run once, so that the organisation knows it.
    pub registered: bool,
}

impl IncomingWebhook {
    /// A registered webhook with a secret, its signature in `X-Port-Signature`; the connection
    /// bears its name.
    pub fn signed(name: &str, secret: &str) -> Self {
        Self {
            name: name.to_owned(),
            connection: name.to_owned(),
            secret: Some(secret.into()),
            header: "X-Port-Signature".to_owned(),
            registered: true,
        }
    }
}

/// A running emulator; it ends when shut down or dropped.
#[derive(Debug)]
pub struct AzureDevOps {
    server: Server,
    organization: Arc<Organization>,
}

impl AzureDevOps {
    /// Binds and starts to serve.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let bound = server::bind(config.listen.address).await?;
        let tasks = Arc::new(Tasks::default());
        let listen = config.listen.clone();
        let organization = Arc::new_cyclic(|me| Organization {
            me: me.clone(),
            base_url: format!("http://{}", bound.address),
            state: Watched::new(State::new(listen.call_limit)),
            gates: Gates::default(),
            reporter: Reporter::default(),
            tasks: Arc::clone(&tasks),
            config,
        });
        let server = bound.serve(Arc::clone(&organization), &listen, tasks);
        Ok(Self {
            server,
            organization,
        })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// `http://` and the address, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.organization.base_url.clone()
    }

    /// The address of a webhook, `api-version` included.
    pub fn webhook_url(&self, name: &str) -> String {
        let organization = &self.organization;
        let target = webhook::target(&organization.config.organization, name);
        format!("{}{target}", organization.base_url)
    }

    /// Faults for coming requests.
    pub fn faults(&self) -> &Plan<Fault> {
        &self.server.faults
    }

    /// Gates of the pipelines' scripts.
    pub fn gates(&self) -> &Gates {
        &self.organization.gates
    }

    /// The calls kept so far.
    pub fn calls(&self) -> Vec<Call> {
        self.organization.state.read(|state| state.calls().to_vec())
    }

    /// The runs started so far.
    pub fn builds(&self) -> Vec<Run> {
        self.organization.state.read(|state| state.runs().to_vec())
    }

    /// What the pipelines' "Trigger issues" pages would tell.
    pub fn trigger_issues(&self) -> Vec<TriggerIssue> {
        self.organization
            .state
            .read(|state| state.trigger_issues().to_vec())
    }

    /// The explanations that are kept and came after the first `seen` ones; waits until there is
    /// one. With each comes its number, counted from 1.
    pub async fn explanations(&self, seen: u64) -> Vec<(u64, Explanation)> {
        let came = |state: &State| state.explanation_count() > seen;
        while self.wait_for(came, EXPLANATION_WAIT).await.is_err() {}
        self.organization
            .state
            .read(|state| state.explanations_after(seen))
    }

    /// Waits until the condition holds.
    pub async fn wait_for(
        &self,
        condition: impl FnMut(&State) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitExpired> {
        self.organization.state.wait_for(condition, timeout).await
    }

    /// Cuts every connection, ends every script, frees the port.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

#[derive(Debug)]
struct Organization {
    me: std::sync::Weak<Organization>,
    config: Config,
    base_url: String,
    state: Watched<State>,
    gates: Gates,
    reporter: Reporter,
    tasks: Arc<Tasks>,
}

/// What the organisation notes beside its answer.
struct Note {
    verdict: Verdict,
    started: Vec<u64>,
    explanation: Option<Explanation>,
}

fn verdict(explanation: &Explanation) -> Verdict {
    match (&explanation.webhook, &explanation.answer.refusal) {
        (WebhookFinding::NoAddress { .. }, _) => Verdict::Other,
        (_, Some(refusal)) => Verdict::Refused(refusal.message.clone()),
        (_, None) => Verdict::Accepted,
    }
}

impl Receiver for Organization {
    type Note = Note;

    async fn receive(&self, request: &Received) -> Served<Note> {
        match self.build_page(request) {
            Some(response) => Served {
                response,
                note: Note {
                    verdict: Verdict::Other,
                    started: Vec::new(),
                    explanation: None,
                },
            },
            None => self.call(request).await,
        }
    }

    fn record(&self, request: Received, handled: Handled<Note>) {
        let note = handled.note.unwrap_or(Note {
            verdict: Verdict::NotReached,
            started: Vec::new(),
            explanation: None,
        });
        self.state.change(|state| {
            if let Some(explanation) = note.explanation {
                state.add_explanation(explanation);
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

impl Organization {
    /// Decides on a call, and starts what it is to start.
    async fn call(&self, request: &Received) -> Served<Note> {
        let incoming = Incoming {
            method: &request.method,
            uri: &request.uri,
            headers: &request.headers,
            body: &request.body,
        };
        let (mut explanation, payload) = decision::decide(&self.config, &incoming);
        let started = match &payload {
            Some(payload) => self.begin(&mut explanation, payload).await,
            None => Vec::new(),
        };
        Served {
            response: explanation.answer.response(),
            note: Note {
                verdict: verdict(&explanation),
                started,
                explanation: Some(explanation),
            },
        }
    }

    /// Starts the pipelines that are to start, and waits for those that end before the answer.
    async fn begin(&self, explanation: &mut Explanation, payload: &Value) -> Vec<u64> {
        let mut started = Vec::new();
        let mut waited_for = Vec::new();
        for (pipeline, finding) in self.config.pipelines.iter().zip(&mut explanation.pipelines) {
            match &finding.outcome {
                PipelineOutcome::Starts if self.is_full() => {
                    finding.outcome = PipelineOutcome::RunLimit;
                }
                PipelineOutcome::Starts => {
                    let id = self.queue(pipeline, payload);
                    started.push(id);
                    if pipeline.script.timing == Timing::BeforeAnswer {
                        waited_for.push((id, &pipeline.script));
                    } else {
                        self.start_run(id, pipeline.script.clone());
                    }
                }
                PipelineOutcome::TriggerIssue(message) if !self.is_full() => {
                    let issue = TriggerIssue {
                        pipeline: pipeline.name.clone(),
                        message: message.clone(),
                    };
                    self.state.change(|state| state.add_trigger_issue(issue));
                }
                _ => {}
            }
        }
        for (id, script) in waited_for {
            self.walk(id, script).await;
        }
        started
    }

    fn is_full(&self) -> bool {
        self.state.read(|state| {
            state.runs().len() + state.trigger_issues().len() >= self.config.run_limit
        })
    }

    fn queue(&self, pipeline: &Pipeline, payload: &Value) -> u64 {
        let access = self
            .config
            .reporting
            .find(|place| path::text_at(payload, place));
        self.state.change(|state| {
            state.queue(pipeline, access, |id| {
                format!(
                    "{}/{}/{}/_build/results?buildId={id}",
                    self.base_url, self.config.organization, pipeline.project,
                )
            })
        })
    }

    fn start_run(&self, id: u64, script: Script) {
        let Some(me) = self.me.upgrade() else { return };
        self.tasks.start(async move { me.walk(id, &script).await });
    }

    /// Runs a pipeline's script to its end.
    async fn walk(&self, id: u64, script: &Script) {
        let Some((url, access)) = self.state.change(|state| state.begin(id)) else {
            return;
        };
        let build = crate::pipeline::Build {
            url: &url,
            number: id,
            access: &access,
            reporter: &self.reporter,
            gates: &self.gates,
        };
        let end = build
            .run(script, |report| {
                self.state.change(|state| state.report(id, report));
            })
            .await;
        self.state.change(|state| state.end(id, end));
    }

    /// `None` where a build's page is not what is asked for.
    fn build_page(&self, request: &Received) -> Option<Response<Bytes>> {
        let segments = webhook::segments(&request.uri);
        let [organization, project, areas @ .., id] = segments.as_slice() else {
            return None;
        };
        let is_page = request.method == Method::GET
            && organization.eq_ignore_ascii_case(&self.config.organization)
            && areas.join("/").eq_ignore_ascii_case("_apis/build/builds");
        if !is_page {
            return None;
        }
        let run = id.parse().ok().and_then(|id: u64| {
            self.state.read(|state| {
                let run = state.runs().iter().find(|run| run.id == id)?;
                run.project
                    .eq_ignore_ascii_case(project)
                    .then(|| run.clone())
            })
        });
        Some(run.map_or_else(
            || Answer::not_found(&format!("build {id}")).response(),
            |run| answer::build(&run),
        ))
    }
}
