//! Actions: stored as they were sent, compiled once for each revision.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use longshore_domain::action::{Action, InvocationKind, MAX_WARNINGS, Trigger};
use longshore_domain::encryption::EncryptedInput;
use longshore_domain::form::Form;
use longshore_domain::run::cancel_waiting;
use longshore_domain::signature::Preset;
use longshore_domain::violation::Violation;
use longshore_store::{ActionRecord, NewAction, Store};
use serde_json::{Map, Value};

use crate::Engine;
use crate::caller::Caller;
use crate::decide::DECISIONS_LIMIT;
use crate::environment::Environment;
use crate::error::Error;
use crate::render::CompiledTemplate;
use crate::tasks::apart;
use crate::templates;

/// How many compiled revisions are remembered.
const COMPILED_LIMIT: usize = 2_000;

/// An action, ready to be executed.
pub(crate) struct CompiledAction {
    pub(crate) record: ActionRecord,
    pub(crate) document: Value,
    pub(crate) action: Action,
    pub(crate) form: Option<Form>,
    pub(crate) invocation: CompiledTemplate,
}

/// A stored action as the API shows it, with what was noticed when it was saved.
#[derive(Clone, Debug)]
pub struct ShownAction {
    /// The document with its dates.
    pub action: Value,
    /// What will not work as it is written.
    pub warnings: Vec<Violation>,
}

/// Compiled actions by identifier; one process writes them, so they are never stale.
pub(crate) struct Catalog {
    store: Arc<dyn Store>,
    compiled: RwLock<Compiled>,
}

#[derive(Default)]
struct Compiled {
    actions: HashMap<String, Arc<CompiledAction>>,
    /// Grows whenever an action is forgotten, so that what was read before is not kept after.
    forgotten: u64,
}

impl CompiledAction {
    fn new(record: ActionRecord) -> Result<Self, Error> {
        let corrupt =
            |problem: String| Error::Corrupt(format!("action {}: {problem}", record.identifier));
        let document: Value =
            serde_json::from_str(&record.document).map_err(|error| corrupt(error.to_string()))?;
        let action = Action::parse(&document)
            .map_err(|found| corrupt(found.first().map(ToString::to_string).unwrap_or_default()))?;
        let form = action.user_inputs().map(Form::compile);
        let encrypted = form.iter().flat_map(Form::encrypted);
        let sealed: Vec<String> = encrypted
            .filter(EncryptedInput::is_sealed)
            .map(|input| input.name)
            .collect();
        let invocation = document.get("invocationMethod").unwrap_or(&Value::Null);
        let invocation = CompiledTemplate::with_sealed(invocation, &sealed);
        Ok(Self {
            record,
            document,
            action,
            form,
            invocation,
        })
    }

    /// What a run shows of its action.
    pub(crate) fn title_and_icon(&self) -> (&Value, &Value) {
        let of = |key: &str| self.document.get(key).unwrap_or(&Value::Null);
        (of("title"), of("icon"))
    }

    pub(crate) fn blueprint(&self) -> Option<&str> {
        match &self.action.trigger {
            Trigger::SelfService(trigger) => trigger.blueprint_identifier.as_deref(),
            Trigger::Automation(_) => None,
        }
    }

    fn shown(&self) -> Value {
        shown(&self.record, &self.document)
    }
}

