//! An emulated Jenkins with the Generic Webhook Trigger plugin: its endpoint, a queue, builds that
//! walk through scripts, and the few pages that a follower asks for.
//!
//! [`gwt`] is the plugin as pure functions; this module gives it HTTP, a queue and time.

mod builds;
mod controller;
pub mod explain;
pub mod gwt;
mod invocation;
mod pages;
mod routing;
pub mod stored;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::call::Call;
use crate::fault::Fault;
use crate::pipeline::{Gates, Reporter, Reporting, Script};
use crate::plan::Plan;
use crate::secret::Secret;
use crate::server::{self, DEFAULT_BUILD_LIMIT, Listen, Server, StartError};
use crate::tasks::Tasks;
use crate::watched::{WaitExpired, Watched};

use controller::Controller;
use explain::Explanation;
use gwt::model::{Credentials, DeclaredParameter, Trigger, Whitelist};

pub use builds::{Build, BuildPhase, State};

/// How long one wait for an explanation lasts; another follows.
const EXPLANATION_WAIT: Duration = Duration::from_secs(3600);

/// An emulated controller.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, and bounds.
    pub listen: Listen,
    /// Path below which Jenkins stands: empty, or for example `/jenkins`.
    pub context_path: String,
    /// `JENKINS_URL` as configured; without it the bound address and the context path.
    pub root_url: Option<String>,
    /// Its jobs.
    pub jobs: Vec<Job>,
    /// The plugin's global whitelist.
    pub whitelist: Whitelist,
    /// Secret-text credentials.
    pub credentials: Credentials,
    /// Users and their API tokens, for `Authorization: Basic`.
    pub users: BTreeMap<String, Secret>,
    /// Whether callers who are not logged in may see jobs; jobs with a token need no login.
    pub anonymous_read: bool,
    /// Quiet period of jobs. A fresh Jenkins has 5 s; tests do not want to wait.
    pub quiet_period: Duration,
    /// Most builds that are queued in all; later ones are answered as not buildable.
    pub build_limit: usize,
    /// Variables under which a build finds what it reports with.
    pub reporting: Reporting,
    /// Most explanations of calls that are kept, the newest; without room for one none is made.
    pub explanation_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            context_path: String::new(),
            root_url: None,
            jobs: Vec::new(),
            whitelist: Whitelist::default(),
            credentials: Credentials::new(),
            users: BTreeMap::new(),
            anonymous_read: true,
            quiet_period: Duration::ZERO,
            build_limit: DEFAULT_BUILD_LIMIT,
            reporting: Reporting::jenkins_variables(),
            explanation_limit: 0,
        }
    }
}

impl Config {
    /// `JENKINS_URL` without a slash at its end; `bound` is the address that it has by itself.
    fn root_url<'a>(&'a self, bound: &'a str) -> &'a str {
        let configured = self.root_url.as_deref();
        configured.unwrap_or(bound).trim_end_matches('/')
    }
}

/// A job with the trigger.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Full name, folders separated by `/`.
    pub name: String,
    /// Its trigger.
    pub trigger: Trigger,
    /// Parameters that it declares.
    pub parameters: Vec<DeclaredParameter>,
    /// A disabled job is found but not built.
    pub disabled: bool,
    /// What a build of it does.
    pub script: Script,
}

/// A running emulator; it ends when shut down or dropped.
#[derive(Debug)]
pub struct Jenkins {
    server: Server,
    controller: Arc<Controller>,
}

impl Jenkins {
    /// Checks the configuration, binds and starts to serve.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        check(&config)?;
        let bound = server::bind(config.listen.address).await?;
        let tasks = Arc::new(Tasks::default());
        let listen = config.listen.clone();
        let controller = Arc::new_cyclic(|me| Controller {
            me: me.clone(),
            base_url: format!("http://{}{}", bound.address, config.context_path),
            state: Watched::new(State::new(listen.call_limit)),
            gates: Gates::default(),
            reporter: Reporter::default(),
            tasks: Arc::clone(&tasks),
            config,
        });
        let server = bound.serve(Arc::clone(&controller), &listen, tasks);
        Ok(Self { server, controller })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Address and context path, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.controller.base_url.clone()
    }

    /// The trigger's address.
    pub fn invoke_url(&self) -> String {
        format!("{}{}", self.controller.base_url, routing::INVOKE_PATH)
    }

    /// Faults for coming requests, pages included.
    pub fn faults(&self) -> &Plan<Fault> {
        &self.server.faults
    }

    /// Gates of the builds' scripts.
    pub fn gates(&self) -> &Gates {
        &self.controller.gates
    }

    /// The calls kept so far.
    pub fn calls(&self) -> Vec<Call> {
        self.controller.state.read(|state| state.calls().to_vec())
    }

    /// The builds queued so far, in the order of their queue ids.
    pub fn builds(&self) -> Vec<Build> {
        self.controller.state.read(|state| state.builds().to_vec())
    }

    /// The explanations that are kept and came after the first `seen` ones; waits until there is
    /// one. With each comes its number, counted from 1.
    pub async fn explanations(&self, seen: u64) -> Vec<(u64, Explanation)> {
        let came = |state: &State| state.explanation_count() > seen;
        while self.wait_for(came, EXPLANATION_WAIT).await.is_err() {}
        self.controller
            .state
            .read(|state| state.explanations_after(seen))
    }

    /// Waits until the condition holds.
    pub async fn wait_for(
        &self,
        condition: impl FnMut(&State) -> bool,
        timeout: Duration,
    ) -> Result<(), WaitExpired> {
        self.controller.state.wait_for(condition, timeout).await
    }

    /// Cuts every connection, ends every script, frees the port.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    let refuse = |place: String, message: String| Err(StartError::Config { place, message });
    let path = &config.context_path;
    if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/')) {
        return refuse(
            "context_path".to_owned(),
            format!("expected nothing, or a path like /jenkins, not {path:?}"),
        );
    }
    for (index, job) in config.jobs.iter().enumerate() {
        if job.name.is_empty()
            || config.jobs[..index]
                .iter()
                .any(|other| other.name == job.name)
        {
            return refuse(
                format!("jobs[{index}].name"),
                format!("expected a name of its own, not {:?}", job.name),
            );
        }
        if let Some((key, message)) = job.trigger.unsupported() {
            return refuse(format!("jobs.{}.genericVariables.{key}", job.name), message);
        }
    }
    Ok(())
}
