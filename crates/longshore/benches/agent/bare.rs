//! (a) The bare consumer: POSTs what stands on the topic, and keeps nothing.

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::reader::{self, CALLS, Settings};
use crate::rig::SECRET;
use crate::rig::outbox::Outbox;

/// Reads until nobody asks any more.
pub(crate) fn run(settings: &str) -> Result<()> {
    let settings: Settings = serde_json::from_str(settings)?;
    let outbox = Arc::new(Outbox::new(settings.sink.parse()?, SECRET, CALLS)?);
    let runtime = Runtime::new()?;
    reader::run(&runtime, &settings, move |message| {
        let outbox = Arc::clone(&outbox);
        async move {
            outbox.send(&message.delivery, message.value).await?;
            Ok(())
        }
    })
}
