//! `longshore doctor`: a receiver looked at beforehand, from here, or by the server that knows it as
//! a connection.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use http::Method;
use longshore_agent::doctor::{Trial, is_sound};
use longshore_backends::check::{Disclosure, DryRun, Report, Signer, Subject};
use longshore_backends::client::{CallProfile, Client, TlsIdentity, TlsParts};
use longshore_backends::receiver::check;
use longshore_backends::target::Target;
use longshore_domain::outcome::Repeat;
use longshore_domain::signature::{Preset, SIGNATURE_HEADER};
use longshore_engine::environment::{Environment, SystemEnvironment};
use serde_json::{Value, json};

use crate::api::Api;
use crate::trying::Tried;
use crate::{secret_file, wiring};

/// What to check, and with what.
#[derive(Args)]
pub(crate) struct Doctor {
    /// A receiver's URL; or, with --server, the name or id of a connection, which the server checks
    #[arg(value_name = "URL|CONNECTION")]
    subject: String,
    #[command(flatten)]
    trial: Trial,
    #[command(flatten)]
    here: Here,
    #[command(flatten)]
    there: There,
}

/// A check from this machine.
#[derive(Args)]
#[command(next_help_heading = "From here")]
struct Here {
    /// The server's configuration file: its network rules, proxies and authorities count
    #[arg(long)]
    config: Option<PathBuf>,
    /// A file with the signing secret; a line end at its end is not part of it
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The form of the signature: jenkins, azure-devops or port-v1; else that of the receiver
    #[arg(long)]
    preset: Option<Preset>,
    /// The header that carries the signature
    #[arg(long, default_value = SIGNATURE_HEADER)]
    signature_header: String,
    /// A file with the authorities (PEM) that the receiver's certificate may come from
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A file with the certificate (PEM) that is shown to the receiver
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// A file with its key (PEM)
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
}

/// A check by the server.
#[derive(Args)]
#[command(next_help_heading = "By the server")]
struct There {
    /// The server's address
    #[arg(long, value_name = "URL", requires_all = ["client_id", "client_secret_file"])]
    server: Option<String>,
    /// A credential with the scope full
    #[arg(long)]
    client_id: Option<String>,
    /// A file with its secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

impl Doctor {
    /// Prints what was found; calls that would fail count as failed.
    pub(crate) fn run(&self) -> anyhow::Result<Tried> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime")?;
        if self.trial.dry_run {
            eprintln!(
                "longshore: a dry run asks the Generic Webhook Trigger what it would start; a \
                 plugin from before that feature starts it"
            );
        }
        let report = match &self.there.server {
            Some(server) => runtime.block_on(self.ask_server(server))?,
            None => runtime.block_on(self.check_here())?,
        };
        print!("{report}");
        Ok(match is_sound(&report) {
            true => Tried::Well,
            false => Tried::Failed,
        })
    }

    async fn check_here(&self) -> anyhow::Result<Report> {
        let target = Target::parse(&self.subject).map_err(|fault| {
            let hint = match self.subject.contains("://") {
                true => "",
                false => " (a connection is checked by the server: name it with --server)",
            };
            anyhow::anyhow!("{} cannot be called: {fault}{hint}", self.subject)
        })?;
        let config = crate::config::load(self.here.config.as_deref())?;
        let client = wiring::client(&config)?;
        let secret = self
            .here
            .secret_file
            .as_deref()
            .map(secret_file::read)
            .transpose()?;
        let trial = self.trial.call()?;
        let probe_name = format!(
            "{:016x}{:016x}",
            SystemEnvironment.random_u64(),
            SystemEnvironment.random_u64()
        );
        let subject = Subject {
            target,
            receiver: None,
            profile: CallProfile {
                connect_timeout: config.network.connect_timeout,
                total_timeout: config.delivery.total_timeout,
                tls: self.here.tls(&client)?,
                ..CallProfile::new(Repeat::Allowed)
            },
            signer: secret.as_deref().map(|secret| Signer {
                preset: self.here.preset,
                secret,
                header: &self.here.signature_header,
                prefix: "",
            }),
            now: SystemEnvironment.now(),
            probe_name: &probe_name,
            disclosure: Disclosure::Operator,
            dry_run: trial.as_ref().map(|call| DryRun {
                headers: &call.headers,
                body: &call.body,
                secrets: &[],
            }),
        };
        Ok(check(&client, subject).await)
    }

    async fn ask_server(&self, server: &str) -> anyhow::Result<Report> {
        let id = self.there.client_id.as_deref().unwrap_or_default();
        let file = self.there.client_secret_file.as_deref();
        let api = Api::connect(
            server,
            id,
            &secret_file::read(file.unwrap_or(Path::new("")))?,
        )
        .await?;
        let known = api.call(Method::GET, "/v1/connections", None).await?;
        let connections = known["connections"].as_array();
        let named = connections.into_iter().flatten().find(|connection| {
            [&connection["name"], &connection["id"]]
                .iter()
                .any(|name| name.as_str() == Some(&self.subject))
        });
        let Some(connection) = named else {
            bail!("the server knows no connection {:?}", self.subject);
        };
        let id = connection["id"].as_str().unwrap_or_default();
        let mut asked = json!({});
        if let Some(call) = self.trial.call()? {
            let headers: serde_json::Map<String, Value> = call
                .headers
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            let body: Value = serde_json::from_slice(&call.body)
                .context("the body of the dry run is not JSON")?;
            asked = json!({"dryRun": true, "headers": headers, "body": body});
        }
        let path = format!("/v1/connections/{id}/check");
        let mut answer = api.call(Method::POST, &path, Some(&asked)).await?;
        serde_json::from_value(answer["check"].take()).context("the server's report")
    }
}

impl Here {
    fn tls(&self, client: &Client) -> anyhow::Result<Option<std::sync::Arc<TlsIdentity>>> {
        let files = [&self.ca, &self.client_certificate, &self.client_key];
        if files.iter().all(|file| file.is_none()) {
            return Ok(None);
        }
        let read = |file: &Option<PathBuf>| {
            file.as_deref()
                .map(|file| {
                    std::fs::read(file)
                        .with_context(|| format!("{} cannot be read", file.display()))
                })
                .transpose()
        };
        let [ca, certificate, key] = files.map(read);
        let (ca, certificate, key) = (ca?, certificate?, key?);
        let parts = TlsParts::from_pem(ca.as_deref(), certificate.as_deref(), key.as_deref())?;
        Ok(Some(client.tls_identity(&parts)?))
    }
}