impl Catalog {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            compiled: RwLock::default(),
        }
    }

    /// The action called `identifier`, compiled.
    pub(crate) async fn compiled(&self, identifier: &str) -> Result<Arc<CompiledAction>, Error> {
        let (known, forgotten) = {
            let compiled = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
            (
                compiled.actions.get(identifier).cloned(),
                compiled.forgotten,
            )
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let record = self.store.action(identifier).await?;
        let record = record.ok_or_else(|| Error::not_found("action", identifier))?;
        Ok(self.remember(CompiledAction::new(record)?, Some(forgotten)))
    }

    /// The revision of an action that a run was requested under, also where the action has changed
    /// since.
    pub(crate) async fn revision(
        &self,
        identifier: &str,
        revision: i64,
    ) -> Result<Arc<CompiledAction>, Error> {
        if let Ok(current) = self.compiled(identifier).await
            && current.record.revision == revision
        {
            return Ok(current);
        }
        let document = self.store.action_revision(revision).await?;
        let document = document.ok_or_else(|| Error::not_found("action", identifier))?;
        let epoch = longshore_domain::time::Timestamp::from_micros(0);
        let record = ActionRecord {
            identifier: identifier.to_owned(),
            revision,
            document,
            created_by: String::new(),
            updated_by: String::new(),
            created_at: epoch,
            updated_at: epoch,
        };
        CompiledAction::new(record).map(Arc::new)
    }

    /// Keeps an action, unless a newer revision is kept already or, for one that was only read,
    /// something was forgotten since.
    fn remember(&self, action: CompiledAction, read_at: Option<u64>) -> Arc<CompiledAction> {
        let action = Arc::new(action);
        let identifier = &action.record.identifier;
        let mut compiled = self
            .compiled
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let kept = compiled.actions.get(identifier);
        let newer = kept.is_some_and(|kept| kept.record.revision > action.record.revision);
        if newer || read_at.is_some_and(|read_at| read_at != compiled.forgotten) {
            return action;
        }
        if compiled.actions.len() >= COMPILED_LIMIT {
            compiled.actions.clear();
        }
        compiled
            .actions
            .insert(identifier.clone(), Arc::clone(&action));
        drop(compiled);
        action
    }

    fn forget(&self, identifier: &str) {
        let mut compiled = self
            .compiled
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        compiled.actions.remove(identifier);
        compiled.forgotten += 1;
    }
}

impl Engine {
    /// Stores a new action.
    ///
    /// # Errors
    /// Where the caller may not, a rule is broken, or the identifier is taken.
    pub async fn create_action(
        &self,
        caller: &Caller,
        document: &Value,
    ) -> Result<ShownAction, Error> {
        let by = caller.admin()?;
        let new = new_action(document, by, &*self.environment)?;
        let identifier = new.identifier.clone();
        let record = self
            .store
            .add_action(new)
            .await
            .map_err(|error| match error {
                longshore_store::Error::Conflict(_) => taken(&identifier),
                other => other.into(),
            })?;
        self.saved(record).await
    }

    /// Replaces an action; another identifier in the document renames it.
    ///
    /// # Errors
    /// Where the caller may not, there is no such action, a rule is broken, or the new identifier
    /// is taken.
    pub async fn replace_action(
        &self,
        caller: &Caller,
        identifier: &str,
        document: &Value,
    ) -> Result<ShownAction, Error> {
        let by = caller.admin()?;
        self.catalog.compiled(identifier).await?;
        let new = new_action(document, by, &*self.environment)?;
        let renamed = new.identifier.clone();
        let record =
            self.store
                .replace_action(identifier, new)
                .await
                .map_err(|error| match error {
                    longshore_store::Error::Conflict(_) => taken(&renamed),
                    longshore_store::Error::NotFound(_) => Error::not_found("action", identifier),
                    other => other.into(),
                })?;
        self.catalog.forget(identifier);
        self.saved(record).await
    }

