//! `longshore try`: an action's call as a run would make it, and what a Jenkins job or an Azure
//! pipeline with your configuration makes of it. No server, and nothing leaves this machine.

use std::fs::DirBuilder;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use http::Uri;
use longshore_backends::client::Call;
use longshore_backends::scrub::Scrubber;
use longshore_domain::secret::Secret;
use longshore_emulators::azure_devops::{self, PipelineOutcome};
use longshore_emulators::jenkins::explain::{Outcome, Queue, Request, Target};
use longshore_emulators::jenkins::{self};
use longshore_engine::caller::{Caller, Scope};
use longshore_engine::environment::{Environment, SystemEnvironment};
use longshore_engine::runs::{Preview, StartRun};
use longshore_engine::{Engine, Parts};
use longshore_server::config::Config;
use serde_json::{Map, Value};

use crate::emulate::azure::Organization;
use crate::emulate::jenkins::Controller;
use crate::scratch::Scratch;
use crate::serve::runtime;
use crate::trying::{Tried, document};
use crate::{secret_file, wiring};

/// Who asks for the run that is made up.
const CALLER: &str = "try";
/// How much of a body is shown.
const SHOWN_BODY_CHARS: usize = 4_000;

/// What to try out, and against what.
#[derive(Args)]
pub(crate) struct TryOut {
    /// The action's document
    #[arg(value_name = "ACTION")]
    action: PathBuf,
    /// An input; read as JSON where the form asks for another type than text. Repeatable
    #[arg(short = 'p', long = "property", value_name = "KEY=VALUE")]
    properties: Vec<Pair>,
    /// The identifier of the entity that the run is about
    #[arg(long)]
    entity: Option<String>,
    /// A secret of the organization: its name, and a file with its value. Repeatable
    #[arg(long = "secret", value_name = "NAME=FILE")]
    secrets: Vec<Pair>,
    /// A file with the secret that signs; without it one is made up
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The address that the receiver sees calls come from
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    from: IpAddr,
    #[command(flatten, next_help_heading = "Against a Jenkins")]
    controller: Controller,
    #[command(flatten, next_help_heading = "Against an Azure DevOps")]
    organization: Organization,
}

/// A name and what it stands for.
#[derive(Clone)]
struct Pair {
    name: String,
    value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("expected NAME=…, such as name=billing".to_owned()),
        }
    }
}

impl TryOut {
    /// Prints the call and what becomes of it; where nothing would start, that counts as failed.
    pub(crate) fn run(&self) -> anyhow::Result<Tried> {
        if !self.controller.jobs.is_empty() && !self.organization.pipelines.is_empty() {
            bail!("--job and --pipeline are for different receivers: expected one of them");
        }
        let action = document(&self.action)?;
        let scratch = Scratch::new("try");
        let preview = runtime()?.block_on(self.preview(&action, scratch.path()))?;
        let secrets = preview
            .secrets
            .iter()
            .map(|secret| secret.expose().as_str());
        let scrubber = Scrubber::new(secrets);
        for failure in &preview.failures {
            let told = format!(
                "{}: {}: {}",
                failure.path, failure.expression, failure.message
            );
            eprintln!("longshore: {}", scrubber.scrub_text(&told));
        }
        let call = match &preview.call {
            Ok(call) => call,
            Err(found) => {
                println!(
                    "no call [{}]: {}\n→ {}",
                    found.reason, found.message, found.fix
                );
                return Ok(Tried::Failed);
            }
        };
        print!("{}", shown(call, &preview, &scrubber));
        if self.secret_file.is_none() {
            println!("  signed with a secret that was made up; --secret-file gives the real one");
        }
        let starts = self.explain(call, &scrubber)?;
        Ok(match starts && preview.failures.is_empty() {
            true => Tried::Well,
            false => Tried::Failed,
        })
    }

    async fn preview(&self, action: &Value, directory: &Path) -> anyhow::Result<Preview> {
        let engine = self.engine(directory).await?;
        let caller = Caller::Machine {
            credential: CALLER.to_owned(),
        };
        for Pair { name, value } in &self.secrets {
            let value = Secret::new(secret_file::read(Path::new(value))?);
            let made = engine.secrets.create(name, value, None).await;
            made.with_context(|| format!("--secret {name}"))?;
        }
        let named = || format!("{}", self.action.display());
        let stored = engine.create_action(&caller, action).await;
        let stored = stored.with_context(named)?;
        for warning in &stored.warnings {
            eprintln!("longshore: {}: {warning}", self.action.display());
        }
        let identifier = action["identifier"].as_str().unwrap_or_default();
        let command = StartRun {
            action: identifier.to_owned(),
            properties: Value::Object(self.inputs(action)),
            entity: self.entity.clone(),
            run_as: None,
            idempotency_key: None,
            body_hash: [0; 32],
            rerun_of: None,
        };
        let preview = engine.preview_run(&caller, command).await;
        preview.with_context(named)
    }

