//! The agent's command line, shared by `longshore agent` and `longshore-agent`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::PathBuf;

use longshore_backends::target::{Target, UrlFault};
use longshore_jq::{Evaluator, WorkerCommand};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::agent::{Agent, Failure};
use crate::call::{Caller, ConnectionFault};
use crate::config::{Config, Log, LogFormat, LogLevel, Mistake, environment};
use crate::doctor::{BodyFault, Doctor, is_sound};
use tracing_subscriber::filter::LevelFilter;

/// The argument with which a program is started to evaluate expressions for another one.
pub const JQ_WORKER: &str = "jq-worker";

/// What the help says of settings.
const VARIABLES: &str = "\
Takes the environment variables of the existing agent; a configuration file sets everything else.
Needed:
  PORT_API_BASE_URL                the server's address
  PORT_CLIENT_ID                   a credential of the organization
  PORT_CLIENT_SECRET[_FILE]        its secret, or the file that holds it
  PORT_ORG_ID                      the organization's id (for Kafka)
Often set:
  STREAMER_NAME                    KAFKA (default) or POLLING
  CONTROL_THE_PAYLOAD_CONFIG_PATH  the payload-mapping file
  PORT_CLIENT_SECRET_PREVIOUS      the secret before a rotation
SIGTERM ends it in order: what is started is finished and reported.";

/// The arguments of the agent's command.
#[derive(clap::Args, Debug)]
#[command(after_help = VARIABLES)]
pub struct Arguments {
    /// The configuration file
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Check the configuration and the mapping file, and end
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Check a receiver as this agent would call it: network, TLS, and for Jenkins the allow-list
    /// and the signature; starts nothing
    Doctor(Doctor),
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailure {
    /// The configuration is wrong.
    #[error("{}", listed(.0))]
    Configuration(Vec<Mistake>),
    /// The agent does not start.
    #[error(transparent)]
    Start(#[from] Failure),
    /// The system does not give what every process needs.
    #[error("{0}")]
    System(#[from] io::Error),
    /// An address that cannot be called.
    #[error("the URL cannot be called: {0}")]
    Url(#[from] UrlFault),
    /// The body of a dry run cannot be read.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// A connection's certificates cannot be used.
    #[error(transparent)]
    Connection(#[from] ConnectionFault),
    /// The check was made, and calls would fail.
    #[error("calls to this receiver would fail")]
    Unsound,
}

fn listed(mistakes: &[Mistake]) -> String {
    let mut text = "the configuration cannot be used:".to_owned();
    for mistake in mistakes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n  {mistake}");
    }
    text
}

impl Arguments {
    /// Runs the agent until a signal ends it; expressions are evaluated by this program, started
    /// with [`JQ_WORKER`].
    ///
    /// # Errors
    /// Why it cannot run.
    pub fn run(&self) -> Result<(), CommandFailure> {
        let config = Config::load(self.config.as_deref(), &environment())
            .map_err(CommandFailure::Configuration)?;
        if self.check {
            return Ok(());
        }
        let worker = WorkerCommand {
            program: std::env::current_exe()?,
            args: vec![JQ_WORKER.into()],
        };
        if let Some(Command::Doctor(doctor)) = &self.command {
            return check(doctor, config, worker);
        }
        log(config.log);
        // One core is left to this thread, which reads the topics, and to the Kafka client's own.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores.saturating_sub(1).max(1))
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let (mut terminate, mut interrupt) = (
                signals(SignalKind::terminate())?,
                signals(SignalKind::interrupt())?,
            );
            let (agent, stopper) = Agent::new(config, worker).await?;
            announce(&agent)?;
            let stopping = async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                stopper.stop();
            };
            let running = agent.run();
            tokio::pin!(running);
            tokio::select! {
                ended = &mut running => return Ok(ended?),
                () = stopping => {}
            }
            Ok(running.await?)
        })
    }
}

/// Prints what was found.
fn check(doctor: &Doctor, config: Config, worker: WorkerCommand) -> Result<(), CommandFailure> {
    let target = Target::parse(&doctor.url)?;
    let trial = doctor.trial.call()?;
    let caller = Caller::new(config, Evaluator::new(longshore_jq::Config::new(worker)))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(caller.check(target, &doctor.url, trial.as_ref()));
    write!(io::stdout().lock(), "{report}")?;
    if is_sound(&report) {
        Ok(())
    } else {
        Err(CommandFailure::Unsound)
    }
}

fn signals(kind: SignalKind) -> io::Result<Signal> {
    signal(kind)
}

/// Says that it works, and where it listens, in a form that scripts read whatever the log's form is.
fn announce(agent: &Agent) -> io::Result<()> {
    let line = serde_json::json!({"event": "working", "address": agent.address()});
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Sends log lines to standard output.
fn log(log: Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false);
    let started = match log.format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => lines.with_ansi(false).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "log lines go on as before");
    }
}
