//! What keeps the database small, whole and known to be usable.

use std::time::Duration;

use async_trait::async_trait;

use super::Sqlite;
use super::group::{Failure, Group, Write};
use super::prune::Prune;
use crate::{Error, Pruned, Retention, Upkeep};

#[async_trait]
impl Upkeep for Sqlite {
    async fn prune(&self, retention: Retention, limit: u32) -> Result<Pruned, Error> {
        self.write(Prune { retention, limit }).await
    }

    async fn probe(&self) -> Result<(), Error> {
        self.write(Probe).await
    }

    async fn close(&self, patience: Duration) -> Result<(), Error> {
        self.queue.close();
        let mut ended = self.writer_ended.clone();
        let waited = tokio::time::timeout(patience, ended.wait_for(|ended| *ended)).await;
        self.readers.close();
        self.list_readers.close();
        match waited {
            // A writer that is gone without a word has ended as well.
            Ok(Ok(_) | Err(_)) => Ok(()),
            Err(_) => Err(Error::Unavailable(format!(
                "what is queued was not written within {} ms",
                patience.as_millis()
            ))),
        }
    }
}

struct Probe;

impl Write for Probe {
    type Reply = ();

    fn write(&self, group: &mut Group<'_>) -> Result<(), Failure> {
        group
            .connection()
            .prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'probes'")?
            .execute([])?;
        Ok(())
    }
}
