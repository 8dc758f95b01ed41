//! Named gates at which scripts wait until a test lets them on.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// Named gates; each stays open once opened.
#[derive(Debug)]
pub struct Gates {
    open: watch::Sender<BTreeSet<String>>,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            open: watch::Sender::new(BTreeSet::new()),
        }
    }
}

impl Gates {
    /// Lets every script on that waits, or will wait, at this gate.
    pub fn open(&self, name: &str) {
        self.open.send_modify(|open| {
            open.insert(name.to_owned());
        });
    }

    pub(crate) async fn passed(&self, name: &str) {
        let mut open = self.open.subscribe();
        // Fails only when the sender is gone, which `self` holds.
        let _ = open.wait_for(|open| open.contains(name)).await;
    }
}
