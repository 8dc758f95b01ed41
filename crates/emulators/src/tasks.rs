//! The tasks of one emulator: connections and pipeline scripts, ended together.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

/// Tasks that end when the emulator does. Dropping it aborts them all.
#[derive(Debug)]
pub(crate) struct Tasks {
    /// `None` once ended: what would start later is dropped.
    set: Mutex<Option<JoinSet<()>>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            set: Mutex::new(Some(JoinSet::new())),
        }
    }
}

impl Tasks {
    pub(crate) fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = set.as_mut() {
            while set.try_join_next().is_some() {}
            set.spawn(task);
        }
    }

    /// Aborts every task and waits until each is gone.
    pub(crate) async fn end(&self) {
        let set = self
            .set
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut set) = set {
            set.shutdown().await;
        }
    }
}
