//! (b) The durable floor: the smallest program that verifies what stands on the topic, commits its
//! start, POSTs, and commits the outcome. No mapping, no retry, and no API between.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::reader::{self, CALLS, Message, Settings};
use crate::rig::SECRET;
use crate::rig::outbox::Outbox;
use crate::rig::sign::Signer;
use crate::rig::writer::Writer;

struct Program {
    signer: Signer,
    writer: Writer,
    outbox: Outbox,
}

/// Reads until nobody asks any more.
pub(crate) fn run(settings: &str) -> Result<()> {
    let settings: Settings = serde_json::from_str(settings)?;
    let program = Arc::new(Program {
        signer: Signer::new(SECRET)?,
        writer: Writer::start(&Path::new(&settings.data).join("floor.db"))?,
        outbox: Outbox::new(settings.sink.parse()?, SECRET, CALLS)?,
    });
    let runtime = Runtime::new()?;
    reader::run(&runtime, &settings, move |message| {
        let program = Arc::clone(&program);
        async move { program.work(message).await }
    })
}

impl Program {
    async fn work(&self, message: Message) -> Result<()> {
        let body = self.verified(&message.value)?;
        let started = Bytes::from(message.delivery.clone());
        let id = self.writer.insert(started).await?;
        let status = self.outbox.send(&message.delivery, body).await?;
        Ok(self.writer.settle(id, status).await?)
    }

    /// The message without its signature, which was made over these very bytes.
    fn verified(&self, value: &[u8]) -> Result<Bytes> {
        let mut message: Value = serde_json::from_slice(value)?;
        let headers = message["headers"].as_object_mut().context("no headers")?;
        let mut taken = |name: &str| match headers.shift_remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(anyhow::anyhow!("no {name}")),
        };
        let signature = taken("X-Port-Signature")?;
        let timestamp = taken("X-Port-Timestamp")?.parse()?;
        let body = serde_json::to_vec(&message)?;
        let expected = self.signer.sign(timestamp, &body);
        ensure!(signature == expected, "the signature does not hold");
        Ok(body.into())
    }
}
