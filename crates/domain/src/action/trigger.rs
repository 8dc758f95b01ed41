//! What starts an action: a person who fills in a form, or an event.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::inputs::{self, UserInputs};
use super::names::{MAX_BUTTON_CHARS, is_button_text};
use super::query;
use super::shape::{Faults, Fields, Path};

/// What starts an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A person or a program that executes it.
    SelfService(SelfService),
    /// An event.
    Automation(Automation),
}

/// An action that is executed on request.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfService {
    /// What it does to its entity.
    pub operation: Operation,
    /// The blueprint of its entity; without one it has no entity.
    pub blueprint_identifier: Option<String>,
    /// What the person is asked.
    pub user_inputs: UserInputs,
    /// The entities it is offered for: a search query's `rules` and `combinator`.
    pub condition: Option<Map<String, Value>>,
}

/// What an action does to its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// Makes one.
    #[serde(rename = "CREATE")]
    Create,
    /// Changes one.
    #[serde(rename = "DAY-2")]
    Day2,
    /// Removes one.
    #[serde(rename = "DELETE")]
    Delete,
}

impl Operation {
    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Day2 => "DAY-2",
            Self::Delete => "DELETE",
        }
    }
}

/// An action that an event starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automation {
    /// Which event.
    pub event: Event,
    /// Expressions over the event that decide whether it starts.
    pub condition: Option<JqCondition>,
}

/// Expressions that are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JqCondition {
    /// The expressions, uncompiled.
    pub expressions: Vec<String>,
    /// How their truths are joined; where the action names none, as [`Combinator::And`].
    pub combinator: Combinator,
}

/// How truths are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combinator {
    /// All of them.
    #[default]
    And,
    /// At least one.
    Or,
}

/// An event that starts an automation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An entity of a blueprint changed.
    Entity {
        /// How; `None` for any change.
        change: Option<EntityChange>,
        /// Of which blueprint.
        blueprint_identifier: String,
    },
    /// The instant in a timer property passed.
    TimerExpired {
        /// Of which blueprint.
        blueprint_identifier: String,
        /// Which property.
        property_identifier: String,
    },
    /// A run changed.
    Run {
        /// How; `None` for any change.
        change: Option<RunChange>,
        /// Of which action.
        action_identifier: String,
    },
}

/// How an entity changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityChange {
    /// It was created.
    Created,
    /// It was updated.
    Updated,
    /// It was deleted.
    Deleted,
}

/// How a run changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunChange {
    /// It was created.
    Created,
    /// It was updated.
    Updated,
}

