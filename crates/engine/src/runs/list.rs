//! Looking at runs.

use std::collections::HashMap;
use std::sync::Arc;

use longshore_domain::id::RunId;
use longshore_domain::run::{Documents, LogLine, Run, RunView, Vote};
use longshore_store::RunFilter;
use serde_json::Value;

use crate::Engine;
use crate::caller::Caller;
use crate::catalog::CompiledAction;
use crate::error::Error;

/// Runs as the API shows them, and where the next page starts.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The runs, newest first.
    pub runs: Vec<Value>,
    /// Where the next page starts, while there is more.
    pub next: Option<String>,
}

impl Engine {
    /// A run as the API shows it.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such run.
    pub async fn run(&self, caller: &Caller, id: &RunId, v1: bool) -> Result<Value, Error> {
        caller.admin()?;
        self.show_run(id, v1).await
    }

    pub(crate) async fn show_run(&self, id: &RunId, v1: bool) -> Result<Value, Error> {
        let found = self.store.run(id).await?;
        let found = found.ok_or_else(|| Error::not_found("run", id.as_str()))?;
        let action = self.catalog.compiled(&found.run.action).await.ok();
        Ok(shown(&found.run, &found.documents, action.as_ref(), v1))
    }

    /// Runs that match `filter`, newest first.
    ///
    /// # Errors
    /// Where the caller may not, or the cursor is not one of ours.
    pub async fn runs(
        &self,
        caller: &Caller,
        filter: RunFilter,
        v1: bool,
    ) -> Result<Listed, Error> {
        caller.admin()?;
        let page = self.store.runs(filter).await.map_err(of_page)?;
        let mut actions = HashMap::new();
        for (run, _) in &page.items {
            if !actions.contains_key(&run.action) {
                let action = self.catalog.compiled(&run.action).await.ok();
                actions.insert(run.action.clone(), action);
            }
        }
        let shown = page.items.iter().map(|(run, documents)| {
            let action = actions.get(&run.action).and_then(Option::as_ref);
            shown(run, documents, action, v1)
        });
        Ok(Listed {
            runs: shown.collect(),
            next: page.next,
        })
    }

    /// A run's log lines, oldest first.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such run.
    pub async fn log_lines(
        &self,
        caller: &Caller,
        id: &RunId,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<LogLine>, Error> {
        caller.admin()?;
        self.known_run(id).await?;
        Ok(self.store.log_lines(id, offset, limit).await?)
    }

    /// What approvers said of a run so far.
    ///
    /// # Errors
    /// Where the caller may not, or there is no such run.
    pub async fn approvers(&self, caller: &Caller, id: &RunId) -> Result<Vec<Vote>, Error> {
        caller.admin()?;
        let found = self.store.run(id).await?;
        let found = found.ok_or_else(|| Error::not_found("run", id.as_str()))?;
        Ok(found.documents.votes)
    }

    pub(crate) async fn known_run(&self, id: &RunId) -> Result<Run, Error> {
        let found = self.store.run_state(id).await?;
        found
            .map(|(run, _)| run)
            .ok_or_else(|| Error::not_found("run", id.as_str()))
    }
}

fn shown(
    run: &Run,
    documents: &Documents,
    action: Option<&Arc<CompiledAction>>,
    v1: bool,
) -> Value {
    let action = action.map(|action| action.title_and_icon());
    RunView {
        run,
        documents,
        action,
    }
    .json(v1)
}

/// A cursor that is none of ours is the caller's mistake.
pub(crate) fn of_page(error: longshore_store::Error) -> Error {
    match error {
        longshore_store::Error::NotFound("page") => {
            Error::invalid("from", "expected the `next` of an earlier page")
        }
        other => other.into(),
    }
}
