//! What the programs that the agent is compared with share: a member of a group that has so many
//! messages in work, and commits offsets without gaps. Uses nothing of Longshore's.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use rdkafka::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Headers as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

use crate::rig::role;

/// As many calls at once as the agent makes with its default settings.
pub(crate) const CALLS: usize = 500;
/// Fetched ahead, and at once of a partition, as by the agent.
const PREFETCH_KIB: &str = "8192";
const PARTITION_FETCH_BYTES: &str = "65536";
/// The library rests for a second where so much is fetched; a short backlog would wait for nothing.
const REST_MS: &str = "10";
const DELIVERY_HEADER: &str = "X-Longshore-Delivery-Id";

/// What a program is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) brokers: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    /// Host and port of the sink.
    pub(crate) sink: String,
    /// A folder for a database.
    pub(crate) data: String,
}

/// A message of the topic.
pub(crate) struct Message {
    pub(crate) delivery: String,
    pub(crate) value: Bytes,
}

/// Does `work` for each message, until nobody asks for the count of those that are done.
pub(crate) fn run<W>(
    runtime: &Runtime,
    settings: &Settings,
    work: impl Fn(Message) -> W + Send + 'static,
) -> Result<()>
where
    W: Future<Output = Result<()>> + Send + 'static,
{
    let consumer: StreamConsumer = {
        let _entered = runtime.enter();
        ClientConfig::new()
            .set("bootstrap.servers", &settings.brokers)
            .set("group.id", &settings.group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.offset.store", "false")
            .set("auto.commit.interval.ms", "1000")
            .set("queued.max.messages.kbytes", PREFETCH_KIB)
            .set("fetch.message.max.bytes", PARTITION_FETCH_BYTES)
            .set("fetch.queue.backoff.ms", REST_MS)
            .create()?
    };
    consumer.subscribe(&[&settings.topic])?;
    let done = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&done);
    let _reading = runtime.spawn(async move {
        if let Err(error) = read(Arc::new(consumer), work, counted).await {
            eprintln!("nothing more is read: {error:#}");
            std::process::exit(1);
        }
    });
    role::converse(&json!({}), |_| {
        Ok(json!({"done": done.load(Ordering::Acquire)}))
    })
}

async fn read<W>(
    consumer: Arc<StreamConsumer>,
    work: impl Fn(Message) -> W,
    done: Arc<AtomicU64>,
) -> Result<()>
where
    W: Future<Output = Result<()>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CALLS));
    let open = Arc::new(Mutex::new(Open::default()));
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await?;
        let received = consumer.recv().await?;
        let (topic, partition, offset) = (
            received.topic().to_owned(),
            received.partition(),
            received.offset(),
        );
        let message = message(&received)?;
        drop(received);
        lock(&open).begin(partition, offset);
        let work = work(message);
        let (consumer, open, done) = (Arc::clone(&consumer), Arc::clone(&open), Arc::clone(&done));
        let _working = Handle::current().spawn(async move {
            // Without retry: what fails is never done, and the round that waits for it fails.
            if let Err(error) = work.await {
                eprintln!("a message was not called: {error:#}");
                return;
            }
            let last = lock(&open).end(partition, offset);
            if let Some(last) = last
                && let Err(error) = consumer.store_offset(&topic, partition, last)
            {
                eprintln!("an offset was not stored: {error}");
            }
            done.fetch_add(1, Ordering::AcqRel);
            drop(slot);
        });
    }
}

fn message(received: &BorrowedMessage<'_>) -> Result<Message> {
    let headers = received.headers().context("no headers")?;
    let delivery = headers
        .iter()
        .find(|header| header.key == DELIVERY_HEADER)
        .and_then(|header| header.value)
        .context("no delivery")?;
    Ok(Message {
        delivery: String::from_utf8(delivery.to_vec())?,
        value: Bytes::copy_from_slice(received.payload().unwrap_or_default()),
    })
}

fn lock(open: &Mutex<Open>) -> std::sync::MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The offsets in work of each partition, and the last that came.
#[derive(Default)]
struct Open(HashMap<i32, (BTreeSet<i64>, i64)>);

impl Open {
    fn begin(&mut self, partition: i32, offset: i64) {
        let (open, last) = self.0.entry(partition).or_default();
        open.insert(offset);
        *last = offset;
    }

    /// The last offset before which nothing is in work, where there is another than before.
    fn end(&mut self, partition: i32, offset: i64) -> Option<i64> {
        let (open, last) = self.0.get_mut(&partition)?;
        let was_first = open.first() == Some(&offset);
        open.remove(&offset);
        was_first.then(|| open.first().map_or(*last, |first| first - 1))
    }
}
