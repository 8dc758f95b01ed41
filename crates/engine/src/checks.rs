//! Checking a known server before anything is sent to it in earnest, for Admins.
//!
//! Goes through the delivery client with its address rules; how often is bounded, so that nobody
//! explores a network with it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use longshore_backends::check::{Disclosure, DryRun, Report, Signer, Subject};
use longshore_backends::client::CallProfile;
use longshore_backends::receiver::check;
use longshore_backends::target::Target;
use longshore_domain::connection::{Connection, Place, Policy};
use longshore_domain::delivery::Receiver;
use longshore_domain::json;
use longshore_domain::outcome::Repeat;
use longshore_domain::secret::Secret;
use longshore_domain::signature::{Preset, SIGNATURE_HEADER};
use longshore_domain::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::Engine;
use crate::caller::Caller;
use crate::connections::KnownConnection;
use crate::environment::random_text;
use crate::error::Error;
use crate::render::CompiledTemplate;

/// How many checks an organisation may ask for within [`WINDOW`].
const CHECKS_IN_WINDOW: usize = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// The longest that one call of a check waits, whatever the connection says.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The length of the random name that no job and no webhook has.
const PROBE_NAME_CHARS: usize = 24;
/// Whose turn the expressions of dry runs take; no action is called so.
const OWNER: &str = "(check)";
/// The most headers of a dry run.
const HEADERS_LIMIT: usize = 64;

/// What to check besides the server itself.
#[derive(Clone, Debug, Default)]
pub struct CheckRequest {
    /// An address that the connection covers; else the connection's own.
    pub url: Option<String>,
    /// A call of which Jenkins shall only say what it would start.
    pub dry_run: Option<TrialCall>,
}

/// A call as an action would make it.
#[derive(Clone, Debug, Default)]
pub struct TrialCall {
    /// Its headers. They and the body may name secrets, as an action's do: `{{ .secrets.NAME }}`.
    pub headers: Map<String, Value>,
    /// Its body.
    pub body: Value,
}

/// When the last checks began.
#[derive(Default)]
pub(crate) struct Checks {
    begun: Mutex<VecDeque<Timestamp>>,
}

impl Checks {
    fn admit(&self, now: Timestamp) -> Result<(), Error> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        while begun
            .front()
            .is_some_and(|first| now.since(*first) >= WINDOW)
        {
            begun.pop_front();
        }
        if begun.len() >= CHECKS_IN_WINDOW {
            return Err(Error::TooManyChecks {
                most: CHECKS_IN_WINDOW,
                within: WINDOW,
            });
        }
        begun.push_back(now);
        Ok(())
    }
}

impl Engine {
    /// Checks the server of a connection.
    ///
    /// # Errors
    /// Where the caller may not, there is no such connection, the connection does not cover the
    /// URL, or too many checks were asked for.
    pub async fn check_connection(
        &self,
        caller: &Caller,
        id: &str,
        asked: &CheckRequest,
    ) -> Result<Report, Error> {
        caller.admin()?;
        let connection = self.connections.find(id)?;
        let target = target(&connection, asked.url.as_deref())?;
        let call = match &asked.dry_run {
            Some(call) => Some(self.complete_trial(call).await?),
            None => None,
        };
        self.checks.admit(self.environment.now())?;
        let settings = &connection.settings;
        let preset = settings.preset.unwrap_or(Preset::PortV1);
        let defaults = &self.settings.delivery;
        let policy = Policy::of(Some(settings), defaults, Receiver::Webhook, preset);
        let tls = self.tls_for(&connection);
        let tls = tls.map_err(|found| Error::invalid("clientCertificate", found.message))?;
        let own = connection.signing_secret.clone();
        let secret = own.or_else(|| self.identity.signing_secret().map(|signer| signer.value));
        let name = random_text(&*self.environment, PROBE_NAME_CHARS);
        let secrets: Vec<&str> = call
            .iter()
            .flat_map(|call| &call.secrets)
            .map(|secret| secret.expose().as_str())
            .collect();
        let subject = Subject {
            target,
            receiver: receiver(settings),
            profile: CallProfile {
                connect_timeout: policy.connect_timeout.min(CALL_TIMEOUT),
                total_timeout: policy.timeout.min(CALL_TIMEOUT),
                tls,
                ..CallProfile::new(Repeat::Allowed)
            },
            signer: secret.as_ref().map(|secret| Signer {
                preset: settings.preset,
                secret: secret.expose(),
                header: settings
                    .signature_header
                    .as_deref()
                    .unwrap_or(SIGNATURE_HEADER),
                prefix: settings.signature_prefix.as_deref().unwrap_or_default(),
            }),
            now: self.environment.now(),
            probe_name: &name,
            disclosure: Disclosure::Api,
            dry_run: call.as_ref().map(|call| DryRun {
                headers: &call.headers,
                body: &call.body,
                secrets: &secrets,
            }),
        };
        Ok(check(&self.client, subject).await)
    }

