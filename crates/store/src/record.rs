//! Rows that are not domain types.

use longshore_domain::delivery::Delivery;
use longshore_domain::run::{Documents, Run};
use longshore_domain::time::Timestamp;

/// A run with all that is known of it but its history.
#[derive(Clone, Debug)]
pub struct Found {
    /// The run.
    pub run: Run,
    /// Its documents.
    pub documents: Documents,
    /// Its delivery.
    pub delivery: Option<Delivery>,
}

/// A delivery with its run, as a batch of an agent's needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentDelivery {
    /// The run.
    pub run: Run,
    /// The delivery.
    pub delivery: Delivery,
    /// Whether its payload has parts that each attempt makes anew: what is deferred or encrypted.
    /// Most have none.
    pub per_attempt: bool,
}

/// A change was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied;

/// An action to be stored.
#[derive(Clone, Debug)]
pub struct NewAction {
    /// Its identifier.
    pub identifier: String,
    /// Its JSON, as it was sent.
    pub document: String,
    /// Who stores it.
    pub by: String,
    /// When.
    pub now: Timestamp,
}

/// A stored action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRecord {
    /// Its identifier.
    pub identifier: String,
    /// Names this version of its document, among all actions.
    pub revision: i64,
    /// Its JSON, as it was sent.
    pub document: String,
    /// Who made it.
    pub created_by: String,
    /// Who changed it last.
    pub updated_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// A destination with deliveries that wait in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The destination.
    pub destination: String,
    /// When its first delivery is due.
    pub first_due_at: Timestamp,
}

/// What is remembered of a destination across restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRecord {
    /// The destination.
    pub destination: String,
    /// Until when it asked everybody to wait.
    pub paused_until: Option<Timestamp>,
    /// When it last accepted something; written at most once a minute.
    pub last_accepted_at: Option<Timestamp>,
}

/// The kinds of small documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// The organisation: one document.
    Organization,
    /// Organisation credentials.
    Credential,
    /// Organisation secrets.
    Secret,
    /// Connections.
    Connection,
}

/// A small document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its key among its kind.
    pub key: String,
    /// Its JSON.
    pub body: String,
    /// What is secret in it, encrypted.
    pub sealed: Option<Vec<u8>>,
    /// Counts writes, from 1.
    pub version: u32,
}

/// What is kept of ended runs; whichever bound is reached first.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Runs that ended before this instant go.
    pub ended_before: Timestamp,
    /// At most this many ended runs stay.
    pub ended_runs: u64,
    /// Idempotency keys that expired before this instant go.
    pub now: Timestamp,
}

/// What one batch of pruning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// How many runs went.
    pub runs: u32,
    /// Whether another batch may find more.
    pub more: bool,
}
