//! A request becomes a run, with the delivery that shall leave for it.

use serde_json::{Map, Value, json};

use super::{
    DeliveryWrite, Documents, DocumentsPatch, EncryptedInputs, Event, EventKind, FailedTemplates,
    Idempotency, Label, NewRun, RequiredApproval, Run, RunChange, RunWrite, Source, Status, Vote,
    label, tell_failed_templates,
};
use crate::delivery::{Delivery, Receiver, State};
use crate::id::{ConnectionId, DeliveryId, RunId};
use crate::json::JsonDocument;
use crate::outcome::Repeat;
use crate::template::Deferred;
use crate::time::Timestamp;

/// Where calls wait for an execution agent.
pub const AGENT_DESTINATION: &str = "agent";
/// Where pipelines of GitLab wait for one: an agent that only calls URLs must not get them.
pub const GITLAB_DESTINATION: &str = "agent:gitlab";
/// Begins the destination where work waits for an integration; its id follows.
pub const INTEGRATION_PREFIX: &str = "integration:";
/// The destination of messages for whoever reads the organisation's topic.
pub const KAFKA_DESTINATION: &str = "kafka";

/// Whether what waits at `destination` is handed to agents, and never sent from here.
#[must_use]
pub fn is_for_agents(destination: &str) -> bool {
    destination == AGENT_DESTINATION
        || destination == GITLAB_DESTINATION
        || destination.starts_with(INTEGRATION_PREFIX)
}

/// A permitted, validated request for a run.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id that the run shall have.
    pub id: RunId,
    /// The action's identifier.
    pub action: String,
    /// The action's revision.
    pub action_revision: i64,
    /// The action's blueprint.
    pub blueprint: Option<String>,
    /// The identifier of the entity that it is about.
    pub entity: Option<String>,
    /// Where it was asked for.
    pub source: Source,
    /// Whether it waits for approval.
    pub required_approval: RequiredApproval,
    /// The inputs, defaults filled in; what the server encrypts is censored.
    pub properties: Value,
    /// The inputs as they were sent, where they differ; censored too.
    pub raw_properties: Option<Value>,
    /// The encrypted inputs, where there are some.
    pub encrypted: Option<Box<EncryptedInputs>>,
    /// Who asked for it, from where and when.
    pub trigger: JsonDocument,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub now: Timestamp,
    /// The run that it repeats.
    pub rerun_of: Option<RunId>,
    /// Makes a repeated request find this run.
    pub idempotency: Option<Idempotency>,
}

/// A rendered invocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The invocation; what names a secret stands in it as it was written.
    pub payload: Value,
    /// The parts that are evaluated for each attempt anew.
    pub deferred: Vec<Deferred>,
    /// What came to nothing, where something did.
    pub failed: Option<FailedTemplates>,
}

/// How a new delivery enters the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A slot of its destination is kept for it: it leaves right after the commit.
    Slot,
    /// It waits in memory for a slot.
    Window,
    /// There is no room: it is read from storage when its turn comes.
    Stored,
}

/// A delivery to be made with its run.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// Its public id.
    pub id: DeliveryId,
    /// How its answer is read.
    pub receiver: Receiver,
    /// What shares its limits.
    pub destination: String,
    /// The connection that matched.
    pub connection: Option<ConnectionId>,
    /// Whether a repeat is harm.
    pub repeat: Repeat,
    /// Whether the run takes its end from the answer.
    pub synchronized: bool,
    /// How it enters.
    pub entry: Entry,
}

/// A run that waits for approval, or one that is executed with `dispatch`.
#[must_use]
pub fn accept(request: Request, dispatch: Option<(Rendered, NewDelivery)>) -> RunChange {
    let now = request.now;
    let status = if dispatch.is_some() {
        Status::InProgress
    } else {
        Status::WaitingForApproval
    };
    let waits = dispatch
        .as_ref()
        .is_some_and(|(_, new)| new.receiver == Receiver::Agent);
    let mut run = Run {
        id: request.id.clone(),
        action: request.action,
        action_revision: request.action_revision,
        blueprint: request.blueprint,
        entity: request.entity.clone(),
        status,
        label: waits.then(agent_label),
        source: request.source,
        required_approval: request.required_approval,
        link: None,
        summary: None,
        external_run_id: None,
        created_by: request.created_by.clone(),
        updated_by: None,
        created_at: now,
        updated_at: now,
        ended_at: None,
        rerun_of: request.rerun_of,
        redemption: None,
        log_lines: 0,
        version: 1,
    };
    let mut documents = Documents {
        properties: request.properties.into(),
        raw_properties: request.raw_properties.map(Into::into),
        encrypted: request.encrypted,
        trigger: request.trigger,
        entity: request
            .entity
            .map(|identifier| json!({"identifier": identifier})),
        ..Documents::default()
    };
    let mut changed = Map::new();
    changed.insert("status".into(), status.name().into());
    if let Some(repeated) = &run.rerun_of {
        changed.insert("rerunOf".into(), repeated.as_str().into());
    }
    let mut log = Vec::new();
    let delivery = dispatch.map(|(rendered, new)| {
        if let Some(failed) = rendered.failed {
            changed.insert("templates".into(), failed.detail());
            log.push(failed.log_line(now));
            run.log_lines += 1;
        }
        documents.payload = Some(rendered.payload.into());
        documents.deferred = rendered.deferred;
        DeliveryWrite::Insert(delivery_of(request.id, new, now))
    });
    RunChange {
        delivery,
        log,
        idempotency: request.idempotency,
        events: vec![Event {
            kind: EventKind::RunRequested,
            at: now,
            by: request.created_by,
            changed: Value::Object(changed),
        }],
        ..RunChange::of(RunWrite::Insert(Box::new(NewRun { run, documents })))
    }
}

/// An approved run is executed.
#[must_use]
pub fn dispatch(
    run: &Run,
    votes: Vec<Vote>,
    rendered: Rendered,
    new: NewDelivery,
    by: &str,
    now: Timestamp,
) -> RunChange {
    let mut after = run.clone();
    after.status = Status::InProgress;
    if new.receiver == Receiver::Agent {
        after.label = Some(agent_label());
    }
    let documents = DocumentsPatch {
        payload: Some((rendered.payload, rendered.deferred)),
        votes: Some(votes),
        response: None,
    };
    let mut change = super::conclude::write(run, after, documents, EventKind::RunApproval, by, now);
    change.delivery = Some(DeliveryWrite::Insert(delivery_of(run.id.clone(), new, now)));
    if let Some(failed) = &rendered.failed {
        tell_failed_templates(&mut change, run, failed, now);
    }
    change
}

fn agent_label() -> Label {
    Label {
        text: label::WAITING_FOR_AGENT.to_owned(),
        by_engine: true,
    }
}

fn delivery_of(run: RunId, new: NewDelivery, now: Timestamp) -> Delivery {
    let (state, attempt) = match (new.entry, new.repeat) {
        (Entry::Slot, Repeat::Harm) => (State::Started, 1),
        (Entry::Slot, Repeat::Allowed) | (Entry::Window, _) => (State::Owned, 0),
        (Entry::Stored, _) => (State::Due, 0),
    };
    Delivery {
        id: new.id,
        run,
        receiver: new.receiver,
        destination: new.destination,
        connection: new.connection,
        repeat: new.repeat,
        synchronized: new.synchronized,
        state,
        due_at: (state == State::Due).then_some(now),
        attempt,
        attempts_used: 0,
        left: false,
        scheduled_since: now,
        diagnosis: None,
        publication: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}
