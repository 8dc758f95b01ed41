//! `longshore emulate jenkins`: jobs from their files, and a block of lines for each call. What a
//! call means is the emulator's to decide.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{bail, ensure};
use clap::Args;
use longshore_emulators::Listen;
use longshore_emulators::jenkins::gwt::model::{Credentials, Whitelist};
use longshore_emulators::jenkins::{self, Config, Job, stored};

use crate::serve::{Signals, runtime};

/// The longest body that is read.
const BODY_BYTES: usize = 1 << 20;
/// Most calls that wait for the terminal; of more the oldest are not shown.
const EXPLANATIONS: usize = 64;
/// Most builds: each is remembered with its variables.
const BUILDS: usize = 10_000;

/// An emulated controller, and where it listens.
#[derive(Args)]
pub(crate) struct Jenkins {
    #[command(flatten)]
    controller: Controller,
    /// The address to listen on, one of this machine alone
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// What a controller has: jobs, whitelist and credentials.
#[derive(Args)]
pub(crate) struct Controller {
    /// A job's config.xml; its name comes from the path (jobs/A/jobs/B/config.xml is A/B) or stands
    /// before the file; repeatable
    #[arg(long = "job", value_name = "[NAME=]FILE")]
    pub(crate) jobs: Vec<JobFile>,
    /// The whitelist, org.jenkinsci.plugins.gwt.global.Whitelist.xml in Jenkins' home
    #[arg(long, value_name = "FILE")]
    whitelist: Option<PathBuf>,
    /// A secret-text credential: its id, and a file with its value, of which a line end at the end
    /// is not part; repeatable
    #[arg(long = "credential", value_name = "ID=FILE")]
    credentials: Vec<CredentialFile>,
    /// The path below which Jenkins stands, such as /jenkins
    #[arg(
        long,
        default_value = "",
        value_name = "PATH",
        hide_default_value = true
    )]
    context_path: String,
}

/// A job's file, and the name that it is given.
#[derive(Clone)]
pub(crate) struct JobFile {
    name: Option<String>,
    file: PathBuf,
}

impl FromStr for JobFile {
    type Err = String;

    /// What names a file is one, also with a `=` in it.
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = PathBuf::from(text);
        match text.split_once('=') {
            Some((name, file)) if !whole.exists() => {
                if name.is_empty() || file.is_empty() {
                    return Err("expected FILE or NAME=FILE".to_owned());
                }
                Ok(Self {
                    name: Some(name.to_owned()),
                    file: PathBuf::from(file),
                })
            }
            _ => Ok(Self {
                name: None,
                file: whole,
            }),
        }
    }
}

/// A credential's id, and the file with its value.
#[derive(Clone)]
struct CredentialFile {
    id: String,
    file: PathBuf,
}

impl FromStr for CredentialFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((id, file)) if !id.is_empty() && !file.is_empty() => Ok(Self {
                id: id.to_owned(),
                file: PathBuf::from(file),
            }),
            _ => Err("expected ID=FILE".to_owned()),
        }
    }
}

impl Jenkins {
    /// Runs until a signal ends it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(
            self.listen.ip().is_loopback(),
            "--listen {}: expected a loopback address, such as 127.0.0.1:8080; an emulator is no \
             server for production, and is for this machine alone",
            self.listen
        );
        let config = Config {
            listen: Listen {
                address: self.listen,
                body_limit_bytes: BODY_BYTES,
                // Calls are told as they happen, not kept.
                call_limit: 0,
            },
            build_limit: BUILDS,
            explanation_limit: EXPLANATIONS,
            ..self.controller.config()?
        };
        runtime()?.block_on(serve(config))
    }
}

impl Controller {
    /// Reads the files.
    ///
    /// # Errors
    /// With the file, the place in it and what was expected.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        ensure!(
            !self.jobs.is_empty(),
            "--job: expected the config.xml of a job"
        );
        let mut jobs: Vec<Job> = Vec::new();
        for given in &self.jobs {
            let mut job = stored::load_job(&given.file)?;
            if let Some(name) = &given.name {
                job.name.clone_from(name);
            }
            if jobs.iter().any(|other| other.name == job.name) {
                bail!(
                    "--job {}: there is a job {:?} already; name one of them: --job NAME=FILE",
                    given.file.display(),
                    job.name
                );
            }
            jobs.push(job);
        }
        let mut credentials = Credentials::new();
        for given in &self.credentials {
            let secret = stored::load_secret(&given.file)?;
            if credentials.insert(given.id.clone(), secret).is_some() {
                bail!("--credential {}: this id is given twice", given.id);
            }
        }
        let whitelist = match &self.whitelist {
            None => Whitelist::default(),
            Some(file) => stored::load_whitelist(file)?,
        };
        Ok(Config {
            context_path: self.context_path.trim_end_matches('/').to_owned(),
            jobs,
            whitelist,
            credentials,
            ..Config::default()
        })
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let signals = Signals::catch()?;
    let introduction = config.clone();
    let jenkins = jenkins::Jenkins::start(config).await?;
    introduce(&jenkins, &introduction)?;
    let told = tokio::select! {
        () = signals.ended() => Ok(()),
        told = tell(&jenkins) => told,
    };
    jenkins.shutdown().await;
    told
}

fn introduce(jenkins: &jenkins::Jenkins, config: &Config) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Jenkins (emulated) at {}", jenkins.base_url())?;
    writeln!(out, "  trigger: {}", jenkins.invoke_url())?;
    for job in &config.jobs {
        let disabled = if job.disabled { ", disabled" } else { "" };
        writeln!(out, "  job {}{disabled}", job.name.escape_debug())?;
    }
    for (user, id) in named_credentials(config) {
        if !config.credentials.contains_key(id) {
            let (user, id) = (user.escape_debug(), id.escape_debug());
            writeln!(
                out,
                "  warning: {user} names the credential {id}, which is not given (--credential \
                 {id}=FILE)"
            )?;
        }
    }
    writeln!(out, "Ctrl-C ends it.")?;
    out.flush()?;
    Ok(())
}

/// Who names a credential, and its id.
fn named_credentials(config: &Config) -> impl Iterator<Item = (String, &str)> {
    let jobs = config.jobs.iter().filter_map(|job| {
        let id = job.trigger.token_credential_id.as_deref()?;
        Some((format!("job {}", job.name), id))
    });
    let items = config.whitelist.items.iter().zip(1..);
    let items = items.filter_map(|(item, number)| {
        let id = item.hmac_credential_id.as_deref()?;
        item.hmac_enabled
            .then(|| (format!("item {number} of the whitelist"), id))
    });
    jobs.chain(items).filter(|(_, id)| !id.is_empty())
}

/// Prints each call as it happens.
async fn tell(jenkins: &jenkins::Jenkins) -> anyhow::Result<()> {
    let mut seen = 0;
    loop {
        let explanations = jenkins.explanations(seen).await;
        let mut out = std::io::stdout().lock();
        for (number, explanation) in explanations {
            let missed = number - seen - 1;
            if missed > 0 {
                writeln!(out, "\n{missed} calls came too fast to be shown")?;
            }
            write!(out, "\n{number}. {explanation}")?;
            seen = number;
        }
        out.flush()?;
    }
}
