//! Consuming as a member of a group. What is finished is committed, nothing before: whoever reads
//! says what is finished.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::KafkaError as Native;
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::client::Context;
use super::failure::{KafkaError, told};
use super::settings::Settings;

/// How often what is finished is committed.
const COMMIT_INTERVAL_MS: u64 = 1_000;
/// The most that is fetched of a partition at once; a larger batch comes whole. It counts bytes as
/// they travel: messages that are alike take ten times as much in memory, past what shall be fetched
/// ahead. The more comes of one partition, the later the others' messages of the same time.
const PARTITION_FETCH_BYTES: usize = 32 << 10;
/// How often topics that did not exist are looked for.
const METADATA_REFRESH_MS: u64 = 10_000;
/// How often at most a member is heard of. It learns of others that come and go by the answer, twice
/// for each: a third of a long session would leave partitions unread for as long.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(3);
/// How long fetching rests where as much is there as may be fetched ahead. The client's own second
/// is longer than an agent takes for what 1 MiB holds, and it would stand still for the rest.
const FETCH_PAUSE_MS: u32 = 20;

/// As whom to consume.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's name.
    pub name: String,
    /// The member's own name, where it comes back under it after a restart; no two may share it.
    pub member: Option<String>,
    /// After which silence the others take over.
    pub session_timeout: Duration,
    /// The most kibibytes that are fetched ahead.
    pub prefetch_kib: u32,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The topic.
    pub topic: String,
    /// Its number.
    pub number: i32,
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Where it stands.
    pub partition: Partition,
    /// Its offset there.
    pub offset: i64,
    /// When it was published, in milliseconds since 1970 by the clock of whoever did; 0 where it
    /// does not say.
    pub timestamp_millis: i64,
    /// Its key, where it is text.
    pub key: Option<String>,
    /// Its headers, but those that are no text.
    pub headers: Vec<(String, String)>,
    /// The message.
    pub value: Vec<u8>,
}

/// What happens to a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message came.
    Message(Received),
    /// These partitions are ours now.
    Assigned(Vec<Partition>),
    /// These are not any more; what was finished of them has been committed.
    Revoked(Vec<Partition>),
}

/// A member of a group.
pub struct Consumer {
    native: StreamConsumer<Member>,
    events: Mutex<UnboundedReceiver<Event>>,
    timeout: Duration,
}

struct Member {
    context: Context,
    events: UnboundedSender<Event>,
}

impl Consumer {
    /// Joins a group. `timeout` is how long questions to the brokers may take.
    ///
    /// # Errors
    /// Where the settings make no client.
    pub fn open(
        settings: &Settings,
        group: &Group,
        topics: &[&str],
        timeout: Duration,
    ) -> Result<Self, KafkaError> {
        let mut config = settings.client_config();
        let session = group.session_timeout;
        config
            .set("group.id", &group.name)
            .set("session.timeout.ms", session.as_millis().to_string())
            .set(
                "heartbeat.interval.ms",
                (session / 3).min(HEARTBEAT_LIMIT).as_millis().to_string(),
            )
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", COMMIT_INTERVAL_MS.to_string())
            .set(
                "topic.metadata.refresh.interval.ms",
                METADATA_REFRESH_MS.to_string(),
            )
            .set("fetch.queue.backoff.ms", FETCH_PAUSE_MS.to_string())
            .set("fetch.message.max.bytes", PARTITION_FETCH_BYTES.to_string())
            .set("queued.max.messages.kbytes", group.prefetch_kib.to_string())
            .set(
                "fetch.max.bytes",
                (u64::from(group.prefetch_kib) << 10).to_string(),
            );
        if let Some(member) = &group.member {
            config.set("group.instance.id", member);
        }
        let (sender, receiver) = unbounded_channel();
        let member = Member {
            context: Context::default(),
            events: sender,
        };
        let wrong = |error: Native| KafkaError::Settings(told(&error));
        let native = StreamConsumer::from_config_and_context(&config, member).map_err(wrong)?;
        native.subscribe(topics).map_err(wrong)?;
        Ok(Self {
            native,
            events: Mutex::new(receiver),
            timeout,
        })
    }