pub(super) fn read(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Trigger> {
    let fields = Fields::of(value, path, faults)?;
    match fields.required_choice("type", &["self-service", "automation"], faults)? {
        "automation" => automation(&fields, faults).map(Trigger::Automation),
        _ => self_service(&fields, faults).map(Trigger::SelfService),
    }
}

fn self_service(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<SelfService> {
    fields.close(
        &[
            "type",
            "operation",
            "userInputs",
            "blueprintIdentifier",
            "condition",
            "actionCardButtonText",
            "executeActionButtonText",
        ],
        faults,
    );
    let operations = [Operation::Create, Operation::Day2, Operation::Delete];
    let operation = fields
        .required_choice("operation", &operations.map(Operation::as_str), faults)
        .and_then(|name| operations.into_iter().find(|known| known.as_str() == name));
    let user_inputs = fields
        .required("userInputs", faults)
        .and_then(|value| inputs::read(value, &fields.path.key("userInputs"), faults));
    let blueprint_identifier = fields
        .string("blueprintIdentifier", faults)
        .map(str::to_owned);
    for key in ["actionCardButtonText", "executeActionButtonText"] {
        if fields
            .string(key, faults)
            .is_some_and(|text| !is_button_text(text))
        {
            let message =
                format!("expected 2 to {MAX_BUTTON_CHARS} characters without outer blanks");
            faults.push(&fields.path.key(key), message);
        }
    }
    let condition = search_condition(fields, operation, faults);
    Some(SelfService {
        operation: operation?,
        blueprint_identifier,
        user_inputs: user_inputs?,
        condition,
    })
}

fn search_condition(
    fields: &Fields<'_, '_>,
    operation: Option<Operation>,
    faults: &mut Faults,
) -> Option<Map<String, Value>> {
    let value = fields.map.get("condition")?;
    let path = fields.path.key("condition");
    if operation == Some(Operation::Create) {
        faults.push(
            &path,
            "is only possible with the operations DAY-2 and DELETE",
        );
    } else if !fields.map.contains_key("blueprintIdentifier") {
        faults.push(&path, "requires blueprintIdentifier beside it");
    }
    let condition = Fields::of(value, &path, faults)?;
    condition.close(&["type", "rules", "combinator"], faults);
    condition.required_choice("type", &["SEARCH"], faults);
    query::read_group(&condition, query::Dialect::Search, faults);
    Some(condition.map.clone())
}

fn automation(fields: &Fields<'_, '_>, faults: &mut Faults) -> Option<Automation> {
    fields.close(&["type", "event", "condition"], faults);
    let event = fields
        .required("event", faults)
        .and_then(|value| event(value, &fields.path.key("event"), faults));
    let condition = fields
        .map
        .get("condition")
        .and_then(|value| jq_condition(value, &fields.path.key("condition"), faults));
    Some(Automation {
        event: event?,
        condition,
    })
}

fn jq_condition(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<JqCondition> {
    let fields = Fields::of(value, path, faults)?;
    fields.close(&["type", "expressions", "combinator"], faults);
    fields.required_choice("type", &["JQ"], faults);
    let expressions = fields
        .required("expressions", faults)
        .map(|value| faults.strings(&path.key("expressions"), value))?;
    let combinator = match fields.choice("combinator", &["and", "or"], faults) {
        Some("or") => Combinator::Or,
        _ => Combinator::And,
    };
    Some(JqCondition {
        expressions: expressions.into_iter().map(str::to_owned).collect(),
        combinator,
    })
}

const EVENTS: [&str; 8] = [
    "ENTITY_CREATED",
    "ENTITY_UPDATED",
    "ENTITY_DELETED",
    "ANY_ENTITY_CHANGE",
    "TIMER_PROPERTY_EXPIRED",
    "RUN_CREATED",
    "RUN_UPDATED",
    "ANY_RUN_CHANGE",
];

fn event(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Event> {
    let fields = Fields::of(value, path, faults)?;
    let kind = fields.required_choice("type", &EVENTS, faults)?;
    let mut text = |key: &str| fields.required_string(key, faults).map(str::to_owned);
    let (event, keys): (_, &[&str]) = match kind {
        "TIMER_PROPERTY_EXPIRED" => {
            let (blueprint, property) = (text("blueprintIdentifier"), text("propertyIdentifier"));
            let event =
                blueprint
                    .zip(property)
                    .map(
                        |(blueprint_identifier, property_identifier)| Event::TimerExpired {
                            blueprint_identifier,
                            property_identifier,
                        },
                    );
            (
                event,
                &["type", "blueprintIdentifier", "propertyIdentifier"],
            )
        }
        "RUN_CREATED" | "RUN_UPDATED" | "ANY_RUN_CHANGE" => {
            let change = match kind {
                "RUN_CREATED" => Some(RunChange::Created),
                "RUN_UPDATED" => Some(RunChange::Updated),
                _ => None,
            };
            let event = text("actionIdentifier").map(|action_identifier| Event::Run {
                change,
                action_identifier,
            });
            (event, &["type", "actionIdentifier"])
        }
        _ => {
            let change = match kind {
                "ENTITY_CREATED" => Some(EntityChange::Created),
                "ENTITY_UPDATED" => Some(EntityChange::Updated),
                "ENTITY_DELETED" => Some(EntityChange::Deleted),
                _ => None,
            };
            let event = text("blueprintIdentifier").map(|blueprint_identifier| Event::Entity {
                change,
                blueprint_identifier,
            });
            (event, &["type", "blueprintIdentifier"])
        }
    };
    fields.close(keys, faults);
    event
}
