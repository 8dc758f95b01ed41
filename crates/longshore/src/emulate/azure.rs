//! `longshore emulate azure`: an organization from the command line, and a block of lines for each
//! call. What a call means is the emulator's to decide.

use std::fs::File;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use clap::Args;
use http::HeaderName;
use longshore_emulators::azure_devops::{AzureDevOps, Config, IncomingWebhook, Pipeline};
use longshore_emulators::{Listen, Script, Secret};

use crate::serve::{Signals, runtime};

/// The longest pipeline and secret that are read.
const FILE_BYTES: u64 = 4 * 1024 * 1024;
/// What a WebHook Name may hold beside letters and digits, here: it stands in addresses.
const NAME_MARKS: &str = "-_.";

/// An emulated organization, and where it listens.
#[derive(Args)]
pub(crate) struct Azure {
    #[command(flatten)]
    organization: Organization,
    /// The address to listen on, one of this machine alone
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// What an organization has: service connections and pipelines.
#[derive(Args)]
pub(crate) struct Organization {
    /// A pipeline's YAML; repeatable
    #[arg(long = "pipeline", value_name = "FILE")]
    pub(crate) pipelines: Vec<PathBuf>,
    /// A service connection: its name, as in the YAML, its WebHook Name, as in the address, and a
    /// file with its secret, without which no signature is asked for; repeatable
    #[arg(long = "connection", value_name = "NAME:WEBHOOK[:SECRET-FILE]")]
    connections: Vec<Connection>,
    /// The header that carries the signature
    #[arg(long, default_value = "X-Port-Signature", value_name = "NAME", value_parser = header_name)]
    header: String,
    /// The organization, first in the address
    #[arg(long = "organization", default_value = "contoso", value_name = "NAME")]
    name: String,
    /// The project of the pipelines
    #[arg(long, default_value = "portal", value_name = "NAME")]
    project: String,
    /// A WebHook Name that no pipeline has registered yet; repeatable
    #[arg(long, value_name = "WEBHOOK")]
    unregistered: Vec<String>,
    /// The branch that the pipelines' files stand on
    #[arg(long, default_value = "main", value_name = "NAME")]
    branch: String,
    /// The repository's default branch, which alone is read for webhooks
    #[arg(long, default_value = "main", value_name = "NAME")]
    default_branch: String,
}

/// A service connection of type Incoming WebHook.
#[derive(Clone)]
struct Connection {
    name: String,
    webhook: String,
    secret: Option<PathBuf>,
}

impl FromStr for Connection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let (Some(name), Some(webhook)) = (parts.next(), parts.next()) else {
            return Err("expected NAME:WEBHOOK or NAME:WEBHOOK:SECRET-FILE".to_owned());
        };
        if name.is_empty() {
            return Err("the connection's name is empty".to_owned());
        }
        name_in_address("the WebHook Name", webhook)?;
        let secret = parts.next();
        if secret.is_some_and(str::is_empty) {
            return Err("the secret's file is empty; leave the last `:` out for none".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            webhook: webhook.to_owned(),
            secret: secret.map(PathBuf::from),
        })
    }
}

impl Azure {
    /// Runs until a signal ends it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(
            self.listen.ip().is_loopback(),
            "--listen {}: expected a loopback address, such as 127.0.0.1:8081; an emulator is for \
             this machine alone",
            self.listen
        );
        let config = Config {
            listen: Listen {
                address: self.listen,
                ..Listen::default()
            },
            ..self.organization.config()?
        };
        runtime()?.block_on(serve(config))
    }
}