    /// Waits for what happens next. It has to be called all the time: who does not ask for five
    /// minutes loses its partitions, also while they are paused.
    ///
    /// # Errors
    /// What is wrong with the cluster or our rights; only after [`KafkaError::Fatal`] is there no
    /// use in asking again.
    pub async fn next(&self) -> Result<Event, KafkaError> {
        let mut events = self.events.lock().await;
        tokio::select! {
            biased;
            Some(event) = events.recv() => Ok(event),
            message = self.native.recv() => match message {
                Ok(message) => Ok(Event::Message(received(&message))),
                Err(error) => Err(self.failed(&error)),
            },
        }
    }

    fn failed(&self, error: &Native) -> KafkaError {
        let text = told(error);
        match (
            self.native.client().fatal_error(),
            self.native.context().context.trouble.last(),
        ) {
            (Some((_, cause)), _) => KafkaError::Fatal(cause),
            (None, Some(trouble)) => KafkaError::Unreachable(format!("{text} ({trouble})")),
            (None, None) => KafkaError::Unreachable(text),
        }
    }

    /// Everything of a partition before `next` is finished: soon it is committed, at the latest
    /// when the partition is revoked or the consumer closed.
    ///
    /// # Errors
    /// Where the partition is not ours any more.
    pub fn finished(&self, partition: &Partition, next: i64) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let stored = list
            .add_partition_offset(&partition.topic, partition.number, Offset::Offset(next))
            .and_then(|()| self.native.store_offsets(&list));
        stored.map_err(|error| KafkaError::Refused(told(&error)))
    }

    /// Fetches nothing more of these until they are resumed; what was fetched of them is let go,
    /// and comes again then.
    ///
    /// # Errors
    /// Where one is not ours any more.
    pub fn pause(&self, partitions: &[Partition]) -> Result<(), KafkaError> {
        let paused = self.native.pause(&list(partitions));
        paused.map_err(|error| KafkaError::Refused(told(&error)))
    }

    /// Goes on with these.
    ///
    /// # Errors
    /// Where one is not ours any more.
    pub fn resume(&self, partitions: &[Partition]) -> Result<(), KafkaError> {
        let resumed = self.native.resume(&list(partitions));
        resumed.map_err(|error| KafkaError::Refused(told(&error)))
    }

    /// For each partition that is ours the first offset that is not committed and the offset
    /// after its last. The brokers are asked: it blocks.
    ///
    /// # Errors
    /// Where the cluster does not answer.
    pub fn positions(&self) -> Result<Vec<(Partition, i64, i64)>, KafkaError> {
        let asked = |error: Native| KafkaError::Unreachable(told(&error));
        let committed = self.native.committed(self.timeout).map_err(asked)?;
        let mut positions = Vec::new();
        for place in committed.elements() {
            let partition = partition_of(place.topic(), place.partition());
            let (first, end) = self
                .native
                .fetch_watermarks(&partition.topic, partition.number, self.timeout)
                .map_err(asked)?;
            let next = match place.offset() {
                Offset::Offset(offset) => offset,
                _ => first,
            };
            positions.push((partition, next, end));
        }
        Ok(positions)
    }
}

fn received(message: &BorrowedMessage<'_>) -> Received {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    Received {
        partition: partition_of(message.topic(), message.partition()),
        offset: message.offset(),
        timestamp_millis: message.timestamp().to_millis().unwrap_or(0),
        key: message.key().and_then(text),
        headers: headers
            .filter_map(|header| Some((header.key.to_owned(), text(header.value?)?)))
            .collect(),
        value: message.payload().unwrap_or_default().to_vec(),
    }
}

fn partition_of(topic: &str, number: i32) -> Partition {
    Partition {
        topic: topic.to_owned(),
        number,
    }
}

fn list(partitions: &[Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(&partition.topic, partition.number);
    }
    list
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: Native, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.tell(Event::Revoked(partitions(list)));
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => self.tell(Event::Assigned(partitions(list))),
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => self.context.trouble.is(&told(error)),
        }
    }
}

impl Member {
    fn tell(&self, event: Event) {
        // Nobody listens while the consumer is closed.
        let _ = self.events.send(event);
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    let elements = list.elements();
    let all = elements
        .iter()
        .map(|it| partition_of(it.topic(), it.partition()));
    all.collect()
}
