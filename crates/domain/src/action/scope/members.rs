//! The members of the objects in scope (contract of the API, sections 5.1 and 5.2).

use std::collections::HashMap;

use serde_json::Value;

use super::{Seen, ValueKind, nearest, written};
use crate::action::shape::{listed, shown};
use crate::action::{EntityChange, Event, UserInputs};

/// The members of an object, in the order in which a message lists them.
#[derive(Clone, Debug)]
pub(super) struct Members {
    noun: Noun,
    names: Vec<String>,
    by_name: HashMap<String, Seen>,
}

/// What the members of an object are to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noun {
    /// What an expression starts from, in an invocation.
    Root,
    /// The same where nothing but the context says what there is.
    TrialRoot,
    /// The same in a form.
    FormRoot,
    /// The same in a condition, whose input is the event itself.
    EventRoot,
    Input,
    Secret,
    Member,
}

impl Members {
    pub(super) fn named(noun: Noun, members: impl IntoIterator<Item = (String, Seen)>) -> Self {
        let mut names = Vec::new();
        let mut by_name = HashMap::new();
        for (name, seen) in members {
            names.push(name.clone());
            by_name.insert(name, seen);
        }
        Self {
            noun,
            names,
            by_name,
        }
    }

    fn of<const N: usize>(noun: Noun, members: [(&str, Seen); N]) -> Self {
        let members = members.into_iter();
        Self::named(noun, members.map(|(name, seen)| (name.to_owned(), seen)))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Seen> {
        self.by_name.get(name)
    }

    /// That `path` has no `name`, and what may have been meant.
    pub(super) fn missing(&self, path: &str, name: &str) -> String {
        let is_root = !matches!(self.noun, Noun::Input | Noun::Secret | Noun::Member);
        let told = |name: &str| match is_root {
            true => written(name),
            false => shown(name).to_string(),
        };
        let name_told = told(name);
        let what = match self.noun {
            Noun::Input => format!("the action has no input `{name_told}`"),
            Noun::Secret => format!("the organization has no secret `{name_told}`"),
            Noun::Member => format!("`{path}` has no `{name_told}`"),
            Noun::Root | Noun::TrialRoot | Noun::FormRoot | Noun::EventRoot => {
                format!("there is no `{name_told}` here")
            }
        };
        if let Some(meant) = self.meant_elsewhere(name) {
            return format!("{what}; {meant}");
        }
        let names = || self.names.iter().map(String::as_str);
        if let Some(near) = nearest(name, names()) {
            return format!("{what}; did you mean `{}`?", told(near));
        }
        if self.noun == Noun::Secret || self.names.is_empty() {
            return what;
        }
        let all: Vec<&str> = names().collect();
        format!("{what}; there is: {}", listed(&all))
    }

    /// Names that belong into another place.
    fn meant_elsewhere(&self, name: &str) -> Option<&'static str> {
        Some(match (self.noun, name) {
            (Noun::Root, "form") => "what the form was filled in with is `.inputs`",
            (Noun::Root, "user") => "who asked for the run is `.trigger.by.user`",
            (Noun::FormRoot, "inputs") => "what was typed so far is `.form`",
            (Noun::EventRoot, "event") => {
                "a condition's input is the event itself, so leave `.event` out"
            }
            _ => return None,
        })
    }
}

const STRING: Seen = Seen::Value(ValueKind::String);
const ARRAY: Seen = Seen::Value(ValueKind::Array);

/// What stands at the root of one scope or another.
const ROOTS: [&str; 9] = [
    "inputs", "trigger", "event", "entity", "action", "run", "secrets", "form", "user",
];

pub(super) fn secrets(names: Vec<String>) -> Members {
    let names = names.into_iter();
    Members::named(Noun::Secret, names.map(|name| (name, STRING)))
}

pub(super) fn trial(
    given: impl IntoIterator<Item = String>,
    known: Option<Vec<String>>,
) -> Members {
    let roots = ROOTS.into_iter().map(str::to_owned).chain(given);
    let mut members = Members::named(Noun::TrialRoot, roots.map(|name| (name, Seen::Anything)));
    if let Some(names) = known {
        let secrets = Seen::Members(secrets(names));
        members.by_name.insert("secrets".to_owned(), secrets);
    }
    members
}

pub(super) fn self_service(inputs: &UserInputs, secrets: Members) -> Members {
    let by = Members::of(
        Noun::Member,
        [
            ("orgId", STRING),
            ("userId", STRING),
            ("user", Seen::Members(user())),
        ],
    );
    let trigger = Members::of(
        Noun::Member,
        [
            ("by", Seen::Members(by)),
            ("origin", STRING),
            ("at", STRING),
            ("operation", STRING),
        ],
    );
    let action = Members::of(
        Noun::Member,
        [
            ("identifier", STRING),
            ("blueprint", STRING),
            ("encryptedProperties", ARRAY),
        ],
    );
    Members::of(
        Noun::Root,
        [
            ("inputs", Seen::Members(given(inputs))),
            ("trigger", Seen::Members(trigger)),
            (
                "event",
                Seen::Null("only automations are started by an event"),
            ),
            ("entity", Seen::Members(entity())),
            ("action", Seen::Members(action)),
            ("run", Seen::Members(run())),
            ("secrets", Seen::Members(secrets)),
        ],
    )
}