    /// Removes an action, and ends its runs that wait for approval.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such action.
    pub async fn delete_action(&self, caller: &Caller, identifier: &str) -> Result<(), Error> {
        let by = caller.admin()?.to_owned();
        for _ in 0..DECISIONS_LIMIT {
            let now = self.environment.now();
            let waiting = self.store.waiting_runs(identifier).await?;
            let changes: Vec<_> = waiting
                .iter()
                .map(|run| cancel_waiting(run, &by, now))
                .collect();
            match self.store.remove_action(identifier, changes.clone()).await {
                Ok(()) => {
                    self.catalog.forget(identifier);
                    for (run, change) in waiting.iter().zip(&changes) {
                        self.observe(run, None, change);
                    }
                    return Ok(());
                }
                Err(longshore_store::Error::Conflict(_)) => {}
                Err(longshore_store::Error::NotFound(_)) => {
                    return Err(Error::not_found("action", identifier));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Overloaded)
    }

    /// One action as the API shows it.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such action.
    pub async fn action(&self, caller: &Caller, identifier: &str) -> Result<Value, Error> {
        caller.admin()?;
        Ok(self.catalog.compiled(identifier).await?.shown())
    }

    /// Every action as the API shows it, oldest first.
    ///
    /// # Errors
    /// Where the caller may not.
    pub async fn actions(&self, caller: &Caller) -> Result<Vec<Value>, Error> {
        caller.admin()?;
        let records = self.store.actions().await?;
        records
            .iter()
            .map(|record| {
                let document = serde_json::from_str(&record.document).map_err(|error| {
                    Error::Corrupt(format!("action {}: {error}", record.identifier))
                })?;
                Ok(shown(record, &document))
            })
            .collect()
    }

    async fn saved(&self, record: ActionRecord) -> Result<ShownAction, Error> {
        let compiled = self.catalog.remember(CompiledAction::new(record)?, None);
        Ok(ShownAction {
            warnings: self.warnings(&compiled).await,
            action: compiled.shown(),
        })
    }

    /// What will not work as it is written (contract §0.11); never a refusal.
    async fn warnings(&self, compiled: &Arc<CompiledAction>) -> Vec<Violation> {
        let mut warnings = compiled.action.warnings();
        if let Some(call) = compiled.action.invocation.http_call() {
            warnings.extend(self.unbound_signature(compiled.action.invocation.kind(), &call.url));
        }
        let names = self.secrets.list().into_iter();
        let secrets = names.map(|secret| secret.secret_name).collect();
        let saved = Arc::clone(compiled);
        let look =
            move || templates::warnings(&saved.document, &saved.action, &saved.invocation, secrets);
        warnings.extend(apart(look).await);
        warnings.truncate(MAX_WARNINGS);
        warnings
    }

    /// A signature that binds neither URL nor time, made with a secret that many receivers share.
    fn unbound_signature(&self, kind: InvocationKind, url: &str) -> Option<Violation> {
        let preset = Preset::for_invocation(kind, url);
        let by_path = kind == InvocationKind::Webhook && !preset.binds_timestamp();
        let place = longshore_domain::connection::Place::parse(url).ok();
        let connection = place.and_then(|place| self.connections.matching(&place));
        (by_path && connection.is_none()).then(|| {
            Violation::new(
                "invocationMethod.url",
                "unbound_signature: the SHA-1 signature that this path asks for binds neither URL \
                 nor time; add a connection with a signing secret of its own for this server",
            )
        })
    }
}

fn taken(identifier: &str) -> Error {
    Error::Conflict(format!("an action called {identifier:?} exists already"))
}

fn new_action(
    document: &Value,
    by: &str,
    environment: &dyn Environment,
) -> Result<NewAction, Error> {
    let action = Action::parse(document).map_err(Error::Invalid)?;
    Ok(NewAction {
        identifier: action.identifier,
        document: document.to_string(),
        by: by.to_owned(),
        now: environment.now(),
    })
}

fn shown(record: &ActionRecord, document: &Value) -> Value {
    let mut shown: Map<String, Value> = document.as_object().cloned().unwrap_or_default();
    shown.insert("createdBy".into(), record.created_by.clone().into());
    shown.insert("updatedBy".into(), record.updated_by.clone().into());
    shown.insert("createdAt".into(), record.created_at.to_string().into());
    shown.insert("updatedAt".into(), record.updated_at.to_string().into());
    Value::Object(shown)
}
