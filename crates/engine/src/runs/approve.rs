//! Approvals of runs.

use std::sync::Arc;

use longshore_domain::id::RunId;
use longshore_domain::run::{self, Approved, Decision, Vote};
use serde_json::Value;

use crate::Engine;
use crate::caller::Caller;
use crate::decide::DECISIONS_LIMIT;
use crate::error::Error;

impl Engine {
    /// Takes an approver's answer; with enough of them the run is executed.
    ///
    /// # Errors
    /// Where the caller may not approve, there is no such run, or it does not wait.
    pub async fn approve(
        self: &Arc<Self>,
        caller: &Caller,
        id: &RunId,
        decision: Decision,
        description: Option<String>,
    ) -> Result<Value, Error> {
        let approver = caller.admin()?.to_owned();
        for _ in 0..DECISIONS_LIMIT {
            let found = self.store.run(id).await?;
            let found = found.ok_or_else(|| Error::not_found("run", id.as_str()))?;
            let vote = Vote {
                user_id: approver.clone(),
                decision,
                description: description.clone(),
                at: self.environment.now(),
            };
            let approved =
                run::approve(&found.run, &found.documents.votes, vote).map_err(Error::Approval)?;
            let written = match approved {
                Approved::Recorded(change) => {
                    let change = Arc::new(change);
                    let written = self.store.apply(Arc::clone(&change)).await;
                    if written.is_ok() {
                        self.observe(&found.run, None, &change);
                    }
                    written.map(|_| ())
                }
                Approved::Execute(votes) => {
                    self.execute_approved(&found.run, &found.documents, votes, &approver)
                        .await?
                }
            };
            match written {
                Ok(()) => return self.show_run(id, false).await,
                Err(longshore_store::Error::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Overloaded)
    }
}