pub(super) fn automation(event: &Event, secrets: Members) -> Members {
    let by = Members::of(
        Noun::Member,
        [
            ("orgId", STRING),
            ("userId", STRING),
            ("user", Seen::Anything),
        ],
    );
    let trigger = Members::of(
        Noun::Member,
        [
            ("by", Seen::Members(by)),
            ("origin", STRING),
            ("at", STRING),
        ],
    );
    let action = Members::of(Noun::Member, [("identifier", STRING)]);
    let event = Members {
        noun: Noun::Member,
        ..self::event(event)
    };
    Members::of(
        Noun::Root,
        [
            (
                "inputs",
                Seen::Null("an automation has no inputs; read `.event`"),
            ),
            ("trigger", Seen::Members(trigger)),
            ("event", Seen::Members(event)),
            (
                "entity",
                Seen::Null("an automation's entity is `.event.diff.after`"),
            ),
            ("action", Seen::Members(action)),
            ("run", Seen::Members(run())),
            ("secrets", Seen::Members(secrets)),
        ],
    )
}

/// The event that starts an automation.
pub(super) fn event(event: &Event) -> Members {
    let (before, after, context) = match event {
        Event::Entity { change, .. } => {
            let (before, after) = match change {
                Some(EntityChange::Created) => {
                    (Seen::Null("the entity was created"), entity_seen())
                }
                Some(EntityChange::Deleted) => {
                    (entity_seen(), Seen::Null("the entity was deleted"))
                }
                Some(EntityChange::Updated) | None => (entity_seen(), entity_seen()),
            };
            (before, after, Seen::Members(entity_context()))
        }
        Event::TimerExpired { .. } => (
            Seen::Null("a timer's event has only `after`"),
            entity_seen(),
            Seen::Members(entity_context()),
        ),
        Event::Run { .. } => (Seen::Anything, Seen::Anything, Seen::Anything),
    };
    let trigger = Members::of(
        Noun::Member,
        [("by", Seen::Anything), ("origin", STRING), ("at", STRING)],
    );
    let diff = Members::of(Noun::Member, [("before", before), ("after", after)]);
    Members::of(
        Noun::EventRoot,
        [
            ("action", STRING),
            ("resourceType", STRING),
            ("trigger", Seen::Members(trigger)),
            ("context", context),
            ("diff", Seen::Members(diff)),
            ("id", STRING),
        ],
    )
}

/// The roots of a form's queries. An entity that is created is none yet; what stands there then is
/// not known.
pub(super) fn form(inputs: &UserInputs) -> Members {
    let typed = inputs.properties.iter().map(|(name, schema)| {
        let is_object = |format: &str| matches!(format, "entity" | "user" | "team");
        let format = schema.get("format").and_then(Value::as_str);
        let seen = if format.is_some_and(is_object) {
            Seen::Anything
        } else {
            kind_of(schema)
        };
        (name.clone(), seen)
    });
    Members::of(
        Noun::FormRoot,
        [
            ("form", Seen::Members(Members::named(Noun::Input, typed))),
            ("entity", Seen::Anything),
            ("user", Seen::Anything),
        ],
    )
}

fn given(inputs: &UserInputs) -> Members {
    let inputs = inputs.properties.iter();
    Members::named(
        Noun::Input,
        inputs.map(|(name, schema)| (name.clone(), kind_of(schema))),
    )
}

/// What an input arrives as.
fn kind_of(schema: &Value) -> Seen {
    let is_encrypted = schema.get("encryption").is_some_and(|kind| !kind.is_null());
    match schema.get("type").and_then(Value::as_str) {
        _ if is_encrypted => STRING,
        Some("string") => STRING,
        Some("number") => Seen::Value(ValueKind::Number),
        Some("boolean") => Seen::Value(ValueKind::Boolean),
        Some("array") => ARRAY,
        Some("object") => Seen::Object,
        _ => Seen::Anything,
    }
}

fn run() -> Members {
    Members::of(Noun::Member, [("id", STRING), ("token", STRING)])
}

fn user() -> Members {
    let text = [
        "email",
        "firstName",
        "lastName",
        "phoneNumber",
        "picture",
        "status",
        "id",
        "createdAt",
        "updatedAt",
    ];
    let text = text.map(|name| (name.to_owned(), STRING));
    let providers = [("providers".to_owned(), ARRAY)];
    Members::named(Noun::Member, text.into_iter().chain(providers))
}

fn entity_seen() -> Seen {
    Seen::Members(entity())
}

fn entity() -> Members {
    let text = [
        "identifier",
        "title",
        "icon",
        "blueprint",
        "createdAt",
        "createdBy",
        "updatedAt",
        "updatedBy",
    ];
    let text = text.map(|name| (name.to_owned(), STRING));
    let other = [
        ("team".to_owned(), Seen::Anything),
        ("properties".to_owned(), Seen::Object),
        ("relations".to_owned(), Seen::Object),
    ];
    Members::named(Noun::Member, text.into_iter().chain(other))
}

fn entity_context() -> Members {
    Members::of(
        Noun::Member,
        [
            ("blueprintIdentifier", STRING),
            ("entityIdentifier", STRING),
            ("propertyIdentifier", STRING),
        ],
    )
}