    /// An engine of its own, whose data goes with this command; its workers are not started.
    async fn engine(&self, directory: &Path) -> anyhow::Result<Arc<Engine>> {
        // Refused where it is there already: somebody else would have made it.
        let made = DirBuilder::new().mode(0o700).create(directory);
        made.with_context(|| format!("a directory for the trial, {}", directory.display()))?;
        let variable = |name: &str, value: String| (format!("LONGSHORE_{name}"), value);
        let given = [
            variable("DATA_DIR", directory.display().to_string()),
            variable("METRICS__LISTEN", String::new()),
        ];
        let config = Config::load(None, given.into_iter())
            .map_err(|mistakes| anyhow::anyhow!("{}", mistakes[0]))?;
        let mut master_key = [0; 32];
        SystemEnvironment.fill_random(&mut master_key);
        let engine = Engine::open(Parts {
            store: Arc::new(wiring::store(&config)?),
            environment: Arc::new(SystemEnvironment),
            client: wiring::client(&config)?,
            kafka: None,
            evaluator: wiring::evaluator(&config)?,
            master_key: Secret::new(master_key),
            organization: None,
            settings: wiring::settings(&config),
        })
        .await?;
        let signing = match &self.secret_file {
            Some(file) => secret_file::read(file)?,
            None => format!("{:032x}", SystemEnvironment.random_u64()),
        };
        let pair = Some((CALLER.to_owned(), Secret::new(signing)));
        let made = engine.identity.create_app(CALLER, Scope::Full, pair).await;
        made.context("--secret-file")?;
        Ok(engine)
    }

    fn inputs(&self, action: &Value) -> Map<String, Value> {
        let form = &action["trigger"]["userInputs"]["properties"];
        let read = |Pair { name, value }: &Pair| {
            let is_text = form[name]["type"] == "string";
            let parsed = serde_json::from_str(value).ok().filter(|_| !is_text);
            (
                name.clone(),
                parsed.unwrap_or_else(|| value.as_str().into()),
            )
        };
        self.properties.iter().map(read).collect()
    }

    /// Tells what the receiver makes of the call; whether something starts.
    fn explain(&self, call: &Call, scrubber: &Scrubber) -> anyhow::Result<bool> {
        let uri = Uri::from(call.target.path_and_query().clone());
        if !self.controller.jobs.is_empty() {
            let mut config = self.controller.config()?;
            if config.context_path.is_empty()
                && let Some((context, _)) =
                    call.target.path().rsplit_once("/generic-webhook-trigger/")
            {
                // Where this Jenkins stands is what the action's URL says.
                config.context_path = context.to_owned();
            }
            let request = Request {
                method: &call.method,
                uri: &uri,
                headers: &call.headers,
                body: &call.body,
                peer: SocketAddr::new(self.from, 0),
            };
            let explanation = jenkins::explain::explain(&config, &request, Queue::default());
            print!("\n{}", scrubber.scrub_text(&explanation.to_string()));
            let Target::Trigger(processing) = &explanation.target else {
                return Ok(false);
            };
            return Ok(processing.jobs.iter().any(|job| {
                matches!(&job.outcome, Outcome::Called(called) if called.matches && !called.disabled)
            }));
        }
        if !self.organization.pipelines.is_empty() {
            let mut config = self.organization.config()?;
            if let Some(name) = call.target.path().split('/').nth(1) {
                config.organization = name.to_owned();
            }
            let incoming = azure_devops::Incoming {
                method: &call.method,
                uri: &uri,
                headers: &call.headers,
                body: &call.body,
            };
            let explanation = azure_devops::explain(&config, &incoming);
            print!("\n{}", scrubber.scrub_text(&explanation.to_string()));
            let starts = |outcome: &PipelineOutcome| matches!(outcome, PipelineOutcome::Starts);
            return Ok(explanation.pipelines.iter().any(|it| starts(&it.outcome)));
        }
        Ok(true)
    }
}

/// The call without its secrets.
fn shown(call: &Call, preview: &Preview, scrubber: &Scrubber) -> String {
    let mut text = format!(
        "{} {}{}, signed as {}\n",
        call.method,
        call.target.origin(),
        call.target.path(),
        preview.preset
    );
    for (name, value) in &call.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = scrubber.scrub_text(&value);
        text.push_str(&format!("  {name}: {}\n", value.escape_debug()));
    }
    let body = scrubber.scrub_text(&String::from_utf8_lossy(&call.body));
    let mut characters = body.chars();
    let beginning: String = characters.by_ref().take(SHOWN_BODY_CHARS).collect();
    let cut = if characters.next().is_some() {
        "…"
    } else {
        ""
    };
    let printable: String = beginning
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    text.push_str(&format!("  {printable}{cut}\n"));
    text
}
