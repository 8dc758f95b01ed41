//! What lists are asked for, and how they are answered.

use longshore_domain::delivery::State;
use longshore_domain::id::RunId;
use longshore_domain::run::Source;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts, while there is more; opaque to callers.
    pub next: Option<String>,
}

/// Which runs are asked for; every present filter must match.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// The entity's identifier.
    pub entity: Option<String>,
    /// The blueprint's identifier.
    pub blueprint: Option<String>,
    /// Not ended (`true`), ended (`false`).
    pub active: Option<bool>,
    /// Who asked for it.
    pub created_by: Option<String>,
    /// The backend's name for it.
    pub external_run_id: Option<String>,
    /// The action's identifier.
    pub action: Option<String>,
    /// Where it was asked for; empty for everywhere.
    pub sources: Vec<Source>,
    /// At most how many.
    pub limit: u32,
    /// The `next` of the page before.
    pub from: Option<String>,
}

/// Which deliveries are asked for; every present filter must match.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Their state.
    pub state: Option<State>,
    /// Their destination.
    pub destination: Option<String>,
    /// Their run.
    pub run: Option<RunId>,
    /// At most how many.
    pub limit: u32,
    /// The `next` of the page before.
    pub from: Option<String>,
}