    /// A dry run's call, with the secrets that it names.
    async fn complete_trial(&self, given: &TrialCall) -> Result<CompleteCall, Error> {
        if given.headers.len() > HEADERS_LIMIT {
            let message = format!("expected at most {HEADERS_LIMIT} headers");
            return Err(Error::invalid("headers", message));
        }
        let call = json!({"headers": given.headers, "body": given.body});
        let template = CompiledTemplate::new(&call);
        let nothing = json!({});
        let filled = template
            .fill(&self.evaluator, OWNER, (&nothing).into())
            .await;
        let secrets: Map<String, Value> = self
            .secrets
            .values()
            .into_iter()
            .map(|(name, value)| (name, Value::String(value.expose().clone())))
            .collect();
        let scope = json!({ "secrets": secrets });
        let complete = self
            .fill_deferred(filled.value, &filled.deferred, &scope)
            .await;
        let mut failures = filled.failures.into_iter().chain(complete.failures);
        if let Some(failure) = failures.next() {
            return Err(Error::invalid(failure.path, failure.message));
        }
        let headers = complete.payload["headers"].as_object();
        let headers = headers
            .into_iter()
            .flatten()
            .map(|(name, value)| match value {
                Value::String(text) => Ok((name.clone(), text.clone())),
                _ => Err(Error::invalid(format!("headers.{name}"), "expected a text")),
            })
            .collect::<Result<_, _>>()?;
        Ok(CompleteCall {
            headers,
            body: bytes(&complete.payload["body"]),
            secrets: complete.secrets,
        })
    }
}

/// A dry run's call as it is made.
struct CompleteCall {
    headers: Vec<(String, String)>,
    body: Bytes,
    secrets: Vec<Secret<String>>,
}

fn target(connection: &KnownConnection, url: Option<&str>) -> Result<Target, Error> {
    let settings = &connection.settings;
    let refused = |message: String| Error::invalid("url", message);
    let read = |text: &str| Target::parse(text).map_err(|fault| refused(fault.to_string()));
    let Some(text) = url else {
        let own = read(&settings.url)?;
        return match &settings.base_url {
            // Where calls of this connection really go.
            Some(base) => read(&format!("{}{}", base.trim_end_matches('/'), own.path())),
            None => Ok(own),
        };
    };
    let place = Place::parse(text).map_err(|error| refused(error.to_string()))?;
    if !connection.covers(&place) {
        return Err(refused(format!(
            "expected an address below the connection's, {}",
            settings.url
        )));
    }
    read(text)
}

/// What the connection says that its server is.
fn receiver(settings: &Connection) -> Option<Receiver> {
    match settings.preset {
        Some(Preset::Jenkins) => Some(Receiver::Jenkins),
        Some(Preset::AzureDevops) => Some(Receiver::AzurePipelines),
        // Only Azure DevOps' calls have a base of their own.
        _ => settings.base_url.as_ref().map(|_| Receiver::AzurePipelines),
    }
}

/// The exact bytes, written as an action's body is.
fn bytes(body: &Value) -> Bytes {
    let mut bytes = Vec::new();
    if !body.is_null() {
        json::write_stringify(body, &mut bytes);
    }
    bytes.into()
}
