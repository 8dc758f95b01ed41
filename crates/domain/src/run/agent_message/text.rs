//! A message that is handed on as the text that it came as: of nearly every one, an agent needs to
//! know little, and sends the rest.

use serde::Deserialize;
use serde_json::Value;

use crate::action::InvocationKind;
use crate::json::is_stringified;

/// A run's message as an agent reads it, without its signature.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadMessage {
    /// As text, with what its call has to know of it.
    Text(MessageText),
    /// Read whole: a receiver would be sent another text than came, or it is an unusual one.
    Tree(Value),
}

/// The text of a message, which is what [`crate::json::stringify`] would print for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText {
    text: String,
    run: Option<Box<str>>,
    is_for_agents: bool,
    /// How the run's action calls.
    pub call: CallOutline,
}

/// What the built-in mapping reads of the message of any action but GitLab's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutline {
    /// The kind of its action.
    pub kind: InvocationKind,
    /// The action's URL.
    pub url: String,
    /// Its method, where it names one.
    pub method: Option<String>,
    /// Whether its answer ends the run.
    pub synchronized: bool,
}

/// The few members that are looked at; where one has another type than it is written with, the
/// message is read whole.
#[derive(Deserialize)]
pub(super) struct Outline<'m> {
    #[serde(borrow, default)]
    context: Context<'m>,
    #[serde(borrow)]
    payload: Payload<'m>,
    #[serde(borrow, default)]
    pub(super) headers: Headers<'m>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context<'m> {
    run_id: Option<&'m str>,
}

#[derive(Deserialize)]
struct Payload<'m> {
    #[serde(borrow)]
    action: Action<'m>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action<'m> {
    #[serde(borrow)]
    invocation_method: Invocation<'m>,
}

#[derive(Deserialize)]
struct Invocation<'m> {
    #[serde(rename = "type")]
    kind: InvocationKind,
    url: &'m str,
    method: Option<&'m str>,
    agent: Option<bool>,
    synchronized: Option<bool>,
}

#[derive(Default, Deserialize)]
pub(super) struct Headers<'m> {
    #[serde(rename = "X-Port-Signature")]
    pub(super) signature: Option<&'m str>,
    #[serde(rename = "X-Port-Timestamp")]
    pub(super) timestamp: Option<&'m str>,
}

impl<'m> Outline<'m> {
    /// Of `text`, where all that is looked at is as it is usually written.
    pub(super) fn read(text: &'m str) -> Option<Self> {
        let outline: Self = serde_json::from_str(text).ok()?;
        let invocation = &outline.payload.action.invocation_method;
        let is_usual = invocation.kind != InvocationKind::Gitlab && !invocation.url.is_empty();
        is_usual.then_some(outline)
    }

    /// The message itself: `text` is what this was read of, but for the signature.
    pub(super) fn of(&self, text: String) -> MessageText {
        let invocation = &self.payload.action.invocation_method;
        let method = invocation.method.filter(|method| !method.is_empty());
        MessageText {
            text,
            run: self.context.run_id.map(Box::from),
            is_for_agents: invocation.agent == Some(true),
            call: CallOutline {
                kind: invocation.kind,
                url: invocation.url.to_owned(),
                method: method.map(str::to_owned),
                synchronized: invocation.synchronized == Some(true),
            },
        }
    }
}

impl MessageText {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text and what the call has to know of it.
    #[must_use]
    pub fn into_parts(self) -> (String, CallOutline) {
        (self.text, self.call)
    }
}

impl ReadMessage {
    /// Reads a message that carries no signature.
    ///
    /// # Errors
    /// Where it is not JSON.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        match Outline::read(text) {
            Some(outline) if is_stringified(text) => Ok(Self::Text(outline.of(text.to_owned()))),
            _ => serde_json::from_str(text).map(Self::Tree),
        }
    }

    /// The run that it is of.
    #[must_use]
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::Text(message) => message.run.as_deref(),
            Self::Tree(message) => message["context"]["runId"].as_str(),
        }
    }

    /// Whether its action asks for an agent.
    #[must_use]
    pub fn is_for_agents(&self) -> bool {
        match self {
            Self::Text(message) => message.is_for_agents,
            Self::Tree(message) => {
                is_on(&message["payload"]["action"]["invocationMethod"]["agent"])
            }
        }
    }

    /// The whole of it.
    #[must_use]
    pub fn into_tree(self) -> Value {
        match self {
            // An outline was read of it, so it is JSON.
            Self::Text(message) => serde_json::from_str(&message.text).unwrap_or_default(),
            Self::Tree(message) => message,
        }
    }
}

/// A switch of an action's invocation: it may be a template, so it may arrive as text.
#[must_use]
pub fn is_on(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::String(text) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    }
}
