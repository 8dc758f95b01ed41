//! Decide purely, write once: on what is stored now, and anew where it moved before the decision was
//! written.

use std::sync::Arc;

use longshore_domain::delivery::Delivery;
use longshore_domain::id::{DeliveryId, RunId};
use longshore_domain::run::{Run, RunChange};
use longshore_store::Error as Stored;

use crate::Engine;

/// How often a decision is made anew because what it is about moved meanwhile.
pub(crate) const DECISIONS_LIMIT: u32 = 100;

/// What a decision is about: a run and its delivery, by the name of either.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    Run(&'a RunId),
    Delivery(&'a DeliveryId),
}

impl Engine {
    /// Writes what `rule` makes of what is stored, and answers what it says beside. None where
    /// there is no such thing, or nothing to be written.
    ///
    /// # Errors
    /// What the rule refuses, and what storage does.
    pub(crate) async fn decide<T, E: From<Stored>>(
        &self,
        about: About<'_>,
        rule: impl Fn(&Run, Option<&Delivery>) -> Result<Option<(RunChange, T)>, E>,
    ) -> Result<Option<T>, E> {
        for _ in 0..DECISIONS_LIMIT {
            let Some((run, delivery)) = self.stored(about).await? else {
                return Ok(None);
            };
            let Some((change, said)) = rule(&run, delivery.as_ref())? else {
                return Ok(None);
            };
            let change = Arc::new(change);
            match self.store.apply(Arc::clone(&change)).await {
                Ok(_) => {
                    self.observe(&run, delivery.as_ref(), &change);
                    return Ok(Some(said));
                }
                Err(Stored::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Stored::Overloaded.into())
    }

    async fn stored(&self, about: About<'_>) -> Result<Option<(Run, Option<Delivery>)>, Stored> {
        match about {
            About::Run(id) => self.store.run_state(id).await,
            About::Delivery(id) => {
                let found = self.store.delivery(id).await?;
                Ok(found.map(|(run, delivery)| (run, Some(delivery))))
            }
        }
    }
}
