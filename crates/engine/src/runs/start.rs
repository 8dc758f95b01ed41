//! Requesting a run: permission, inputs, templates, one transaction, and then the hand-over.

use std::fmt;
use std::sync::Arc;

use longshore_domain::action::{Invocation, InvocationKind, Trigger};
use longshore_domain::delivery::Receiver;
use longshore_domain::form::Form;
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::run::{
    self, DeliveryWrite, Documents, Entry, Idempotency, Message, NewDelivery, Rendered, Request,
    Run, RunChange, RunView, RunWrite, Source, Vote, defer_in_message, standard_message,
};
use longshore_domain::time::Timestamp;
use longshore_jq::Members as _;
use serde_json::{Map, Value};
use std::time::Duration;

use crate::Engine;
use crate::caller::Caller;
use crate::catalog::CompiledAction;
use crate::dispatch::Reservation;
use crate::dispatch::parcel::{Content, DeferredContent, Known, Parcel};
use crate::error::Error;
use crate::outgoing::{Outgoing, decides_route};
use crate::routing::Route;
use crate::scope::{self, RunScope};

/// How long an idempotency key finds its run.
const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A run as the API shows it, as JSON text: the answer to most requests, and made for no other use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunText(pub String);

/// A request for a run.
#[derive(Clone)]
pub struct StartRun {
    /// The action's identifier.
    pub action: String,
    /// The inputs, as they were sent.
    pub properties: Value,
    /// The identifier of the entity that it is about.
    pub entity: Option<String>,
    /// The user for whom it shall run.
    pub run_as: Option<String>,
    /// The caller's key for this request.
    pub idempotency_key: Option<String>,
    /// The request's body, hashed.
    pub body_hash: [u8; 32],
    /// The run that it repeats.
    pub rerun_of: Option<RunId>,
}

/// Shows no input: some must not be seen.
impl fmt::Debug for StartRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartRun")
            .field("action", &self.action)
            .field("entity", &self.entity)
            .field("rerun_of", &self.rerun_of)
            .finish_non_exhaustive()
    }
}

/// A rendered invocation with everything that its delivery needs.
pub(super) struct Planned {
    pub(super) rendered: Rendered,
    pub(super) content: Content,
    pub(super) route: Arc<Route>,
    pub(super) synchronized: bool,
    bytes: u64,
}

impl Engine {
    /// Requests a run of an action, and answers it as the API shows it.
    ///
    /// # Errors
    /// Where the caller may not, there is no such action, inputs break rules, or nothing can be
    /// stored. Nothing is sent before the run is on disk.
    pub async fn start_run(
        self: &Arc<Self>,
        caller: &Caller,
        command: StartRun,
    ) -> Result<RunText, Error> {
        let credential = caller.admin()?;
        let action = self.catalog.compiled(&command.action).await?;
        self.start_by(credential, &action, command).await
    }

    async fn start_by(
        self: &Arc<Self>,
        credential: &str,
        action: &CompiledAction,
        command: StartRun,
    ) -> Result<RunText, Error> {
        self.can_be_sent(action)?;
        let request = self.request(credential, action, command)?;
        if request.required_approval.is_required() {
            let change = Arc::new(run::accept(request, None));
            return self.accept(action, change, None).await;
        }
        let planned = self.plan(action, &request).await;
        let reservation = (planned.route.receiver != Receiver::Agent)
            .then(|| self.reserve(&planned.route, planned.bytes));
        let entry = reservation
            .as_ref()
            .map_or(Entry::Stored, |kept| kept.entry());
        let Planned {
            rendered,
            content,
            route,
            synchronized,
            ..
        } = planned;
        let new = new_delivery(&request.id, &route, synchronized, entry);
        let change = Arc::new(run::accept(request, Some((rendered, new))));
        self.accept(action, change, reservation.map(|kept| (kept, content)))
            .await
    }

