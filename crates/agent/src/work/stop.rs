//! Tells everything that the agent stops.

use tokio::sync::watch;

/// Stops what holds its [`Stop`]s.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Knows when to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// A stopper, and what listens to it.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Stops.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for it.
    pub async fn stopped(&self) {
        let mut told = self.0.clone();
        // A stopper that is gone has told nobody to go on.
        let _gone = told.wait_for(|stopped| *stopped).await;
    }
}
