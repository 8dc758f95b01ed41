//! The parsed view of an action or automation: what rules work on.
//!
//! The document itself is stored and answered as it was sent; this view never writes it back and
//! adds no defaults to it. Templates and jq are neither compiled nor judged here.

mod approval;
mod bounds;
mod inputs;
mod invocation;
mod names;
mod queries;
mod query;
mod scope;
pub(crate) mod shape;
mod trigger;
mod warnings;

use serde_json::Value;

pub use approval::{
    ApprovalNotification, ApprovalType, MAX_QUORUM, NotificationFormat, RequiredApproval,
};
pub(crate) use bounds::exceeded;
pub use bounds::{MAX_DEPTH, MAX_VALUES};
pub use inputs::{MAX_INPUTS, Required, Step, UserInputs, jq_query};
pub use invocation::{HttpCall, Invocation, InvocationKind};
pub use names::{MAX_BUTTON_CHARS, MAX_IDENTIFIER_CHARS};
pub use queries::{Query, queries};
pub use scope::{DeadEnd, Scope, ValueKind};
pub use trigger::{
    Automation, Combinator, EntityChange, Event, JqCondition, Operation, RunChange, SelfService,
    Trigger,
};
pub use warnings::{MAX_WARNINGS, azure_parameter};

use crate::violation::Violation;
use shape::{Faults, Fields, Path};

/// An action or automation.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its name in the API; changing it renames the action.
    pub identifier: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What starts it.
    pub trigger: Trigger,
    /// What it calls.
    pub invocation: Invocation,
    /// Whose approval its runs need.
    pub required_approval: RequiredApproval,
    /// How approvers hear of it.
    pub approval_notification: ApprovalNotification,
    /// Whether an automation is switched on; where the document does not say, it is.
    pub publish: bool,
    /// Whether everybody sees its runs; where the document does not say, they do.
    pub allow_anyone_to_view_runs: bool,
}

impl Action {
    /// Reads `document`; all mistakes are told at once.
    ///
    /// # Errors
    ///
    /// Every place that differs from the published schema, with what was expected there.
    pub fn parse(document: &Value) -> Result<Self, Vec<Violation>> {
        if let Some(violation) = exceeded(document) {
            return Err(vec![violation]);
        }
        let mut faults = Faults::default();
        match read(document, &mut faults) {
            Some(action) if faults.is_empty() => Ok(action),
            _ => Err(faults.into_violations()),
        }
    }

    /// What an action that can be stored will trip over when it is executed.
    #[must_use]
    pub fn warnings(&self) -> Vec<Violation> {
        warnings::of(self)
    }

    /// The key of the invocation under which it sends parameters to Azure Pipelines.
    #[must_use]
    pub fn azure_payload_key(&self) -> Option<&'static str> {
        warnings::azure_payload(&self.invocation).map(|(key, _)| key)
    }

    /// The form of a self-service action.
    #[must_use]
    pub const fn user_inputs(&self) -> Option<&UserInputs> {
        match &self.trigger {
            Trigger::SelfService(trigger) => Some(&trigger.user_inputs),
            Trigger::Automation(_) => None,
        }
    }
}

fn read(document: &Value, faults: &mut Faults) -> Option<Action> {
    let root = Path::ROOT;
    let fields = Fields::of(document, &root, faults)?;
    fields.close(
        &[
            "identifier",
            "title",
            "icon",
            "description",
            "trigger",
            "invocationMethod",
            "requiredApproval",
            "approvalNotification",
            "publish",
            "allowAnyoneToViewRuns",
        ],
        faults,
    );
    let identifier = identifier(&fields, faults);
    let title = fields.string("title", faults).map(str::to_owned);
    fields.string("icon", faults);
    fields.string("description", faults);
    let trigger = fields
        .required("trigger", faults)
        .and_then(|value| trigger::read(value, &root.key("trigger"), faults));
    let invocation = fields
        .required("invocationMethod", faults)
        .and_then(|value| invocation::read(value, &root.key("invocationMethod"), faults));
    let required_approval = match fields.map.get("requiredApproval") {
        Some(value) => approval::read(value, &root.key("requiredApproval"), faults),
        None => Some(RequiredApproval::default()),
    };
    let approval_notification = match fields.map.get("approvalNotification") {
        Some(value) => {
            approval::read_notification(value, &root.key("approvalNotification"), faults)
        }
        None => Some(ApprovalNotification::default()),
    };
    let publish = fields.boolean("publish", faults).unwrap_or(true);
    let allow_anyone_to_view_runs = fields
        .boolean("allowAnyoneToViewRuns", faults)
        .unwrap_or(true);
    Some(Action {
        identifier: identifier?,
        title,
        trigger: trigger?,
        invocation: invocation?,
        required_approval: required_approval?,
        approval_notification: approval_notification?,
        publish,
        allow_anyone_to_view_runs,
    })
}

fn identifier(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<String> {
    let text = fields.required_string("identifier", faults)?;
    if names::is_identifier(text) {
        return Some(text.to_owned());
    }
    let message = format!(
        "expected 1 to {MAX_IDENTIFIER_CHARS} letters, digits and @ _ . + : = -, not only . or .."
    );
    faults.push(&fields.path.key("identifier"), message);
    None
}

#[cfg(test)]
mod tests;
