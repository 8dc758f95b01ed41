//! A delivery in memory: all that an attempt needs without reading storage.

use longshore_domain::delivery::Delivery;
use longshore_domain::run::{EncryptedInputs, Run};
use longshore_domain::template::Deferred;
use serde_json::Value;

use crate::outgoing::Outgoing;

/// A delivery that is owned by this process.
pub(crate) struct Parcel {
    /// Boxed, since a parcel is moved several times on its way.
    pub(crate) known: Box<Known>,
    /// What shall be sent.
    pub(crate) content: Content,
}

/// What an attempt is about, as it was last written.
pub(crate) struct Known {
    /// The run.
    pub(crate) run: Run,
    /// Its delivery.
    pub(crate) delivery: Delivery,
}

/// What shall be sent.
pub(crate) enum Content {
    /// The same bytes for every attempt.
    Ready(Box<Outgoing>),
    /// Parts are evaluated for each attempt anew.
    Deferred(Box<DeferredContent>),
}

/// A payload with the parts that name secrets or read encrypted inputs, and what they are evaluated
/// with.
pub(crate) struct DeferredContent {
    /// The rendered payload; deferred parts stand in it as they were written.
    pub(crate) payload: Value,
    /// The parts.
    pub(crate) deferred: Vec<Deferred>,
    /// The templates' scope, without secrets; encrypted inputs stand censored in it.
    pub(crate) scope: Value,
    /// The inputs that are encrypted for each attempt, where there are some.
    pub(crate) encrypted: Option<Box<EncryptedInputs>>,
    /// What it takes of memory.
    pub(crate) bytes: u64,
}

impl Parcel {
    /// What it takes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.content {
            Content::Ready(outgoing) => outgoing.bytes(),
            Content::Deferred(content) => content.bytes,
        }
    }
}