    /// The request for a run, its inputs checked and filled in.
    pub(super) fn request(
        &self,
        credential: &str,
        action: &CompiledAction,
        command: StartRun,
    ) -> Result<Request, Error> {
        let accepted = permitted(action, &command)?.accept(command.properties);
        let accepted = accepted.map_err(Error::Invalid)?;
        let mut properties = Value::Object(accepted.properties);
        let now = self.environment.now();
        let id = RunId::mint(now, self.environment.random_u64());
        let mut raw = accepted.sent.map(Value::Object);
        let encrypted = self.seal_inputs(&id, accepted.encrypted, &mut properties, raw.as_mut());
        // Whoever reads it must not try out what may have been encrypted.
        let body_hash = match &encrypted {
            Some(_) => self.vault.fingerprint(&[b"body", &command.body_hash]),
            None => command.body_hash,
        };
        Ok(Request {
            id,
            action: action.record.identifier.clone(),
            action_revision: action.record.revision,
            blueprint: action.blueprint().map(str::to_owned),
            entity: command.entity,
            source: Source::Api,
            required_approval: action.action.required_approval,
            properties,
            raw_properties: raw,
            encrypted,
            trigger: self.trigger(credential, action, now)?,
            created_by: credential.to_owned(),
            now,
            rerun_of: command.rerun_of,
            idempotency: command
                .idempotency_key
                .map(|key| self.idempotency(credential, &command.action, &key, body_hash, now)),
        })
    }

    /// Requests a new run of an action's present revision with the inputs of `id`.
    ///
    /// # Errors
    /// As [`Engine::start_run`], and where there is no such run.
    pub async fn rerun(self: &Arc<Self>, caller: &Caller, id: &RunId) -> Result<RunText, Error> {
        let credential = caller.admin()?;
        let found = self.store.run(id).await?;
        let found = found.ok_or_else(|| Error::not_found("run", id.as_str()))?;
        let action = self.catalog.compiled(&found.run.action).await?;
        let documents = found.documents;
        let mut properties = documents
            .raw_properties
            .unwrap_or(documents.properties)
            .into_value();
        if let (Some(encrypted), Some(form)) = (&documents.encrypted, &action.form) {
            self.open_inputs(id, encrypted, form, &mut properties)?;
        }
        let command = StartRun {
            action: found.run.action,
            properties,
            entity: found.run.entity,
            run_as: None,
            idempotency_key: None,
            body_hash: [0; 32],
            rerun_of: Some(id.clone()),
        };
        self.start_by(credential, &action, command).await
    }

    fn can_be_sent(&self, action: &CompiledAction) -> Result<(), Error> {
        let kind = action.action.invocation.kind();
        if kind == InvocationKind::Kafka && self.kafka.is_none() {
            return Err(Error::InvocationNotAvailable(
                "invocations of type KAFKA need kafka.brokers in the server's configuration".into(),
            ));
        }
        Ok(())
    }

