//! What a run would send, made by everything that makes a real one; nothing is stored or sent.

use longshore_backends::client::Call;
use longshore_domain::action::{InvocationKind, RequiredApproval};
use longshore_domain::diagnosis::Diagnosis;
use longshore_domain::run::{self, Entry, RunWrite};
use longshore_domain::secret::Secret;
use longshore_domain::signature::Preset;
use longshore_domain::template::Failure;

use super::StartRun;
use super::start::new_delivery;
use crate::Engine;
use crate::caller::Caller;
use crate::error::Error;

/// The call of a run's first attempt.
pub struct Preview {
    /// The call, signed; else why it cannot be made.
    pub call: Result<Call, Diagnosis>,
    /// The form of the signature.
    pub preset: Preset,
    /// What of the call nobody must see.
    pub secrets: Vec<Secret<String>>,
    /// Templates that came to nothing.
    pub failures: Vec<Failure>,
}

impl Engine {
    /// Makes the call of a run of this action, approvals left aside.
    ///
    /// # Errors
    /// As [`Engine::start_run`], and where the invocation is no HTTP call.
    pub async fn preview_run(&self, caller: &Caller, command: StartRun) -> Result<Preview, Error> {
        let credential = caller.admin()?;
        let action = self.catalog.compiled(&command.action).await?;
        let kind = action.action.invocation.kind();
        if !matches!(
            kind,
            InvocationKind::Webhook | InvocationKind::Jenkins | InvocationKind::AzureDevops
        ) {
            return Err(Error::InvocationNotAvailable(format!(
                "an invocation of type {} is no call of a URL, so there is nothing to show",
                kind.as_str()
            )));
        }
        let mut request = self.request(credential, &action, command)?;
        request.required_approval = RequiredApproval::Plain(false);
        let planned = self.plan(&action, &request).await;
        let (route, synchronized) = (&planned.route, planned.synchronized);
        let new = new_delivery(&request.id, route, synchronized, Entry::Stored);
        let before = planned.rendered.failed.clone();
        let change = run::accept(request, Some((planned.rendered, new)));
        let (RunWrite::Insert(inserted), Some(write)) = (&change.run, &change.delivery) else {
            return Err(Error::Corrupt("a new run was not new".into()));
        };
        let made = self
            .preview_attempt(&inserted.run, write.delivery(), planned.content)
            .await;
        let failures = before.into_iter().chain(made.failed);
        Ok(Preview {
            call: made.call,
            preset: made.preset,
            secrets: made.secrets,
            failures: failures.flat_map(|failed| failed.failures).collect(),
        })
    }
}
