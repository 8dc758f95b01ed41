//! What the expressions of an action see in each place where it has some, as far as that is
//! certain before they run: which names exist, and of which kind their values are.

mod members;

use serde_json::Value;

use super::shape::shown;
use super::{Action, Event, Trigger, UserInputs};
use crate::nearest::nearest;
use members::Members;

/// The kinds of a value that matter to whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl ValueKind {
    /// As a message says it.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// What stands at a place of a template scope.
#[derive(Clone, Debug)]
enum Seen {
    /// Nothing is known of it.
    Anything,
    /// Null, and why.
    Null(&'static str),
    /// A value without members.
    Value(ValueKind),
    /// An object of whose members nothing is known.
    Object,
    /// An object with these members and no others.
    Members(Members),
}

/// A template scope, as far as it is certain.
#[derive(Clone, Debug)]
pub struct Scope {
    root: Members,
}

/// Why a path that an expression reads gives null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadEnd {
    /// The key where it ends, counted from 0.
    pub step: usize,
    /// What is wrong, and what may have been meant.
    pub message: String,
}

impl Scope {
    /// What the templates of an invocation see, where the organization has these secrets.
    #[must_use]
    pub fn of_invocation(action: &Action, secrets: Vec<String>) -> Self {
        let secrets = members::secrets(secrets);
        let root = match &action.trigger {
            Trigger::SelfService(trigger) => members::self_service(&trigger.user_inputs, secrets),
            Trigger::Automation(automation) => members::automation(&automation.event, secrets),
        };
        Self { root }
    }

    /// What the queries of a form see.
    #[must_use]
    pub fn of_form(inputs: &UserInputs) -> Self {
        Self {
            root: members::form(inputs),
        }
    }

    /// What the condition of an automation sees: the event itself.
    #[must_use]
    pub fn of_event(event: &Event) -> Self {
        Self {
            root: members::event(event),
        }
    }

    /// What a template sees that is tried out: what is `given` at its root, beside what stands at
    /// the root of any scope; of the secrets, `secrets` where it is known which there are.
    #[must_use]
    pub fn of_trial(given: impl IntoIterator<Item = String>, secrets: Option<Vec<String>>) -> Self {
        Self {
            root: members::trial(given, secrets),
        }
    }

    /// Where the path of `keys` from the root can only give null, if that is certain.
    #[must_use]
    pub fn dead_end<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<DeadEnd> {
        let mut members = &self.root;
        let mut path = String::new();
        let mut keys = keys.into_iter().enumerate();
        while let Some((step, key)) = keys.next() {
            let end = |step, message| Some(DeadEnd { step, message });
            let Some(seen) = members.find(key) else {
                return end(step, members.missing(&path, key));
            };
            path.push_str(&written(key));
            match seen {
                Seen::Members(inner) => members = inner,
                Seen::Anything | Seen::Object => return None,
                Seen::Null(why) => return end(step, format!("`{path}` is always null: {why}")),
                Seen::Value(kind) => {
                    let (step, key) = keys.next()?;
                    let message = format!(
                        "`{path}` is {}, so reading `{}` of it gives null",
                        kind.described(),
                        written(key)
                    );
                    return end(step, message);
                }
            }
        }
        None
    }

    /// The kind of what stands at `keys`, where that is certain.
    #[must_use]
    pub fn kind<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<ValueKind> {
        let mut members = Some(&self.root);
        let mut kind = Some(ValueKind::Object);
        for key in keys {
            (members, kind) = match members?.find(key)? {
                Seen::Anything | Seen::Null(_) => (None, None),
                Seen::Value(kind) => (None, Some(*kind)),
                Seen::Object => (None, Some(ValueKind::Object)),
                Seen::Members(inner) => (Some(inner), Some(ValueKind::Object)),
            };
        }
        kind
    }

    /// What `name` may have meant where it is no function: a root, written without its dot.
    #[must_use]
    pub fn root_called(&self, name: &str) -> Option<String> {
        self.root.find(name).map(|_| written(name))
    }
}

/// `key` as a path has it.
fn written(key: &str) -> String {
    let plain = |text: &str| {
        !text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    if !key.is_empty() && plain(key) {
        format!(".{}", shown(key))
    } else {
        format!("[{}]", Value::from(shown(key).to_string()))
    }
}