    /// Writes the new run, answers it, and hands its delivery over.
    async fn accept(
        self: &Arc<Self>,
        action: &CompiledAction,
        change: Arc<RunChange>,
        sending: Option<(Reservation, Content)>,
    ) -> Result<RunText, Error> {
        let RunWrite::Insert(new) = &change.run else {
            return Err(Error::Corrupt("a new run was not new".into()));
        };
        let shown = RunView {
            run: &new.run,
            documents: &new.documents,
            action: Some(action.title_and_icon()),
        }
        .text(false);
        match self.commit(None, change, sending).await {
            Ok(()) => Ok(RunText(shown)),
            Err(longshore_store::Error::IdempotencyReplay {
                run,
                same_body: true,
            }) => Ok(RunText(self.show_run(&run, false).await?.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a run with its new delivery and hands that over; to its end also where the caller
    /// goes away, since nothing but the next start looks for what was written and not handed over.
    async fn commit(
        self: &Arc<Self>,
        before: Option<Run>,
        change: Arc<RunChange>,
        sending: Option<(Reservation, Content)>,
    ) -> Result<(), longshore_store::Error> {
        let engine = Arc::clone(self);
        let work = async move {
            if let Err(error) = engine.store.apply(Arc::clone(&change)).await {
                if matches!(error, longshore_store::Error::Unavailable(_)) {
                    engine.block_dispatch();
                }
                if let Some((reservation, _)) = sending {
                    engine.forgo(reservation);
                }
                return Err(error);
            }
            let delivery = change.delivery.as_ref().map(DeliveryWrite::delivery);
            match (&before, change.run()) {
                (Some(before), _) => engine.observe(before, None, &change),
                (None, Some(run)) => engine
                    .metrics
                    .run_started(run, delivery, |name| engine.label_of(name)),
                (None, None) => {}
            }
            if delivery.is_some_and(|new| new.receiver == Receiver::Agent) {
                engine.agents.arrived();
            }
            if let Some((reservation, content)) = sending
                && let Some((run, delivery)) = Arc::unwrap_or_clone(change).into_run_and_delivery()
            {
                let parcel = Parcel {
                    known: Box::new(Known { run, delivery }),
                    content,
                };
                engine.hand_over(reservation, parcel);
            }
            Ok(())
        };
        let interrupted = || longshore_store::Error::Unavailable("the write broke off".into());
        let written = self.tasks.finish(work).await;
        written.unwrap_or_else(|| Err(interrupted()))
    }

    /// Executes a run that enough approvers agreed to.
    pub(super) async fn execute_approved(
        self: &Arc<Self>,
        run: &Run,
        documents: &Documents,
        votes: Vec<Vote>,
        by: &str,
    ) -> Result<Result<(), longshore_store::Error>, Error> {
        let action = self
            .catalog
            .revision(&run.action, run.action_revision)
            .await?;
        let now = self.environment.now();
        let planned = self.plan_stored(&action, run, documents).await;
        let reservation = (planned.route.receiver != Receiver::Agent)
            .then(|| self.reserve(&planned.route, planned.bytes));
        let entry = reservation
            .as_ref()
            .map_or(Entry::Stored, |kept| kept.entry());
        let new = new_delivery(&run.id, &planned.route, planned.synchronized, entry);
        let change = run::dispatch(run, votes, planned.rendered, new, by, now);
        let change = Arc::new(change);
        let sending = reservation.map(|kept| (kept, planned.content));
        Ok(self.commit(Some(run.clone()), change, sending).await)
    }

    pub(super) async fn plan(&self, action: &CompiledAction, request: &Request) -> Planned {
        let scope = RunScope::of_request(request);
        let mut rendered = self.render(&action.invocation, &scope).await;
        if asks_for_message(action, &mut rendered) {
            add_message(action, &mut rendered, &Message::of(request));
        }
        self.planned(rendered, &scope).await
    }

    async fn plan_stored(
        &self,
        action: &CompiledAction,
        run: &Run,
        documents: &Documents,
    ) -> Planned {
        let scope = RunScope::of(run, documents);
        let mut rendered = self.render(&action.invocation, &scope).await;
        if asks_for_message(action, &mut rendered) {
            add_message(action, &mut rendered, &Message::of_stored(run, documents));
        }
        self.planned(rendered, &scope).await
    }

    async fn planned(&self, rendered: Rendered, scope: &RunScope<'_>) -> Planned {
        let outgoing = Outgoing::of(&rendered.payload);
        let mut route = self.route(&outgoing);
        let mut synchronized = outgoing.synchronized;
        let bytes = outgoing.bytes();
        let content = if rendered.deferred.is_empty() {
            Content::Ready(Box::new(outgoing))
        } else {
            let encrypted = scope.encrypted.filter(|it| it.has_sealed());
            let encrypted = encrypted.map(|it| Box::new(it.clone()));
            let scope = scope.whole();
            if rendered
                .deferred
                .iter()
                .any(|part| decides_route(&part.pointer))
            {
                // Only the destination of a URL that names a secret is kept of this.
                let complete = Box::pin(self.with_secrets(&rendered, &scope)).await;
                route = self.secret_route(&complete);
                synchronized = complete.synchronized;
            }
            Content::Deferred(Box::new(DeferredContent {
                payload: rendered.payload.clone(),
                deferred: rendered.deferred.clone(),
                scope,
                encrypted,
                bytes,
            }))
        };
        Planned {
            rendered,
            content,
            route,
            synchronized,
            bytes,
        }
    }

    /// What would be sent, but for what only an attempt knows.
    async fn with_secrets(&self, rendered: &Rendered, scope: &Value) -> Outgoing {
        let token = longshore_domain::secret::Secret::new(String::new());
        let scope = scope::with_secrets(scope.clone(), &self.secrets.values(), &token);
        let complete = self
            .fill_deferred(rendered.payload.clone(), &rendered.deferred, &scope)
            .await;
        Outgoing::of(&complete.payload)
    }

    fn idempotency(
        &self,
        credential: &str,
        action: &str,
        key: &str,
        body: [u8; 32],
        now: Timestamp,
    ) -> Idempotency {
        let parts = [credential.as_bytes(), action.as_bytes(), key.as_bytes()];
        Idempotency {
            key: self.vault.fingerprint(&parts),
            body,
            expires_at: now.plus(IDEMPOTENCY_KEPT),
        }
    }
}

/// Whether this request may be executed at all; answers the form that its inputs have to fit.
fn permitted<'a>(action: &'a CompiledAction, command: &StartRun) -> Result<&'a Form, Error> {
    let Trigger::SelfService(_) = &action.action.trigger else {
        return Err(Error::InvocationNotAvailable(
            "an automation is started by its event, not by a request".into(),
        ));
    };
    if command.run_as.is_some() {
        return Err(Error::InvocationNotAvailable(
            "run_as is not available yet".into(),
        ));
    }
    match &action.action.invocation {
        Invocation::Webhook(_)
        | Invocation::Jenkins(_)
        | Invocation::AzureDevops { .. }
        | Invocation::Kafka { .. }
        | Invocation::Gitlab { .. }
        | Invocation::IntegrationAction { .. } => {}
        other => {
            return Err(Error::InvocationNotAvailable(format!(
                "invocations of type {} are stored, but not executed by this version",
                other.kind().as_str()
            )));
        }
    }
    let Some(form) = &action.form else {
        return Err(Error::Corrupt("a self-service action has no form".into()));
    };
    let unsupported = form.unsupported();
    if !unsupported.is_empty() {
        let listed: Vec<String> = unsupported
            .iter()
            .map(|found| format!("{}: {}", found.path, found.message))
            .collect();
        return Err(Error::InvocationNotAvailable(listed.join("; ")));
    }
    Ok(form)
}

pub(crate) fn operation_of(action: &CompiledAction) -> &'static str {
    match &action.action.trigger {
        Trigger::SelfService(trigger) => trigger.operation.as_str(),
        Trigger::Automation(_) => "CREATE",
    }
}

/// Says what the API's payload always says; true where a webhook without a body of its own is to be
/// given the run's message.
fn asks_for_message(action: &CompiledAction, rendered: &mut Rendered) -> bool {
    let kind = action.action.invocation.kind();
    if !matches!(kind, InvocationKind::Webhook | InvocationKind::Jenkins) {
        return false;
    }
    let Value::Object(payload) = &mut rendered.payload else {
        return false;
    };
    payload.entry("agent").or_insert(Value::Bool(false));
    payload.entry("synchronized").or_insert(Value::Bool(false));
    payload.entry("method").or_insert_with(|| "POST".into());
    payload
        .entry("headers")
        .or_insert_with(|| Value::Object(Map::new()));
    let method = payload.get("method").and_then(Value::as_str);
    let method = method.unwrap_or_default().to_ascii_uppercase();
    !matches!(method.as_str(), "GET" | "DELETE") && !payload.contains_key("body")
}

fn add_message(action: &CompiledAction, rendered: &mut Rendered, message: &Message<'_>) {
    let operation = operation_of(action);
    let body = standard_message(message, &action.document, operation, &rendered.payload);
    if let Value::Object(payload) = &mut rendered.payload {
        payload.insert("body".into(), body);
    }
    if let Some(encrypted) = message.encrypted {
        defer_in_message(rendered, encrypted);
    }
}

/// The delivery of `run`, by this way.
pub(super) fn new_delivery(
    run: &RunId,
    route: &Route,
    synchronized: bool,
    entry: Entry,
) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::of(run),
        receiver: route.receiver,
        destination: route.destination.clone(),
        connection: route.connection.as_ref().map(|known| known.id.clone()),
        repeat: route.policy.repeat,
        synchronized,
        entry,
    }
}
