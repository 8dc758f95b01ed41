//! Azure DevOps' incoming webhooks: one organisation, its service connections and pipelines.
//!
//! The vendor documents the address, the signature and the trigger; answers to failures are known
//! from public reports only. Runs API and timelines are not emulated, beside a minimal build page.

mod answer;
mod payload;
mod runs;
mod signature;
mod webhook;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
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

pub use runs::{Run, RunPhase, State, TriggerIssue};
pub use signature::{SignatureFault, verify};

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
    /// The secret; without it no signature is asked for.
    pub secret: Option<Secret>,
    /// The HTTP header that carries the signature.
    pub header: String,
    /// Whether a pipeline that uses it has run once, so that the organisation knows it.
    pub registered: bool,
}

impl IncomingWebhook {
    /// A registered webhook with a secret, its signature in `X-Port-Signature`.
    pub fn signed(name: &str, secret: &str) -> Self {
        Self {
            name: name.to_owned(),
            secret: Some(secret.into()),
            header: "X-Port-Signature".to_owned(),
            registered: true,
        }
    }
}

/// A pipeline with a webhook resource.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// The project that it belongs to.
    pub project: String,
    /// The webhook that starts it.
    pub webhook: String,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Paths that its YAML reads as `${{ parameters.<alias>.<path> }}`.
    pub parameters: Vec<String>,
    /// What a run of it does.
    pub script: Script,
}

impl Pipeline {
    /// A pipeline without filters.
    pub fn new(name: &str, webhook: &str, script: Script) -> Self {
        Self {
            name: name.to_owned(),
            project: "portal".to_owned(),
            webhook: webhook.to_owned(),
            filters: Vec::new(),
            parameters: Vec::new(),
            script,
        }
    }
}

/// A filter of a webhook resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// JSON path into the payload.
    pub path: String,
    /// The text that must stand there.
    pub value: String,
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
        format!(
            "{}/{}/_apis/public/distributedtask/webhooks/{name}?api-version=6.0-preview",
            self.organization.base_url, self.organization.config.organization,
        )
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
}

impl Receiver for Organization {
    type Note = Note;

    async fn receive(&self, request: &Received) -> Served<Note> {
        let segments: Vec<_> = request
            .uri
            .path()
            .trim_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
            .collect();
        let Some((organization, rest)) = segments.split_first() else {
            return other(answer::not_found(request.uri.path()));
        };
        if !organization.eq_ignore_ascii_case(&self.config.organization) {
            return other(answer::not_found(request.uri.path()));
        }
        if let [areas @ .., name] = rest
            && areas.len() == webhook::AREAS.len()
            && areas
                .iter()
                .zip(webhook::AREAS)
                .all(|(given, area)| given.eq_ignore_ascii_case(area))
        {
            return self.webhook(request, name).await;
        }
        match rest {
            [project, apis, build, builds, id]
                if request.method == Method::GET
                    && apis.eq_ignore_ascii_case("_apis")
                    && build.eq_ignore_ascii_case("build")
                    && builds.eq_ignore_ascii_case("builds") =>
            {
                other(self.build_page(project, id))
            }
            _ => other(answer::not_found(request.uri.path())),
        }
    }

    fn record(&self, request: Received, handled: Handled<Note>) {
        let (verdict, started) = handled
            .note
            .map_or((Verdict::NotReached, Vec::new()), |note| {
                (note.verdict, note.started)
            });
        self.state.change(|state| {
            state.add_call(Call {
                number: 0,
                method: request.method,
                uri: request.uri,
                headers: request.headers,
                body: request.body,
                peer: request.peer,
                arrived_at: request.arrived_at,
                verdict,
                started,
                status: handled.status,
                fault: handled.fault,
            });
        });
    }
}

fn other(response: Response<Bytes>) -> Served<Note> {
    let note = Note {
        verdict: Verdict::Other,
        started: Vec::new(),
    };
    Served { response, note }
}

fn refused(response: Response<Bytes>, reason: impl Into<String>) -> Served<Note> {
    let note = Note {
        verdict: Verdict::Refused(reason.into()),
        started: Vec::new(),
    };
    Served { response, note }
}

impl Organization {
    async fn webhook(&self, request: &Received, name: &str) -> Served<Note> {
        let payload = match webhook::admit(&self.config, request, name) {
            Ok(payload) => payload,
            Err(refusal) => return refused(refusal.response(), refusal.reason),
        };
        let mut started = Vec::new();
        let mut waited_for = Vec::new();
        for pipeline in &self.config.pipelines {
            if !pipeline.webhook.eq_ignore_ascii_case(name) {
                continue;
            }
            match payload::decide(pipeline, &payload) {
                payload::Decision::Start if self.is_full() => {}
                payload::Decision::Start => {
                    let id = self.queue(pipeline, &payload);
                    started.push(id);
                    if pipeline.script.timing == Timing::BeforeAnswer {
                        waited_for.push((id, pipeline));
                    } else {
                        self.start_run(id, pipeline.clone());
                    }
                }
                payload::Decision::FilteredOut => {}
                payload::Decision::Issue(_) if self.is_full() => {}
                payload::Decision::Issue(message) => self.state.change(|state| {
                    state.add_trigger_issue(TriggerIssue {
                        pipeline: pipeline.name.clone(),
                        message,
                    });
                }),
            }
        }
        for (id, pipeline) in waited_for {
            self.walk(id, pipeline).await;
        }
        let note = Note {
            verdict: Verdict::Accepted,
            started,
        };
        Served {
            response: answer::accepted(),
            note,
        }
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
            .find(|path| payload::text_at(payload, path));
        self.state.change(|state| {
            state.queue(pipeline, access, |id| {
                format!(
                    "{}/{}/{}/_build/results?buildId={id}",
                    self.base_url, self.config.organization, pipeline.project,
                )
            })
        })
    }

    fn start_run(&self, id: u64, pipeline: Pipeline) {
        let Some(me) = self.me.upgrade() else { return };
        self.tasks
            .start(async move { me.walk(id, &pipeline).await });
    }

    /// Runs a pipeline's script to its end.
    async fn walk(&self, id: u64, pipeline: &Pipeline) {
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
            .run(&pipeline.script, |report| {
                self.state.change(|state| state.report(id, report));
            })
            .await;
        self.state.change(|state| state.end(id, end));
    }

    fn build_page(&self, project: &str, id: &str) -> Response<Bytes> {
        let run = id.parse().ok().and_then(|id: u64| {
            self.state.read(|state| {
                let run = state.runs().iter().find(|run| run.id == id)?;
                run.project
                    .eq_ignore_ascii_case(project)
                    .then(|| run.clone())
            })
        });
        run.map_or_else(
            || answer::not_found(&format!("build {id}")),
            |run| answer::build(&run),
        )
    }
}