impl Organization {
    /// Reads the files.
    ///
    /// # Errors
    /// With the option or the file and the place in it.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        ensure!(
            !self.pipelines.is_empty(),
            "--pipeline: expected the YAML of a pipeline"
        );
        ensure!(
            !self.connections.is_empty(),
            "--connection: expected a service connection, NAME:WEBHOOK[:SECRET-FILE]"
        );
        name_in_address("--organization", &self.name).map_err(anyhow::Error::msg)?;
        let mut webhooks: Vec<IncomingWebhook> = Vec::new();
        for connection in &self.connections {
            let webhook = self.webhook(connection)?;
            for other in &webhooks {
                for (what, one, two) in [
                    ("connection", &other.connection, &webhook.connection),
                    ("webhook", &other.name, &webhook.name),
                ] {
                    let is_same = one.eq_ignore_ascii_case(two);
                    ensure!(!is_same, "--connection: the {what} {two:?} is given twice");
                }
            }
            webhooks.push(webhook);
        }
        for name in &self.unregistered {
            let Some(webhook) = webhooks
                .iter_mut()
                .find(|it| it.name.eq_ignore_ascii_case(name))
            else {
                bail!("--unregistered {name}: no --connection has this WebHook Name");
            };
            webhook.registered = false;
        }
        let pipelines = self.pipelines.iter().map(|file| self.pipeline(file));
        Ok(Config {
            organization: self.name.clone(),
            webhooks,
            pipelines: pipelines.collect::<anyhow::Result<_>>()?,
            ..Config::default()
        })
    }

    fn webhook(&self, connection: &Connection) -> anyhow::Result<IncomingWebhook> {
        let secret = connection.secret.as_deref().map(secret).transpose()?;
        Ok(IncomingWebhook {
            name: connection.webhook.clone(),
            connection: connection.name.clone(),
            secret,
            header: self.header.clone(),
            registered: true,
        })
    }

    fn pipeline(&self, file: &Path) -> anyhow::Result<Pipeline> {
        let text = read(file)?;
        let name = file.display().to_string();
        Ok(Pipeline {
            project: self.project.clone(),
            branch: self.branch.clone(),
            default_branch: self.default_branch.clone(),
            ..Pipeline::from_yaml(&name, &text, Script::default())?
        })
    }
}

/// The content of a file without the line end at its end, which editors put there.
fn secret(file: &Path) -> anyhow::Result<Secret> {
    let text = read(file)?;
    let secret = text.strip_suffix('\n').unwrap_or(&text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    ensure!(
        !secret.is_empty(),
        "{}: expected a secret, but it is empty",
        file.display()
    );
    Ok(Secret::new(secret))
}

fn read(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let opened = File::open(file).with_context(|| format!("{shown} cannot be read"))?;
    let mut bytes = Vec::new();
    opened
        .take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{shown} cannot be read"))?;
    ensure!(
        bytes.len() as u64 <= FILE_BYTES,
        "{shown} is larger than {FILE_BYTES} bytes"
    );
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{shown} is not UTF-8"))
}

/// As written: only shown, and compared without regard to case.
fn header_name(text: &str) -> Result<String, String> {
    match HeaderName::from_str(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected the name of an HTTP header".to_owned()),
    }
}

fn name_in_address(what: &str, name: &str) -> Result<(), String> {
    let is_part = |it: char| it.is_ascii_alphanumeric() || NAME_MARKS.contains(it);
    match !name.is_empty() && name.chars().all(is_part) {
        true => Ok(()),
        false => Err(format!(
            "{what} {name:?}: expected letters, digits, `-`, `_` and `.`"
        )),
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let signals = Signals::catch()?;
    let introduction = config.clone();
    let azure = AzureDevOps::start(config).await?;
    introduce(&azure, &introduction)?;
    let told = tokio::select! {
        () = signals.ended() => Ok(()),
        told = tell(&azure) => told,
    };
    azure.shutdown().await;
    told
}

fn introduce(azure: &AzureDevOps, config: &Config) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Azure DevOps (emulated) at {}", azure.base_url())?;
    for webhook in &config.webhooks {
        let url = azure.webhook_url(&webhook.name);
        let connection = webhook.connection.escape_debug();
        writeln!(out, "  connection {connection}: POST {url}")?;
    }
    for pipeline in &config.pipelines {
        let definition = &pipeline.definition;
        let name = pipeline.name.escape_debug();
        let file = definition.file().escape_debug();
        for resource in definition.webhooks() {
            let connection = resource.connection.escape_debug();
            writeln!(
                out,
                "  pipeline {name} waits for the connection {connection}"
            )?;
            let named =
                |it: &IncomingWebhook| it.connection.eq_ignore_ascii_case(&resource.connection);
            if !config.webhooks.iter().any(named) {
                let line = resource.line;
                writeln!(
                    out,
                    "  warning: {file}:{line}: no --connection has this name"
                )?;
            }
        }
        for warning in definition.warnings() {
            let line = warning.line;
            writeln!(out, "  warning: {file}:{line}: {}", warning.message)?;
        }
    }
    writeln!(out, "Ctrl-C ends it.")?;
    out.flush()?;
    Ok(())
}

/// Prints each call as it happens.
async fn tell(azure: &AzureDevOps) -> anyhow::Result<()> {
    let mut seen = 0;
    loop {
        let explanations = azure.explanations(seen).await;
        let mut out = std::io::stdout().lock();
        for (number, explanation) in explanations {
            if number > seen + 1 {
                writeln!(
                    out,
                    "\n{} calls came too fast to be shown",
                    number - seen - 1
                )?;
            }
            write!(out, "\n{number}. {explanation}")?;
            seen = number;
        }
        out.flush()?;
    }
}
